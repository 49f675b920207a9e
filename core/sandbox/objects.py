"""Stripe's objects as the account stores them (the current form), and as older versions of the API show them."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

CURRENT = "2026-10-28.endive"
Json = dict[str, Any]

PREFIXES = {"payment_intent": "pi", "charge": "ch", "refund": "re", "dispute": "dp", "event": "evt", "product": "prod",
            "price": "price", "invoice_payment": "inpay", "item": "li", "checkout.session": "cs",
            "payment_link": "plink"}  # fmt: skip
URLS = {"payment_intent": "/v1/payment_intents", "charge": "/v1/charges", "refund": "/v1/refunds",
        "dispute": "/v1/disputes", "event": "/v1/events", "product": "/v1/products", "price": "/v1/prices",
        "invoice_payment": "/v1/invoice_payments", "checkout.session": "/v1/checkout/sessions",
        "payment_link": "/v1/payment_links"}  # fmt: skip


def payment_intent(amount: int, currency: str, buyer: Json, metadata: dict[str, str]) -> Json:
    """Return a PaymentIntent that has not been paid."""
    return {
        "object": "payment_intent", "amount": amount, "amount_capturable": 0, "amount_received": 0,
        "canceled_at": None, "cancellation_reason": None, "capture_method": "automatic_async", "currency": currency,
        "customer": None, "last_payment_error": None, "latest_charge": None, "metadata": dict(metadata),
        "payment_method_types": ["card"], "receipt_email": buyer.get("email"), "shipping": buyer.get("shipping"),
        "status": "requires_payment_method",
    }  # fmt: skip


def charge(amount: int, currency: str, buyer: Json, metadata: dict[str, str], intent: str | None) -> Json:
    """Return a charge that succeeded and was captured."""
    return {
        "object": "charge", "amount": amount, "amount_captured": amount, "amount_refunded": 0, "captured": True,
        "billing_details": {"address": None, "email": buyer.get("email"), "name": buyer.get("name"), "phone": None},
        "currency": currency, "customer": None, "dispute": None, "disputed": False, "failure_code": None,
        "failure_message": None, "metadata": dict(metadata), "paid": True, "payment_intent": intent,
        "receipt_email": buyer.get("email"), "refunded": False, "shipping": buyer.get("shipping"), "source": None,
        "status": "succeeded",
    }  # fmt: skip


def refund(charged: Json, amount: int, reason: str | None, metadata: dict[str, str], status: str) -> Json:
    """Return a refund. It has no `livemode`."""
    return {
        "object": "refund", "amount": amount, "charge": charged["id"], "currency": charged["currency"],
        "metadata": dict(metadata), "payment_intent": charged["payment_intent"], "reason": reason,
        "receipt_number": None, "status": status,
    }  # fmt: skip


def dispute(charged: Json, reason: str) -> Json:
    """Return a dispute about a whole charge."""
    return {
        "object": "dispute", "amount": charged["amount"], "charge": charged["id"], "currency": charged["currency"],
        "is_charge_refundable": False, "metadata": {}, "payment_intent": charged["payment_intent"], "reason": reason,
        "status": "needs_response",
    }  # fmt: skip


def session(mode: str, currency: str, buyer: Json, metadata: dict[str, str], reference: str | None) -> Json:
    """Return an open Checkout Session. The caller, who knows its lines, sets the totals."""
    return {
        "object": "checkout.session", "amount_subtotal": 0, "amount_total": 0, "client_reference_id": reference,
        "currency": currency, "customer": None, "customer_details": {"email": buyer.get("email"), "name": None},
        "customer_email": None, "invoice": None, "metadata": dict(metadata), "mode": mode, "payment_intent": None,
        "payment_link": None, "payment_status": "unpaid", "setup_intent": None, "status": "open",
        "subscription": "sub_1" if mode == "subscription" else None, "total_details": {}, "url": None,
    }  # fmt: skip


def item(price: Json, name: str, quantity: int, adjustable: tuple[int, int] | None = None) -> Json:
    """Return a line of a Checkout Session or a Payment Link. `adjustable`: the least and most units a buyer may set."""
    total = price["unit_amount"] * quantity
    least, most = adjustable or (None, None)
    return {
        "object": "item", "adjustable_quantity": {"enabled": bool(adjustable), "minimum": least, "maximum": most},
        "amount_discount": 0, "amount_subtotal": total, "amount_tax": 0, "amount_total": total,
        "currency": price["currency"], "description": name, "price": price, "quantity": quantity,
    }  # fmt: skip


def link(currency: str, metadata: dict[str, str]) -> Json:
    """Return a Payment Link that is active."""
    return {
        "object": "payment_link", "active": True, "currency": currency, "inactive_message": None,
        "metadata": dict(metadata), "restrictions": None, "url": None,
    }  # fmt: skip


def listing(url: str, data: list[Json], has_more: bool = False) -> Json:
    """Return a list as Stripe writes it."""
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def shaped(found: Json, version: str, charges: Iterable[Json] = (), refunds: Iterable[Json] = ()) -> Json:
    """Return the object as this version of the API shows it. Until 2022 it contained its `charges` or `refunds`."""
    seen = copy.deepcopy(found)
    kind = seen["object"]
    if kind == "payment_intent":
        _older_intent(seen, version, (shaped(each, version) for each in charges))
    elif kind == "charge":
        _older_charge(seen, version, (shaped(each, version) for each in refunds))
    elif kind == "refund":
        _older_refund(seen, version)
    elif kind == "checkout.session":
        _older_session(seen, version)
    return seen


def _older_intent(seen: Json, version: str, charges: Iterable[Json]) -> None:
    if version < "2025-03-31":
        seen["invoice"] = None
    if version < "2022-11-15":
        del seen["latest_charge"]
        seen["charges"] = listing(f"/v1/charges?payment_intent={seen['id']}", list(charges))


def _older_charge(seen: Json, version: str, refunds: Iterable[Json]) -> None:
    if version < "2025-03-31":
        seen["invoice"] = None
    if version < "2022-11-15":
        seen["refunds"] = listing(f"/v1/charges/{seen['id']}/refunds", list(refunds))
    if version < "2020-08-27":
        del seen["amount_captured"]
    if version < "2018-05-21":
        buyer = seen.pop("billing_details")
        seen["source"] = {"object": "card", "last4": "4242", "name": buyer["name"]}
        if seen["payment_intent"] is None:
            del seen["payment_intent"]
    if version < "2015-02-18":
        seen["card"] = seen.pop("source")
        seen["status"] = "paid" if seen["status"] == "succeeded" else seen["status"]
    if version < "2014-06-17":
        seen["refunds"] = seen["refunds"]["data"]


def _older_refund(seen: Json, version: str) -> None:
    if version < "2019-01-01":
        del seen["payment_intent"]
    if version < "2015-01-01":
        del seen["status"]


def _older_session(seen: Json, version: str) -> None:
    if version < "2022-11-15":
        del seen["created"]
    if version < "2020-08-27":
        for name in ("amount_subtotal", "amount_total", "currency", "customer_details", "payment_status", "status"):
            del seen[name]


def thin_event(event: Json) -> Json:
    """Return the thin event of an ordinary one."""
    about: dict[str, Any] = event["data"]["object"]
    moment = datetime.fromtimestamp(event["created"], UTC)
    return {
        "id": event["id"].replace("evt_", "evt_thin_"), "object": "v2.core.event", "type": f"v1.{event['type']}",
        "created": moment.strftime("%Y-%m-%dT%H:%M:%S.000Z"), "livemode": event["livemode"], "context": None,
        "reason": None, "changes": None,
        "related_object": {"id": about["id"], "type": about["object"], "url": f"{URLS[about['object']]}/{about['id']}"},
    }  # fmt: skip
