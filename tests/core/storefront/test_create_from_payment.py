"""The order of a payment, requested by a storefront: one order and one mail, however often it is requested."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import httpx
import pytest

from core.alerts import deliveries
from core.carts import values
from core.inbox import messages as inbox
from core.storefront import paid_orders
from core.storefront.paid_orders import PaidLine, PaidOrder
from tests.core.storefront.test_api import Client, is_problem
from tests.core.storefront.test_checkout import Till, of, reserved
from tests.house.documents import STOREFRONT
from tests.stripe.shop import Stripe
from tests.support.builders import Shop
from tests.support.receivers import mailbox

PATH = "/orders/create-from-payment"
BUYER = {"email": "casey@shop.example", "name": "Casey Buyer", "shipping": None}


@pytest.fixture
def till(shop: Shop) -> Till:
    till = Till(shop)
    till.client = Client(shop, gateway=till.gateway, has_mail=True)
    return till


def paid(till: Till, *items: dict[str, Any], buyer: dict[str, Any] = BUYER, **more: Any) -> str:
    """Buy a cart; returns its payment."""
    begun = till.pay(*items, **more)
    assert begun.status_code == 201, begun.text
    payment_id: str = begun.json()["paymentIntentId"]
    till.account.succeed(payment_id, buyer)
    return payment_id


def order(till: Till, payment_id: str, client: Client | None = None) -> httpx.Response:
    return (client or till.client).http.post(PATH, json={"paymentIntentId": payment_id})


def mails(shop: Shop, payment_id: str) -> list[Any]:
    return shop.rows(
        """select d.recipient, d.title, d.body from stockroom.deliveries d join stockroom.orders o on o.id = d.order_id
            where o.payment_id = :id""",
        id=payment_id,
    )


def orders(shop: Shop, payment_id: str) -> int:
    return int(shop.sql("select count(*) from stockroom.orders where payment_id = :id", id=payment_id))


def sales(shop: Shop, variant_id: UUID) -> int:
    return int(
        shop.sql(
            """select coalesce(-sum(quantity), 0) from public.stock_movements
                where variant_id = :id and movement_type = 'sale'""",
            id=variant_id,
        )
    )


def open_cases(shop: Shop) -> int:
    return int(shop.sql("select count(*) from stockroom.alerts where state <> 'resolved'"))


def test_a_paid_cart_becomes_an_order_takes_its_hold_and_is_confirmed_by_mail(till: Till) -> None:
    cases = open_cases(till.shop)
    shoe = till.shop.variant(5, price=100, product="Halde Boot", size="42")
    payment_id = paid(till, of(shoe, 2), metadata={"cartId": "cart-7"}, shipping=490)
    answer = order(till, payment_id)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    sku = till.shop.sql("select sku from public.product_variants where id = :id", id=shoe)
    assert told["lines"] == [{"sku": sku, "quantity": 2, "state": "taken", "error": None}]
    assert (told["success"], told["orderNumber"], told["mail"]) == (True, "cart-7", "queued")
    assert (till.shop.on_hand(shoe), reserved(till.shop, shoe), sales(till.shop, shoe)) == (3, 0, 2)
    state = till.shop.sql("select state from stockroom.reservations where payment_id = :id", id=payment_id)
    assert state == "consumed"
    assert open_cases(till.shop) == cases
    ((recipient, title, body),) = mails(till.shop, payment_id)
    assert recipient == "casey@shop.example"
    assert title == f"Your order cart-7 at {till.shop.sql('select name from stockroom.shop')}"
    assert f"2 x Halde Boot, size 42 ({sku}): 200.00 EUR\n" in body
    assert "Shipping: 4.90 EUR\nPaid: 204.90 EUR\n" in body


def test_an_everyday_payment_asked_for_is_stored_as_done_and_no_worker_claims_it(till: Till) -> None:
    payment_id = paid(till, of(till.shop.variant(5, price=100), 2))
    assert order(till, payment_id).json()["success"] is True
    stored = till.shop.rows(
        "select state, attempts, source from stockroom.stripe_events where payment_id = :id", id=payment_id
    )
    assert [tuple(row) for row in stored] == [("done", 0, "import")]


def test_a_changed_connection_counts_for_the_next_payment(till: Till) -> None:
    shoe = till.shop.variant(5, price=100)
    assert order(till, paid(till, of(shoe))).json()["success"] is True
    since = till.shop.sql("select live_since from stockroom.stripe_link")
    till.shop.run(inbox.save_link, "Ada", changes={"live_since": "2099-01-01T00:00:00+00:00"})
    try:
        answer = order(till, paid(till, of(shoe))).json()
    finally:
        till.shop.run(inbox.save_link, "Ada", changes={"live_since": since.isoformat()})
    assert [line["state"] for line in answer["lines"]] == ["skipped"], "paid before the shop went live"
    assert till.shop.on_hand(shoe) == 4


def test_the_buyer_gets_one_mail_however_often_the_order_is_asked_for(till: Till) -> None:
    buyer = BUYER | {"email": "once@shop.example"}
    payment_id = paid(till, of(till.shop.variant(5, price=100)), buyer=buyer)
    with mailbox() as post:
        for _ in range(3):
            assert order(till, payment_id).json()["mail"] == "queued"
            deliveries.send_due(till.shop.engine, {"orders": post.url}, threading.Event())
    (mail,) = (mail for to, mail in post.got if to == ["once@shop.example"])
    assert mail["Subject"].startswith("Your order")
    assert "Paid: 100.00 EUR" in mail.as_string()


def test_the_cart_that_the_guide_shows_is_paid_and_becomes_an_order(till: Till) -> None:
    shoe = till.shop.variant(5, sku="HALDE-42", price=100)
    begun = till.client.http.post("/stripe/create-payment-intent", json=json.loads(STOREFRONT.block("json")))
    assert begun.json()["amount"] == 10_490
    till.account.succeed(begun.json()["paymentIntentId"])
    assert order(till, begun.json()["paymentIntentId"]).json()["orderNumber"] == "c-7"
    assert till.shop.on_hand(shoe) == 4


def test_asked_five_times_at_once_and_after_the_webhook_it_is_one_order_and_one_mail(till: Till) -> None:
    shoe = till.shop.variant(5, price=100)
    payment_id = paid(till, of(shoe, 2))
    stripe = Stripe.__new__(Stripe)
    stripe.shop, stripe.account, stripe.gateway = till.shop, till.account, till.gateway
    stripe.webhook()
    with ThreadPoolExecutor(6) as crowd:
        worker = crowd.submit(stripe.work)
        answers = list(crowd.map(lambda _: order(till, payment_id), range(5)))
        worker.result()
    assert [answer.status_code for answer in answers] == [200] * 5
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["lines"][0]["state"] == "taken"
    stripe.work()
    assert (orders(till.shop, payment_id), len(mails(till.shop, payment_id))) == (1, 1)
    assert (till.shop.on_hand(shoe), sales(till.shop, shoe), reserved(till.shop, shoe)) == (3, 2, 0)


def test_after_a_webhook_that_knew_no_address_the_mail_goes_out_all_the_same(till: Till) -> None:
    payment_id = paid(till, of(till.shop.variant(5, price=100)))
    stripe = Stripe.__new__(Stripe)
    stripe.shop, stripe.account, stripe.gateway = till.shop, till.account, till.gateway
    stripe.webhook()
    assert stripe.work().orders == 1
    for _ in range(2):
        assert order(till, payment_id).json()["mail"] == "queued"
    assert [mail.recipient for mail in mails(till.shop, payment_id)] == ["casey@shop.example"]


def test_a_line_that_cannot_be_taken_is_no_success_and_the_order_stands(till: Till) -> None:
    shoe, sock = till.shop.variant(1, price=100), till.shop.variant(5, price=10)
    payment_id = paid(till, of(shoe), of(sock))
    held = till.shop.sql("select id from stockroom.reservations where payment_id = :id", id=payment_id)
    till.client.http.request("DELETE", f"/reservations/{held}")
    till.shop.adjust(shoe, -1)
    told = order(till, payment_id).json()
    assert (told["success"], told["recorded"], told["total_items"], told["valid_items"]) == (False, True, 2, 1)
    assert told["message"].startswith("The order is recorded and stands.")
    assert [error["code"] for error in told["errors"]] == ["insufficient_stock"]
    assert sorted((line["state"], line["error"]) for line in told["lines"]) == [
        ("failed", "insufficient_stock"), ("taken", None)]  # fmt: skip
    kinds = till.shop.rows(
        "select a.kind from stockroom.alerts a join stockroom.orders o on o.id = a.order_id where o.payment_id = :id",
        id=payment_id,
    )
    assert [row.kind for row in kinds] == ["insufficient_stock"]
    assert told["orderNumber"] == payment_id


def test_an_order_whose_cart_nobody_can_read_is_recorded_and_no_success(till: Till) -> None:
    made = till.account.pay(5_000, "eur", {})
    told = order(till, made["id"]).json()
    assert (told["success"], told["recorded"], told["lines"]) == (False, True, [])
    assert told["message"].endswith("Its cart is not read yet, so nothing was taken off the shelf.")


def test_a_payment_that_has_not_succeeded_is_refused_with_its_status(till: Till) -> None:
    begun = till.pay(of(till.shop.variant(1, price=100))).json()
    told = is_problem(order(till, begun["paymentIntentId"]), 409)
    assert told["payment_status"] == "requires_payment_method"
    assert orders(till.shop, begun["paymentIntentId"]) == 0
    is_problem(order(till, "pi_nobody"), 404)
    for odd in ("ch_123", "pi_../../x", "pi_\u0000"):
        is_problem(order(till, odd), 422)
    is_problem(Client(till.shop).http.post(PATH, json={"paymentIntentId": "pi_123"}), 503)


def test_without_an_address_or_mail_account_no_mail_is_sent_and_the_answer_says_so(till: Till) -> None:
    shoe = till.shop.variant(5, price=100)
    nameless = paid(till, of(shoe), buyer={"email": None, "name": None, "shipping": None})
    assert order(till, nameless).json()["mail"] == "no_address"
    named = paid(till, of(shoe))
    assert order(till, named, Client(till.shop, gateway=till.gateway)).json()["mail"] == "no_mail_account"
    assert mails(till.shop, named) == mails(till.shop, nameless) == []


def test_a_line_without_movements_in_the_ledger_has_an_error_and_opens_a_case(till: Till) -> None:
    shoe = till.shop.variant(5, price=100)
    payment_id = paid(till, of(shoe))
    assert order(till, payment_id).json()["lines"][0]["error"] is None
    till.shop.sql(
        """update stockroom.order_lines l set movement_id = null
             from stockroom.orders o where o.id = l.order_id and o.payment_id = :id""",
        id=payment_id,
    )
    assert order(till, payment_id).json()["lines"][0]["error"] == "not_in_ledger"
    cause = till.shop.sql("select cause from stockroom.alerts where kind = 'proof_failed' and state <> 'resolved'")
    assert cause == f"ledger:{payment_id}"
    till.shop.sql(
        "update stockroom.alerts set state = 'resolved', resolved_at = now() where cause = :cause", cause=cause
    )


def test_an_unavailable_stripe_is_reported_and_nothing_is_half_done(till: Till) -> None:
    payment_id = paid(till, of(till.shop.variant(5, price=100)))
    till.stripe.trouble(500, times=2)
    is_problem(order(till, payment_id), 503)
    assert orders(till.shop, payment_id) == 0
    assert order(till, payment_id).status_code == 200


def test_the_client_secret_of_a_payment_is_stored_nowhere(till: Till) -> None:
    payment_id = paid(till, of(till.shop.variant(5, price=100)))
    order(till, payment_id)
    bodies = till.shop.rows("select body from stockroom.stripe_events where payment_id = :id", id=payment_id)
    assert bodies
    assert all("_secret_" not in row.body for row in bodies)


def test_money_is_written_as_its_currency_is_counted() -> None:
    assert values.money(2590, "eur") == "25.90 EUR"
    assert values.money(12_900, "jpy") == "12,900 JPY"
    assert values.money(1_234_500, "kwd") == "1,234.500 KWD"


def test_a_confirmation_is_plain_and_whole_for_an_order_whose_cart_is_not_known() -> None:
    bare = PaidOrder(order_id=1, payment_id="pi_1", number=None, shop="Halde", email="a@b.example", amount=500,
                     currency="eur", shipping=None, cart_state="absent", lines=())  # fmt: skip
    body = paid_orders.confirmation(bare).body
    assert body == (
        "Thank you for your order.\n\nWe have received your payment and your order.\n\nPaid: 5.00 EUR\n\nHalde\n"
    )
    line = PaidLine(sku="A-1", name=None, size=None, quantity=3, unit_price=None, state="taken", error=None)
    assert paid_orders._mail_line(line, "eur") == "3 x A-1"
