"""Collecting everything a Stripe message needs before it is applied: its payment, its cart, and missing details.

This happens while nothing is locked. A cart is read completely or not at all. What cannot be read becomes a case; it is
never guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine

from core.carts import mapping as cart_mapping
from core.carts import reading as carts
from core.carts.converted import in_currency_of
from core.database.engine import call, run
from core.foundation.errors import StockError, StripeRefused, Unreadable, UnreadableCart
from core.foundation.model import Actor
from core.foundation.sales import (
    Cart,
    CartLine,
    Dispute,
    Ignored,
    Lookup,
    Payment,
    PaymentState,
    Policy,
    Reading,
    Refund,
    RefundedCharge,
    Thin,
)
from core.inbox.messages import WORKER, Claimed, Link
from core.inbox.settling import dispute_row, refund_row
from core.payloads import reading as payloads
from core.stripe.gateway import Gateway

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


class StripeNeeded(StockError):
    """The lines of this payment must be fetched from Stripe, but no key is set. Set STRIPE_SECRET_KEY."""


@dataclass(slots=True, kw_only=True)
class Work:
    """The rows that one message adds to the database, or why there is nothing to do.

    `asked_at`: when Stripe was asked for the object that the message only names.
    """

    message: Claimed
    orders: list[dict[str, Any]] = field(default_factory=list)
    refunds: list[dict[str, Any]] = field(default_factory=list)
    disputes: list[dict[str, Any]] = field(default_factory=list)
    given_up: list[Payment] = field(default_factory=list)
    why: str | None = None
    asked_at: datetime | None = None


def paid_by(reading: Reading) -> str | None:
    """Return the payment that a reading is about: its PaymentIntent, or its charge if it has none."""
    return getattr(reading, "payment_id", None) or getattr(reading, "charge_id", None)


def reservation_of(payment: Payment) -> str | None:
    """Return the hold that Stockroom has written into a payment's metadata, or None."""
    named = payment.metadata.get("reservation", "")
    return named if _UUID.fullmatch(named) else None


class Reader:
    """Reads messages, and fetches what they lack from Stripe and from the storefront's tables."""

    def __init__(self, engine: Engine, gateway: Gateway | None, link: Link) -> None:
        self.engine = engine
        self.gateway = gateway
        self.link = link
        self.whole: frozenset[str] = frozenset()
        """The payments whose order already has its cart, so that nothing more has to be fetched for them."""
        self.mapping = cart_mapping.from_json(link.cart_mapping) if link.cart_mapping else None

    def read(self, message: Claimed, reading: Reading) -> Work:
        """Return the rows for a message. Raises Unreadable, Unavailable, StripeRefused."""
        work = Work(message=message)
        work.why = self._foreign(message)
        if work.why is None:
            self._take(work, reading)
        return work

    def _foreign(self, message: Claimed) -> str | None:
        if message.account:
            return "It belongs to a connected account."
        if self.link.livemode is not None and message.livemode != self.link.livemode:
            test = "It is in test mode, but this shop is live."
            return test if self.link.livemode else "It is live, but this shop is in test mode."
        return None

    def _take(self, work: Work, reading: Reading) -> None:
        if isinstance(reading, Thin):
            work.asked_at = datetime.now(UTC)
            found = self._stripe().fetch(reading)
            gone = Ignored(why="Stripe no longer has the object that it is about.")
            reading = payloads.read_object(found, work.message.kind, work.message.created_at) if found else gone
            if isinstance(reading, Thin):
                raise Unreadable("The object that Stripe has for it lacks the fields of a sale.")
        takers: dict[type[Any], Callable[[Work, Any], None]] = {
            Payment: self._take_payment,
            Refund: self._take_refund,
            RefundedCharge: self._take_refunded_charge,
            Dispute: self._take_dispute,
            Ignored: self._take_nothing,
        }
        takers[type(reading)](work, reading)

    def _stripe(self) -> Gateway:
        if self.gateway is None:
            raise StripeNeeded
        return self.gateway

    def _take_nothing(self, work: Work, reading: Ignored) -> None:
        work.why = reading.why

    def _take_payment(self, work: Work, payment: Payment) -> None:
        if payment.state is PaymentState.CANCELLED:
            work.given_up.append(payment)
            work.why = "The payment was cancelled; its hold was released."
        elif payment.state is PaymentState.WAITING:
            work.why = "It is not paid yet."
        elif work.message.kind.startswith("charge.") and payment.payment_id.startswith("pi_"):
            work.why = "Its PaymentIntent has the same sale."
        else:
            self._take_sale(work, payment, self._order(payment, work.message.policy))

    def _take_sale(self, work: Work, payment: Payment, row: dict[str, Any]) -> None:
        """Take an order, unless it is the payment of an invoice, such as a subscription's renewal.

        Stripe is asked only about a payment without a cart, a Checkout Session and metadata.
        """
        known = payment.payment_id in self.whole or payment.session_id or payment.metadata
        if row["cart_state"] == "absent" and not known and payment.payment_id.startswith("pi_"):
            try:
                if invoice := self._stripe().invoice_of(payment.payment_id):
                    work.why = f"It pays the invoice {invoice}, not a cart."
                    return
            except StripeRefused as error:
                if error.facts.get("status") != 403:
                    raise
                row["why"] += "; the key in STRIPE_SECRET_KEY may not read Invoices, so it may be a subscription"
        work.orders.append(row)

    def _take_refund(self, work: Work, refund: Refund) -> None:
        work.refunds.append(refund_row(refund, work.message.created_at, work.asked_at))

    def _take_refunded_charge(self, work: Work, charge: RefundedCharge) -> None:
        refunds, asked_at = charge.refunds, work.asked_at
        if not refunds:
            asked_at = datetime.now(UTC)
            listed = map(payloads.read_object, self._stripe().refunds_of(charge.payment_id or charge.charge_id))
            refunds = tuple(reading for reading in listed if isinstance(reading, Refund))
        work.refunds += [refund_row(refund, work.message.created_at, asked_at) for refund in refunds]

    def _take_dispute(self, work: Work, dispute: Dispute) -> None:
        work.disputes.append(dispute_row(dispute, work.message.created_at, work.asked_at))

    def _order(self, payment: Payment, policy: Policy | None) -> dict[str, Any]:
        if policy is None:
            before = self.link.live_since is not None and payment.paid_at < self.link.live_since
            policy = Policy.SKIP if before else Policy.NORMAL
        known = payment.payment_id in self.whole
        row = _order_row(payment, policy)
        row["email"] = payment.email or cart_mapping.email_in(payment.metadata, self.mapping)
        return row | ({"cart_state": "absent"} if known else self._cart_of(payment))

    def _cart_of(self, payment: Payment) -> dict[str, Any]:
        """Return the cart's part of an order: all of its lines, or why there are none."""
        try:
            found = self._find_cart(payment)
        except UnreadableCart as error:
            return {"cart_state": "unreadable", "cart_raw": error.raw, "why": f"its cart cannot be read: {error.why}"}
        if isinstance(found, Lookup):
            why = f"its cart only names order {found.reference}, whose lines were not found in the storefront's tables"
            return {"cart_state": "elsewhere", "cart_raw": found.reference, "number": found.reference, "why": why}
        if found is None:
            why = "no cart was found with this payment, so nothing was taken off the shelf"
            return {"cart_state": "absent", "cart_raw": json.dumps(dict(payment.metadata)), "why": why}
        return _cart_row(found, payment)

    def _find_cart(self, payment: Payment) -> Cart | Lookup | None:
        """Return the cart from the first source that has it: Checkout's items, metadata, the storefront's table."""
        if payment.session_id and (items := self._stripe().line_items(payment.session_id)):
            return carts.lines_of_items(items)
        found = carts.read_cart(payment.metadata, self.mapping, currency=payment.currency)
        if isinstance(found, Cart):
            return found
        if payment.session_id is None and payment.payment_id.startswith("pi_"):
            session = self._stripe().session_of(payment.payment_id)
            if session and (items := self._stripe().line_items(session["id"])):
                return carts.lines_of_items(items)
        if isinstance(found, Lookup) and self.link.order_lookup:
            return run(self.engine, look_up_order, WORKER, reference=found.reference) or found
        return found


def look_up_order(connection: Connection, _: Actor, *, reference: str) -> Cart | None:
    """Return the lines of an order from the storefront's own table, as configured in Settings, or None."""
    statement = "select code, quantity from stockroom_api.look_up_order(%(reference)s)"
    rows = call(connection, statement, {"reference": reference})
    lines = tuple(CartLine(code=code, quantity=quantity) for code, quantity in rows)
    return Cart(lines=lines, source="storefront order") if lines else None


def _order_row(payment: Payment, policy: Policy) -> dict[str, Any]:
    return {
        "payment_id": payment.payment_id,
        "number": payment.reference or carts.reference_in(payment.metadata),
        "reservation_id": reservation_of(payment),
        "charge_id": payment.charge_id,
        "session_id": payment.session_id,
        "name": payment.name,
        "amount": payment.amount,
        "currency": payment.currency,
        "paid_at": payment.paid_at.isoformat(),
        "livemode": payment.livemode,
        "released": payment.released,
        "policy": policy,
        "lines": [],
    }


def _cart_row(found: Cart, payment: Payment) -> dict[str, Any]:
    found = in_currency_of(payment, found)
    cart, difference = carts.in_minor_units(found, payment), carts.difference(found, payment)
    lines = [
        {
            "code": line.code,
            "codes": list(line.codes),
            "size": line.size,
            "name": line.name,
            "quantity": line.quantity,
            "unit_price": line.unit_price,
        }
        for line in cart.lines
    ]
    why = None if not difference else "its lines do not add up to what was paid"
    money = {"difference": difference, "extras": carts.extras(found, payment)}
    return {"cart_state": "read", "cart_source": cart.source, "lines": lines, "why": why} | money
