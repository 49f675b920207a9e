"""Send HTTP requests to an ASGI application, without a server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

_T = TypeVar("_T")


def on_the_loop(work: Coroutine[Any, Any, _T]) -> _T:
    """Run `work` on the one event loop of all tests of this process, as a server does, and return its result."""
    return asyncio.run_coroutine_threadsafe(work, _loop()).result()


_only_one = threading.Lock()
_loops: list[asyncio.AbstractEventLoop] = []


def _loop() -> asyncio.AbstractEventLoop:
    with _only_one:
        if not _loops:
            _loops.append(asyncio.new_event_loop())
            threading.Thread(target=_loops[0].run_forever, name="requests", daemon=True).start()
    return _loops[0]


@dataclass(frozen=True, slots=True)
class Visitor:
    """A client of one application."""

    app: Any

    def get(self, path: str, **values: Any) -> httpx.Response:
        """Send a GET request."""
        return asyncio.run(self._ask("GET", path, **values))

    def post(self, path: str, **values: Any) -> httpx.Response:
        """Send a POST request."""
        return asyncio.run(self._ask("POST", path, **values))

    async def _ask(self, method: str, path: str, **values: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
            return await client.request(method, path, **values)
