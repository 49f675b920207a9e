"""Adopts an existing database: products, variants and their history become ours, and no row is lost.

The old tables are renamed to `products_legacy`, `product_variants_legacy` and `stock_movements_legacy`, our migrations
create new ones, and the rows are copied. So an adopted database has the same schema as a new one, and undoing is
renaming back. Everything is one transaction under the lock of the migrations.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Unpack

import psycopg
from psycopg import sql
from sqlalchemy import Connection

from core.adoption.doors import keep_doors
from core.adoption.look import Database, ask, public
from core.adoption.move import move_in
from core.adoption.plan import Choices, Options, plan
from core.adoption.report import Finding, LeftOut, Report
from core.adoption.shapes.tables import recognise
from core.database.migrate import is_set_up, owner_transaction
from core.foundation.errors import SetupError
from core.foundation.text import many

__all__ = ["Finding", "LeftOut", "Report", "adopt", "check", "undo"]

LOCK_TIMEOUT = "20s"
_QUOTED = re.compile('["„»«“](.+?)["“«»”]')
_ADOPTED = "select to_regclass('stockroom.adoption') is not null as adopted"


def check(owner_url: str, **choices: Unpack[Choices]) -> Report:
    """Return what adopting a database would do with these `Options`. Changes nothing."""
    options = Options(**choices)
    with _transaction(owner_url, options.zone) as (connection, database):
        return _known(connection, database) or plan(database, options).report


def adopt(owner_url: str, **choices: Unpack[Choices]) -> Report:
    """Adopt a database with these `Options`, all of it or nothing, and return what was done.

    Raises SetupError, which lists everything that prevents it, and InvalidInput for a `price` that is not an expression
    over the shop's columns. In a shop that has moved in, `keep_open` alone is done:
    R12 accepts these doors from then on.
    """
    options = Options(**choices)
    with _transaction(owner_url, options.zone) as (connection, database):
        if known := _known(connection, database):
            return Report(already=keep_doors(database, options.keep_open)) if options.keep_open else known
        _lock(database, options.mapping)
        planned = plan(database, options)
        if not planned.report.possible:
            proposal = planned.report.proposal
            lines = ["", *proposal.lines(), ""] if proposal else []
            raise SetupError("\n".join([*planned.report.obstacles, *lines, "Nothing was changed."]))
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
def _transaction(owner_url: str, zone: str | None = None) -> Iterator[tuple[Connection, Database]]:
    """Give the owner's transaction and the driver's connection in it. Errors of the server become SetupError.

    `zone`: the time zone in which moments without one are read; without it, that of the database.
    """
    try:
        with owner_transaction(owner_url) as connection:
            driver: Any = connection.connection.driver_connection
            driver.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
            driver.execute("set local row_security = off")  # hidden rows are an error, or stock would be lost
            _read_moments_in(driver, zone)
            try:
                yield connection, driver
            except psycopg.errors.InsufficientPrivilege as error:
                if error.diag.source_function == "check_enable_rls":
                    raise SetupError(_hidden(error.diag.message_primary or "")) from error
                raise
    except psycopg.errors.LockNotAvailable as error:
        raise SetupError(
            "The shop is in use: another transaction has locked its tables. Nothing was changed. Try again later."
        ) from error
    except psycopg.Error as error:
        if error.sqlstate is None:  # an error of the driver: a bug of ours, or a lost connection
            raise
        raise SetupError(_refused(error)) from error


def _read_moments_in(database: Database, zone: str | None) -> None:
    if not zone:
        return
    if not ask(database, "select from pg_timezone_names where name = %s", zone):
        raise SetupError(
            f'There is no time zone "{zone[:60]}". Name one as in Europe/Berlin, or UTC. Nothing was changed.'
        )
    database.execute(sql.SQL("set local timezone = {}").format(sql.Literal(zone)))


def _refused(error: psycopg.Error) -> str:
    detail = f" {error.diag.message_detail}" if error.diag.message_detail else ""
    return f"The database refused a step: {error.diag.message_primary or error}.{detail} Nothing was changed."


def _hidden(message: str) -> str:
    named = _QUOTED.search(message)
    table = named[1] if named else "TABLE"
    return (
        f"Row-level security hides rows of the table {table} from this account, so products or stock would be missing. "
        f'Nothing was changed. If the table forces it on its owner, run: alter table "{table}" no force row level '
        "security; or use an account with BYPASSRLS. The new tables do not force it. If you go back later, force it "
        "again then."
    )


def _known(connection: Connection, database: Database) -> Report | None:
    """Return a report that there is nothing to adopt, or None if there is."""
    if not is_set_up(connection):
        return None
    if not ask(database, _ADOPTED)[0].adopted:
        return Report(already="Stockroom already runs in this database, so there is nothing to adopt.")
    (when,) = ask(database, "select to_char(adopted_at, 'YYYY-MM-DD HH24:MI TZ') as at from stockroom.adoption")
    return Report(already=f"This shop already moved in, on {when.at}. Nothing was changed.")


def _lock(database: Database, mapping: Sequence[str]) -> None:
    """Lock the old tables until this transaction ends. Waits for other transactions."""
    shape = recognise(database, mapping)
    found = [*shape.old.values(), *([shape.beside] if shape.beside else [])]
    names = [public(table.name) for table in found if table.kind == "r" and table.is_ours_to_change]
    if names:
        database.execute(sql.SQL("lock table {}").format(sql.SQL(", ").join(names)))
