"""Bounded threads for one kind of work, so that slow work of one kind never takes the threads of another."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from functools import cached_property, partial
from typing import ParamSpec, TypeVar

import anyio
import anyio.to_thread

from core.foundation.errors import Unavailable

_P = ParamSpec("_P")
_T = TypeVar("_T")
_BUSY = "Too many requests wait for the same work. Nothing was changed. Try again in a moment."


class Places:
    """At most `most` threads at a time. Work that gets none within `patience` seconds is refused; None waits."""

    def __init__(self, most: int, patience: float | None = None) -> None:
        self._most, self._patience = most, patience

    async def run(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run `work` in a thread and return its result. Raises Unavailable if no thread becomes free in time."""
        holder = object()
        await self._take(holder)
        try:
            return await anyio.to_thread.run_sync(partial(work, *args, **kwargs), limiter=self._unbounded)
        finally:
            self._limiter.release_on_behalf_of(holder)

    async def _take(self, holder: object) -> None:
        try:
            self._limiter.acquire_on_behalf_of_nowait(holder)
        except anyio.WouldBlock:
            try:
                async with asyncio.timeout(self._patience):
                    await self._limiter.acquire_on_behalf_of(holder)
            except TimeoutError:
                raise Unavailable(_BUSY) from None

    # Both belong to the event loop that first runs work.
    @cached_property
    def _limiter(self) -> anyio.CapacityLimiter:
        return anyio.CapacityLimiter(self._most)

    @cached_property
    def _unbounded(self) -> anyio.CapacityLimiter:
        return anyio.CapacityLimiter(math.inf)
