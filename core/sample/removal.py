"""Replaces the sample shop with an empty one, to start with your own shop.

A ledger is append-only, so the sample data is not deleted from it: all tables are dropped and created again, in one
transaction of the owner's account. Accounts, sessions, reasons, the record of changes and that of backups are copied.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from core.backups import routine
from core.backups.hanging import Hanging, hanging
from core.backups.restoring import CLEAR
from core.database import engine as database
from core.database.engine import OWNER_ROLE, rows_of, sqlstate, translate
from core.database.migrate import build, migrate, owner_transaction
from core.foundation.errors import BackupFailed, Refused, SetupError, Unavailable
from core.foundation.model import COMMAND_LINE, Actor
from core.people.access import Permission
from core.people.guard import ASKER, ask, asker, require

WAIT_SECONDS = 60.0
"""How long a removal waits for running jobs to end."""
_LOOK_SECONDS = 0.3
_LOCK_SECONDS = 30.0
_BUSY = frozenset({"40P01", "55P03"})  # a deadlock, or a lock that somebody else keeps

_KEPT = (
    "stockroom.users", "stockroom.sessions", "stockroom.sign_in_links", "stockroom.sign_in_attempts",
    "stockroom.known_browsers", "stockroom.authenticators", "stockroom.passkeys", "stockroom.recovery_codes",
    "stockroom.factor_rules", "stockroom.identities", "stockroom.audit", "stockroom.reasons",
    "stockroom.backups", "stockroom.jobs", "procrastinate.procrastinate_workers",
)  # fmt: skip
"""The tables that are copied, in an order in which references hold. Workers and their jobs go on."""

# Numbers go on as well: a form that was opened before never names a row of the new shop.
_NUMBERS = """
    select format('%%I.%%I', schemaname, sequencename), last_value from pg_sequences
     where sequenceowner = %s and last_value is not null"""

_TABLES = """
    select format('%%I.%%I', schemaname, tablename) from pg_tables where tableowner = %s
     order by (tablename in ('users', 'sessions', 'shop')) desc, tablename"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What the sample shop holds, and what stays: people, those signed in, and reasons."""

    name: str
    variants: int
    movements: int
    orders: int
    cases: int
    people: int
    signed_in: int
    reasons: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """Who removed the sample data, and when."""

    who: str
    at: datetime


def contents(connection: Connection, actor: Actor) -> Contents | None:
    """Return what a removal would take and leave; None if this is not the sample shop.

    Raises Forbidden, SignInRequired.
    """
    rows = ask(connection, actor, Permission.MANAGE_SHOP, "sample_contents")
    return rows_of(Contents, rows)[0] if rows else None


def removal(connection: Connection, actor: Actor) -> Removal | None:
    """Return who removed the sample data from this shop; None if nobody did. Raises Forbidden, SignInRequired."""
    require(connection, actor, Permission.VIEW)
    rows = rows_of(Removal, database.call(connection, "select who, at from stockroom_api.sample_removal", {}))
    return rows[0] if rows else None


def sample_name(owner_url: str) -> str | None:
    """Return the name of the sample shop in this database; None if it does not hold the sample data."""
    migrate(owner_url)
    with owner_transaction(owner_url) as connection:
        connection.exec_driver_sql(f"set local role {OWNER_ROLE}")
        return connection.exec_driver_sql("select name from stockroom.shop where is_sample").scalar_one_or_none()


def obstacle(owner_url: str) -> str | None:
    """Return why this database's tables cannot be replaced, as a sentence; None if they can."""
    try:
        _place(owner_url)
    except Refused as error:
        return error.message
    return None


def _place(owner_url: str) -> Hanging:
    """Return the rights that others have on the tables. Raises Refused if the tables cannot be replaced."""
    try:
        with owner_transaction(owner_url) as connection:
            connection.exec_driver_sql(f"set local role {OWNER_ROLE}")
        place = hanging(owner_url)
    except BackupFailed as error:
        raise Refused(f"Others use the tables of this shop: {error.message}") from error
    except (SetupError, DBAPIError) as error:
        raise Refused(
            "The account with which this Stockroom uses the database may not replace its tables. Ask the person who "
            "runs the server for an account that may, or for an empty database. Nothing was changed."
        ) from error
    if found := [step.what for step in place.steps if step.drop]:
        raise Refused(
            f"Others use the tables of this shop: {', '.join(found[:5])}. Drop what uses them, or use an empty "
            "database. Nothing was changed."
        )
    return place


def back_up(owner_url: str, folder: Path, *, keep: int) -> Path:
    """Create a backup, verify it and return the archive. A removal needs one. Raises BackupFailed."""
    path = routine.make(owner_url, folder, keep=keep)
    routine.verify(owner_url, path)
    return path


def remove_sample(owner_url: str, actor: Actor = COMMAND_LINE, *, name: str, wait: float = WAIT_SECONDS) -> None:
    """Replace the sample shop, whose `name` the person has typed, with an empty one: all of it or nothing.

    Raises InvalidInput without a verified backup of the last hour, Refused if others use the tables, Unavailable while
    a job runs, Forbidden, SignInRequired, SetupError.
    """
    migrate(owner_url)
    rights = "\n".join(f"{statement};" for step in _place(owner_url).steps for statement in step.again)
    try:
        with owner_transaction(owner_url) as connection:
            _replace(connection, actor, name, rights, time.monotonic() + wait)
    except (DBAPIError, psycopg.Error) as error:
        raise translate(error) from error


def _replace(connection: Connection, actor: Actor, name: str, rights: str, deadline: float) -> None:
    connection.exec_driver_sql(f"set local role {OWNER_ROLE}")
    values = asker(actor, Permission.MANAGE_SHOP) | {"typed": name}
    statement = f"select stockroom_api.begin_removal({ASKER}, %(typed)s)"
    who = connection.exec_driver_sql(statement, values).scalar_one()
    shop_name = connection.exec_driver_sql("select name from stockroom.shop").scalar_one()
    _wait_for_jobs(connection, deadline)
    _lock(connection, time.monotonic() + _LOCK_SECONDS)
    numbers = connection.exec_driver_sql(_NUMBERS, (OWNER_ROLE,)).all()
    kept = {table: _copy_out(connection, table) for table in _KEPT}
    _run(connection, CLEAR)
    connection.exec_driver_sql("reset role")
    build(connection)
    for table in ("stockroom.reasons", "stockroom.factor_rules"):
        connection.exec_driver_sql(f"delete from {table}")  # noqa: S608 - one of the two
    for table, rows in kept.items():
        _copy_in(connection, table, rows)
    for sequence, last in numbers:
        connection.exec_driver_sql("select setval(to_regclass(%s), %s) where to_regclass(%s) is not null",
                                   (sequence, last, sequence))  # fmt: skip
    connection.exec_driver_sql("select stockroom_api.end_removal(%s, %s, %s)", (actor.user_id, who, shop_name))
    if rights:
        _run(connection, rights)


def _wait_for_jobs(connection: Connection, deadline: float) -> None:
    """Wait until no job runs; no other starts. Raises Unavailable at the deadline."""
    while running := connection.exec_driver_sql("select stockroom_api.running_jobs()").scalar_one():
        if time.monotonic() > deadline:
            raise Unavailable(
                f"A job is running: {', '.join(running)}. Nothing was changed. Try again when it has ended; Settings, "
                "Jobs shows it."
            )
        time.sleep(_LOOK_SECONDS)


def _lock(connection: Connection, deadline: float) -> None:
    """Lock all tables, those first that every transaction reads first. Raises Unavailable at the deadline."""
    tables = ", ".join(connection.exec_driver_sql(_TABLES, (OWNER_ROLE,)).scalars())
    while True:
        try:
            with connection.begin_nested():
                connection.exec_driver_sql("set local lock_timeout = '2s'")
                connection.exec_driver_sql(f"lock table {tables} in access exclusive mode")
            return
        except DBAPIError as error:
            if sqlstate(error) not in _BUSY:
                raise
            if time.monotonic() > deadline:
                raise Unavailable(
                    "Somebody is using the shop, for a long export or import. Nothing was changed. Try again."
                ) from error
        time.sleep(_LOOK_SECONDS)


def _copy_out(connection: Connection, table: str) -> list[bytes]:
    driver: Any = connection.connection.driver_connection
    with driver.cursor().copy(f"copy {table} to stdout") as rows:
        return [bytes(row) for row in rows]


def _copy_in(connection: Connection, table: str, rows: list[bytes]) -> None:
    driver: Any = connection.connection.driver_connection
    with driver.cursor().copy(f"copy {table} from stdin") as places:
        for row in rows:
            places.write(row)


def _run(connection: Connection, script: str) -> None:
    connection.execution_options(no_parameters=True).exec_driver_sql(script)
