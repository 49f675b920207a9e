"""Pictures that the shop keeps, at `/picture/<digest>`, and the hosts from which browsers may load the others.

A picture never changes under its address, so browsers keep it. The gate in front lets only signed-in people in.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from core.catalog import pictures
from core.database.engine import run
from core.foundation.errors import Forbidden, SignInRequired, Unavailable
from core.foundation.model import COMMAND_LINE
from core.foundation.places import Places
from dashboard.door.gate import SIGNED_IN

FRESH_SECONDS = 60
_KEPT = "private, max-age=31536000, immutable"
_NO_SCRIPT = "default-src 'none'; sandbox"


class Pictures:
    """The pictures of one process. They have their own threads and never occupy those of the pages."""

    def __init__(self, engine: Callable[[], Engine]) -> None:
        self._engine, self._places = engine, Places(2)
        self._hosts: tuple[str, ...] = ()
        self._looked_at = -float(FRESH_SECONDS)

    def routes(self) -> list[Route]:
        """Return the route."""
        return [Route("/picture/{digest}", self.answer)]

    async def answer(self, request: Request) -> Response:
        """Send a picture, or 304 if the browser has it: what has this address is always the same."""
        digest = request.path_params["digest"]
        headers = {"Cache-Control": _KEPT, "ETag": f'"{digest}"', "Content-Security-Policy": _NO_SCRIPT}
        person = request.scope[SIGNED_IN].actor
        try:
            found = await self._places.run(run, self._engine(), pictures.picture, person, digest=digest)
        except (SignInRequired, Forbidden):
            return PlainTextResponse("Sign in again to see this picture.", 401)
        except Unavailable as error:
            return PlainTextResponse(error.message, 503, {"Retry-After": "5"})
        if found is None:
            return PlainTextResponse("There is no such picture.", 404)
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(found.content, media_type=found.media_type, headers=headers)

    async def hosts(self) -> tuple[str, ...]:
        """Return the hosts of the pictures that are addresses, at most a minute old."""
        if time.monotonic() - self._looked_at >= FRESH_SECONDS:
            self._looked_at = time.monotonic()
            with suppress(Unavailable):  # the hosts of a minute ago, until the database answers
                self._hosts = tuple(await self._places.run(run, self._engine(), pictures.hosts, COMMAND_LINE))
        return self._hosts
