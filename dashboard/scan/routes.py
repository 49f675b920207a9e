"""The addresses of the scan station: the page, what it offers, the scans, a search, an unknown code.

The gate lets only signed-in people in and refuses other sites. core checks session and role of each scan.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.catalog import codes
from core.database.engine import run
from core.foundation.errors import Forbidden, SignInRequired, StockError, Unavailable
from core.foundation.model import Actor
from core.foundation.places import Places
from core.people.accounts import SignedIn
from core.scanning import choices, taking
from dashboard.door.gate import SIGNED_IN
from dashboard.door.post import UnusableForm, read_body, refuse_other_sites
from dashboard.language.reader import reading
from dashboard.language.said import translated
from dashboard.language.texts import marked, tr
from dashboard.scan import messages, shell

log = logging.getLogger("stockroom")

LARGEST_BODY = 128 * 1024
BODY_PATIENCE = 10.0
_OTHER = marked("Another person is signed in on this browser. These scans wait for the person who made them.")

_P = ParamSpec("_P")
_T = TypeVar("_T")
_Work = Callable[["ScanDoor", Request], Awaitable[dict[str, Any]]]


def answered(work: _Work) -> Callable[[ScanDoor, Request], Awaitable[Response]]:
    """Return `work` with its result as JSON, or a sentence about what went wrong with its status."""

    @wraps(work)
    async def answer(door: ScanDoor, request: Request) -> Response:
        with reading(shell.reader_at(request)):
            return await _answer(work, door, request)

    return answer


async def _answer(work: _Work, door: ScanDoor, request: Request) -> Response:
    began = time.monotonic()
    headers = {"Cache-Control": "no-store"}
    try:
        body, status = await work(door, request), 200
    except UnusableForm as problem:
        body, status = {"sentence": translated(problem.sentence)}, problem.status
    except ClientDisconnect:
        body, status = {"sentence": tr("The message is incomplete.")}, 400
    except StockError as error:
        body, status = {"sentence": messages.sentence(error)}, _status(error)
    headers["Server-Timing"] = f"scan;dur={(time.monotonic() - began) * 1000:.1f}"
    return JSONResponse(body, status, headers)


def _status(error: StockError) -> int:
    if isinstance(error, SignInRequired):
        return 401
    if isinstance(error, Forbidden):
        return 403
    return 503 if isinstance(error, Unavailable) else 422


class ScanDoor:
    """The scan station of one process. It has its own threads, so that a full page never delays a scan."""

    def __init__(self, engine: Callable[[], Engine]) -> None:
        self._engine, self._places = engine, Places(4)

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/scan", shell.page),
            Route("/scan/worker.js", shell.worker),
            Route("/scan/files/{version}/{name:path}", shell.file),
            Route("/scan/state", self.state),
            Route("/scan/search", self.search),
            Route("/scan/post", self.post, methods=["POST"]),
            Route("/scan/attach", self.attach, methods=["POST"]),
        ]

    @answered
    async def state(self, request: Request) -> dict[str, Any]:
        """Answer with who is signed in and what the page offers them."""
        person: SignedIn = request.scope[SIGNED_IN]
        found = await self._run(choices.choices, person.actor)
        return messages.state(person, found, shell.version())

    @answered
    async def search(self, request: Request) -> dict[str, Any]:
        """Answer with the variants that have the words of a search."""
        person: SignedIn = request.scope[SIGNED_IN]
        found = await self._run(choices.search, person.actor, words=request.query_params.get("q", ""))
        return {"found": [messages.offered(each) for each in found]}

    @answered
    async def post(self, request: Request) -> dict[str, Any]:
        """Take some scans in their order and answer each. Those without an answer are sent again by the page."""
        began = time.monotonic()
        person: SignedIn = request.scope[SIGNED_IN]
        owner, scans = messages.read_batch(await _read(request))
        if owner != messages.owner_of(person):
            raise UnusableForm(409, tr(_OTHER))
        return {"answers": await self._places.run(self._take_all, person.actor, scans, began)}

    @answered
    async def attach(self, request: Request) -> dict[str, Any]:
        """Attach an unknown code to a variant. The page then sends the scan again."""
        person: SignedIn = request.scope[SIGNED_IN]
        given = messages.read_attachment(await _read(request))
        return {"replayed": (await self._run(codes.attach, person.actor, **given)).replayed}

    def _take_all(self, person: Actor, scans: list[dict[str, Any]], began: float) -> list[dict[str, Any]]:
        """Return the answers in order, up to the first scan that must wait."""
        answers: list[dict[str, Any]] = []
        for raw in scans:
            try:
                answers.append(self._take_one(person, raw, began))
            except (SignInRequired, Unavailable):
                if not answers:
                    raise
                break
        return answers

    def _take_one(self, person: Actor, raw: dict[str, Any], began: float) -> dict[str, Any]:
        scan_id = raw.get("id")
        try:
            scan = messages.read_scan(raw, time.monotonic() - began)
            return messages.done(scan_id, run(self._engine(), taking.operation_of(scan), person, scan=scan))
        except (SignInRequired, Unavailable):
            raise
        except StockError as error:
            return messages.refused(scan_id, error)
        except Exception as error:
            # The scan stays on the page's list: one fault must not hold up those behind it.
            reference = secrets.token_hex(4)
            log.error("Reference %s", reference, exc_info=error)
            said = tr(
                "Stockroom could not take this scan (reference {reference}). Try again: it is posted only once.",
                reference=reference,
            )
            return messages.refused(scan_id, StockError(said))

    async def _run(
        self,
        operation: Callable[Concatenate[Connection, Actor, _P], _T],
        person: Actor,
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _T:
        return await self._places.run(run, self._engine(), operation, person, *args, **kwargs)


async def _read(request: Request) -> dict[str, Any]:
    """Return the JSON of a request that a page of this site sent. Raises UnusableForm, InvalidInput."""
    refuse_other_sites(request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise UnusableForm(415, tr("This is not a message of the scan station."))
    return messages.read_object(
        await read_body(
            request, most=LARGEST_BODY, patience=BODY_PATIENCE,
            too_large=UnusableForm(413, tr("This message is larger than any message of the scan station.")),
            too_slow=UnusableForm(408, tr("The message did not arrive in time.")),
        )
    )  # fmt: skip
