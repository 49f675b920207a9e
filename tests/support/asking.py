"""Send HTTP requests to an ASGI application, without a server."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx


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
