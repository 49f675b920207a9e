"""Money going back: refunds and disputes of every age. They say how much, never which goods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.foundation.sales import Dispute, Ignored, Refund, RefundedCharge
from core.payloads.fields import Fields, fields


def read_refund(values: Mapping[str, Any]) -> Refund | Ignored:
    """A refund. Before 2015 it had no status: it was made, or there was none."""
    found = fields("refund", values)
    payment_id, charge_id = _of(found)
    if payment_id is None and charge_id is None:
        return Ignored(why="A refund that belongs to no payment, such as of a customer's balance.")
    return _refund(found, payment_id, charge_id)


def _refund(found: Fields, payment_id: str | None, charge_id: str | None) -> Refund:
    return Refund(
        refund_id=found.id(),
        amount=found.amount("amount"),
        currency=found.currency(),
        status=found.maybe_text("status") or "succeeded",
        created_at=found.moment(),
        payment_id=payment_id,
        charge_id=charge_id,
        reason=found.maybe_text("reason"),
        failure_reason=found.maybe_text("failure_reason"),
    )


def _of(found: Fields) -> tuple[str | None, str | None]:
    """The payment and the charge; an expanded charge knows its payment too."""
    payment_id = found.maybe_id("payment_intent")
    charge = found.values.get("charge")
    if payment_id is None and isinstance(charge, Mapping):
        payment_id = fields("charge", charge).maybe_id("payment_intent")
    return payment_id, found.maybe_id("charge")


def read_refunded_charge(values: Mapping[str, Any]) -> RefundedCharge:
    """A charge of which something was refunded, with its refunds where all of them stand in it."""
    found = fields("charge", values)
    charge_id, payment_id = found.id(), found.maybe_id("payment_intent")
    embedded = [fields("refund", each) for each in _embedded(found)]
    refunds = tuple(_refund(each, payment_id, charge_id) for each in embedded)
    return RefundedCharge(charge_id=charge_id, payment_id=payment_id, refunds=refunds)


def _embedded(found: Fields) -> list[Mapping[str, Any]]:
    """The refunds in a charge: an array before 2014-06-17, then a list, and since 2022-11-15 nothing.

    A list that goes on elsewhere, or refunds from before they had ids, count as nothing: they must be asked, because
    half of them, or one of them under two names, would be worse.
    """
    listed = found.values.get("refunds")
    if isinstance(listed, Mapping):
        inside = found.inside("refunds")
        if inside.flag("has_more", missing=False):
            return []
        listed = inside.values.get("data")
    if listed is None:
        return []
    if not isinstance(listed, list) or not all(isinstance(each, Mapping) for each in listed):
        raise found.unreadable("refunds", "is not a list of refunds")
    return listed if all(each.get("id") for each in listed) else []


def read_dispute(values: Mapping[str, Any]) -> Dispute:
    """A dispute. Before 2014 it had no id; a charge has only one, so the charge's stands for it."""
    found = fields("dispute", values)
    payment_id, charge_id = _of(found)
    return Dispute(
        dispute_id=found.maybe_id("id") or charge_id or found.id(),
        status=found.text("status"),
        amount=found.amount("amount"),
        currency=found.currency(),
        created_at=found.moment(),
        payment_id=payment_id,
        charge_id=charge_id,
        reason=found.maybe_text("reason"),
    )
