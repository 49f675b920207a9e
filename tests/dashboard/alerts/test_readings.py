"""A cart with several readings is a case that shows each of them, and a person chooses one on the case or the order."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
from streamlit.testing.v1 import AppTest

from core.carts.mapping import CartMapping, Layout
from core.orders import stripe_link
from core.orders.readings import OrderReading
from core.orders.reads import OrderRow
from dashboard.alerts import readings
from dashboard.frame import selling
from dashboard.language.reader import Reader, reading
from tests.dashboard.tabs import Tabs, labels, press, run, tabs, words_of
from tests.support.selling import Unread, case_of

__all__ = ["tabs"]


@pytest.fixture
def unread(tabs: Tabs) -> Unread:
    return Unread(tabs.shop)


def open_case(tabs: Tabs, name: str, which: Unread) -> AppTest:
    return tabs.open(name, "alerts", alert=str(case_of(tabs.shop, which.sale)))


def take(tab: AppTest, nth: int) -> AppTest:
    """Press the nth button that takes a reading."""
    [button for button in tab.button if button.label == "Take these lines"][nth].click()
    return run(tab)


def toast(tab: AppTest) -> str:
    return " ".join(str(shown.value) for shown in tab.toast).replace("\\", "").replace("\N{NO-BREAK SPACE}", " ")


def test_support_sees_what_each_reading_would_take_and_takes_one(tabs: Tabs, unread: Unread) -> None:
    tab = open_case(tabs, "Sam", unread)
    assert "Choose a reading" in [each.label for each in tab.tabs]
    said = words_of(tab)
    assert "Code, size, quantity (from the metadata of the payment)" in said
    assert "Comes to $10.00. Every code names one variant, and the amount fits." in said
    assert "Always read it like this" not in labels(tab)
    tab = take(tab, 1)
    assert unread.shop.on_hand(unread.shoe) == 7
    assert "3 units taken off the shelf." in words_of(tab) + toast(tab)
    assert "Take these lines" not in labels(tab)


def test_a_person_on_a_page_opened_earlier_reads_that_the_order_has_its_lines(tabs: Tabs, unread: Unread) -> None:
    late = open_case(tabs, "Sam", unread)
    unread.take(0, "Mia")
    late = take(late, 1)
    assert unread.shop.on_hand(unread.shoe) == 9, "what Mia chose"
    assert "Order has its lines already; somebody has chosen them" in words_of(late) + toast(late)
    assert "Take these lines" not in labels(late)


def test_two_admins_choose_for_the_shop_and_the_second_reads_that_the_first_has(tabs: Tabs, unread: Unread) -> None:
    late = open_case(tabs, "Ada", unread)
    other = CartMapping(layout=Layout.LIST, key="basket", code="sku", quantity="n")
    tabs.shop.run(stripe_link.save_mapping, "Ada", mapping=other)
    late = press(late, "Always read it like this")
    assert "Mapping of the shop was changed since this page was opened" in words_of(late) + toast(late)
    assert tabs.shop.sql("select cart_mapping ->> 'key' from stockroom.stripe_link") == "basket"


def test_the_order_page_shows_the_readings_too(tabs: Tabs, unread: Unread) -> None:
    tab = tabs.open("Sam", "orders", order=str(unread.order_id))
    tab = take(tab, 0)
    assert unread.shop.on_hand(unread.shoe) == 9
    assert "All lines" in words_of(tab) or "all off the shelf" in words_of(tab)


def test_the_warehouse_sees_the_readings_and_chooses_none(tabs: Tabs, unread: Unread) -> None:
    tab = open_case(tabs, "Wanda", unread)
    assert "Code, quantity (from the metadata of the payment)" in words_of(tab)
    assert not {"Take these lines", "Always read it like this"} & set(labels(tab))


def test_an_admin_makes_a_reading_the_shop_s(tabs: Tabs, unread: Unread) -> None:
    tab = open_case(tabs, "Ada", unread)
    assert labels(tab).count("Always read it like this") == 1, "the other reading is no mapping"
    tab = press(tab, "Always read it like this")
    assert "1 waiting order read again" in words_of(tab) + toast(tab)
    assert unread.shop.sql("select cart_mapping ->> 'key' from stockroom.stripe_link") == "cart"


def test_an_order_says_what_the_tolerance_let_through(tabs: Tabs) -> None:
    less = Unread(tabs.shop)
    less.take(0)
    told = "update stockroom.orders set tolerated = :amount, tolerance = :percent where id = :id"
    for amount, percent, said in (
        (-1200, 30, "Paid $12.00 less than its prices: within the shop's tolerance of 30 %."),
        (-1200, None, "Paid $12.00 less than its prices: a person took these lines."),
        (700, None, "Paid $7.00 more than its prices: counted as shipping and tax."),
    ):
        tabs.shop.sql(told, amount=amount, percent=percent, id=less.order_id)
        assert said in words_of(tabs.open("Wanda", "orders", order=str(less.order_id)))


def test_what_a_reading_is_and_where_it_was_found_are_in_the_readers_language() -> None:
    def heading(how: str, source: str) -> str:
        return readings.heading(
            OrderReading(how=how, why=None, source=source, amount=None, lines=(), can_be_mapping=False, raw={})
        )

    assert heading("code, size, quantity", "line items") == "**Code, size, quantity** (from the lines of the checkout)"
    with reading(Reader(language="de")):
        assert heading("code, size, quantity", "line items") == "**Code, Größe, Menge** (aus: Positionen des Checkouts)"
        assert heading("code, something else, price; one unit each", "payment metadata") == (
            "**Code, etwas anderes, Preis; je ein Stück** (aus: Metadaten der Zahlung)"
        )
        assert heading("“art” as code, “n” as quantity", "line items").startswith("**“art” als Code, “n” als Menge**")


def test_where_the_cart_of_an_order_was_read_is_in_the_readers_language() -> None:
    row = cast("OrderRow", SimpleNamespace(cart_source="line items", cart_state="read"))
    assert selling.cart(row) == "Read from the checkout"
    with reading(Reader(language="de")):
        assert selling.cart(row) == "Gelesen aus dem Checkout"
