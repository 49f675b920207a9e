"""The sentences at the top of an order: what happened, and what is to do, in every state that an order can have."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection

from core.database.engine import call
from core.foundation.model import Actor, Line
from core.foundation.sales import Disposition
from core.ledger import changes
from core.ledger.holds import Wanted, hold
from core.orders import cases, refunds
from core.orders.refunds import Decision
from core.screens import orders as screens
from dashboard.orders import story
from tests.dashboard.tabs import Tabs, press, tabs, words_of
from tests.support.builders import Shop, key
from tests.support.selling import Sale, line_of, order_id, seen_now, sell, tell_refund

__all__ = ["tabs"]
NOTHING: list[str] = []


class Told:
    """A shop with ten pairs of A-1 and one of B-1, one order of it, and its sentences."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        shop.variant(10, sku="A-1", product="Runner", size="42")
        self.boot = shop.variant(1, sku="B-1", product="Boot")
        self.sale = Sale(lines=[])
        self.refund = 0

    def sold(self, *lines: tuple[str, int], **more: Any) -> None:
        at = datetime(2026, 11, 23, 1, 5, tzinfo=UTC)  # 14:05 in Auckland
        self.sale = Sale(lines=list(lines), paid_at=at, more={"number": "WEB-1"} | more)
        sell(self.shop, self.sale)

    def refunded(self, amount: int, **more: Any) -> None:
        at = datetime(2026, 11, 25, 1, 5, tzinfo=UTC).isoformat()
        self.refund = tell_refund(self.shop, self.sale, amount=amount, refunded_at=at, **more)

    def decided(self, *said: tuple[Disposition, int]) -> None:
        line = line_of(self.shop, self.sale)
        decisions = [Decision(line_id=line, disposition=what, quantity=units) for what, units in said]
        seen = seen_now(self.shop, self.refund)
        self.shop.run(refunds.decide, "Sam", refund_id=self.refund, decisions=decisions, key=key(), seen=seen)

    def sentences(self) -> tuple[str, list[str]]:
        seen = self.shop.run(screens.order, "Sam", order_id=order_id(self.shop, self.sale))
        told = story.tell(seen)
        plain = [each.replace("\N{NO-BREAK SPACE}", " ") for each in (*told.happened, *told.to_do)]
        return " ".join(plain[: len(told.happened)]), plain[len(told.happened) :]


def whole(told: Told) -> None:
    told.sold(("A-1", 2))


def short(told: Told) -> None:
    told.sold(("A-1", 1), ("B-1", 3))


def came(told: Told) -> None:
    short(told)
    told.shop.run(changes.receive, "Mia", lines=[Line(variant_id=told.boot, quantity=5)], key=key())


def oversold(told: Told) -> None:
    short(told)
    told.shop.run(cases.ship_what_is_there, "Mia", order_id=order_id(told.shop, told.sale), key=key(), note="sent one")


def unknown(told: Told) -> None:
    told.sold(("OLD-A", 1))


def unread(told: Told) -> None:
    told.sold(cart_state="unreadable", cart_raw="[{", why="its cart is cut off", amount=2000)


def skipped(told: Told) -> None:
    told.sold(("A-1", 1), policy="skip")


def held(told: Told) -> None:
    told.shop.run(hold, Actor(name="Web shop"), items=[Wanted(sku="A-1", quantity=2)], key="hold")
    whole(told)


def waiting(told: Told) -> None:
    whole(told)
    told.refunded(1000)


def begun(told: Told) -> None:
    whole(told)
    told.refunded(1000, status="pending")


def decided(told: Told) -> None:
    whole(told)
    told.refunded(2000)
    told.decided((Disposition.RESTOCK, 1), (Disposition.DAMAGED, 1))


def kept(told: Told) -> None:
    whole(told)
    told.refunded(2000)
    told.decided((Disposition.GOODWILL, 1), (Disposition.NOT_RETURNED, 1))


def inspecting(told: Told) -> None:
    whole(told)
    told.refunded(2000)
    told.decided((Disposition.INSPECT, 2))


def failed(told: Told) -> None:
    whole(told)
    told.refunded(1000, status="failed")


def failed_later(told: Told) -> None:
    whole(told)
    told.refunded(2000)
    told.decided((Disposition.RESTOCK, 2))
    (row,) = told.shop.rows("select refund_id from stockroom.refunds")
    later = datetime.now(UTC).isoformat()
    told.refunded(2000, refund_id=row.refund_id, status="failed", told_at=later)


def never_sent(told: Told) -> None:
    short(told)
    told.refunded(4000)


def _dispute(connection: Connection, _: Actor, *, row: dict[str, Any]) -> None:
    call(connection, "select stockroom_api.record_disputes(%(rows)s::jsonb)", {"rows": json.dumps([row])})


def disputed(told: Told) -> None:
    whole(told)
    now = datetime.now(UTC).isoformat()
    row = {"dispute_id": "du_1", "payment_id": told.sale.payment_id, "amount": 2000, "currency": "usd",
           "status": "needs_response", "reason": "fraudulent", "disputed_at": now, "told_at": now}  # fmt: skip
    told.shop.run(_dispute, row=row)


PAID = "Paid 23 Nov 2026, 14:05."
LEFT = f"{PAID} All its goods left the shelf: 2 units."


@pytest.mark.parametrize(
    ("state", "happened", "to_do"),
    [
        (whole, LEFT, NOTHING),
        (short, f"{PAID} 1 of 4 units left the shelf.",
         ["B-1 lacks 3 units: receive or find what is missing and retry, or refund the buyer."]),
        (came, f"{PAID} 1 of 4 units left the shelf.", ["3 units of B-1 can be taken now: retry."]),
        (oversold, f"{PAID} 2 of 4 units left the shelf. Oversold, because it was not there: 2 units of B-1.",
         ["The buyer waits for 2 units of B-1: send them when they arrive, or refund the buyer."]),
        (unknown, f"{PAID} 0 of 1 unit left the shelf.",
         ["Nothing in the catalogue has the code OLD-A: say what it means."]),
        (unread, f"{PAID} The cart could not be read, so no units left the shelf.",
         ["Enter the lines of this order, or say that it has no goods."]),
        (skipped, f"{PAID} This sale was only recorded, and no stock moved.", NOTHING),
        (waiting, f"{LEFT} $10.00 was refunded on 25 Nov 2026.",
         ["Say what became of the goods of the refund of $10.00."]),
        (begun, f"{LEFT} A refund of $10.00 was begun on 25 Nov 2026 and is not finished.",
         ["Say what became of the goods of the refund of $10.00."]),
        (decided, f"{LEFT} Back on the shelf: 1 unit of A-1. Came back damaged: 1 unit of A-1. "
         "$20.00 was refunded on 25 Nov 2026.", NOTHING),
        (kept, f"{LEFT} Not returned: 1 unit of A-1. Goodwill, buyer keeps it: 1 unit of A-1. "
         "$20.00 was refunded on 25 Nov 2026.", NOTHING),
        (inspecting, f"{LEFT} In inspection since", ["Inspect 2 units of A-1, and decide what becomes of them."]),
        (failed, f"{LEFT} A refund of $10.00 on 25 Nov 2026 failed.",
         ["The buyer did not get $10.00: refund it again at Stripe, or another way."]),
        (failed_later, f"{LEFT} Back on the shelf: 2 units of A-1. A refund of $20.00 on 25 Nov 2026 failed.",
         ["The buyer did not get $20.00: refund it again at Stripe, or another way.",
          "Goods went back on the shelf for a refund that failed (2 units): if the buyer keeps them, undo that "
          "decision under Refunds."]),
        (never_sent, f"{PAID} 1 of 4 units left the shelf. $40.00 was refunded on 25 Nov 2026.",
         ["Say what became of the goods of the refund of $40.00."]),
        (disputed, f"{LEFT} The buyer's bank disputes the payment: an answer is needed.",
         ["Answer the dispute at Stripe before it is due."]),
    ],
)  # fmt: skip
def test_an_order_says_what_happened_and_what_is_to_do(
    embedded_shop: Shop, state: Callable[[Told], None], happened: str, to_do: list[str]
) -> None:
    told = Told(embedded_shop)
    state(told)
    said, do = told.sentences()
    assert said.startswith(happened), said
    assert do == to_do


def test_the_page_shows_the_sentences_and_the_way_out_of_an_inspection_is_the_same_form(
    tabs: Tabs, embedded_shop: Shop
) -> None:
    told = Told(embedded_shop)
    inspecting(told)
    tab = tabs.open("Sam", "orders", order=str(order_id(embedded_shop, told.sale)))
    said = words_of(tab).replace("\N{NO-BREAK SPACE}", " ")
    assert "Inspect 2 units of A-1, and decide what becomes of them." in said
    assert "2 units in inspection." in said
    (field,) = [each for each in tab.text_input if each.label == "Back on the shelf"]
    field.set_value("2")
    press(tab, "Decide")
    assert "There is nothing to do." in words_of(tab)
    stock = words_of(tabs.open("Wanda", "stock", sku="A-1")).replace("\N{NO-BREAK SPACE}", " ")
    assert "In inspection" in stock
    assert embedded_shop.sql("select stock_quantity from product_variants where sku = 'A-1'") == 10
