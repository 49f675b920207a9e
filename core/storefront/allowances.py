"""The rate limit of API keys, which counts the requests of a key over all processes.

The database has the number of requests that a key has left. A process takes a block of them, three seconds' worth, and
counts that block down by itself: an ordinary request asks nothing. What a process has taken and not used after a minute
is dropped; by then the key's bucket has filled up again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from sqlalchemy import Connection, Engine

from core.database.engine import call, one_statement, run
from core.foundation.errors import StockError, Unavailable
from core.foundation.model import Actor
from core.people.api_keys import Caller

BLOCKS_A_MINUTE = 20
_GOOD_FOR = 60.0
_SHORT = 1.0
NOBODY = Actor(name="API")
"""Who looks up keys and limits, before a caller is known."""


class TooMany(StockError):
    """This key has sent too many requests. Wait and retry."""


@dataclass(slots=True)
class Allowances:
    """The requests that this process may answer, by key."""

    engine: Callable[[], Engine]
    clock: Callable[[], float] = time.monotonic
    _held: dict[int, tuple[float, int]] = field(default_factory=dict)
    _refused: dict[int, float] = field(default_factory=dict)
    _alone: dict[int, tuple[float, float]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def take_held(self, caller: Caller) -> bool:
        """Take one request out of the block that is held; return False if there is none. Raises TooMany."""
        with self._lock:
            until, left = self._held.get(caller.key_id, (0.0, 0))
            if left and self.clock() < until:
                self._held[caller.key_id] = (until, left - 1)
                return True
            if self.clock() < self._refused.get(caller.key_id, 0.0):
                raise TooMany
        return False

    def take(self, caller: Caller) -> None:
        """Take one request, and a new block from the database if none is held. Raises TooMany.

        While the database is not available, this process counts alone.
        """
        if self.take_held(caller):
            return
        wanted = -(-caller.rate_per_minute // BLOCKS_A_MINUTE)
        try:
            granted = run(self.engine(), take_block, NOBODY, key_id=caller.key_id, wanted=wanted)
        except Unavailable:
            self._take_alone(caller)
            return
        with self._lock:
            if granted == 0:
                # A short while, in which refused requests do not ask the database one by one.
                self._refused[caller.key_id] = self.clock() + min(_SHORT, 60 / caller.rate_per_minute)
                raise TooMany
            until, left = self._held.get(caller.key_id, (0.0, 0))
            others = left if self.clock() < until else 0  # another thread may have taken a block, too
            self._held[caller.key_id] = (self.clock() + _GOOD_FOR, others + granted - 1)

    def _take_alone(self, caller: Caller) -> None:
        """Count in a bucket of this process, which holds a minute's worth."""
        now, most = self.clock(), float(caller.rate_per_minute)
        with self._lock:
            at, left = self._alone.get(caller.key_id, (now, most))
            left = min(most, left + (now - at) * most / 60)
            if left < 1:
                raise TooMany
            self._alone[caller.key_id] = (now, left - 1)


@one_statement
def take_block(connection: Connection, _: Actor, *, key_id: int, wanted: int) -> int:
    """Take up to so many requests of a key for this process; return how many it got."""
    values = {"key_id": key_id, "wanted": wanted}
    return int(call(connection, "select stockroom_api.take_allowance(%(key_id)s, %(wanted)s)", values)[0][0])
