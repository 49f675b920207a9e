"""Streaming replicas: reads go to one that has all that the reader may have seen, everything else to the primary.

Before a read, the process asks the primary for its position in the write-ahead log. The answer is shared for a moment,
but never with a read that begins after a later operation of this process. So nobody sees an older state than before, of
their own changes or of others'. The read waits briefly until a replica has replayed up to that position. Else, and
whenever a replica fails or refuses, the primary answers. A lost, late or promoted replica costs time, never truth.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.database import engine as database
from core.database import reading
from core.database.standby import LOST, Replica, Standing
from core.foundation.errors import StockError
from core.foundation.model import COMMAND_LINE, Actor
from core.foundation.settings import load_settings

log = logging.getLogger("stockroom")

MOMENT = 0.1
"""How many seconds an answer of the primary is shared."""
PATIENCE = 0.15
"""How many seconds the read of a page waits for a replica."""
LONG_PATIENCE = 10.0
"""How many seconds a proof waits for a replica."""
_WRITES = frozenset({"25006", "0A000"})  # what a read-only transaction or a server in recovery refuses
_CONFLICTS = frozenset({"40001", "40P01", "57014"})  # a read that the replica ended in order to replay
_POSITION = """
    select (case when current_setting('synchronous_commit') = 'off' then pg_current_wal_insert_lsn()
                 else pg_current_wal_flush_lsn() end - '0/0'::pg_lsn)::bigint"""

_P = ParamSpec("_P")
_T = TypeVar("_T")


def run(
    primary: Engine,
    operation: Callable[Concatenate[Connection, Actor, _P], _T],
    actor: Actor,
    /,
    *args: _P.args,
    **kwargs: _P.kwargs,
) -> _T:
    """Run an operation as `database.run` does; on a replica, if it is marked as `read_only` and one has caught up."""
    group = _group()
    if group is None or not reading.is_read_only(operation):
        return database.run(primary, operation, actor, *args, **kwargs)

    def read(name: str) -> _T:
        return group.read(primary, operation, actor, name, *args, **kwargs)

    return database.noted(operation, actor, kwargs, read)


@contextmanager
def beside(connection: Connection) -> Iterator[Connection | None]:
    """Give a snapshot on a replica that contains all that `connection`, a snapshot of the primary, sees; else None."""
    group = _group()
    with ExitStack() as stack:
        yield group.snapshot(connection, stack) if group else None


def standings(primary: Engine) -> tuple[Standing, ...]:
    """Return how each replica stands now, without waiting; nothing if the settings name none."""
    group = _group()
    return group.standings(primary) if group else ()


def incapable() -> frozenset[str]:
    """Return the operations that are marked as reads, and that a replica refused because they write or lock."""
    group = _group()
    return frozenset(group.incapable) if group else frozenset()


def close() -> None:
    """Close the connections to replicas. The next read looks at the settings again."""
    if _group.cache_info().currsize and (group := _group()):
        group.close()
    _group.cache_clear()


def are_named() -> bool:
    """Return whether the settings name replicas."""
    return _group() is not None


@lru_cache(maxsize=1)
def _group() -> _Group | None:
    urls = load_settings().read_urls
    return _Group(urls) if urls else None


class _Group:
    """The replicas of this process."""

    def __init__(self, urls: tuple[str, ...]) -> None:
        self._replicas = [Replica(f"replica {number}", url) for number, url in enumerate(urls, start=1)]
        self.incapable: set[str] = set()
        self._lock = threading.Lock()
        self._asked_at, self._position = -1.0, 0

    def read(
        self, primary: Engine, operation: Callable[..., _T], actor: Actor, name: str, /, *args: Any, **kwargs: Any
    ) -> _T:
        """Run an operation on a replica, or else on the primary."""
        replica = None if name in self.incapable else self._choose(primary, actor.session_id or 0)
        if replica is not None:
            try:
                result = database.once(replica.engine, operation, actor, *args, **kwargs)
                replica.note_read()
                return result
            except Exception as error:
                self._judge(replica, name, error)
        try:
            return database.insist(primary, operation, actor, name, *args, **kwargs)
        finally:
            reading.note_change()  # the next read must see at least what this one saw

    def snapshot(self, connection: Connection, stack: ExitStack) -> Connection | None:
        """Return a connection in a repeatable-read transaction of a replica that has caught up, or None."""
        position = int(connection.exec_driver_sql(_POSITION).scalar_one())
        for replica in self._replicas:
            if replica.is_due() and replica.has_passed(position, time.monotonic(), LONG_PATIENCE):
                try:
                    found = stack.enter_context(replica.engine.connect())
                    found.exec_driver_sql("set transaction isolation level repeatable read")
                except (DBAPIError, PoolTimeout) as error:
                    self._judge(replica, "snapshot", error)
                    continue
                replica.note_read()
                return found
        return None

    def standings(self, primary: Engine) -> tuple[Standing, ...]:
        """Look at each replica now."""
        self._ask(primary)
        for replica in self._replicas:
            replica.is_due()  # one that was left is tried again in time
            replica.look()
        return tuple(replica.standing(self._position) for replica in self._replicas)

    def close(self) -> None:
        """Close the connections."""
        for replica in self._replicas:
            replica.engine.dispose()

    def _choose(self, primary: Engine, session_id: int) -> Replica | None:
        """Return a replica that has all that this process may have shown. A session keeps to one while it can."""
        due = [each for each in self._replicas if each.is_due()]
        asked = self._ask(primary) if due else None
        if asked is None:
            return None
        first = session_id % len(due)
        passed = (each for each in (*due[first:], *due[:first]) if each.has_passed(asked[1], asked[0], PATIENCE))
        return next(passed, None)

    def _ask(self, primary: Engine) -> tuple[float, int] | None:
        """Return when the primary was asked for its position, and the position; None if it does not say."""
        with self._lock:  # one thread asks, the others wait for its answer
            if self._asked_at <= max(reading.changed_at(), time.monotonic() - MOMENT):
                asked_at = time.monotonic()
                try:
                    self._position = database.once(primary, _position, COMMAND_LINE)
                except (DBAPIError, PoolTimeout, StockError):
                    return None
                self._asked_at = asked_at
            return self._asked_at, self._position

    def _judge(self, replica: Replica, name: str, error: Exception) -> None:
        """Note why a replica did not answer. A refusal of ours says nothing about the replica."""
        state = database.sqlstate(error)
        if state in _WRITES:
            self.incapable.add(name)
            log.warning("%s is marked as a read, but a replica refuses it: the primary answers it from now on", name)
        elif state in _CONFLICTS:
            replica.note_conflict()
        elif isinstance(error, PoolTimeout) or database.is_unreachable(error, state):
            replica.leave(LOST)


@database.one_statement
def _position(connection: Connection, _: Actor) -> int:
    return int(database.call(connection, _POSITION, {})[0][0])
