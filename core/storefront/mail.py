"""The mail that confirms an order to its buyer: plain text, the same for every shop but its name and its money."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, Engine

from core.alerts.notifier import Message
from core.carts.values import money
from core.database.engine import call, run
from core.foundation.model import Actor
from core.inbox.messages import WORKER
from core.storefront.paid_orders import PaidLine, PaidOrder

QUEUED, NO_ADDRESS, NO_MAIL_ACCOUNT = "queued", "no_address", "no_mail_account"
"""What becomes of an order's confirmation; queued once, it is queued for whoever asks again."""


def confirmation(order: PaidOrder) -> Message:
    """Return the mail that confirms an order: its number, its lines, what was paid and to whom."""
    return Message(title=f"Your order {order.called} at {order.shop}", body="\n".join(_sentences(order)) + "\n")


def _sentences(order: PaidOrder) -> Iterator[str]:
    yield "Thank you for your order."
    yield ""
    yield f"Order: {order.called}"
    yield ""
    if order.lines:
        yield from (_line(line, order.currency) for line in order.lines)
        yield ""
    if order.shipping:
        yield f"Shipping: {money(order.shipping, order.currency)}"
    yield f"Paid: {money(order.amount, order.currency)}"
    yield ""
    yield order.shop


def _line(line: PaidLine, currency: str) -> str:
    goods = ", ".join(filter(None, (line.name, line.size and f"size {line.size}"))) or line.sku
    called = goods if goods == line.sku else f"{goods} ({line.sku})"
    cost = "" if line.unit_price is None else f": {money(line.quantity * line.unit_price, currency)}"
    return f"{line.quantity} x {called}{cost}"


def confirm(engine: Engine, order: PaidOrder, *, has_account: bool) -> str:
    """Put the confirmation of an order on its way, once for ever; says what becomes of it."""
    if not order.email:
        return NO_ADDRESS
    if not has_account:
        return NO_MAIL_ACCOUNT
    run(engine, _queue, WORKER, order_id=order.order_id, letter=confirmation(order))
    return QUEUED


def _queue(connection: Connection, _: Actor, *, order_id: int, letter: Message) -> None:
    values = {"order_id": order_id, "title": letter.title, "body": letter.body}
    call(connection, "select stockroom_api.confirm_order(%(order_id)s, %(title)s, %(body)s)", values)
