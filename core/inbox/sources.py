"""Where the cart of a payment may be: Checkout's line items, metadata of session and payment, the storefront's orders.

What a message has is read first. The rest is fetched only while no source names the variants. The codes of a whole
batch are looked up in one statement.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, Engine

from core.carts import reading as carts
from core.carts.converted import in_currency_of
from core.carts.mapping import CartMapping
from core.carts.possible import Possible, Readings, readings
from core.carts.values import minor_digits
from core.database.engine import call, run
from core.foundation.errors import UnreadableCart
from core.foundation.model import Actor
from core.foundation.sales import Cart, CartLine, Payment
from core.inbox.items import item_readings
from core.inbox.judging import Answer, Answers, Question, Source, question
from core.inbox.messages import WORKER, Link
from core.payloads import reading as payloads
from core.stripe.gateway import Gateway

ITEMS, SESSION, PAYMENT, STOREFRONT = "line items", "checkout metadata", "payment metadata", "storefront order"


@dataclass(slots=True, kw_only=True)
class Gathered:
    """The sources of one payment so far, the best first. `is_whole`: every source was asked."""

    payment: Payment
    sources: list[Source] = field(default_factory=list)
    is_whole: bool = False

    def questions(self) -> Iterable[Question]:
        """Yield what is to be asked about the lines of all readings."""
        found = (possible for source in self.sources for possible in source.readings.possible)
        return (question(line) for possible in found for line in possible.cart.lines)


class Gatherer:
    """Gathers the sources of payments, from their messages, from Stripe and from the storefront's tables."""

    def __init__(
        self, engine: Engine, link: Link, mapping: CartMapping | None, stripe: Callable[[], Gateway], has_key: bool
    ) -> None:
        self.engine = engine
        self.link = link
        self.mapping = mapping
        self.stripe = stripe
        self.has_key = has_key

    def begin(self, payment: Payment) -> Gathered:
        """Return the sources that a message has; without a cart in them, also what Stripe has."""
        found = Gathered(payment=payment)
        if payment.session_id:
            self._add_session(found, payment)
            return found
        found.sources.append(self._metadata(PAYMENT, payment))
        source = found.sources[0]
        if not source.readings.possible and not (source.unread and not self.has_key):
            self._add_session_of(found)
        return found

    def complete(self, found: Gathered) -> bool:
        """Ask the sources that were not asked yet; returns whether there are more readings now."""
        if found.is_whole:
            return False
        found.is_whole = True
        before = len(found.sources)
        names = {source.name for source in found.sources}
        payment_id = found.payment.payment_id
        if self.has_key and payment_id.startswith("pi_"):
            if PAYMENT not in names:
                self._add_payment(found)
            elif ITEMS not in names and SESSION not in names:
                self._add_session_of(found)
        self._add_storefront(found)
        return any(source.readings.possible or source.unread for source in found.sources[before:])

    def _metadata(self, name: str, payment: Payment) -> Source:
        try:
            read = readings(payment.metadata, self.mapping, currency=payment.currency)
            possible = tuple(replace(each, cart=in_currency_of(payment, each.cart)) for each in read.possible)
            return Source(name=name, payment=payment, readings=replace(read, possible=possible))
        except UnreadableCart as error:
            return Source(name=name, payment=payment, unread=error)

    def _add_session(self, found: Gathered, payment: Payment) -> None:
        """Add line items and metadata of a session. `payment` is as the session knows it."""
        items = self.stripe().line_items(payment.session_id or "")
        if items:
            found.sources.append(self._items(items, payment))
        found.sources.append(self._metadata(SESSION, payment))

    def _items(self, items: Sequence[Mapping[str, Any]], payment: Payment) -> Source:
        try:
            return Source(name=ITEMS, payment=payment, readings=item_readings(items, self.link.item_code))
        except UnreadableCart as error:
            return Source(name=ITEMS, payment=payment, unread=error)

    def _add_session_of(self, found: Gathered) -> None:
        """Add the session in which a PaymentIntent was paid, if there is one. Its totals are those of the payment."""
        payment = found.payment
        session = self.stripe().session_of(payment.payment_id) if payment.payment_id.startswith("pi_") else None
        if session is None:
            return
        reading = payloads.read_object(session)
        told = reading if isinstance(reading, Payment) else payment
        whole = replace(
            payment,
            session_id=str(session["id"]),
            metadata=told.metadata,
            shipping=told.shipping,
            tax=told.tax,
            discount=told.discount,
            converted_from=told.converted_from,
        )
        before, found.sources = found.sources, []
        self._add_session(found, whole)
        for source in before:
            found.sources.append(replace(source, payment=replace(whole, metadata=source.payment.metadata)))

    def _add_payment(self, found: Gathered) -> None:
        body = self.stripe().payment(found.payment.payment_id)
        reading = payloads.read_object(body) if body else None
        if isinstance(reading, Payment):
            known = replace(found.payment, metadata=reading.metadata, released=reading.released)
            found.sources.append(self._metadata(PAYMENT, known))

    def _add_storefront(self, found: Gathered) -> None:
        if not self.link.order_lookup:
            return
        for reference in dict.fromkeys(filter(None, map(_reference, found.sources))):
            cart = run(self.engine, look_up_order, WORKER, reference=reference)
            if cart is not None:
                possible = Possible(cart=cart, how=f"order {reference} of the storefront", certain=True)
                read = Readings(possible=(possible,))
                found.sources.append(Source(name=STOREFRONT, payment=found.payment, readings=read))
                return


def _reference(source: Source) -> str | None:
    lookup = source.readings.lookup
    return lookup.reference if lookup else carts.reference_in(source.payment.metadata)


def look_up_order(connection: Connection, _: Actor, *, reference: str) -> Cart | None:
    """Return the lines of an order from the storefront's own table, as configured in Settings, or None."""
    statement = "select code, quantity from stockroom_api.look_up_order(%(reference)s)"
    rows = call(connection, statement, {"reference": reference})
    lines = tuple(CartLine(code=code, quantity=quantity) for code, quantity in rows)
    return Cart(lines=lines, source=STOREFRONT) if lines else None


def name_codes(connection: Connection, _: Actor, *, asked: Sequence[tuple[str, Question]]) -> tuple[Answer, ...]:
    """Return what the catalogue has for each question, with prices in this currency: one statement for all."""
    rows = [
        {"code": code, "codes": list(codes), "size": size, "currency": currency, "digits": minor_digits(currency)}
        for currency, (code, codes, size) in asked
    ]
    statement = """select variant_id, sku, price, by_name, has_meaning
                     from stockroom_api.name_codes(%(rows)s::jsonb) order by n"""
    found = call(connection, statement, {"rows": json.dumps(rows)})
    return tuple(
        Answer(
            variant_id=variant_id and str(variant_id), sku=sku, price=price, by_name=by_name, has_meaning=has_meaning
        )
        for variant_id, sku, price, by_name, has_meaning in found
    )


def ask(engine: Engine, gathered: Sequence[Gathered]) -> dict[str, Answers]:
    """Return the catalogue's answers for all readings of these payments, by currency."""
    asked = list(dict.fromkeys((each.payment.currency, one) for each in gathered for one in each.questions()))
    answers: dict[str, dict[Question, Answer]] = {each.payment.currency: {} for each in gathered}
    if asked:
        for (currency, one), answer in zip(asked, run(engine, name_codes, WORKER, asked=asked), strict=True):
            answers[currency][one] = answer
    return dict(answers)
