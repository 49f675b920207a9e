"""Reads any event and any object of Stripe since 2014: what it means for stock, or why it cannot be read.

Pure: it takes plain dicts and returns a `Reading`. PaymentIntents, sessions and charges become payments; refunds and
disputes stay what they are; a thin event names an object that has to be fetched; all else is ignored, with the reason.
It raises `Unreadable` only for an object that concerns stock and has a wrong field.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from core.foundation.errors import Unreadable
from core.foundation.sales import Ignored, Reading, StripeEvent, Thin
from core.payloads.fields import Fields, fields, storable
from core.payloads.payments import read_charge, read_payment_intent, read_session
from core.payloads.refunds import read_dispute, read_refund, read_refunded_charge

KINDS = (
    "payment_intent.succeeded",
    "payment_intent.processing",
    "payment_intent.canceled",
    "payment_intent.payment_failed",
    "payment_intent.amount_capturable_updated",
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "charge.succeeded",
    "charge.captured",
    "charge.expired",
    "charge.refunded",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.refund.updated",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
)
"""The events that Stockroom needs. Stripe lists at most twenty kinds at once. Charges are for shops older than 2018."""

FETCHED = frozenset({"payment_intent", "charge", "checkout.session", "refund", "dispute"})
"""The objects that a thin event may name. A thin event about any other object is ignored."""

_THIN = "v2.core.event"


def read(body: object) -> tuple[StripeEvent, Reading]:
    """Read a whole event: its envelope, and what its object means. Raises Unreadable."""
    event, found = read_event(body)
    if found is None:
        return event, _read_thin(body) if _is_thin(body) else Ignored(why="An event without an object.")
    return event, read_object(found, event.kind, event.created_at)


def read_event(body: object) -> tuple[StripeEvent, Mapping[str, Any] | None]:
    """Return the envelope of an event and the object in it; a thin event has no object. Raises Unreadable.

    The kind of a thin event is returned without its prefix `v1.`, so that it equals the kind of the ordinary event.
    """
    if not isinstance(body, Mapping):
        raise Unreadable("The message is not a Stripe event: it is not a JSON object.", field="body")
    found = fields("event", body)
    if _is_thin(body):
        return _thin_event(found), None
    if body.get("object", "event") != "event":
        raise found.unreadable("object", "is not event")
    data = body.get("data")
    inner = data.get("object") if isinstance(data, Mapping) else None
    if not isinstance(inner, Mapping):
        raise found.unreadable("data", "contains no object")
    return _snapshot(found, inner), inner


def _is_thin(body: object) -> bool:
    return isinstance(body, Mapping) and body.get("object") == _THIN


def _snapshot(found: Fields, inner: Mapping[str, Any]) -> StripeEvent:
    return StripeEvent(
        event_id=found.id(),
        kind=found.id("type"),
        created_at=found.moment(),
        livemode=found.flag("livemode"),
        account=found.maybe_id("account") or found.maybe_id("user_id"),  # its name until 2017-05-25
        api_version=found.maybe_text("api_version"),
        object_id=fields("object", inner).maybe_id("id"),
    )


def _thin_event(found: Fields) -> StripeEvent:
    return StripeEvent(
        event_id=found.id(),
        kind=found.id("type").removeprefix("v1."),
        created_at=_written_moment(found),
        livemode=found.flag("livemode"),
        account=found.maybe_id("context"),
        api_version=None,
        object_id=found.inside("related_object").maybe_id("id"),
    )


def _written_moment(found: Fields) -> datetime:
    try:
        moment = datetime.fromisoformat(found.text("created"))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise found.unreadable("created", "is not a moment") from None


def _read_thin(body: object) -> Thin | Ignored:
    related = fields("event", body).inside("related_object") if isinstance(body, Mapping) else Fields("event", {})
    kind, object_id = related.maybe_id("type"), related.maybe_id("id")
    if kind in FETCHED and object_id:
        return Thin(kind=kind, object_id=object_id)
    return Ignored(why=f"A thin event about {_named(kind)}, which moves no stock.")


def read_object(obj: object, event_kind: str | None = None, at: datetime | None = None) -> Reading:
    """Read an object from an event (of `event_kind`, created `at`) or as it was fetched. Raises Unreadable."""
    if not isinstance(obj, Mapping):
        raise Unreadable("The message is not a Stripe object: it is not a JSON object.", field="object")
    match obj.get("object"):
        case "payment_intent":
            return read_payment_intent(obj, event_kind, at)
        case "checkout.session":
            return read_session(obj, event_kind, at)
        case "charge" if event_kind == "charge.refunded" and obj.get("captured", True) is not False:
            return read_refunded_charge(obj)
        case "charge":
            return read_charge(obj, event_kind, at)
        case "refund":
            return read_refund(obj)
        case "dispute":
            return read_dispute(obj)
        case "v2.core.event":
            return _read_thin(obj)
        case other:
            return Ignored(why=f"Stripe's object {_named(other)} moves no stock.")


def _named(kind: object) -> str:
    known = isinstance(kind, str) and kind and len(kind) <= 80 and kind.isprintable() and storable(kind)
    return str(kind) if known else "of no known kind"
