"""Engines, one transaction an operation, and the translation of SQL errors into ours."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import fields
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import psycopg
import sqlalchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.database import hosts, reading, timing
from core.foundation import journal, measure
from core.foundation.errors import BY_SQLSTATE, Busy, StockError, Unavailable, unstorable
from core.foundation.measure import METER, Kind, Outcome
from core.foundation.model import Actor

APP_ROLE = "stockroom_app"
OWNER_ROLE = "stockroom_owner"

_P = ParamSpec("_P")
_T = TypeVar("_T")
_Operation = TypeVar("_Operation", bound=Callable[..., Any])

_RETRYABLE = frozenset({"40001", "40P01"})  # serialization failure, deadlock: nothing was done, a retry may succeed
_REPLACED = frozenset({"XX000", "0A000", "42P01", "42704", "42883", "26000", "42P05"})
"""What a statement meets that was prepared, or waited, while our tables and functions or the session were replaced."""
_BUSY = frozenset({"55P03", "57014"})  # lock not available, statement timeout
_NOT_MIGRATED = "3F000"  # our schema is not there
_NO_CATALOGUE = "55000"  # what the statement needs is not there
_READ_ONLY = "25006"  # a change was asked of a server that takes none
_BAD_VALUE = frozenset({"22P02", "22003", "22021", "22P05", "22007", "22008"})
_LOST = {"55P03": "lock timeout", "40P01": "deadlock", "40001": "serialization failure"}  # attempts that met a lock
_ATTEMPTS = 5


def create_engine(url: str, *, pool_size: int = 10, overflow: int | None = None, patience: float = 10.0) -> Engine:
    """Return an engine on `url` whose transactions run as the least-privilege role `stockroom_app`.

    It keeps `pool_size` connections, opens `overflow` more when they are busy (as many again by default), and waits
    `patience` seconds for a free one. It uses no session state and, through a pooler, no prepared statements, so it
    works through one in transaction mode. Without a pooler, PostgreSQL reuses the plans of prepared statements.
    """
    engine = sqlalchemy.create_engine(
        normalise(url),
        pool_size=pool_size,
        max_overflow=pool_size if overflow is None else overflow,
        pool_timeout=patience,
        pool_pre_ping=False,
        pool_recycle=1800,
        hide_parameters=True,  # parameters may be personal data and secrets, and errors may be logged
        connect_args=hosts.options(url) | {"application_name": "stockroom"},
    )
    timing.listen(engine)
    hosts.listen(engine)
    if engine.url.username != APP_ROLE:
        event.listen(engine, "begin", _become_app_role)
    return engine


def normalise(url: str) -> str:
    """Return `url` with the driver psycopg. `postgres://` is accepted because hosting providers use it."""
    scheme, _, rest = url.partition("://")
    if scheme in ("postgres", "postgresql"):
        return f"postgresql+psycopg://{rest}"
    return url


def _become_app_role(connection: Connection) -> None:
    # Local to the transaction: it works through a transaction pooler and never leaks into another session.
    connection.exec_driver_sql(f"set local role {APP_ROLE}")


def run(
    engine: Engine,
    operation: Callable[Concatenate[Connection, Actor, _P], _T],
    actor: Actor,
    /,
    *args: _P.args,
    **kwargs: _P.kwargs,
) -> _T:
    """Run `operation(connection, actor, ...)` in its own transaction and return its result.

    Deadlocks and serialization failures are retried with jitter, at most five attempts: a failed attempt changed
    nothing. Raises `Refused`, `Forbidden`, `SignInRequired`, and `Unavailable` where the database cannot be reached.
    Each operation is counted, timed and logged.
    """
    try:
        return noted(operation, actor, kwargs, lambda name: insist(engine, operation, actor, name, *args, **kwargs))
    finally:
        if not reading.is_read_only(operation):
            reading.note_change()


def noted(operation: Callable[..., Any], actor: Actor, given: Mapping[str, Any], work: Callable[[str], _T]) -> _T:
    """Return what `work` returns, counted, timed and logged under the name of the operation, which it is given."""
    name, began = measure.name_of(operation), time.perf_counter()
    try:
        result = work(name)
    except Exception as error:
        is_no = isinstance(error, StockError) and not isinstance(error, Unavailable)
        _note(name, actor, given, Outcome.REFUSED if is_no else Outcome.FAILED, began, type(error).__name__)
        raise
    _note(name, actor, given, Outcome.OK, began)
    return result


def _note(name: str, actor: Actor, given: Mapping[str, Any], outcome: Outcome, began: float, why: str = "") -> None:
    seconds = time.perf_counter() - began
    METER.note(Kind.OPERATION, name, outcome, seconds)
    journal.operation(name, actor, given, outcome, seconds, why)


def insist(engine: Engine, operation: Callable[..., _T], actor: Actor, label: str, /, *args: Any, **kwargs: Any) -> _T:
    """Do what `run` does, without counts and log."""
    for attempt in range(1, _ATTEMPTS + 1):
        began = time.perf_counter()
        try:
            return once(engine, operation, actor, *args, **kwargs)
        except (DBAPIError, PoolTimeout, UnicodeEncodeError) as error:
            if lost := _LOST.get(sqlstate(error) or ""):
                METER.note(Kind.LOCK, lost, Outcome.FAILED, time.perf_counter() - began)
            is_stale = forget_plans(engine, error)
            if _is_of_no_use(error):
                _replace_connections(engine)  # what one met, the others will meet, too
            if attempt < _ATTEMPTS and (is_stale or _may_pass(error, attempt)):
                METER.note_retry(label)
                time.sleep(random.uniform(0.005, 0.05) * attempt)  # noqa: S311 - jitter, not a secret
                continue
            raise translate(error) from error
    raise AssertionError("unreachable")  # pragma: no cover


def one_statement(operation: _Operation) -> _Operation:
    """Mark an operation that is a single SQL statement: `run` then needs no BEGIN and COMMIT.

    The statement is the transaction, which saves two round trips. Inside another transaction the mark has no effect.
    """
    operation.__dict__["one_statement"] = True
    return operation


def once(engine: Engine, operation: Callable[..., _T], actor: Actor, /, *args: Any, **kwargs: Any) -> _T:
    """Run an operation in its own transaction, without retries, counts and translated errors."""
    with _transaction(engine, operation) as connection:
        return operation(connection, actor, *args, **kwargs)


def call(connection: Connection, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run a statement directly on the driver, in the transaction of `connection`, and return its rows.

    For frequent statements, for which SQLAlchemy's layer would cost as much as the statement. Raises the same errors.
    """
    driver: Any = connection.connection.driver_connection
    if not (driver.autocommit or connection.in_transaction()):
        connection.begin()
    began, outcome = time.perf_counter(), Outcome.FAILED
    try:
        rows: list[tuple[Any, ...]] = driver.execute(statement, values).fetchall()
        outcome = Outcome.OK
        return rows
    except psycopg.Error as error:
        lost = bool(driver.closed)
        if lost:
            connection.invalidate(error)
        raise DBAPIError.instance(
            statement, dict(values), error, psycopg.Error, hide_parameters=True, connection_invalidated=lost
        ) from error
    finally:
        METER.note(Kind.STATEMENT, timing.label_of(statement), outcome, time.perf_counter() - began)


def rows_of(kind: type[_T], rows: Iterable[Sequence[Any]], **read: Callable[[Any], Any]) -> tuple[_T, ...]:
    """Return rows as instances of the dataclass `kind`, whose fields are the columns in their order.

    `read` holds a function for each field that is not taken as it comes: `role=Role`.
    """
    names = [field.name for field in fields(cast("Any", kind))]
    named = (dict(zip(names, row, strict=True)) for row in rows)
    return tuple(kind(**(row | {name: change(row[name]) for name, change in read.items()})) for row in named)


def array(values: Iterable[Any]) -> str:
    """Return a PostgreSQL array of values that need no quotes, such as ids, numbers and roles."""
    return "{" + ",".join(map(str, values)) + "}"


def _transaction(engine: Engine, operation: Callable[..., Any]) -> AbstractContextManager[Connection]:
    # Another account takes on the app's role for one transaction, so there must be a transaction.
    if getattr(operation, "one_statement", False) and engine.url.username == APP_ROLE:
        return engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    return engine.begin()


def _may_pass(error: Exception, attempt: int) -> bool:
    """Whether a retry may succeed: after a deadlock, or once after a pooled connection was of no use.

    The second is safe: operations carry an idempotency key, so a first attempt that was committed is replayed.
    """
    return met_a_lock(error) or (_is_of_no_use(error) and attempt == 1)


def met_a_lock(error: Exception) -> bool:
    """Return whether a transaction met another one in its way, so that nothing was done and a retry may succeed."""
    return sqlstate(error) in _RETRYABLE


def _is_of_no_use(error: Exception) -> bool:
    """Whether the server has closed the connection, or takes no changes since another server was promoted."""
    return _is_closed(error) or sqlstate(error) == _READ_ONLY


def _is_closed(error: Exception) -> bool:
    return isinstance(error, DBAPIError) and error.connection_invalidated


def _replace_connections(engine: Engine) -> None:
    """Have each pooled connection closed before its next use, and another one opened."""
    engine.pool._invalidate_time = time.time()  # what SQLAlchemy does when it meets a lost connection itself


def forget_plans(engine: Engine, error: Exception) -> bool:
    """Open new connections if our tables were replaced while this process ran; returns whether they may have been.

    Prepared statements name the old ones. Nothing was done, so the caller may try again.
    """
    if sqlstate(error) not in _REPLACED:
        return False
    _replace_connections(engine)
    return True


def sqlstate(error: Exception) -> str | None:
    """Return the five-character SQLSTATE of a database error, or None."""
    original = getattr(error, "orig", error)
    return original.sqlstate if isinstance(original, psycopg.Error) else None


def translate(error: Exception) -> Exception:
    """Return our error for a database error. Any other error is returned unchanged: it is a bug and must surface."""
    state = sqlstate(error)
    if state in BY_SQLSTATE:
        return _refusal(BY_SQLSTATE[state], error)
    if state in _BUSY:
        return Busy()
    if state in _BAD_VALUE or isinstance(error, UnicodeEncodeError) or "NUL (0x00)" in str(error):
        return unstorable()
    if state == _NOT_MIGRATED:
        return Unavailable(
            "The database is not set up for Stockroom yet. Starting the dashboard does it, or the command `migrate`."
        )
    if state == _NO_CATALOGUE:
        return Unavailable(_message(error))
    if state == _READ_ONLY:
        return Unavailable("The database takes no changes at the moment. Try again in a moment.")
    if isinstance(error, PoolTimeout) or is_unreachable(error, state):
        return Unavailable("The database cannot be reached. Try again in a moment.")
    return error


def is_unreachable(error: Exception, state: str | None) -> bool:
    """Return whether the database could not be asked, or broke off."""
    return (
        _is_closed(error)
        or (state or "").startswith(("08", "57P", "53"))
        or (isinstance(error, OperationalError) and state is None)
    )


def _message(error: Exception) -> str | None:
    original = getattr(error, "orig", error)
    return original.diag.message_primary if isinstance(original, psycopg.Error) else None


def _refusal(kind: type[StockError], error: Exception) -> StockError:
    original = getattr(error, "orig", error)
    assert isinstance(original, psycopg.Error)
    detail = original.diag.message_detail
    facts: dict[str, Any] = json.loads(detail) if detail else {}
    return kind(original.diag.message_primary, **facts)
