"""What is it? Support says on a case what an unknown code means: a variant, a bundle, no goods; for good or once."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core.foundation.sales import MeaningKind
from core.orders import meanings
from core.orders.meanings import Meaning
from tests.dashboard.tabs import Tabs, field, labels, press, run, tabs, words_of
from tests.support.builders import Shop
from tests.support.selling import Sale, case_of, sell, states

__all__ = ["tabs"]
SAVE = "Save and try again"
TIMES = "\N{MULTIPLICATION SIGN}"


@pytest.fixture
def unknown(embedded_shop: Shop) -> Sale:
    """A shop with two shoes and a mug, and an order with a code that nobody knows."""
    for size in ("42", "43"):
        embedded_shop.variant(on_hand=5, sku=f"AM-{size}", product="Air Max", size=size)
    embedded_shop.variant(on_hand=5, sku="MUG-1", product="Mug")
    sale = Sale(lines=[("OLD-A", 1)], more={"number": "WEB-2"})
    sell(embedded_shop, sale)
    return sale


def open_case(tabs: Tabs, name: str, sale: Sale) -> AppTest:
    return tabs.open(name, "alerts", alert=str(case_of(tabs.shop, sale)))


def say(tab: AppTest, kind: MeaningKind) -> AppTest:
    field(tab, "button_group", "It is").set_value(kind)
    return run(tab)


def find(tab: AppTest, text: str) -> list[str]:
    """Type into the search and return what is offered."""
    field(tab, "text_input", "Find").input(text)
    run(tab)
    return list(field(tab, "selectbox", "Variant").options)


def test_the_search_offers_the_nearest_variants_and_the_chosen_one_is_known_for_good(tabs: Tabs, unknown: Sale) -> None:
    tab = open_case(tabs, "Sam", unknown)
    assert "No variant has the code OLD-A. What is it?" in words_of(tab)
    assert [offered.split(" · ")[0] for offered in find(tab, "air max 43")][:1] == ["AM-43"]
    field(tab, "selectbox", "Variant").select_index(0)
    said = words_of(press(tab, SAVE))
    assert "OLD-A means AM-43. 1 order retried, 1 completed." in said
    assert states(tabs.shop, unknown) == [("taken", None, 1, 0)]
    later = Sale(lines=[("OLD-A", 1)])
    sell(tabs.shop, later)
    assert states(tabs.shop, later) == [("taken", None, 1, 0)]


def test_the_name_in_the_cart_is_searched_at_first(tabs: Tabs, unknown: Sale) -> None:
    named = Sale(lines=[("X", 1)])
    named.more["lines"] = [{"code": "NO-SUCH", "name": "Mug", "quantity": 1}]
    sell(tabs.shop, named)
    tab = open_case(tabs, "Sam", named)
    assert "No variant has the code NO-SUCH (Mug in the cart)" in words_of(tab)
    assert field(tab, "selectbox", "Variant").options[0].startswith("MUG-1")


def test_a_scanned_sku_needs_no_choice_and_an_unknown_one_is_refused(tabs: Tabs, unknown: Sale) -> None:
    tab = open_case(tabs, "Sam", unknown)
    field(tab, "text_input", "Find").input("Z-9")
    assert "No variant has the SKU or barcode Z-9. Choose one of the variants first." in words_of(press(tab, SAVE))
    field(tab, "text_input", "Find").input("mug-1")
    assert "OLD-A means MUG-1. 1 order retried, 1 completed." in words_of(press(tab, SAVE))


def test_a_bundle_is_put_together_from_several_searches(tabs: Tabs, unknown: Sale) -> None:
    tab = say(open_case(tabs, "Sam", unknown), MeaningKind.BUNDLE)
    assert "Add the variants first. Nothing was changed." in words_of(press(tab, SAVE))
    for sku in ("AM-42", "MUG-1"):
        find(tab, sku)
        press(tab, "Add to the bundle")
    [found for found in tab.text_input if "units in one" in found.label][1].set_value("2")
    said = words_of(press(tab, SAVE))
    assert f"OLD-A means 1 {TIMES} AM-42, 2 {TIMES} MUG-1. 1 order retried, 1 completed." in said
    assert states(tabs.shop, unknown) == [
        ("bundle", None, 0, 0), ("taken", None, 1, 0), ("taken", None, 2, 0),
    ]  # fmt: skip


def test_no_goods_ends_the_case_and_every_other_that_waits_for_it(tabs: Tabs, unknown: Sale) -> None:
    other = Sale(lines=[("OLD-A", 3)])
    sell(tabs.shop, other)
    tab = say(open_case(tabs, "Sam", unknown), MeaningKind.NO_GOODS)
    said = words_of(press(tab, SAVE))
    assert "OLD-A means no goods. 2 orders retried, 2 completed." in said
    assert "Resolved by Sam" in said
    assert states(tabs.shop, other) == [("no_goods", None, 0, 0)]


def test_a_meaning_for_this_order_only_is_not_kept_for_the_next(tabs: Tabs, unknown: Sale) -> None:
    tab = open_case(tabs, "Sam", unknown)
    find(tab, "MUG-1")
    field(tab, "button_group", "For").set_value("This order only")
    said = words_of(press(tab, SAVE))
    assert "Order WEB-2: OLD-A means MUG-1 in this order. All lines are complete." in said
    later = Sale(lines=[("OLD-A", 1)])
    sell(tabs.shop, later)
    assert states(tabs.shop, later) == [("failed", "unknown_variant", 0, 0)]


def test_on_a_page_opened_earlier_the_second_person_sees_what_was_decided_meanwhile(tabs: Tabs, unknown: Sale) -> None:
    tab = open_case(tabs, "Mia", unknown)
    find(tab, "MUG-1")
    tabs.shop.run(meanings.give, "Sam", code="OLD-A", meaning=Meaning(kind=MeaningKind.NO_GOODS), seen=None)
    said = words_of(press(tab, SAVE))
    assert "Code was given a meaning by Sam meanwhile: OLD-A means no goods. Nothing was changed." in said
    assert "OLD-A means no goods, says Sam. Try again takes it." in said
    assert states(tabs.shop, unknown) == [("failed", "unknown_variant", 0, 0)]
    assert "OLD-A means MUG-1. 1 order retried, 1 completed." in words_of(press(tab, SAVE)), "now it is a change"


def test_a_code_that_several_variants_share_is_chosen_for_its_order_alone(tabs: Tabs, unknown: Sale) -> None:
    unclear = Sale(lines=[("AM", 1)], more={"number": "WEB-7"})
    sell(tabs.shop, unclear)
    tab = open_case(tabs, "Sam", unclear)
    assert "several variants begin with this: AM-42 (size 42), AM-43 (size 43)" in words_of(tab)
    assert not [group for group in tab.button_group if group.label == "For"], "for good is not offered"
    assert "Choose one of the variants first" in words_of(press(tab, SAVE))
    assert len(field(tab, "selectbox", "Variant").options) == 2
    field(tab, "selectbox", "Variant").select_index(1)
    said = words_of(press(tab, SAVE))
    assert "Order WEB-7: AM means AM-43 in this order. All lines are complete." in said
    assert SAVE not in labels(open_case(tabs, "Wanda", unclear))
    assert tabs.shop.sql("select count(*) from stockroom_api.meanings_in_force") == 0


def test_a_code_that_became_unclear_while_its_case_was_open_gets_no_meaning(tabs: Tabs, unknown: Sale) -> None:
    tab = open_case(tabs, "Sam", unknown)
    for size in ("42", "43"):
        tabs.shop.variant(on_hand=2, sku=f"OLD-A-{size}", product="Runner", size=size)
    field(tab, "text_input", "Find").input("OLD-A-42")
    said = words_of(press(tab, SAVE))
    assert "several variants: OLD-A-42 (size 42), OLD-A-43 (size 43). Nothing was mapped." in said
    assert states(tabs.shop, unknown) == [("failed", "unknown_variant", 0, 0)]
