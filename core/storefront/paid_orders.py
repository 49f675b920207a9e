"""The order of a succeeded payment, for a storefront that does not wait for the webhook, and the mail that confirms it.

The payment goes through the inbox like every Stripe message. Several requests at once, and the webhook as well, make
one order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine

from core.alerts import system as system_alerts
from core.alerts.notifier import Message
from core.carts.values import money
from core.database.engine import call, one_statement, run
from core.foundation.errors import NotPaid, Unavailable, UnknownPayment, Unreadable, invalid
from core.foundation.model import Actor
from core.foundation.sales import AlertKind
from core.inbox import applying, at_once, polling
from core.inbox.at_once import Everyday
from core.inbox.messages import WORKER, Incoming
from core.storefront.payments import connected
from core.stripe.gateway import Gateway

NOT_IN_LEDGER = "not_in_ledger"
"""The error of a line whose units have no movements in the ledger; it opens a case."""
NO_ADDRESS, NO_MAIL_ACCOUNT = "no_address", "no_mail_account"
"""States of an order's confirmation. The others are in `stockroom_api.confirm_order`."""
MOST_CONFIRMED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidLine:
    """A line of a paid order. `error`: why some or all of its units were not taken off the shelf."""

    sku: str
    name: str | None
    size: str | None
    quantity: int
    unit_price: int | None
    state: str
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidOrder:
    """The order of a payment. Amounts are in minor units; `shipping` is known if the payment was created here."""

    order_id: int
    payment_id: str
    number: str | None
    shop: str
    email: str | None
    amount: int
    currency: str
    shipping: int | None
    cart_state: str
    lines: tuple[PaidLine, ...]

    @property
    def called(self) -> str:
        """Its name for people, without the buyer's: the order number, or the amount."""
        return order_name(self.number, None, self.amount, self.currency)

    @property
    def reference(self) -> str:
        """Its name for the storefront: the order number, or the id of its payment."""
        return self.number or self.payment_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded:
    """A payment that has succeeded, as Stripe returned it. `everyday` is its order if its cart is easily read."""

    payment_id: str
    found: dict[str, Any]
    everyday: Everyday | None

    @property
    def names(self) -> list[str]:
        """What it names of the variants that it buys: its own id, and the codes in its cart."""
        return [self.payment_id, *(self.everyday.codes if self.everyday else ())]


def succeeded(engine: Engine, gateway: Gateway | None, *, payment_id: str) -> Succeeded:
    """Return a payment that has succeeded. Nothing is locked or changed.

    Raises UnknownPayment, NotPaid with its status, InvalidInput, Unavailable, StripeRefused.
    """
    stripe = connected(gateway)
    if not re.fullmatch(r"pi_[A-Za-z0-9_]{1,250}", payment_id):
        raise invalid("paymentIntentId", "is not an id of a PaymentIntent")
    found = stripe.payment(payment_id)
    if found is None:
        raise UnknownPayment
    status = str(found.get("status"))
    if status != "succeeded":
        raise NotPaid(f"This payment has not succeeded: its status is {status}.", payment_status=status)
    messages = polling.messages_of(found, livemode=stripe.livemode)
    everyday = _read(engine, messages[0], found, payment_id=payment_id) if len(messages) == 1 else None
    return Succeeded(payment_id=payment_id, found=found, everyday=everyday)


def _read(engine: Engine, message: Incoming, found: dict[str, Any], *, payment_id: str) -> Everyday | None:
    try:
        return at_once.read(engine, message, found, payment_id=payment_id)
    except Unavailable:
        raise
    except Exception:  # the inbox tries it again, and opens a case if that does not help
        return None


def order_of_payment(engine: Engine, gateway: Gateway | None, actor: Actor, *, payment: Succeeded) -> PaidOrder:
    """Return the order of a succeeded payment; record it and take it off the shelf if that has not happened yet.

    A line that could not be taken has an error and an open case. Raises Unavailable, StripeRefused, Unreadable if the
    payment cannot become an order.
    """
    stripe, payment_id = connected(gateway), payment.payment_id
    order = _order_at_once(engine, payment.everyday)
    if order is None:
        order = run(engine, get, actor, payment_id=payment_id)
    # An order without an address came by webhook, which lacks the buyer's address. It is completed here.
    if order is None or order.cart_state != "read" or not order.email:
        polling.store(engine, payment.found, livemode=stripe.livemode)
        applying.apply_payment(engine, stripe, payment_id=payment_id)
        order = run(engine, get, actor, payment_id=payment_id)
    if order is not None and not order.email and (checkout := stripe.session_of(payment_id)):
        polling.store(engine, checkout, livemode=stripe.livemode)
        applying.apply_payment(engine, stripe, payment_id=payment_id)
        order = run(engine, get, actor, payment_id=payment_id)
    if order is None:
        why = run(engine, _why_none, actor, payment_id=payment_id)
        raise Unreadable(why) if why else Unavailable("The order could not be recorded yet. A retry is safe.")
    if any(line.error == NOT_IN_LEDGER for line in order.lines):
        run(engine, _doubt, WORKER, order=order)
    return order


def _order_at_once(engine: Engine, everyday: Everyday | None) -> PaidOrder | None:
    """Return the order of an everyday payment, recorded in one statement, or None if the inbox has to take it."""
    if everyday is None:
        return None
    try:
        return _order(at_once.record(engine, everyday))
    except Unavailable:
        raise
    except Exception:  # as above
        return None


@one_statement
def get(connection: Connection, _: Actor, *, payment_id: str) -> PaidOrder | None:
    """Return the order of a payment, each line compared with the ledger, or None if there is no order yet."""
    return _order(call(connection, "select stockroom_api.paid_order(%(id)s)", {"id": payment_id})[0][0])


def _order(found: Mapping[str, Any] | None) -> PaidOrder | None:
    if found is None:
        return None
    return PaidOrder(
        order_id=found["id"],
        lines=tuple(map(_line, found["lines"])),
        **{
            name: found[name]
            for name in ("payment_id", "number", "shop", "email", "amount", "currency", "shipping", "cart_state")
        },
    )


def _line(line: Mapping[str, Any]) -> PaidLine:
    return PaidLine(
        error=line["cause"] if line["in_ledger"] else NOT_IN_LEDGER,
        **{name: line[name] for name in ("sku", "name", "size", "quantity", "unit_price", "state")},
    )


def sentence_of(line: PaidLine) -> str:
    """Return why a line was not taken off the shelf, as a sentence."""
    sentences = {
        "insufficient_stock": f"There is not enough stock of {line.sku}.",
        "unknown_variant": f"{line.sku} is not a variant in the catalogue.",
        NOT_IN_LEDGER: f"The ledger lacks the movements of {line.sku}.",
    }
    return sentences.get(str(line.error), f"{line.sku} could not be taken off the shelf.")


def _why_none(connection: Connection, _: Actor, *, payment_id: str) -> str | None:
    found: str | None = call(connection, "select stockroom_api.why_no_order(%(id)s)", {"id": payment_id})[0][0]
    return found


def _doubt(connection: Connection, actor: Actor, *, order: PaidOrder) -> None:
    """Open a case for an order whose lines have units that the ledger does not have."""
    skus = [line.sku for line in order.lines if line.error == NOT_IN_LEDGER]
    system_alerts.open_alert(
        connection,
        actor,
        kind=AlertKind.PROOF_FAILED,
        severity="urgent",
        cause=f"ledger:{order.payment_id}",
        sentence=f"Order {order.called}: the ledger lacks movements of {', '.join(skus)}",
        facts={"order_id": order.order_id, "skus": skus},
    )


# ---------------------------------------------------------------- the mail to the buyer


def confirmation(order: PaidOrder) -> Message:
    """Return the mail that confirms an order: its number, its lines, the amount paid, and the shop, in plain text."""
    about = order.number or f"of {order.called}"
    return Message(title=f"Your order {about} at {order.shop}", body="\n".join(_sentences(order)) + "\n")


def _sentences(order: PaidOrder) -> Iterator[str]:
    yield "Thank you for your order."
    yield ""
    if order.number:
        yield f"Order: {order.number}"
        yield ""
    if order.lines:
        yield from (_mail_line(line, order.currency) for line in order.lines)
    else:
        yield "We have received your payment and your order."
    yield ""
    if order.shipping:
        yield f"Shipping: {money(order.shipping, order.currency)}"
    yield f"Paid: {money(order.amount, order.currency)}"
    yield ""
    yield order.shop


def _mail_line(line: PaidLine, currency: str) -> str:
    goods = ", ".join(filter(None, (line.name, line.size and f"size {line.size}"))) or line.sku
    called = goods if goods == line.sku else f"{goods} ({line.sku})"
    cost = "" if line.unit_price is None else f": {money(line.quantity * line.unit_price, currency)}"
    return f"{line.quantity} x {called}{cost}"


def confirm(engine: Engine, order: PaidOrder, *, has_account: bool) -> str:
    """Queue the confirmation of an order, once, or let it wait for its cart or address; returns its state."""
    if not has_account:
        return NO_MAIL_ACCOUNT if order.email else NO_ADDRESS
    return run(engine, _queue, WORKER, order=order)


def confirm_waiting(engine: Engine) -> int:
    """Queue the confirmations whose cart and address are known by now, and return how many."""
    due = run(engine, _due, WORKER)
    orders = [run(engine, get, WORKER, payment_id=payment_id) for payment_id in due]
    return sum(run(engine, _queue, WORKER, order=order) == "queued" for order in orders if order is not None)


def _due(connection: Connection, _: Actor) -> list[str]:
    statement = "select d.payment_id from stockroom_api.due_confirmations(%(limit)s) d (payment_id)"
    return [row[0] for row in call(connection, statement, {"limit": MOST_CONFIRMED})]


def _queue(connection: Connection, _: Actor, *, order: PaidOrder) -> str:
    letter = confirmation(order)
    values = {"id": order.order_id, "title": letter.title, "body": letter.body, "has_lines": bool(order.lines)}
    statement = "select stockroom_api.confirm_order(%(id)s, %(title)s, %(body)s, %(has_lines)s)"
    return str(call(connection, statement, values)[0][0])


def order_name(number: str | None, buyer: str | None, amount: int, currency: str) -> str:
    """Return the name of an order for people: WEB-7, or Ana Ruiz, 24.00 EUR; never an id of Stripe.

    `stockroom_api.order_name` names orders in the database by the same rule.
    """
    if number and number.strip():
        return number.strip()
    paid = money(amount, currency)
    return f"{buyer.strip()}, {paid}" if buyer and buyer.strip() else paid
