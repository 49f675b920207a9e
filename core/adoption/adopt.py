"""Adopts an existing database: products, variants and their history become ours, and no row is lost.

The old tables are renamed to `products_legacy`, `product_variants_legacy` and `stock_movements_legacy`, our migrations
create new ones, and the rows are copied. So an adopted database has the same schema as a new one, and undoing is
renaming back. Everything is one transaction under the lock of the migrations.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection

from core.adoption.look import Database, ask
from core.adoption.move import move_in
from core.adoption.plan import plan
from core.adoption.report import Finding, LeftOut, Report
from core.database.migrate import OUR_TABLES, is_set_up, owner_transaction
from core.foundation.errors import SetupError
from core.foundation.text import many

__all__ = ["Finding", "LeftOut", "Report", "adopt", "check", "undo"]

LOCK_TIMEOUT = "20s"
_ADOPTED = "select to_regclass('stockroom.adoption') is not null as adopted"


def check(
    owner_url: str, *, mapping: Sequence[str] = (), keep_reading: bool = False, price: str | None = None
) -> Report:
    """Return what adopting a database would do. Changes nothing."""
    with _transaction(owner_url) as (connection, database):
        return _known(connection, database) or plan(database, mapping, keep_reading, price).report


def adopt(
    owner_url: str, *, mapping: Sequence[str] = (), keep_reading: bool = False, price: str | None = None
) -> Report:
    """Adopt a database, all of it or nothing, and return what was done.

    `mapping` holds `COLUMN=OURS` for columns with other names. `keep_reading` lets the public roles read the catalogue
    as before. `price` is the expression of `--price`. Raises SetupError, which lists everything that prevents it, and
    InvalidInput for a `price` that is not an expression over the shop's columns.
    """
    with _transaction(owner_url) as (connection, database):
        if known := _known(connection, database):
            return known
        _lock(database)
        planned = plan(database, mapping, keep_reading, price)
        if not planned.report.possible:
            raise SetupError("\n".join([*planned.report.obstacles, "Nothing was changed."]))
        move_in(connection, database, planned)
        return planned.report


def undo(owner_url: str) -> None:
    """Put everything back as it was before `adopt`. People and settings added since are dropped with our tables.

    Later changes of the catalogue are carried back. Raises SetupError if there are later movements.
    """
    with _transaction(owner_url) as (_, database):
        if not ask(database, _ADOPTED)[0].adopted:
            raise SetupError("This database was not adopted, so there is nothing to undo.")
        database.execute("lock table public.stock_movements, public.product_variants, public.products")
        (found,) = ask(
            database,
            """select a.backwards,
                      (select count(*) from public.stock_movements m where m.id > a.last_movement_id) as since
                 from stockroom.adoption a""",
        )
        if found.since:
            raise SetupError(
                f"{many(found.since, 'movement')} of the ledger came after this shop moved in, and undoing would lose "
                "them. Nothing was changed."
            )
        database.execute("set local search_path = pg_catalog")
        database.execute("set local check_function_bodies = off")
        for statement in reversed(found.backwards):
            database.execute(statement)


@contextmanager
def _transaction(owner_url: str) -> Iterator[tuple[Connection, Database]]:
    """Give the owner's transaction and the driver's connection in it. Errors of the server become SetupError."""
    try:
        with owner_transaction(owner_url) as connection:
            driver: Any = connection.connection.driver_connection
            driver.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
            yield connection, driver
    except psycopg.errors.LockNotAvailable as error:
        raise SetupError(
            "The shop is in use: another transaction has locked its tables. Nothing was changed. Try again later."
        ) from error
    except psycopg.Error as error:
        if error.sqlstate is None:  # an error of the driver: a bug of ours, or a lost connection
            raise
        raise SetupError(_refused(error)) from error


def _refused(error: psycopg.Error) -> str:
    detail = f" {error.diag.message_detail}" if error.diag.message_detail else ""
    return f"The database refused a step: {error.diag.message_primary or error}.{detail} Nothing was changed."


def _known(connection: Connection, database: Database) -> Report | None:
    """Return a report that there is nothing to adopt, or None if there is."""
    if not is_set_up(connection):
        return None
    if not ask(database, _ADOPTED)[0].adopted:
        return Report(already="Stockroom already runs in this database, so there is nothing to adopt.")
    (when,) = ask(database, "select to_char(adopted_at, 'YYYY-MM-DD HH24:MI TZ') as at from stockroom.adoption")
    return Report(already=f"This shop already moved in, on {when.at}. Nothing was changed.")


def _lock(database: Database) -> None:
    """Lock the old tables until this transaction ends. Waits for other transactions."""
    (found,) = ask(
        database,
        """select string_agg('public.' || quote_ident(c.relname), ', ') as names from pg_class c
            where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and pg_has_role(c.relowner, 'usage')
              and c.relname = any (%s)""",
        list(OUR_TABLES),
    )
    if found.names:
        database.execute(f"lock table {found.names}")
