"""Collecting everything a Stripe message needs before it is applied: its payment, its cart, and missing details.

This happens while nothing is locked. First each message is read, then the carts of the batch are judged together. A
cart is read completely or not at all. What has no reading, or several, becomes a case; it is never guessed.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine

from core.carts import mapping as cart_mapping
from core.carts import reading as carts
from core.carts.amounts import Fit
from core.foundation.errors import StockError, StripeRefused, Unavailable, Unreadable
from core.foundation.sales import (
    CartState,
    Dispute,
    Ignored,
    Payment,
    PaymentState,
    Policy,
    Reading,
    Refund,
    RefundedCharge,
    Thin,
)
from core.inbox import judging, sources
from core.inbox.judging import Judged, Verdict
from core.inbox.messages import Claimed, Link
from core.inbox.settling import dispute_row, refund_row
from core.inbox.sources import Gathered, Gatherer
from core.payloads import reading as payloads
from core.stripe.gateway import Gateway

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


class StripeNeeded(StockError):
    """The lines of this payment must be fetched from Stripe, but no key is set. Set STRIPE_SECRET_KEY."""


@dataclass(slots=True, kw_only=True)
class Work:
    """The rows that one message adds to the database, or why there is nothing to do.

    `sale` is the order whose cart is still to be judged. `item_code`: what the shop turned out to call its codes.
    `asked_at`: when Stripe was asked for the object that the message only names.
    """

    message: Claimed
    sale: Gathered | None = None
    item_code: str | None = None
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
        self.gatherer = Gatherer(engine, link, self.mapping, self._stripe, has_key=gateway is not None)

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
            self._take_order(work, payment, work.message.policy)

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

    def _take_order(self, work: Work, payment: Payment, policy: Policy | None) -> None:
        if policy is None:
            before = self.link.live_since is not None and payment.paid_at < self.link.live_since
            policy = Policy.SKIP if before else Policy.NORMAL
        row = _order_row(payment, policy)
        row["email"] = payment.email or cart_mapping.email_in(payment.metadata, self.mapping)
        work.orders.append(row)
        if payment.payment_id in self.whole:
            row["cart_state"] = CartState.ABSENT
        else:
            work.sale = self.gatherer.begin(payment)

    # ------------------------------------------------------------ the carts of a batch

    def judge(self, works: Sequence[Work]) -> list[tuple[Work, Exception]]:
        """Judge the carts of these works and complete their orders. Returns the works that failed, each with its error.

        Everyday carts need nothing more. The others ask the catalogue, in one statement for all of them; those without
        a certain reading then ask the sources that are left, and the catalogue again.
        """
        waiting = [work for work in works if work.sale is not None]
        counts = Counter(work.sale.payment.payment_id for work in waiting if work.sale)
        unclear = []
        for work in waiting:
            assert work.sale is not None
            is_alone = counts[work.sale.payment.payment_id] == 1
            verdict = judging.plain_verdict(work.sale.sources) if is_alone else None
            if verdict:
                _complete(work, verdict)
            else:
                unclear.append(work)
        failed: list[tuple[Work, Exception]] = []
        unsettled, more = self._settle(unclear, failed), []
        for work in unsettled:
            try:
                if work.sale and self.gatherer.complete(work.sale):
                    more.append(work)
            except Exception as error:
                failed.append((work, error))
        self._settle(more, failed)
        for work in waiting:
            try:
                self._leave_out_invoice(work)
            except Exception as error:
                failed.append((work, error))
        return failed

    def _leave_out_invoice(self, work: Work) -> None:
        """Leave out the payment of an invoice, such as a subscription's renewal.

        Stripe is asked only about a payment without a cart, a Checkout Session and metadata.
        """
        assert work.sale is not None
        (row,), payment = work.orders, work.sale.payment
        is_about_nothing = not payment.session_id and not payment.metadata and payment.payment_id.startswith("pi_")
        if row.get("cart_state") != CartState.ABSENT or not is_about_nothing:
            return
        try:
            if invoice := self._stripe().invoice_of(payment.payment_id):
                work.why, work.orders = f"It pays the invoice {invoice}, not a cart.", []
        except StripeRefused as error:
            if error.facts.get("status") != 403:
                raise
            row["why"] += "; the key in STRIPE_SECRET_KEY may not read Invoices, so it may be a subscription"

    def _settle(self, works: Sequence[Work], failed: list[tuple[Work, Exception]]) -> list[Work]:
        """Judge carts with the catalogue's answers, and return the works that another source could still change."""
        if not works:
            return []
        try:
            answers = sources.ask(self.engine, [work.sale for work in works if work.sale])
        except Unavailable:
            raise
        except Exception as error:
            if len(works) == 1:
                failed.append((works[0], error))
                return []
            return [left for work in works for left in self._settle([work], failed)]
        unsettled = []
        for work in works:
            assert work.sale is not None
            verdict = judging.judge(work.sale.sources, answers[work.sale.payment.currency], self.link.tolerance)
            _complete(work, verdict)
            if not verdict.is_settled:
                unsettled.append(work)
        return unsettled


def _complete(work: Work, verdict: Verdict) -> None:
    """Add the verdict on its cart to the order of a message."""
    (row,) = work.orders
    work.item_code = verdict.item_code
    row |= {
        "cart_state": verdict.state,
        "named": verdict.named,
        "why": verdict.why,
        "case_kind": verdict.kind,
        "readings": [judging.to_json(each) for each in verdict.readings] or None,
    }
    if verdict.taken:
        row |= _taken_row(verdict.taken)
        return
    assert work.sale is not None
    row |= {"lines": [], "cart_source": None, "extras": None, "tolerated": None, "tolerance": None}
    row["cart_raw"] = verdict.raw or json.dumps(dict(work.sale.payment.metadata))
    row["number"] = verdict.number or row["number"]


def _taken_row(taken: Judged) -> dict[str, Any]:
    weighed = taken.weighed
    lines = [judging.line_row(line) for line in weighed.cart.lines]
    for line, answer in zip(lines, taken.answers, strict=True):
        if answer.by_name:  # no code of the line finds it again
            line["variant_id"] = answer.variant_id
    is_tolerated = weighed.fit is Fit.TOLERATED
    return {
        "cart_source": weighed.cart.source,
        "lines": lines,
        "extras": weighed.extras,
        "discount": weighed.discount,
        "tolerated": weighed.rest if is_tolerated else None,
        "tolerance": weighed.allowed,
    }


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
