"""Payments of all API versions: PaymentIntents, Checkout Sessions and charges, each read as a sale.

A PaymentIntent, its charge and its Checkout Session are one sale, keyed by the PaymentIntent. A charge without a
PaymentIntent (all charges until 2018) and a session without one (nothing to pay, or not begun) are their own key.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.foundation.sales import Ignored, Payment, PaymentState, Thin
from core.payloads.fields import Fields, fields

PAYING = frozenset(
    {
        "payment_intent.succeeded",
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "charge.succeeded",
        "charge.captured",
    }
)
"""The events whose time is the time of payment. An object's own `created` is the time when the buyer began."""


def read_payment_intent(values: Mapping[str, Any], event_kind: str | None, at: datetime | None) -> Payment | Ignored:
    """Read a PaymentIntent. It is paid, cancelled, or waiting, whatever it still requires."""
    found = fields("payment_intent", values)
    invoice, metadata = found.maybe_id("invoice"), found.metadata()
    if invoice and not metadata:
        return Ignored(why=f"It pays the invoice {invoice}, not a cart.")
    state = _intent_state(found)
    charge = _latest_charge(found)
    return Payment(
        payment_id=found.id(),
        state=state,
        amount=(found.maybe_amount("amount_received") if state is PaymentState.PAID else 0) or found.amount("amount"),
        currency=found.currency(),
        paid_at=_paid_at(event_kind, at, charge.maybe_moment("created")) or found.moment(),
        livemode=found.flag("livemode"),
        charge_id=charge.maybe_id("id"),
        email=found.maybe_text("receipt_email") or _charge_email(charge),
        name=found.inside("shipping").maybe_text("name") or _charge_name(charge),
        reference=found.inside("payment_details").maybe_text("order_reference"),
        released=_released(found, found.maybe_amount("amount_received") if state is PaymentState.PAID else None),
        metadata=metadata,
    )


def _intent_state(found: Fields) -> PaymentState:
    status = found.text("status")
    if status == "succeeded":
        return PaymentState.PAID
    if status == "canceled":
        return PaymentState.CANCELLED
    if status == "processing" or status.startswith("requires_"):
        return PaymentState.WAITING
    raise found.unreadable("status", "is not a status of a PaymentIntent")


def _released(found: Fields, taken: int | None) -> int:
    """Return the part of the authorised amount that was not `taken`."""
    return max(found.amount("amount") - taken, 0) if taken else 0


def _latest_charge(found: Fields) -> Fields:
    """Return the charge that paid: an id or an object; before 2022-11-15 the newest that succeeded, from a list."""
    latest = found.values.get("latest_charge")
    if isinstance(latest, Mapping):
        return fields("charge", latest)
    if latest is not None:
        return Fields(found.what, {"id": found.maybe_id("latest_charge")})
    listed = found.inside("charges").values.get("data") or []
    if not isinstance(listed, list) or not all(isinstance(each, Mapping) for each in listed):
        raise found.unreadable("charges", "is not a list of charges")
    good = [each for each in listed if each.get("status") == "succeeded"]
    return fields("charge", (good or listed or [{}])[0])


def _paid_at(event_kind: str | None, at: datetime | None, charged: datetime | None) -> datetime | None:
    return at if at and event_kind in PAYING else charged


def _charge_email(charge: Fields) -> str | None:
    return charge.inside("billing_details").maybe_text("email") or charge.maybe_text("receipt_email")


def _charge_name(charge: Fields) -> str | None:
    """Return the cardholder's name: from `card` until 2015-02-18, then `source`, since 2018 `billing_details`."""
    where = ("billing_details", "shipping", "source", "card")
    return next((name for field in where if (name := charge.inside(field).maybe_text("name"))), None)


# ---------------------------------------------------------------- charges


def read_charge(values: Mapping[str, Any], event_kind: str | None, at: datetime | None) -> Payment | Ignored:
    """Read a charge: part of its PaymentIntent's sale, or its own sale. After a failed attempt there may be another."""
    found = fields("charge", values)
    payment_id, invoice, metadata = found.maybe_id("payment_intent"), found.maybe_id("invoice"), found.metadata()
    if invoice and not metadata:
        return Ignored(why=f"It pays the invoice {invoice}, not a cart.")
    if payment_id and _has_failed(found):
        return Ignored(why=f"A failed attempt to pay {payment_id}; there may be another.")
    return Payment(
        payment_id=payment_id or found.id(),
        state=_charge_state(found),
        amount=found.maybe_amount("amount_captured") or found.amount("amount"),
        currency=found.currency(),
        paid_at=_paid_at(event_kind, at, None) or found.moment(),
        livemode=found.flag("livemode"),
        charge_id=found.id(),
        email=_charge_email(found),
        name=_charge_name(found),
        released=_released(found, found.maybe_amount("amount_captured")),
        metadata=metadata,
    )


def _has_failed(found: Fields) -> bool:
    """Return whether a charge failed. Before 2015 it had no status, only `paid`."""
    status = found.maybe_text("status")
    return status == "failed" or (status is None and not found.flag("paid"))


def _charge_state(found: Fields) -> PaymentState:
    status = found.maybe_text("status")
    if status not in (None, "succeeded", "paid", "pending", "failed"):
        raise found.unreadable("status", "is not a status of a charge")
    if _has_failed(found):
        return PaymentState.CANCELLED
    if not found.flag("captured", missing=True):
        return PaymentState.CANCELLED if found.flag("refunded", missing=False) else PaymentState.WAITING
    return PaymentState.PAID if status != "pending" and found.flag("paid") else PaymentState.WAITING


# ---------------------------------------------------------------- Checkout Sessions


def read_session(values: Mapping[str, Any], event_kind: str | None, at: datetime | None) -> Payment | Thin | Ignored:
    """Read a Checkout Session in mode payment.

    In old events a session did not say whether it was paid, how much or when. It has to be fetched.
    """
    found = fields("checkout.session", values)
    unsold = _sells_nothing(found)
    if unsold:
        return Ignored(why=unsold)
    if event_kind and _says_too_little(found):
        return Thin(kind="checkout.session", object_id=found.id())
    state = _session_state(found, event_kind)
    if state is not PaymentState.PAID and values.get("amount_total") is None:
        return Ignored(why="A Checkout Session without a price yet.")
    moment = _paid_at(event_kind, at, None) or found.maybe_moment("created") or at
    return _session(found, state, moment or found.moment())


def _says_too_little(found: Fields) -> bool:
    status = found.maybe_text("payment_status")
    return status is None or (status != "unpaid" and found.values.get("amount_total") is None)


def _session(found: Fields, state: PaymentState, moment: datetime) -> Payment:
    buyer, totals = found.inside("customer_details"), found.inside("total_details")
    return Payment(
        payment_id=found.maybe_id("payment_intent") or found.id(),
        state=state,
        amount=found.amount("amount_total"),
        currency=found.currency(),
        paid_at=moment,
        livemode=found.flag("livemode"),
        session_id=found.id(),
        email=buyer.maybe_text("email") or found.maybe_text("customer_email"),
        name=buyer.maybe_text("name") or _ship_to(found),
        reference=found.maybe_text("client_reference_id"),
        shipping=totals.maybe_amount("amount_shipping"),
        tax=totals.maybe_amount("amount_tax"),
        discount=totals.maybe_amount("amount_discount"),
        converted_from=_converted_from(found),
        metadata=found.metadata(),
    )


def _converted_from(found: Fields) -> str | None:
    """Return the currency of the shop's prices if the session is in the buyer's, as in sessions until 2025-03-31."""
    source = found.inside("currency_conversion").maybe_text("source_currency")
    return source.lower() if source and source.lower() != found.currency() else None


def _sells_nothing(found: Fields) -> str | None:
    """Return why this session sells no goods, or None if it does. The first sessions, of 2019, had no mode."""
    mode = found.maybe_text("mode")
    if mode == "subscription" or (mode is None and found.maybe_id("subscription")):
        return "A Checkout Session for a subscription, not for a cart."
    if mode == "setup" or (mode is None and found.maybe_id("setup_intent")):
        return "A Checkout Session that only saves a payment method."
    if mode not in (None, "payment"):
        raise found.unreadable("mode", "is not a mode of a Checkout Session")
    return None


def _session_state(found: Fields, event_kind: str | None) -> PaymentState:
    paid, status = found.text("payment_status"), found.maybe_text("status")
    if paid not in ("paid", "no_payment_required", "unpaid"):
        raise found.unreadable("payment_status", "is not a payment status of a Checkout Session")
    if paid != "unpaid" and status in (None, "complete"):
        return PaymentState.PAID
    return PaymentState.CANCELLED if status == "expired" or event_kind in _CANCELLING else PaymentState.WAITING


_CANCELLING = frozenset({"checkout.session.expired", "checkout.session.async_payment_failed"})


def _ship_to(found: Fields) -> str | None:
    """Return the name in the shipping address, from one of the three places it has had."""
    newest = found.inside("collected_information").inside("shipping_details")
    places = (newest, found.inside("shipping_details"), found.inside("shipping"))
    return next((name for place in places if (name := place.maybe_text("name"))), None)
