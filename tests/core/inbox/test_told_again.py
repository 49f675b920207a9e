"""Several messages about the same sale, in any order: they complete each other, and nothing is lost."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from core.database.engine import run
from core.foundation.model import Actor
from core.inbox import applying
from tests.stripe.shop import Stripe, open_cases, orders_of
from tests.support.builders import Shop
from tests.support.selling import Sale, cases, order_id, sell, states

UNREADABLE = {"cart_state": "unreadable", "cart_raw": "cart: [{", "why": "its cart cannot be read"}


@pytest.fixture
def stripe(embedded_shop: Shop) -> Stripe:
    return Stripe(embedded_shop)


def test_an_order_whose_cart_can_be_read_later_is_taken_then(shop: Shop) -> None:
    shoe, sku = shop.variant(10), "READ-LATER"
    shop.sql("update public.product_variants set sku = :sku where id = :id", sku=sku, id=shoe)
    unread = Sale(lines=[], more=UNREADABLE)
    sell(shop, unread)
    assert cases(shop, unread) == [("unreadable_cart", "open", 0)]
    read = Sale(lines=[(sku, 2)], payment_id=unread.payment_id)
    assert sell(shop, read) == (0, 1)
    assert states(shop, read) == [("taken", None, 2, 0)]
    assert cases(shop, read) == [("unreadable_cart", "resolved", 0)]
    assert sell(shop, read) == (0, 0)
    assert shop.on_hand(shoe) == 8


def test_many_orders_whose_carts_can_be_read_at_last_are_filled_at_once_first_paid_first(shop: Shop) -> None:
    shoe = shop.variant(3)
    sku = shop.sql("select sku from public.product_variants where id = :id", id=shoe)
    sales = [Sale(lines=[], more=UNREADABLE) for _ in range(5)]
    sell(shop, *sales)
    sell(shop, *(Sale(lines=[(sku, 1)], payment_id=sale.payment_id) for sale in reversed(sales)))
    assert [states(shop, sale)[0][0] for sale in sales] == ["taken"] * 3 + ["failed"] * 2
    assert shop.on_hand(shoe) == 0


def test_the_same_unreadable_cart_twice_in_one_batch_is_one_case(shop: Shop) -> None:
    sale = Sale(lines=[], more=UNREADABLE)
    sell(shop, sale, sale)
    assert cases(shop, sale) == [("unreadable_cart", "open", 0)]


def test_a_cart_that_only_one_of_two_messages_has_opens_no_case(shop: Shop) -> None:
    shoe = shop.variant(5)
    sku = shop.sql("select sku from public.product_variants where id = :id", id=shoe)
    read = Sale(lines=[(sku, 1)])
    sell(shop, Sale(lines=[], payment_id=read.payment_id, more=UNREADABLE), read)
    assert cases(shop, read) == []
    assert shop.on_hand(shoe) == 4


def test_two_messages_of_one_batch_complete_each_other(shop: Shop) -> None:
    told = Sale(lines=[], more={"charge_id": "ch_together", "cart_state": "absent"})
    other = Sale(lines=[], payment_id=told.payment_id, more={"session_id": "cs_together", "cart_state": "absent"})
    sell(shop, told, other)
    (order,) = shop.rows("select * from stockroom.orders where id = :id", id=order_id(shop, told))
    assert (order.charge_id, order.session_id) == ("ch_together", "cs_together")


def test_a_dispute_that_arrives_before_its_order_is_set_on_it(stripe: Stripe) -> None:
    stripe.shop.variant(5, sku="TEE-M")
    payment = stripe.pay("TEE-M")
    stripe.account.advance(1)
    stripe.account.dispute(payment["latest_charge"])
    stripe.webhook()
    later = "update stockroom.stripe_events set due_at = now() + interval '1 hour' where kind like 'payment_intent%'"
    stripe.shop.sql(later)
    stripe.work()
    assert orders_of(stripe.shop) == 0
    stripe.shop.sql("update stockroom.stripe_events set due_at = now() where state = 'new'")
    stripe.work()
    assert stripe.shop.sql("select dispute from stockroom.orders") == "needs_response"


def test_an_older_message_about_a_dispute_changes_nothing(stripe: Stripe) -> None:
    stripe.shop.variant(5, sku="TEE-M")
    made = stripe.account.dispute(stripe.pay("TEE-M")["latest_charge"])
    stripe.account.advance(60)
    stripe.account.close_dispute(made["id"], won=True)
    stripe.webhook(shuffle=True)
    early = (
        "update stockroom.stripe_events set due_at = now() + interval '1 hour' where kind = 'charge.dispute.created'"
    )
    stripe.shop.sql(early)
    stripe.work()
    stripe.shop.sql("update stockroom.stripe_events set due_at = now() where state = 'new'")
    stripe.work()
    assert stripe.shop.sql("select dispute from stockroom.orders") == "won"


def test_a_refund_and_its_order_applied_at_the_same_moment_find_each_other(stripe: Stripe) -> None:
    stripe.shop.variant(5, sku="TEE-M")
    payment = stripe.pay("TEE-M")
    stripe.webhook()
    stripe.account.refund(payment_intent=payment["id"])
    reached = threading.Event()

    def apply_slowly(connection: Connection, actor: Actor, /, **values: Any) -> tuple[int, int]:
        done = applying.apply(connection, actor, **values)
        reached.set()
        time.sleep(0.5)  # the order is recorded, and nobody else can see it yet
        return done

    def slow_run(engine: Engine, operation: Any, actor: Actor, **values: Any) -> Any:
        return run(engine, apply_slowly if operation is applying.apply else operation, actor, **values)

    def slow_worker() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(applying, "run", slow_run)
            stripe.work()

    slow = threading.Thread(target=slow_worker)
    slow.start()
    assert reached.wait(10)
    stripe.webhook()
    stripe.work()
    slow.join()
    assert stripe.shop.sql("select count(*) from stockroom.refunds where order_id is null") == 0
    assert stripe.shop.sql("select count(*) from stockroom.refunds") == 1
    assert open_cases(stripe.shop) == []
