"""Refunds and disputes of all API versions. They state an amount, never which goods."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.foundation.sales import Dispute, Ignored, Refund, RefundedCharge
from core.payloads.fields import Fields, fields


def read_refund(values: Mapping[str, Any]) -> Refund | Ignored:
    """Read a refund. Before 2015 refunds had no status: every refund had succeeded."""
    found = fields("refund", values)
    payment_id, charge_id = _of(found)
    if payment_id is None and charge_id is None:
        return Ignored(why="A refund without a payment, such as of a customer's balance.")
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
    """Return the ids of the payment and the charge. An expanded charge also names its payment."""
    payment_id = found.maybe_id("payment_intent")
    charge = found.values.get("charge")
    if payment_id is None and isinstance(charge, Mapping):
        payment_id = fields("charge", charge).maybe_id("payment_intent")
    return payment_id, found.maybe_id("charge")


def read_refunded_charge(values: Mapping[str, Any]) -> RefundedCharge:
    """Read a refunded charge, with its refunds if the charge contains all of them."""
    found = fields("charge", values)
    charge_id, payment_id = found.id(), found.maybe_id("payment_intent")
    embedded = [fields("refund", each) for each in _embedded(found)]
    refunds = tuple(_refund(each, payment_id, charge_id) for each in embedded)
    return RefundedCharge(charge_id=charge_id, payment_id=payment_id, refunds=refunds)


def _embedded(found: Fields) -> list[Mapping[str, Any]]:
    """Return the refunds in a charge: an array before 2014-06-17, then a list object, nothing since 2022-11-15.

    An incomplete list, or a list of refunds without ids, counts as nothing, so that the refunds are fetched: half of
    them, or one of them under two ids, would be worse.
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
    """Read a dispute. Before 2014 disputes had no id. A charge has only one, so the charge's id is used instead."""
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
        due_by=_due_by(found),
    )


def _due_by(found: Fields) -> datetime | None:
    """Return until when an answer counts. Until 2014 this date was a field of the dispute itself."""
    return found.inside("evidence_details").maybe_moment("due_by") or found.maybe_moment("evidence_due_by")
