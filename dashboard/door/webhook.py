"""Where Stripe delivers: POST /webhook/stripe. It checks the signature, stores the message as it came, and answers.

Nothing is worked on here and no stock moves. 200 means the row is committed; 400 that this is no message of Stripe's,
413 that it is too large, 503 that Stripe should send it again. What a message says stands in no log.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Engine
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from core.alerts import system as system_alerts
from core.database.engine import run
from core.foundation.errors import InvalidSignature, StockError, Unavailable
from core.foundation.sales import AlertKind
from core.inbox import polling
from core.inbox.messages import WORKER, Incoming
from core.payloads import reading as payloads
from core.stripe import gateway
from dashboard.door.intake import Intake

log = logging.getLogger("stockroom")

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
LARGEST_BODY = 1024 * 1024
BODY_PATIENCE = 10.0
MOST_BAD, BAD_SECONDS = 5, 600.0
BAD_CAUSE = "webhook:bad_signature"
BAD_SENTENCE = (
    "Messages reach /webhook/stripe that do not carry Stripe's signature, or are older than five minutes. Compare "
    "STRIPE_WEBHOOK_SECRET with the signing secret of the endpoint in Stripe's dashboard, and check this machine's "
    "clock. If both are right, somebody else is knocking, and nothing they sent was stored."
)


class _Refusal(Exception):
    """An answer other than 200: its status, its sentence, its headers."""

    def __init__(self, status: int, sentence: str, **headers: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class StripeDoor:
    """The webhook of one process: its secrets, the way into its inbox, and an eye on who knocks."""

    def __init__(self, *, engine: Callable[[], Engine], secrets: Callable[[], Sequence[str]]) -> None:
        self.intake = Intake(engine)
        self._secrets = secrets
        self._watch = _Watch(self.intake)

    async def answer(self, request: Request) -> Response:
        """Take one message."""
        try:
            await self._take(request)
        except _Refusal as refusal:
            return _said(refusal.status, str(refusal), refusal.headers)
        except Unavailable as error:
            return _said(503, error.message, {"Retry-After": "5"})
        except StockError as error:
            return _said(400, error.message)
        except ClientDisconnect:
            return _said(400, "The message broke off.")
        except Exception as error:
            # Neither its text nor its trace: they could hold what the message says.
            log.error("A message of Stripe could not be stored: %s", type(error).__name__)
            return _said(500, "The message could not be stored.")
        return JSONResponse({"received": True}, headers={"Cache-Control": "no-store"})

    async def close(self) -> None:
        """Finish what is under way."""
        await self.intake.close()

    async def _take(self, request: Request) -> None:
        if request.method != "POST":
            raise _Refusal(405, "Stripe posts its messages here; there is nothing to see.", Allow="POST")
        secrets = self._secrets()
        if not secrets:
            raise _Refusal(503, "This shop has no STRIPE_WEBHOOK_SECRET to check messages with.", Retry_After="60")
        body = await _body(request)
        try:
            event = gateway.verify(body, request.headers.get("stripe-signature"), secrets)
        except InvalidSignature:
            self._watch.note_bad()
            raise
        self._watch.note_good()
        await self.intake.store(_incoming(event, body))


async def _body(request: Request) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > LARGEST_BODY:
        raise _too_large()
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_PATIENCE):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LARGEST_BODY:
                    raise _too_large()
    except TimeoutError:
        raise _Refusal(408, "The message did not arrive in time.") from None
    return bytes(body)


def _too_large() -> _Refusal:
    return _Refusal(413, "This message is larger than any of Stripe's.", Connection="close")


def _incoming(event: dict[str, Any], body: bytes) -> Incoming:
    envelope, _ = payloads.read_event(event)
    return Incoming(event=envelope, body=body.decode("utf-8"), source="webhook", payment_id=_payment_id(event))


def _payment_id(event: dict[str, Any]) -> str | None:
    """The payment it is about, if that can be told now; the worker reads the message anew in any case."""
    try:
        return polling.about(event)
    except Exception as error:
        log.warning("The payment of a message of Stripe could not be told: %s", type(error).__name__)
        return None


def _said(status: int, sentence: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": sentence}, status, headers={"Cache-Control": "no-store"} | (headers or {}))


class _Watch:
    """Counts messages without a good signature. Many of them are a case; the next good one resolves it."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._bad: deque[float] = deque(maxlen=MOST_BAD)
        self._told_at = -BAD_SECONDS
        self._may_be_open = True  # an earlier process may have opened it

    def note_bad(self) -> None:
        """Count one; many within a while open a case, not more often than once in that while."""
        now = time.monotonic()
        self._bad.append(now)
        is_many = len(self._bad) == MOST_BAD and now - self._bad[0] <= BAD_SECONDS
        if is_many and now - self._told_at >= BAD_SECONDS:
            self._told_at = now
            self._intake.send(self._open())

    def note_good(self) -> None:
        """Begin to count anew, and resolve the case if there is one."""
        self._bad.clear()
        if self._may_be_open:
            self._may_be_open = False
            self._intake.send(self._resolve())

    async def _open(self) -> None:
        facts = {"messages": MOST_BAD, "minutes": round(BAD_SECONDS / 60)}
        what = {"kind": AlertKind.BAD_SIGNATURE, "severity": "warning", "cause": BAD_CAUSE, "sentence": BAD_SENTENCE}
        try:
            await self._intake.in_thread(run, system_alerts.open_alert, WORKER, **what, facts=facts)
            self._may_be_open = True
        except StockError as error:
            self._told_at = -BAD_SECONDS
            log.warning("Messages without Stripe's signature arrive, and no case could be opened: %s", error.message)

    async def _resolve(self) -> None:
        try:
            said = "A message with a good signature arrived."
            await self._intake.in_thread(run, system_alerts.resolve, WORKER, cause=BAD_CAUSE, resolution=said)
        except StockError:
            self._may_be_open = True
