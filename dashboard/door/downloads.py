"""Whole lists as files: `/download/orders.csv`, `/download/orders.parquet` and `/download/everything.zip`.

Each is built in a file of its own and sent from there, so a list of any length needs little memory. core checks session
and role when it is built.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from core.database.replicas import run
from core.foundation.errors import Forbidden, InvalidInput, SignInRequired, Unavailable, invalid
from core.foundation.model import Actor
from core.foundation.places import Places
from core.screens.files import Format, write_list, write_zip
from dashboard.door.gate import SIGNED_IN, sign_in_path

EVERYTHING = "everything.zip"
_KINDS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
    "zip": "application/zip",
}


class Downloads:
    """The downloads of one process. They have their own threads and never occupy those of the pages."""

    def __init__(self, engine: Callable[[], Engine]) -> None:
        self._engine, self._places = engine, Places(2)

    def routes(self) -> list[Route]:
        """Return the route."""
        return [Route("/download/{file}", self.answer)]

    async def answer(self, request: Request) -> Response:
        """Build the file and send it."""
        name = request.path_params["file"]
        try:
            path = await self._places.run(self._build, request.scope[SIGNED_IN].actor, name)
        except SignInRequired:
            return RedirectResponse(sign_in_path("/"), 303)
        except Forbidden:
            return PlainTextResponse("Your role may not have this file. A manager or an admin of your shop can.", 403)
        except InvalidInput:
            return PlainTextResponse("There is no such file.", 404)
        except Unavailable as error:
            return PlainTextResponse(error.message, 503, {"Retry-After": "5"})
        remove = BackgroundTask(partial(path.unlink, missing_ok=True))
        headers = {"Cache-Control": "no-store"}
        return FileResponse(path, 200, headers, _KINDS[name.rpartition(".")[2]], remove, name)

    def _build(self, person: Actor, name: str) -> Path:
        """Return a new file with the list, or with all lists."""
        with tempfile.NamedTemporaryFile(prefix="stockroom-", delete=False) as place:
            path = Path(place.name)
        try:
            if name == EVERYTHING:
                run(self._engine(), write_zip, person, path=path)
            else:
                run(self._engine(), write_list, person, path=path, **_wanted(name))
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path


def _wanted(name: str) -> dict[str, Any]:
    """Return the list and the format that a file's name asks for; raises InvalidInput for another format."""
    wanted, _, ending = name.rpartition(".")
    if ending not in list(Format):
        raise invalid("list", "is not known")
    return {"name": wanted, "format": Format(ending)}
