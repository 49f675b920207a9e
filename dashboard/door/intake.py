"""Batched storage of incoming messages: those that arrive during one insert are stored together by the next.

A thousand messages at once take a few statements on one connection, and each is answered when its row is committed.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import Engine

from core.database.engine import run
from core.foundation.errors import StockError, Unavailable
from core.foundation.places import Places
from core.inbox import messages as inbox
from core.inbox.messages import WORKER, Incoming
from core.jobs import worker as jobs

log = logging.getLogger("stockroom")

MOST_IN_A_GROUP, MOST_BYTES_IN_A_GROUP = 500, 8 * 1024 * 1024
MOST_WAITING = 20_000
PATIENCE = 15.0
"""Seconds until a waiting request is answered with 503. Stripe itself hardly waits longer."""
REST_SECONDS = 0.1
CLOSING_SECONDS = 5.0

_T = TypeVar("_T")
_Waiting = tuple[Incoming, asyncio.Future[None]]


class Intake:
    """Stores messages in the inbox for one process."""

    def __init__(self, engine: Callable[[], Engine]) -> None:
        self._engine, self._places = engine, Places(3)
        self._waiting: deque[_Waiting] = deque()
        self._errands: set[asyncio.Task[None]] = set()
        self._is_storing = self._is_waking = False

    async def store(self, message: Incoming) -> None:
        """Return when the message is stored. Raises Unavailable, or Refused if the database cannot store it."""
        if len(self._waiting) >= MOST_WAITING:
            raise Unavailable("Too many messages are waiting to be stored. Send this one again.")
        stored = asyncio.get_running_loop().create_future()
        self._waiting.append((message, stored))
        if not self._is_storing:
            self._is_storing = True
            self.send(self._store_waiting())
        try:
            async with asyncio.timeout(PATIENCE):
                await stored
        except TimeoutError:
            raise Unavailable("The message could not be stored in time. Send it again.") from None

    def send(self, errand: Coroutine[Any, Any, None]) -> None:
        """Start a task for which nobody waits."""
        task = asyncio.create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def in_thread(self, work: Callable[..., _T], *args: Any, **values: Any) -> _T:
        """Run a database call in a thread, so the event loop continues."""
        return await self._places.run(work, self._engine(), *args, **values)

    async def close(self) -> None:
        """Wait for the running tasks."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_SECONDS):
                while self._errands:
                    await asyncio.wait(self._errands)

    async def _store_waiting(self) -> None:
        try:
            while self._waiting:
                await self._store_group(self._next_group())
        finally:
            self._is_storing = False

    def _next_group(self) -> list[_Waiting]:
        group, size = [self._waiting.popleft()], 0
        while self._waiting and len(group) < MOST_IN_A_GROUP and size < MOST_BYTES_IN_A_GROUP:
            group.append(self._waiting.popleft())
            size += len(group[-1][0].body)
        return group

    async def _store_group(self, group: list[_Waiting]) -> None:
        try:
            await self.in_thread(run, inbox.receive, WORKER, messages=[message for message, _ in group])
        except Exception as error:
            if len(group) == 1 or isinstance(error, Unavailable):
                _answer(group, error)
                return
            for each in group:  # one of them cannot be stored: the others are stored without it
                await self._store_group([each])
            return
        _answer(group, None)
        self._wake_soon()

    def _wake_soon(self) -> None:
        if not self._is_waking:
            self._is_waking = True
            self.send(self._wake())

    async def _wake(self) -> None:
        await asyncio.sleep(REST_SECONDS)  # many messages wake the worker once
        self._is_waking = False  # reset before the call, so a message stored during it wakes the worker again
        try:
            await self.in_thread(jobs.wake)
        except StockError as error:
            log.warning("The worker could not be woken; it processes the inbox within a minute: %s", error.message)


def _answer(group: list[_Waiting], error: Exception | None) -> None:
    for _, stored in group:
        if stored.done():
            continue  # its request has timed out
        if error is None:
            stored.set_result(None)
        else:
            stored.set_exception(error)
