"""The addresses of the scan station: the page, what it offers, the scans, a search.

The gate lets only signed-in people in and refuses other sites. core checks session and role of each scan.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

import anyio
from sqlalchemy import Engine
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.database.engine import run
from core.foundation.errors import Forbidden, InvalidInput, SignInRequired, StockError, Unavailable
from core.foundation.model import Actor
from core.people.accounts import SignedIn
from core.scanning import choices, taking
from core.scanning.taking import Mode, Scan, Taken
from dashboard.door.gate import SIGNED_IN
from dashboard.door.post import UnusableForm, read_body, refuse_other_sites
from dashboard.scan import messages, shell

log = logging.getLogger("stockroom")

LARGEST_BODY = 128 * 1024
BODY_PATIENCE = 10.0
_FRESH = {"Cache-Control": "no-store"}


class ScanDoor:
    """The scan station of one process. It has its own threads, so that a full page never delays a scan."""

    def __init__(self, engine: Callable[[], Engine]) -> None:
        self._engine = engine

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/scan", shell.page),
            Route("/scan/worker.js", shell.worker),
            Route("/scan/files/{version}/{name:path}", shell.file),
            Route("/scan/state", self.state),
            Route("/scan/search", self.search),
            Route("/scan/post", self.post, methods=["POST"]),
        ]

    async def state(self, request: Request) -> Response:
        """Answer with who is signed in and what the page offers them."""
        person: SignedIn = request.scope[SIGNED_IN]

        def read() -> dict[str, Any]:
            found = run(self._engine(), choices.choices, person.actor)
            return messages.state(person, found, shell.version())

        return await self._answer(read)

    async def search(self, request: Request) -> Response:
        """Answer with the variants that have the words of a search."""
        person: SignedIn = request.scope[SIGNED_IN]
        words = request.query_params.get("q", "")

        def read() -> dict[str, Any]:
            found = run(self._engine(), choices.search, person.actor, words=words)
            return {"found": [messages.offered(each) for each in found]}

        return await self._answer(read)

    async def post(self, request: Request) -> Response:
        """Take some scans in their order and answer each. Those without an answer are sent again by the page."""
        began = time.monotonic()
        person: SignedIn = request.scope[SIGNED_IN]
        try:
            owner, scans = messages.read_batch(await self._body(request))
        except UnusableForm as problem:
            return JSONResponse({"sentence": problem.sentence}, problem.status, _FRESH)
        except ClientDisconnect:
            return JSONResponse({"sentence": "The message is incomplete."}, 400, _FRESH)
        except InvalidInput as error:
            return JSONResponse({"sentence": error.message}, 400, _FRESH)
        if owner != messages.owner_of(person):
            sentence = "Another person is signed in on this browser. These scans wait for the person who made them."
            return JSONResponse({"sentence": sentence, "owner": messages.owner_of(person)}, 409, _FRESH)
        return await self._answer(partial(self._take_all, person.actor, scans, began))

    async def _body(self, request: Request) -> bytes:
        refuse_other_sites(request)
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise UnusableForm(415, "This is not a message of the scan station.")
        return await read_body(
            request, most=LARGEST_BODY, patience=BODY_PATIENCE,
            too_large=UnusableForm(413, "This message is larger than any message of the scan station."),
            too_slow=UnusableForm(408, "The message did not arrive in time."),
        )  # fmt: skip

    async def _answer(self, work: Callable[[], dict[str, Any]]) -> Response:
        """Run `work` in a thread and answer with its result, or with a sentence about what went wrong."""
        began = time.monotonic()
        try:
            body = await anyio.to_thread.run_sync(work, limiter=self._threads)
        except SignInRequired as error:
            return JSONResponse({"sentence": error.message}, 401, _FRESH)
        except Forbidden as error:
            return JSONResponse({"sentence": error.message}, 403, _FRESH)
        except Unavailable as error:
            return JSONResponse({"sentence": error.message}, 503, _FRESH | {"Retry-After": "2"})
        except StockError as error:
            return JSONResponse({"sentence": messages.sentence(error)}, 422, _FRESH)
        took = (time.monotonic() - began) * 1000
        return JSONResponse(body, headers=_FRESH | {"Server-Timing": f"scan;dur={took:.1f}"})

    def _take_all(self, person: Actor, scans: list[dict[str, Any]], began: float) -> dict[str, Any]:
        """Return the answers in order, up to the first scan that must wait."""
        answers: list[dict[str, Any]] = []
        for raw in scans:
            try:
                answers.append(self._take_one(person, raw, began))
            except (SignInRequired, Unavailable):
                if not answers:
                    raise
                break
        return {"answers": answers}

    def _take_one(self, person: Actor, raw: dict[str, Any], began: float) -> dict[str, Any]:
        scan_id = raw.get("id")
        try:
            scan = messages.read_scan(raw, time.monotonic() - began)
            return messages.done(scan_id, run(self._engine(), _OPERATIONS[scan.mode], person, scan=scan))
        except (SignInRequired, Unavailable):
            raise
        except StockError as error:
            return messages.refused(scan_id, error)
        except Exception as error:
            # The scan stays on the page's list: one fault must not hold up those behind it.
            reference = secrets.token_hex(4)
            log.error("Reference %s", reference, exc_info=error)
            return messages.refused(scan_id, StockError(
                f"This scan met a fault on our side, reference {reference}. Look at the level, then try again."
            ))  # fmt: skip

    @cached_property
    def _threads(self) -> anyio.CapacityLimiter:
        return anyio.CapacityLimiter(4)


_OPERATIONS: dict[Mode, Callable[..., Taken]] = {
    Mode.LOOK: taking.look_up,
    Mode.ADJUST: taking.post,
    Mode.RECEIVE: taking.post,
    Mode.UNDO: taking.undo,
}
_ = Scan
