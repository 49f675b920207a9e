"""The Stripe webhook, POST /webhook/stripe: check the signature, store the message unchanged, answer.

Messages are not processed here. 200 means that the row is committed, 400 that Stripe did not send the message, 413 that
it is too large, 503 that Stripe should send it again. The content of a message is never logged.
"""

from __future__ import annotations

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
from dashboard.door.post import read_body

log = logging.getLogger("stockroom")

LARGEST_BODY = 1024 * 1024
BODY_PATIENCE = 10.0
MOST_BAD, BAD_SECONDS = 5, 600.0
BAD_CAUSE = "webhook:bad_signature"
BAD_SENTENCE = (
    "Messages arrive at /webhook/stripe without a valid Stripe signature, or more than five minutes old. Compare "
    "STRIPE_WEBHOOK_SECRET with the signing secret of the endpoint in Stripe's dashboard, and check this machine's "
    "clock. If both are correct, someone else has the URL. None of these messages was stored."
)


class _Refusal(Exception):
    """An answer other than 200: status, sentence and headers."""

    def __init__(self, status: int, sentence: str, **headers: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class StripeDoor:
    """The webhook of one process: its secrets, its intake, and a count of messages without a valid signature.

    Without `secrets` those of `stand_in` count, which looks into the database: the sandbox's.
    """

    def __init__(
        self,
        *,
        engine: Callable[[], Engine],
        secrets: Callable[[], Sequence[str]],
        stand_in: Callable[[Engine], Sequence[str]] = lambda _: (),
    ) -> None:
        self.intake = Intake(engine)
        self._secrets = secrets
        self._stand_in = stand_in
        self._watch = _Watch(self.intake)

    async def answer(self, request: Request) -> Response:
        """Store one message and answer."""
        try:
            await self._take(request)
        except _Refusal as refusal:
            return _error(refusal.status, str(refusal), refusal.headers)
        except Unavailable as error:
            return _error(503, error.message, {"Retry-After": "5"})
        except StockError as error:
            return _error(400, error.message)
        except ClientDisconnect:
            return _error(400, "The message is incomplete.")
        except Exception as error:
            # Neither its text nor its traceback, which could include the content of the message.
            log.error("A Stripe message could not be stored: %s", type(error).__name__)
            return _error(500, "The message could not be stored.")
        return JSONResponse({"received": True}, headers={"Cache-Control": "no-store"})

    async def close(self) -> None:
        """Wait for the running tasks."""
        await self.intake.close()

    async def _take(self, request: Request) -> None:
        if request.method != "POST":
            raise _Refusal(405, "This endpoint accepts only POST requests from Stripe.", Allow="POST")
        secrets = self._secrets() or await self.intake.in_thread(self._stand_in)
        if not secrets:
            raise _Refusal(503, "STRIPE_WEBHOOK_SECRET is not set, so messages cannot be verified.", Retry_After="60")
        body = await read_body(
            request, most=LARGEST_BODY, patience=BODY_PATIENCE,
            too_large=_Refusal(413, "This message is larger than any message from Stripe.", Connection="close"),
            too_slow=_Refusal(408, "The message did not arrive in time."),
        )  # fmt: skip
        try:
            event = gateway.verify(body, request.headers.get("stripe-signature"), secrets)
        except InvalidSignature:
            self._watch.note_bad()
            raise
        self._watch.note_good()
        await self.intake.store(_incoming(event, body))


def _incoming(event: dict[str, Any], body: bytes) -> Incoming:
    envelope, _ = payloads.read_event(event)
    return Incoming(event=envelope, body=body.decode("utf-8"), source="webhook", payment_id=_payment_id(event))


def _payment_id(event: dict[str, Any]) -> str | None:
    """Return the payment of a message, if it can be read now. The worker reads the message again in any case."""
    try:
        return polling.about(event)
    except Exception as error:
        log.warning("The payment of a Stripe message could not be read: %s", type(error).__name__)
        return None


def _error(status: int, sentence: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": sentence}, status, headers={"Cache-Control": "no-store"} | (headers or {}))


class _Watch:
    """Counts messages without a valid signature. Many of them open a case; the next valid message resolves it."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._bad: deque[float] = deque(maxlen=MOST_BAD)
        self._opened_at = -BAD_SECONDS
        self._may_be_open = True  # an earlier process may have opened it

    def note_bad(self) -> None:
        """Count one. `MOST_BAD` within `BAD_SECONDS` open a case, at most once in that time."""
        now = time.monotonic()
        self._bad.append(now)
        is_many = len(self._bad) == MOST_BAD and now - self._bad[0] <= BAD_SECONDS
        if is_many and now - self._opened_at >= BAD_SECONDS:
            self._opened_at = now
            self._intake.send(self._open())

    def note_good(self) -> None:
        """Reset the count, and resolve the case if there is one."""
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
            self._opened_at = -BAD_SECONDS
            log.warning("Messages without a valid Stripe signature arrive; no case could be opened: %s", error.message)

    async def _resolve(self) -> None:
        try:
            why = "A message with a valid signature arrived."
            await self._intake.in_thread(run, system_alerts.resolve, WORKER, cause=BAD_CAUSE, resolution=why)
        except StockError:
            self._may_be_open = True
