"""The endpoints for monitoring: /healthz, /readyz and /metrics."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.foundation.errors import Forbidden, StockError
from core.foundation.places import Places
from core.health import metrics
from core.health.measures import Part, Readiness
from core.people.api_keys import Scope
from core.storefront.doors import Doorkeeper, NoKey, status_of
from dashboard.leaving import is_leaving

_PROCESS = "process"
_FRESH = {"Cache-Control": "no-store"}


class HealthDoor:
    """The endpoints of one process. Their database calls have their own threads and never occupy those of the pages."""

    def __init__(self, engine: Callable[[], Engine]) -> None:
        self._engine, self._places = engine, Places(2)
        self._readiness = Readiness(engine)
        self._keeper = Doorkeeper(engine)

    def routes(self) -> list[Route]:
        """Return the routes of the three endpoints."""
        return [
            Route("/healthz", self.healthz),
            Route("/readyz", self.readyz),
            Route("/metrics", self.metrics),
        ]

    async def healthz(self, request: Request) -> Response:
        """Answer 200 if this process responds. The database is not queried."""
        return JSONResponse({"status": "ok"}, headers=_FRESH)

    async def readyz(self, request: Request) -> Response:
        """Answer 200 if every part is ready, else 503, with a sentence about each part.

        `?part=process` asks only whether this process takes requests. Proxies ask that: what else may be missing, such
        as a worker, every process of the shop misses, and without any process nobody would see the pages that say so.
        """
        if is_leaving() or request.query_params.get("part") == _PROCESS:
            parts: tuple[Part, ...] = (_process(),)
        else:
            parts = await self._places.run(self._readiness.parts)
        is_ready = all(part.is_well for part in parts)
        states = {part.name: {"ok": part.is_well, "sentence": part.sentence} for part in parts}
        body = {"status": "ready" if is_ready else "not ready", "parts": states}
        return JSONResponse(body, 200 if is_ready else 503, headers=_FRESH)

    async def metrics(self, request: Request) -> Response:
        """Answer with all measurements. Requires an API key with the scope metrics."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        shown = key.strip() if scheme.lower() == "bearer" else ""
        try:
            text = await self._places.run(self._measurements, shown)
        except StockError as error:
            headers = _FRESH | ({"WWW-Authenticate": "Bearer"} if isinstance(error, NoKey) else {})
            return JSONResponse({"error": error.message}, status_of(error), headers=headers)
        return Response(text, media_type=metrics.CONTENT_TYPE, headers=_FRESH)

    def _measurements(self, key: str) -> bytes:
        if not key:
            raise NoKey
        if Scope.METRICS not in self._keeper.admit(key).scopes:
            raise Forbidden(f"This key lacks the scope {Scope.METRICS}.")
        return metrics.exposition(self._engine())


def _process() -> Part:
    if is_leaving():
        return Part(name=_PROCESS, is_well=False, sentence="This process is stopping. Ask another one.")
    return Part(name=_PROCESS, is_well=True, sentence="This process takes requests.")
