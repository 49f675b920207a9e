"""The entrance of the HTTP API: keys, rate limits, the size of bodies, and the status of errors."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.database.engine import run
from core.foundation import journal
from core.foundation.errors import (
    AlreadyPaid,
    Forbidden,
    InsufficientStock,
    InvalidInput,
    KeyReused,
    NotPaid,
    ReservationGone,
    StockError,
    StripeRefused,
    Unavailable,
    UnknownPayment,
    UnknownVariant,
    Unreadable,
)
from core.foundation.places import Places
from core.people import api_keys
from core.people.api_keys import Caller
from core.storefront import models
from core.storefront.allowances import NOBODY, Allowances, TooMany

LARGEST_BODY = 256 * 1024
REQUEST_ID = "x-request-id"
_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,80}", re.ASCII)
_KNOWN_FOR = 2.0
_KNOWN_WHILE_AWAY = 3_600.0
PUBLIC_FACTS = ("short", "field", "why", "variants", "choices", "reservation", "payment_status")
_PROBLEMS = {
    401: "The key is missing or not valid",
    403: "The key lacks the scope",
    404: "A variant is not in the catalogue, or a payment does not exist at Stripe",
    409: "Not enough stock (`short` names every line), a known Idempotency-Key, not paid yet, or already paid",
    410: "There is no such hold, or it has ended",
    413: "The body is too large",
    422: "The request is not valid",
    429: "Too many requests",
    502: "Stripe refused the request",
    503: "The database or Stripe is not available; a retry is safe",
}


class NoKey(StockError):
    """Send a valid API key: Authorization: Bearer stk_..."""


STATUS: dict[type[StockError], int] = {
    NoKey: 401,
    TooMany: 429,
    InsufficientStock: 409,
    KeyReused: 409,
    ReservationGone: 410,
    UnknownVariant: 404,
    UnknownPayment: 404,
    NotPaid: 409,
    AlreadyPaid: 409,
    InvalidInput: 422,
    Forbidden: 403,
    Unreadable: 422,
    StripeRefused: 502,
    Unavailable: 503,
}


def status_of(error: StockError) -> int:
    """Return the HTTP status of an error."""
    return next((code for kind, code in STATUS.items() if isinstance(error, kind)), 409)


@dataclass(slots=True)
class Doorkeeper:
    """Checks keys, and counts the requests of each.

    A key is cached for two seconds, so a revoked one is refused by every process after that time; or for an hour while
    the database is not available.
    """

    engine: Callable[[], Engine]
    clock: Callable[[], float] = time.monotonic
    _known: OrderedDict[str, tuple[float, Caller]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)
    _asking: dict[str, asyncio.Future[Caller]] = field(default_factory=dict)
    _allowances: Allowances = field(init=False)

    def __post_init__(self) -> None:
        self._allowances = Allowances(self.engine, self.clock)

    async def caller(self, key: str, places: Places) -> Caller:
        """Return the caller of this key. If it was not checked a moment ago, one request asks for all that arrive now.

        Raises NoKey, TooMany, Unavailable.
        """
        found = self.admit_known(key)
        if found is None and key in self._asking:
            await asyncio.wait([self._asking[key]])
            found = self.admit_known(key)
        if found is None:
            asking = self._asking[key] = asyncio.ensure_future(places.run(self.admit, key))
            asking.add_done_callback(lambda _: self._asking.pop(key, None))
            found = await asking
        return found

    def admit(self, key: str) -> Caller:
        """Return the caller of this key. Raises NoKey, TooMany, Unavailable."""
        caller = self._recall(key, _KNOWN_FOR) or self._ask(key)
        self._allowances.take(caller)
        return caller

    def admit_known(self, key: str) -> Caller | None:
        """Return the caller if this needs no question to the database, else None. Waits for nothing. Raises TooMany."""
        caller = self._recall(key, _KNOWN_FOR)
        return caller if caller is not None and self._allowances.take_held(caller) else None

    def _ask(self, key: str) -> Caller:
        try:
            caller = run(self.engine(), api_keys.caller, NOBODY, key=key)
        except Unavailable:
            known = self._recall(key, _KNOWN_WHILE_AWAY)
            if known is None:
                raise
            return known
        if caller is None:
            with self._lock:
                self._known.pop(key, None)
            raise NoKey
        self._remember(key, caller)
        return caller

    def _recall(self, key: str, seconds: float) -> Caller | None:
        with self._lock:
            at, caller = self._known.get(key, (0.0, None))
        return caller if self.clock() - at < seconds else None

    def _remember(self, key: str, caller: Caller) -> None:
        with self._lock:
            self._known[key] = (self.clock(), caller)
            while len(self._known) > 1_000:
                self._known.popitem(last=False)


class Limits:
    """ASGI middleware that gives every request an id and refuses bodies that are too large."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its id, or answer 413."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(REQUEST_ID.encode(), b"").decode("latin-1")
        request_id = given if _SAFE_ID.fullmatch(given) else uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        journal.request_id.set(request_id)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message.setdefault("headers", []).append((REQUEST_ID.encode(), request_id.encode()))
            await send(message)

        body = await _read(receive)
        if body is None:
            await _refuse_large(send_with_id, request_id)
            return
        await self.app(scope, _replay(body, receive), send_with_id)


async def _read(receive: Receive) -> bytes | None:
    parts, size = [], 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size > LARGEST_BODY:
            return None
        parts.append(part)
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _refuse_large(send: Send, request_id: str) -> None:
    detail = f"The body is larger than {LARGEST_BODY // 1024} kB."
    body = json.dumps(problem(413, "Too large", detail, request_id)).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def problem(status: int, title: str, detail: str, request_id: str, **facts: object) -> dict[str, object]:
    """Return an error in the format of RFC 9457. `error` repeats the detail for storefronts that look for that."""
    return {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "error": detail,
        "requestId": request_id,
        **facts,
    }


def problems(*codes: int) -> dict[int | str, dict[str, Any]]:
    """Describe the problems that a route can return."""
    return {code: {"model": models.Problem, "description": _PROBLEMS[code]} for code in codes}
