"""Finding orders, variants and products by anything that a person knows of them."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from core.foundation.errors import Forbidden, SignInRequired
from core.foundation.sales import StripeEvent
from core.inbox import messages as inbox
from core.inbox import settling
from core.inbox.messages import Incoming
from core.orders import reads as order_reads
from core.orders.filter import OrderFilter
from core.screens import finding as screens
from tests.support.builders import Shop
from tests.support.selling import Sale, order_id, payment_id, sell, tell_refund


class Desk:
    """A shop with some orders of its own, and what a search of support finds among them."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.mark = shop, uuid.uuid4().hex[:8]
        self.number = int(self.mark, 16)
        self.shoe = shop.variant(20, product=f"Halde {self.mark}", size="42")
        self.sku = str(shop.sql("select sku from product_variants where id = :id", id=self.shoe))
        self.orders: dict[str, int] = {}

    def paid(self, order: str, **more: Any) -> Sale:
        sale = Sale(lines=[(self.sku, 1)], more=more)
        sell(self.shop, sale)
        self.orders[order] = order_id(self.shop, sale)
        return sale

    def find(self, text: str, who: str = "Sam") -> list[str]:
        """The names of the own orders that the search field finds, after checking that Orders finds the same."""
        names = {found: name for name, found in self.orders.items()}
        seen = self.shop.run(screens.find, who, text=text)
        found = [names[row.order_id] for row in seen.orders if row.order_id in names]
        page = self.shop.run(order_reads.page, who, filter=OrderFilter(search=text), limit=500)
        assert set(found) == {names[row.order_id] for row in page.rows if row.order_id in names}, text
        return found


@pytest.fixture
def desk(shop: Shop) -> Desk:
    return Desk(shop)


def test_an_order_is_found_by_anything_that_a_person_knows_of_it(desk: Desk) -> None:
    mark, number = desk.mark, desk.number
    ana = desk.paid(
        "ana",
        email=f"Ana.Ruiz.{mark}@Example.com",
        name=f"Ána Ruíz-Müller {mark}",
        number=f"WEB-0{number}",
        amount=1_199_80,
        charge_id=f"ch_{mark}",
        session_id=f"cs_test_{mark}",
    )
    desk.paid("bob", email=f"bob{mark}@buyer.example", name=f"Bob Łukasz {mark}", number=f"EU{number}7", amount=700)
    refund = tell_refund(desk.shop, ana, refund_id=f"re_{mark}", amount=100)
    for text in (
        f"ana.ruiz.{mark}", f"RUIZ.{mark}@EX", f"uiz.{mark}", f"ruiz {mark}", f"Muller {mark}", f"ANA {mark}",
        f"\u0430na {mark}",  # a Cyrillic letter that looks like the Latin one
        f"{number}", f"0{number}", f"#{number}", f"WEB-0{number}", f"web-{number}", f"order {number}",
        ana.payment_id, f"ch_{mark}", f"cs_test_{mark}", f"re_{mark}", ana.payment_id[:20],
        f"https://dashboard.stripe.com/test/payments/{ana.payment_id}",
    ):  # fmt: skip
        assert desk.find(text) == ["ana"], text
    assert refund
    for text in (f"lukasz {mark}", f"b{mark}", f"{number}7", f"eu{number}7"):
        assert desk.find(text) == ["bob"], text
    for text in ("1199.80", "1.199,80", "$1,199.80", "1199,80 USD"):
        assert desk.find(text) == ["ana"], text
    for text in ("1.199,80 EUR", "1199.81", f"x{mark}", f"us{number}", "%", "_", "' or true --", "\\"):
        assert desk.find(text) == [], text
    assert desk.find(desk.sku) == ["bob", "ana"], "the latest first"
    assert desk.find(str(desk.shoe)) == ["bob", "ana"]


def test_a_number_comes_before_an_amount_and_variants_and_products_after_the_orders(desk: Desk) -> None:
    number = str(desk.number)
    desk.paid("amount", amount=int(number) * 100)
    desk.paid("number", number=f"A-{number}", amount=900)
    older = "update stockroom.orders set paid_at = paid_at - interval '1 day' where id = :id"
    desk.shop.sql(older, id=desk.orders["number"])
    assert desk.find(number) == ["number", "amount"]
    seen = desk.shop.run(screens.find, "Sam", text=desk.sku.lower())
    assert [row.sku for row in seen.variants] == [desk.sku]
    assert not seen.products
    seen = desk.shop.run(screens.find, "Wanda", text=f"halde {desk.mark}")
    assert [(row.sku, row.available) for row in seen.variants] == [(desk.sku, 18)]
    assert [(row.product, row.variants, row.available) for row in seen.products] == [(f"Halde {desk.mark}", 1, 18)]
    with pytest.raises((Forbidden, SignInRequired)):
        desk.shop.run(screens.find, "Carl", text="a")


def body_of(charge: dict[str, Any]) -> Incoming:
    now = datetime.now(UTC)
    event = {
        "id": f"evt_{payment_id()}",
        "object": "event",
        "type": "charge.succeeded",
        "created": int(now.timestamp()),
        "livemode": False,
        "data": {"object": charge},
    }
    envelope = StripeEvent(
        event_id=str(event["id"]),
        kind="charge.succeeded",
        created_at=now,
        livemode=False,
        account=None,
        api_version=None,
        object_id=charge["id"],
    )
    return Incoming(event=envelope, body=json.dumps(event), source="webhook", payment_id=charge["payment_intent"])


def read_all(desk: Desk) -> None:
    """Read the cards of all messages, also of those of this moment."""
    desk.shop.sql("update stockroom.stripe_events set received_at = received_at - interval '1 minute'")
    while desk.shop.run(settling.read_cards):
        pass


def test_the_last_four_digits_of_a_card_are_read_from_messages_of_every_version(desk: Desk) -> None:
    shapes: list[dict[str, Any]] = [
        {"payment_method_details": {"type": "card", "card": {"last4": "0341"}}, "status": "succeeded"},
        {"source": {"object": "card", "last4": "0341"}, "status": "succeeded"},
        {"card": {"last4": "0341"}, "status": "paid"},
        {"payment_method_details": {"type": "card", "card": {"last4": "0341"}}, "status": "failed"},
        {"payment_method_details": {"type": "sepa_debit", "sepa_debit": {"last4": "0341"}}, "status": "succeeded"},
    ]
    events = []
    for place, shape in enumerate(shapes):
        sale = desk.paid(str(place), amount=1)
        charge = {"object": "charge", "id": f"ch_{desk.mark}{place}", "payment_intent": sale.payment_id}
        events.append(body_of(charge | shape))
    desk.shop.run(inbox.receive, messages=events)
    read_all(desk)
    assert sorted(desk.find("0341")) == sorted(desk.find("•••• 0341")) == ["0", "1", "2"]
    assert desk.shop.run(settling.read_cards) == 0, "each message is read once"


def test_every_search_uses_an_index(shop: Shop) -> None:
    def plan(statement: str) -> str:
        with shop.owner.begin() as connection:
            connection.exec_driver_sql("set local enable_seqscan = off")
            return "\n".join(str(row[0]) for row in connection.exec_driver_sql(f"explain {statement}"))

    pieces = "stockroom.order_pieces(o.email, o.name, o.number) @> array['ana', 'na ']"
    assert "orders_pieces_idx" in plan(f"select o.id from stockroom.orders o where {pieces}")
    assert "orders_amount_idx" in plan("select id from stockroom.orders where amount = 5 order by paid_at desc limit 3")
    assert "payment_cards_last4_idx" in plan("select payment_id from stockroom.payment_cards where last4 = '4242'")
