"""Cases about money: a double payment with both payments, a dispute to answer at Stripe, a lost one in words."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.alerts import handling
from tests.dashboard.tabs import Tabs, labels, press, tabs, words_of
from tests.support.builders import Shop
from tests.support.selling import Sale, order_id, sell, tell_refund

__all__ = ["tabs"]
NOW = datetime.now(UTC)


@pytest.fixture
def twice(embedded_shop: Shop) -> tuple[Sale, Sale, int]:
    """One cart that a buyer paid twice, without a number; returns both and their case."""
    embedded_shop.variant(9, sku="TEE-M")
    email = {"email": "casey@shop.example"}
    both = [
        Sale(lines=[("TEE-M", 1)], paid_at=NOW - timedelta(minutes=minutes), payment_id=f"pi_{minutes}", more=email)
        for minutes in (30, 10)
    ]
    sell(embedded_shop, *both)
    case = embedded_shop.sql("select id from stockroom.alerts where kind = 'double_payment'")
    return both[0], both[1], int(case)


def addresses(tab: AppTest) -> list[str]:
    return [each.proto.url for each in tab.get("link_button")]


def test_a_double_payment_names_both_and_links_to_their_refunds(tabs: Tabs, twice: tuple[Sale, Sale, int]) -> None:
    tab = tabs.open("Sam", "alerts", alert=str(twice[2]))
    said = words_of(tab)
    assert "Double payment" in said
    assert "Order casey@shop.example, 10.00 USD looks like a double payment of order casey@" in said
    assert addresses(tab) == [f"https://dashboard.stripe.com/test/payments/pi_{minutes}" for minutes in (30, 10)]
    assert sum("$10.00" in str(each.value) for each in tab.text) == 2
    assert "pi_30" not in said


def test_support_says_that_both_are_right_and_the_second_click_is_refused_in_words(
    tabs: Tabs, twice: tuple[Sale, Sale, int]
) -> None:
    early = tabs.open("Sam", "alerts", alert=str(twice[2]))
    tabs.shop.run(handling.both_are_right, "Mia", alert_id=twice[2])
    assert "was resolved by Mia already" in words_of(press(early, "Both are right"))
    assert tabs.shop.sql("select resolved_by from stockroom.alerts where id = :id", id=twice[2]) == "Mia"


def test_both_are_right_resolves_the_case(tabs: Tabs, twice: tuple[Sale, Sale, int]) -> None:
    tab = press(tabs.open("Sam", "alerts", alert=str(twice[2])), "Both are right")
    assert "The case is resolved: both payments are right." in words_of(tab)
    assert tabs.shop.sql("select resolution from stockroom.alerts where id = :id", id=twice[2]) == "Both are right"


def test_the_warehouse_sees_both_payments_and_does_not_decide(tabs: Tabs, twice: tuple[Sale, Sale, int]) -> None:
    tab = tabs.open("Wanda", "alerts", alert=str(twice[2]))
    assert "If only one was meant" in words_of(tab)
    assert "Both are right" not in labels(tab)


def dispute(shop: Shop, sale: Sale, status: str, told_at: datetime = NOW) -> None:
    row: dict[str, Any] = {
        "dispute_id": "dp_1", "payment_id": sale.payment_id, "amount": 1000, "currency": "usd", "status": status,
        "reason": "fraudulent", "due_by": (NOW + timedelta(days=7)).isoformat(), "disputed_at": NOW.isoformat(),
        "told_at": told_at.isoformat(),
    }  # fmt: skip
    shop.sql("select stockroom_api.record_disputes(cast(:rows as jsonb))", rows=json.dumps([row]))


def test_a_dispute_links_to_its_payment_at_stripe_and_a_lost_one_is_decided(tabs: Tabs) -> None:
    tabs.shop.variant(9, sku="TEE-M")
    sale = Sale(lines=[("TEE-M", 1)], payment_id="pi_disputed", more={"number": "W-1", "livemode": True})
    sell(tabs.shop, sale)
    dispute(tabs.shop, sale, "needs_response")
    case = tabs.shop.sql("select id from stockroom.alerts where kind = 'dispute'")
    tab = tabs.open("Sam", "alerts", alert=str(case))
    assert "The buyer disputes 10.00 USD of order W-1 at the bank" in words_of(tab)
    assert addresses(tab) == ["https://dashboard.stripe.com/payments/pi_disputed"]
    order = str(order_id(tabs.shop, sale))
    assert "an answer is needed" in tabs.open("Sam", "orders", order=order).table[0].value.to_string()
    dispute(tabs.shop, sale, "lost", NOW + timedelta(minutes=5))
    said = words_of(tabs.open("Sam", "orders", ord_view="Refunds to decide"))
    assert "Lost dispute" in said
    assert "the bank gave the money back, fraudulent" in said
    said = words_of(tabs.open("Sam", "orders", order=order))
    assert "Dispute about $10.00 lost" in said
    assert "Lost dispute" in said


def test_an_order_refunded_in_full_says_so_even_to_somebody_who_tries_again(tabs: Tabs) -> None:
    shoe = tabs.shop.variant(0, sku="TEE-M")
    sale = Sale(lines=[("TEE-M", 1)], more={"number": "W-2"})
    sell(tabs.shop, sale)
    case = tabs.shop.sql("select id from stockroom.alerts where kind = 'insufficient_stock'")
    early = tabs.open("Sam", "alerts", alert=str(case))
    tell_refund(tabs.shop, sale)
    tabs.shop.adjust(shoe, 5)
    assert "Order W-2 was refunded in full. Nothing was taken off the shelf." in words_of(press(early, "Try again"))
    assert tabs.shop.on_hand(shoe) == 5
    said = words_of(tabs.open("Sam", "orders", order=str(order_id(tabs.shop, sale))))
    assert "1 unit paid, none off the shelf, 1 refunded before leaving it" in said
    assert "Oversold" not in said
