"""Settings, Codes: what codes mean, who said so, the orders they touched; changed, ended, and the orders reopened."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core.foundation.sales import MeaningKind
from core.orders import cases, meanings
from core.orders.meanings import Meaning
from tests.dashboard.tabs import Tabs, field, labels, press, run, table, tabs, words_of
from tests.support.builders import Shop, key
from tests.support.selling import Sale, order_id, sell, states

__all__ = ["tabs"]


@pytest.fixture
def mapped(embedded_shop: Shop) -> Sale:
    """A shop in which Sam said that OLD-A is A-1 and SHIPPING no goods, and an order of both."""
    shoe = embedded_shop.variant(on_hand=5, sku="A-1", product="Runner")
    embedded_shop.variant(on_hand=5, sku="B-1", product="Boot")
    for code, meaning in (
        ("OLD-A", Meaning(kind=MeaningKind.VARIANT, variant_id=shoe)),
        ("SHIPPING", Meaning(kind=MeaningKind.NO_GOODS)),
    ):
        embedded_shop.run(meanings.give, "Sam", code=code, meaning=meaning, seen=None)
    sale = Sale(lines=[("OLD-A", 2), ("SHIPPING", 1)], more={"number": "WEB-1"})
    sell(embedded_shop, sale)
    return sale


def codes(tabs: Tabs, name: str, **query: str) -> AppTest:
    return tabs.open(name, "settings", set_section="Codes", **query)


def choose(tab: AppTest, label: str) -> AppTest:
    field(tab, "selectbox", "Code").select(label)
    return run(tab)


def reopening(tab: AppTest, nth: int) -> None:
    tab.toggle[nth].set_value(True)


@pytest.mark.parametrize("name", ["Sam", "Mia", "Ada"])
def test_everybody_who_gives_meanings_sees_them_with_who_and_the_orders_they_touched(
    tabs: Tabs, mapped: Sale, name: str
) -> None:
    tab = codes(tabs, name)
    rows = table(tab, "Means")
    assert [(row["Code"], row["Means"], row["For"], row["Given by"], row["Orders"]) for _, row in rows.iterrows()] == [
        ("SHIPPING", "no goods", "Every order", "Sam", "1"),
        ("OLD-A", "A-1 · Runner", "Every order", "Sam", "1"),
    ]
    assert "1 order with lines that stand on it" in words_of(tab)


def test_the_warehouse_sees_no_section_and_no_list(tabs: Tabs, mapped: Sale) -> None:
    tab = codes(tabs, "Wanda")
    assert "Your role cannot view this page" in words_of(tab)
    assert not tab.dataframe


def test_meanings_are_searched_by_code_sku_product_and_person(tabs: Tabs, mapped: Sale) -> None:
    for text in ("old-", "a-1", "runner sam"):
        assert list(table(codes(tabs, "Sam", set_code_q=text), "Means")["Code"]) == ["OLD-A"]
    assert "No code has a meaning here" in words_of(codes(tabs, "Sam", set_code_q="nothing"))


def test_a_meaning_is_changed_and_the_orders_it_touched_take_what_it_means_now(tabs: Tabs, mapped: Sale) -> None:
    tab = choose(codes(tabs, "Mia"), "OLD-A: A-1")
    field(tab, "text_input", "Find").input("B-1")
    run(tab)
    reopening(tab, 0)
    said = words_of(press(tab, "Change"))
    assert "OLD-A means B-1. 1 order reopened, 1 complete." in said
    assert [tabs.shop.sql("select stock_quantity from product_variants where sku = :sku", sku=sku)
            for sku in ("A-1", "B-1")] == [5, 3]  # fmt: skip
    assert states(tabs.shop, mapped) == [("taken", None, 2, 0), ("no_goods", None, 0, 0)]


def test_a_meaning_is_ended_from_now_on_and_its_orders_are_reopened_later(tabs: Tabs, mapped: Sale) -> None:
    tab = choose(codes(tabs, "Sam"), "OLD-A: A-1")
    said = words_of(press(tab, "End"))
    assert "OLD-A has no meaning anymore." in said
    assert states(tabs.shop, mapped)[0] == ("taken", None, 2, 0), "what was taken stays"
    field(tab, "button_group", "State").set_value("Ended")
    run(tab)
    assert list(table(tab, "Ended by")["Ended by"]) == ["Sam"]
    said = words_of(press(tab, "Reopen orders"))
    assert "1 order reopened, 0 complete." in said
    assert states(tabs.shop, mapped)[0] == ("failed", "unknown_variant", 0, 0)
    assert "Reopen orders" not in labels(tab)


def test_on_a_page_opened_earlier_the_second_person_changes_nothing(tabs: Tabs, mapped: Sale) -> None:
    tab = choose(codes(tabs, "Mia"), "SHIPPING: no goods")
    row = tabs.shop.run(meanings.in_force, codes=["SHIPPING"])["SHIPPING"]
    tabs.shop.run(meanings.end, "Sam", meaning_id=row.meaning_id)
    said = words_of(press(tab, "End"))
    assert "Meaning was ended by Sam already. Nothing was changed." in said
    assert tabs.shop.sql("select count(*) from stockroom.audit where change = 'code_ended'") == 1


def test_a_settled_line_is_named_and_stays(tabs: Tabs, mapped: Sale) -> None:
    short = Sale(lines=[("OLD-A", 9)], more={"number": "WEB-2"})
    sell(tabs.shop, short)
    tabs.shop.run(cases.ship_what_is_there, "Mia", order_id=order_id(tabs.shop, short), key=key(), note="agreed")
    said = words_of(choose(codes(tabs, "Sam"), "OLD-A: A-1"))
    assert "Order WEB-2: OLD-A was settled by a person, so it stays as it is." in said


def test_a_meaning_of_one_order_is_listed_with_its_order_and_ended(tabs: Tabs, mapped: Sale) -> None:
    sale = Sale(lines=[("ODD", 1)], more={"name": "Kim Lee"})
    sell(tabs.shop, sale)
    line = tabs.shop.sql("select id from stockroom.order_lines where order_id = :id", id=order_id(tabs.shop, sale))
    tabs.shop.run(meanings.choose, "Sam", order_id=order_id(tabs.shop, sale), line_id=line, key=key(),
                  meaning=Meaning(kind=MeaningKind.NO_GOODS))  # fmt: skip
    tab = codes(tabs, "Sam")
    assert table(tab, "Means")["For"][0] == "Kim Lee · $10.00"
    choose(tab, "ODD: no goods, Kim Lee · $10.00")
    assert "Change" not in labels(tab)
    reopening(tab, 0)
    assert "ODD has no meaning anymore. 1 order reopened, 0 complete." in words_of(press(tab, "End"))
    assert states(tabs.shop, sale) == [("failed", "unknown_variant", 0, 0)]
