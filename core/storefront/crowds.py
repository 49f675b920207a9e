"""Buyers of the same variant: at most two of them hold a place, the others wait without a thread or a connection.

One request changes a variant while the next one waits for its row, so more than two would not be faster. While a row
is locked for long, requests for other variants find free places.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from core.foundation.errors import Busy

MOST = 2
PATIENCE = 1.0
"""Seconds that a buyer waits behind others of the same variant."""
_MOST_KNOWN = 10_000


@dataclass(slots=True)
class _Crowd:
    inside: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class Crowds:
    """The crowds of one process, by variant. It belongs to one event loop."""

    def __init__(self, most: int = MOST, patience: float = PATIENCE) -> None:
        self._most, self._patience = most, patience
        self._crowds: dict[str, _Crowd] = {}
        self._known: OrderedDict[str, tuple[str, ...]] = OrderedDict()

    def know(self, name: object, variants: Iterable[UUID]) -> None:
        """Remember the variants that a SKU, a hold or a payment names, because later requests may name only that."""
        self._known[str(name)] = tuple(map(str, variants))
        while len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)

    @asynccontextmanager
    async def passing(self, names: Iterable[object]) -> AsyncIterator[None]:
        """Hold a place of each variant that these names mean: ids, SKUs, or what `know` was given.

        Raises Busy if others take too long. If a row stays locked within the block, all who wait for its variants are
        refused at once, because they would meet the same lock.
        """
        held = await self._enter_all({each for name in names for each in self._known.get(str(name), (str(name),))})
        try:
            yield
        except Busy:
            for name in held:
                self._refuse_waiting(name)
            raise
        finally:
            for name in held:
                self._leave(name)

    async def _enter_all(self, names: Iterable[str]) -> list[str]:
        held: list[str] = []
        try:
            async with asyncio.timeout(self._patience):
                for name in sorted(names):  # in one order, so that two carts never wait for each other
                    await self._enter(name)
                    held.append(name)
        except BaseException as error:
            for name in held:
                self._leave(name)
            if isinstance(error, TimeoutError):
                raise Busy from None
            raise
        return held

    async def _enter(self, name: str) -> None:
        crowd = self._crowds.setdefault(name, _Crowd())
        if crowd.inside < self._most:
            crowd.inside += 1
            return
        turn = asyncio.get_running_loop().create_future()
        crowd.waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._leave(name)  # the place came at the moment at which nobody wanted it any more
            raise

    def _leave(self, name: str) -> None:
        crowd = self._crowds[name]
        while crowd.waiting:
            turn = crowd.waiting.popleft()
            if not turn.done():
                turn.set_result(None)  # the place goes to the one who has waited longest
                return
        crowd.inside -= 1
        if not crowd.inside:
            del self._crowds[name]

    def _refuse_waiting(self, name: str) -> None:
        for turn in self._crowds[name].waiting:
            if not turn.done():
                turn.set_exception(Busy())
