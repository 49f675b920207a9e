"""Reading from Stripe: the poll of recent events, and ranges of days for a first run, a gap, or older payments.

Stripe keeps events for thirty days. Poll and range only fill the inbox, as the webhook does. The same message from all
three is one row there, and the same sale is one order.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine

from core.database.engine import run
from core.foundation.errors import EventsGone, Unreadable
from core.foundation.model import Actor
from core.foundation.sales import Dispute, Payment, PaymentState, Policy, Refund, StripeEvent
from core.inbox import messages as inbox
from core.inbox.cart import paid_by
from core.inbox.messages import WORKER, Incoming
from core.payloads import reading as payloads
from core.people.access import Permission
from core.people.guard import require
from core.stripe.gateway import Gateway

PAGE = 100
OVERLAP = timedelta(days=1)
"""How far before the last poll a gap is read again. Payments that were pending then may have succeeded since."""

_LISTS = 5  # the lists that a range consists of
_KINDS = {
    "payment_intent": "payment_intent.succeeded",
    "checkout.session": "checkout.session.completed",
    "charge": "charge.succeeded",
    "refund": "refund.updated",
    "dispute": "charge.dispute.updated",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The progress of a range: the list being read, objects seen, new messages stored, the share read (0 to 1)."""

    reading: str
    seen: int
    stored: int
    share: float = 1.0


Tell = Callable[[Progress], bool]
"""Called with the progress; returns whether to continue."""


def poll(engine: Engine, gateway: Gateway) -> int:
    """Store the events since the last poll and return how many are new.

    The cursor moves only in the transaction that stores a page. The first poll begins at the present moment; older
    payments need a range import. If Stripe no longer knows the cursor, the gap is read as a range.
    """
    run(engine, inbox.go_live, WORKER, livemode=gateway.livemode)
    link = run(engine, inbox.link, WORKER)
    stored = 0
    try:
        for page in _pages(gateway.events(link.cursor, payloads.KINDS, since=None if link.cursor else link.live_since)):
            stored += run(engine, _store_page, WORKER, events=page)
    except EventsGone:
        since = (link.polled_at or datetime.now(UTC)) - OVERLAP
        newest = gateway.newest_event()
        stored += import_range(engine, gateway, WORKER, since=since, until=None, policy=None).stored
        run(engine, inbox.move_cursor, WORKER, cursor=newest["id"] if newest else None)
    else:
        run(engine, inbox.move_cursor, WORKER, cursor=None)
    return stored


def look_back(engine: Engine, gateway: Gateway) -> int:
    """Store events that Stripe listed only after the poll had passed their place, and return how many are new."""
    since = datetime.now(UTC) - OVERLAP
    pages = _pages(gateway.events(None, payloads.KINDS, since=since))
    return sum(run(engine, inbox.receive, WORKER, messages=_messages(page)) for page in pages)


def import_range(
    engine: Engine,
    gateway: Gateway,
    actor: Actor,
    *,
    since: datetime,
    until: datetime | None,
    policy: Policy | None,
    tell: Tell = lambda _: True,
) -> Progress:
    """Store every payment, session, refund and dispute created in `since` <= moment < `until`; the worker applies them.

    Without a `policy`, the go-live moment decides. It can be stopped and run again: known messages stay as they are.
    Raises Forbidden, SignInRequired, Unavailable, StripeRefused.
    """
    run(engine, _may_import, actor)
    seen = stored = 0
    for place, (name, objects) in enumerate(_ranges(gateway, since, until)):
        for page in _pages(objects):
            messages = [message for found in page for message in _as_message(found, policy, gateway.livemode)]
            stored += run(engine, inbox.receive, WORKER, messages=messages)
            seen += len(page)
            share = (place + _covered(page[-1], since, until)) / _LISTS
            progress = Progress(reading=name, seen=seen, stored=stored, share=share)
            if not tell(progress):
                return progress
    return Progress(reading="", seen=seen, stored=stored)


def store(engine: Engine, found: dict[str, Any], *, livemode: bool) -> None:
    """Store an object read from Stripe."""
    run(engine, inbox.receive, WORKER, messages=messages_of(found, livemode=livemode))


def messages_of(found: dict[str, Any], *, livemode: bool) -> list[Incoming]:
    """Return the message of an object read from Stripe, without the client secret that lets a buyer pay it."""
    kept = {name: value for name, value in found.items() if name != "client_secret"}
    return list(_as_message(kept, None, livemode))


def _may_import(connection: Connection, actor: Actor) -> None:
    require(connection, actor, Permission.IMPORT_ORDERS)


def _store_page(connection: Connection, actor: Actor, *, events: Iterable[dict[str, Any]]) -> int:
    found = [event for event in events if isinstance(event.get("id"), str)]
    stored = inbox.receive(connection, actor, messages=_messages(found))
    inbox.move_cursor(connection, actor, cursor=found[-1]["id"] if found else None)
    return stored


def _messages(events: Iterable[dict[str, Any]]) -> list[Incoming]:
    return [
        Incoming(event=payloads.read_event(event)[0], body=json.dumps(event), source="poll", payment_id=about(event))
        for event in events
    ]


def about(event: Any) -> str | None:
    """Return the payment that an event is about, or None if it names none."""
    try:
        return paid_by(payloads.read(event)[1])
    except Unreadable:
        return None


def _pages(objects: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while page := list(islice(objects, PAGE)):
        yield page


def _ranges(
    gateway: Gateway, since: datetime, until: datetime | None
) -> Iterator[tuple[str, Iterator[dict[str, Any]]]]:
    # Sessions first: they have the lines of the payments that follow.
    yield "Checkout Sessions", gateway.sessions(since, until)
    yield "payments", gateway.payments(since, until)
    yield (
        "charges of old accounts",
        (found for found in gateway.charges(since, until) if not found.get("payment_intent")),
    )
    yield "refunds", gateway.refunds(since, until)
    yield "disputes", gateway.disputes(since, until)


def _covered(found: dict[str, Any], since: datetime, until: datetime | None) -> float:
    """Return the share of a range that is done once this object has been read; Stripe lists newest first."""
    began, ends = since.timestamp(), (until or datetime.now(UTC)).timestamp()
    at = found.get("created")
    if not isinstance(at, int) or ends <= began:
        return 1.0
    return min(max((ends - at) / (ends - began), 0.0), 1.0)


def _as_message(found: dict[str, Any], policy: Policy | None, livemode: bool) -> Iterator[Incoming]:
    """Yield the event that Stripe would have sent for an object, or nothing for an unpaid one."""
    try:
        reading = payloads.read_object(found)
    except Unreadable:
        reading = None  # it is stored nevertheless: the worker parks it as a case, with its body
    if isinstance(reading, Payment) and reading.state is not PaymentState.PAID:
        return
    if reading is not None and not isinstance(reading, Payment | Refund | Dispute):
        return
    kind, now = _KINDS.get(str(found.get("object")), "unknown"), datetime.now(UTC)
    # A refund is dated now, because it is read in its present state. A payment keeps its own date, because the date
    # decides which order gets the last unit.
    at = reading.paid_at if isinstance(reading, Payment) else now
    status = found.get("status") or found.get("payment_status") or "read"
    event_id = f"{found.get('id')}@{status}"
    body = {
        "id": event_id,
        "object": "event",
        "type": kind,
        "created": int(at.timestamp()),
        "livemode": livemode,
        "data": {"object": found},
    }
    envelope = StripeEvent(
        event_id=event_id,
        kind=kind,
        created_at=at,
        livemode=livemode,
        account=None,
        api_version=None,
        object_id=str(found.get("id")),
    )
    yield Incoming(
        event=envelope,
        body=json.dumps(body),
        source="import",
        payment_id=paid_by(reading) if reading else None,
        policy=policy,
    )
