"""One streaming replica as this process sees it: its connections, how far it is, and when to ask it again."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.database import engine as database

log = logging.getLogger("stockroom")

SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""How many seconds a replica that failed is left alone. The pause doubles with each failure in a row."""
_CONNECT_SECONDS, _SILENCE_MILLISECONDS = 2, 5_000
_FIRST_NAP, _LONGEST_NAP = 0.002, 0.02
_LOOK = """
    select pg_is_in_recovery(), coalesce((pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint, 0),
           coalesce(extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float8, 0)"""

LATE, LOST, PROMOTED = "behind", "lost", "promoted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A replica as it is now. `why_not`: why reads do not go there, or None. The lags are None where nobody knows.

    `reads`, `conflicts` and `losses` count since this process started.
    """

    name: str
    why_not: str | None
    lag_bytes: int | None
    lag_seconds: float | None
    reads: int
    conflicts: int
    losses: int


class Replica:
    """A replica. Its name is a number, so that no message shows a host."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.engine = _engine(url)
        self._lock = threading.Lock()
        self._why_not: str | None = None
        self._failures, self._due_at = 0, 0.0
        self._wanted, self._replayed, self._looked_at, self._age = 0, 0, -1.0, 0.0
        self._reads = self._conflicts = self._losses = 0

    def is_due(self) -> bool:
        """Return whether to ask this replica. One that failed is tried again in the background, after a pause."""
        if not self._failures:
            return True
        with self._lock:
            if time.monotonic() < self._due_at:
                return False
            self._due_at = time.monotonic() + LONGEST_PAUSE
        threading.Thread(target=self._try_again, name=self.name, daemon=True).start()
        return False

    def has_passed(self, position: int, asked_at: float, patience: float) -> bool:
        """Return whether the replica has replayed up to a position that was asked for then, after some patience."""
        if self._looked_at >= asked_at and self._replayed >= position:
            return True
        self._wanted = position
        try:
            return self._wait(position, time.monotonic() + patience)
        except (DBAPIError, PoolTimeout):
            self.leave(LOST)
            return False

    def _wait(self, position: int, until: float) -> bool:
        nap = _FIRST_NAP
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            while True:
                looked_at = time.monotonic()
                is_standby, replayed, age = connection.exec_driver_sql(_LOOK).one()
                if not is_standby:
                    self.leave(PROMOTED)
                    return False
                self._replayed, self._age, self._looked_at = replayed, age, looked_at
                if replayed >= position:
                    return True
                if time.monotonic() >= until:
                    self.leave(LATE)
                    return False
                time.sleep(nap)
                nap = min(nap * 2, _LONGEST_NAP)

    def _seen(self) -> tuple[bool, int, float]:
        """Return whether the server is in recovery, up to which position it has replayed, and how old that is."""
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            is_standby, replayed, age = connection.exec_driver_sql(_LOOK).one()
        return is_standby, replayed, age

    def look(self) -> None:
        """Look how far the replica is, if it answers."""
        if self._why_not in (LOST, PROMOTED):
            return
        try:
            is_standby, self._replayed, self._age = self._seen()
        except (DBAPIError, PoolTimeout):
            self.leave(LOST)
            return
        if not is_standby:
            self.leave(PROMOTED)

    def leave(self, why: str, *, again: bool = False) -> None:
        """Leave the replica alone for a while; `again`, if it was tried after an earlier failure."""
        with self._lock:
            if self._failures and not again:
                return  # another thread met the same trouble
            if self._why_not is None:
                log.warning("The %s is not used: %s", self.name, why)
            self._losses += why == LOST
            self._why_not = why
            pause = min(SHORTEST_PAUSE * 2**self._failures, LONGEST_PAUSE)
            self._failures, self._due_at = min(self._failures + 1, 10), time.monotonic() + pause

    def _try_again(self) -> None:
        """Use the replica again if it has replayed all that the primary had when it was left."""
        try:
            is_standby, replayed, age = self._seen()
        except (DBAPIError, PoolTimeout):
            return self.leave(LOST, again=True)
        if not is_standby:
            return self.leave(PROMOTED, again=True)
        if replayed < self._wanted:
            return self.leave(LATE, again=True)
        with self._lock:
            self._why_not, self._failures = None, 0
            self._replayed, self._age = replayed, age
        log.warning("The %s is used again", self.name)
        return None

    def note_read(self) -> None:
        """Count a read that was answered here."""
        with self._lock:
            self._reads += 1

    def note_conflict(self) -> None:
        """Count a read that the replica ended in order to replay."""
        with self._lock:
            self._conflicts += 1

    def standing(self, position: int) -> Standing:
        """Return how the replica stands, given the primary's position."""
        is_known = self._why_not not in (LOST, PROMOTED)
        behind = max(position - self._replayed, 0) if is_known else None
        return Standing(
            name=self.name,
            why_not=self._why_not,
            lag_bytes=behind,
            lag_seconds=(self._age if behind else 0.0) if is_known else None,
            reads=self._reads,
            conflicts=self._conflicts,
            losses=self._losses,
        )


def _engine(url: str) -> Engine:
    """Return an engine that notices soon that a server is gone."""
    engine = database.create_engine(url)

    def hurry(_: Any, __: Any, ___: Any, values: dict[str, Any]) -> None:
        values["connect_timeout"] = _CONNECT_SECONDS
        if "tcp_user_timeout" not in engine.url.query:
            values["tcp_user_timeout"] = _SILENCE_MILLISECONDS

    event.listen(engine, "do_connect", hurry)
    return engine
