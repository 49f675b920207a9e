"""A refund ends the cases that it makes pointless and asks where a part went back; a failed one brings them back."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from core.ledger import changes as ledger
from core.orders import cases as order_cases
from tests.stripe.shop import Stripe
from tests.support.builders import Shop, key
from tests.support.selling import Sale, case_of, cases, order_id, sell, states, tell_refund

UNREADABLE: dict[str, Any] = {
    "cart_state": "unreadable", "cart_raw": "cart: [{", "why": "its cart cannot be read", "amount": 2000, "lines": []
}  # fmt: skip
IN_FULL = "The order was refunded in full"


def short(shop: Shop, units: int = 1, on_hand: int = 0) -> tuple[Any, Sale]:
    """Return an order with too little stock, and its variant."""
    shoe = shop.variant(on_hand)
    sku = shop.sql("select sku from public.product_variants where id = :id", id=shoe)
    return shoe, Sale(lines=[(sku, units)], more={"number": f"N-{key()[:8]}"})


def fail(shop: Shop, sale: Sale, refund_id: int) -> None:
    """Let Stripe report that a refund failed."""
    name = shop.sql("select refund_id from stockroom.refunds where id = :id", id=refund_id)
    amount = shop.sql("select amount from stockroom.refunds where id = :id", id=refund_id)
    tell_refund(shop, sale, refund_id=name, status="failed", amount=amount, told_at=datetime.now(UTC).isoformat())


def end(shop: Shop, sale: Sale) -> tuple[str, str | None]:
    """Return the state of the order's latest case and how it ended."""
    (row,) = shop.rows("select state, resolution from stockroom.alerts where id = :id", id=case_of(shop, sale))
    return row.state, row.resolution


def sentence(shop: Shop, sale: Sale) -> str:
    return str(shop.sql("select sentence from stockroom.alerts where id = :id", id=case_of(shop, sale)))


def test_an_order_refunded_in_full_that_never_left_is_settled_and_trying_again_takes_nothing(shop: Shop) -> None:
    shoe, sale = short(shop, 2)
    sell(shop, sale)
    tell_refund(shop, sale, amount=2000)
    assert end(shop, sale) == ("resolved", IN_FULL)
    assert states(shop, sale) == [("resolved", "refunded", 0, 2)]
    shop.adjust(shoe, 10)
    tried = shop.run(order_cases.retry_order, "Sam", order_id=order_id(shop, sale), key=key())
    assert [(line.state, line.cause, line.taken) for line in tried] == [("resolved", "refunded", 0)]
    shipped = shop.run(
        order_cases.ship_what_is_there,
        "Mia",
        order_id=order_id(shop, sale),
        key=key(),
        note="From a page opened before",
    )
    assert [line.taken for line in shipped] == [0]
    assert shop.on_hand(shoe) == 10


def test_refund_first_and_order_later_end_alike(shop: Shop) -> None:
    _, first = short(shop, 2)
    tell_refund(shop, first, amount=2000)
    sell(shop, first)
    _, second = short(shop, 2)
    sell(shop, second)
    tell_refund(shop, second, amount=2000)
    for sale in (first, second):
        assert states(shop, sale) == [("resolved", "refunded", 0, 2)]
        assert end(shop, sale) == ("resolved", IN_FULL)
        waits = "select state from stockroom.refunds where payment_id = :id"
        assert shop.sql(waits, id=sale.payment_id) == "waiting"


def test_what_did_leave_the_shelf_stays_sold_until_a_person_decides(shop: Shop) -> None:
    shoe, sale = short(shop, 1, on_hand=5)
    _, missing = short(shop, 1)
    sale.lines += missing.lines
    sell(shop, sale)
    tell_refund(shop, sale, amount=2000)
    assert states(shop, sale) == [("taken", None, 1, 0), ("resolved", "refunded", 0, 1)]
    assert shop.on_hand(shoe) == 4


def test_the_case_of_an_unread_cart_ends_with_the_refund_and_a_cart_read_later_takes_nothing(shop: Shop) -> None:
    shoe, sale = short(shop, 2, on_hand=5)
    unread = Sale(lines=[], payment_id=sale.payment_id, more=UNREADABLE)
    sell(shop, unread)
    tell_refund(shop, unread, amount=2000)
    assert end(shop, unread) == ("resolved", IN_FULL)
    sell(shop, sale)
    assert states(shop, sale) == [("resolved", "refunded", 0, 2)]
    assert shop.on_hand(shoe) == 5


def test_a_refund_before_an_unread_cart_ends_its_case_too(shop: Shop) -> None:
    unread = Sale(lines=[], more=UNREADABLE)
    tell_refund(shop, unread, amount=2000)
    sell(shop, unread)
    assert end(shop, unread) == ("resolved", IN_FULL)


@pytest.mark.parametrize("more", [{}, UNREADABLE], ids=["open lines", "unread cart"])
def test_a_refund_of_a_part_says_which_and_asks(shop: Shop, more: dict[str, Any]) -> None:
    _, sale = short(shop, 2)
    sale.more |= more
    sell(shop, sale)
    tell_refund(shop, sale, amount=500, refunded_at="2026-05-03T10:00:00Z")
    asks = "refunded on 3 May 2026. Does the buyer still want these goods?"
    assert sentence(shop, sale).endswith(f". 5.00 USD of 20.00 USD were {asks}")
    tell_refund(shop, sale, amount=700, refunded_at="2026-05-03T10:00:00Z")
    assert sentence(shop, sale).endswith(f". 12.00 USD of 20.00 USD were {asks}")
    assert sentence(shop, sale).count("Does the buyer") == 1
    assert end(shop, sale) == ("open", None)
    tell_refund(shop, sale, amount=800)
    assert end(shop, sale) == ("resolved", IN_FULL)


def test_a_refund_of_a_part_before_the_order_asks_as_well(shop: Shop) -> None:
    for more in ({}, UNREADABLE):
        _, sale = short(shop, 2)
        sale.more |= more
        tell_refund(shop, sale, amount=500)
        sell(shop, sale)
        assert "5.00 USD of 20.00 USD were refunded" in sentence(shop, sale)


@pytest.mark.parametrize("more", [{}, UNREADABLE], ids=["open lines", "unread cart"])
def test_a_failed_refund_brings_the_case_back(shop: Shop, more: dict[str, Any]) -> None:
    shoe, sale = short(shop, 2)
    sale.more |= more
    sell(shop, sale)
    kind, said = cases(shop, sale)[0][0], sentence(shop, sale)
    found = tell_refund(shop, sale, amount=2000)
    assert end(shop, sale)[0] == "resolved"
    fail(shop, sale, found)
    assert end(shop, sale) == ("open", None)
    assert (cases(shop, sale)[-1][0], sentence(shop, sale)) == (kind, said)
    if not more:
        assert states(shop, sale) == [("failed", "insufficient_stock", 0, 0)]
        shop.adjust(shoe, 2)
        shop.run(order_cases.retry_order, "Sam", order_id=order_id(shop, sale), key=key())
        assert states(shop, sale) == [("taken", None, 2, 0)]


def test_the_same_message_about_a_refund_repeats_no_case(shop: Shop) -> None:
    _, sale = short(shop, 2)
    sell(shop, sale)
    found = tell_refund(shop, sale, amount=500)
    seen = "select seen from stockroom.alerts where id = :id"
    assert shop.sql(seen, id=case_of(shop, sale)) == 2
    name = shop.sql("select refund_id from stockroom.refunds where id = :id", id=found)
    tell_refund(shop, sale, amount=500, refund_id=name)
    assert shop.sql(seen, id=case_of(shop, sale)) == 2


def test_lines_that_a_person_settled_stay_settled_when_a_refund_fails(shop: Shop) -> None:
    _, sale = short(shop, 2)
    sell(shop, sale)
    shop.run(order_cases.ship_what_is_there, "Mia", order_id=order_id(shop, sale), key=key(), note="Nothing there")
    fail(shop, sale, tell_refund(shop, sale, amount=2000))
    assert states(shop, sale) == [("resolved", None, 0, 2)]


def test_a_refund_and_a_retry_at_the_same_moment_take_the_pair_or_settle_it_never_both(shop: Shop) -> None:
    for _ in range(15):
        shoe, sale = short(shop, 1)
        sell(shop, sale)
        shop.adjust(shoe, 3)
        start = threading.Barrier(2)

        def retry(sale: Sale = sale, start: threading.Barrier = start) -> None:
            start.wait()
            shop.run(order_cases.retry_order, "Sam", order_id=order_id(shop, sale), key=key())

        def repay(sale: Sale = sale, start: threading.Barrier = start) -> None:
            start.wait()
            tell_refund(shop, sale, amount=1000)

        with ThreadPoolExecutor(2) as both:
            for done in [both.submit(retry), both.submit(repay)]:
                done.result()
        assert (states(shop, sale), shop.on_hand(shoe)) in (
            ([("taken", None, 1, 0)], 2),
            ([("resolved", "refunded", 0, 1)], 3),
        )


def test_money_that_was_never_captured_is_no_refund_to_decide(embedded_shop: Shop) -> None:
    stripe = Stripe(embedded_shop)
    embedded_shop.variant(5, sku="TEE-M")
    account = stripe.account
    part = account.open_payment(3000, metadata={"cart": '[{"sku":"TEE-M","quantity":2}]'})
    account.authorise(part["id"])
    account.capture(part["id"], 2000)
    given_up = account.open_payment(3000)
    account.authorise(given_up["id"])
    account.refund(charge=given_up["latest_charge"])  # as Stripe did until 2025
    account.cancel(given_up["id"])
    stripe.webhook()
    stripe.work()
    assert embedded_shop.rows("select state, amount from stockroom.refunds order by amount") == [
        ("released", 1000),
        ("released", 3000),
    ]
    assert embedded_shop.sql("select refunds from stockroom_api.waiting") == 0
    assert embedded_shop.sql("select refunded from stockroom_api.order_rows") == 0
    account.advance(3600)
    account.refund(payment_intent=part["id"], amount=1000)
    stripe.webhook()
    stripe.work()
    assert embedded_shop.sql("select refunds from stockroom_api.waiting") == 1


def test_a_sale_undone_after_a_refund_in_full_opens_no_case(shop: Shop) -> None:
    shoe, sale = short(shop, 1, on_hand=5)
    sell(shop, sale)
    tell_refund(shop, sale, amount=1000)
    movement = shop.history(shoe)[-1].id
    shop.run(ledger.undo, "Mia", movement_ids=[movement], key=key(), note="The buyer has it not")
    assert states(shop, sale) == [("resolved", "refunded", 0, 1)]
    assert (cases(shop, sale), shop.on_hand(shoe)) == ([], 5)
