"""Stock: the list of variants and its filters, and one variant with its forms."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.foundation.model import Actor
from core.ledger import holds
from core.ledger.holds import Wanted
from dashboard.frame.words import MINUS
from tests.dashboard.tabs import Tabs, field, labels, metric, press, run, table, tabs, words_of
from tests.support.builders import Shop, key

__all__ = ["tabs"]


def skus(tab: AppTest) -> list[str]:
    return list(table(tab, "sku")["sku"])


def choose(tab: AppTest, label: str, option: str, nth: int = 0) -> None:
    select = field(tab, "selectbox", label, nth)
    select.select_index([found.strip() for found in select.options].index(option))


# ---------------------------------------------------------------- the list


def test_the_list_shows_every_variant_with_its_level(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.variant(on_hand=12, sku="A-1", size="42", reorder_point=3)
    embedded_shop.variant(sku="B-1")
    rows = table(tabs.open("Sam", "stock"), "on_hand")
    assert [tuple(row) for row in rows[["sku", "on_hand", "available"]].itertuples(index=False)] == [
        ("A-1", 12, 12), ("B-1", 0, 0),
    ]  # fmt: skip
    assert [status for [status] in rows["status"]] == ["In stock", "Out"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"stk_status": "Low"}, ["LOW-1"]),
        ({"stk_status": "Out of stock"}, ["OUT-1"]),
        ({"stk_q": "boot"}, ["BOOT-1"]),
        ({"stk_q": "40000000017"}, ["LOW-1"]),
        ({"stk_brand": "Fjell"}, ["BOOT-1"]),
        ({"stk_status": "Nonsense", "stk_page": "'; drop table"}, ["BOOT-1", "LOW-1", "OUT-1"]),
    ],
)
def test_the_filters_are_in_the_address(
    tabs: Tabs, embedded_shop: Shop, query: dict[str, str], found: list[str]
) -> None:
    embedded_shop.variant(on_hand=9, sku="BOOT-1", product="Winter boot")
    embedded_shop.sql("update products set brand = 'Fjell' where name = 'Winter boot'")
    embedded_shop.variant(on_hand=2, sku="LOW-1", reorder_point=3, barcode="40000000017")
    embedded_shop.variant(sku="OUT-1")
    assert sorted(skus(tabs.open("Mia", "stock", **query))) == found


def test_the_sort_order_is_in_the_address(tabs: Tabs, embedded_shop: Shop) -> None:
    for sku, on_hand in (("A-1", 2), ("B-1", 0), ("C-1", 9)):
        embedded_shop.variant(on_hand=on_hand, sku=sku)
    assert skus(tabs.open("Mia", "stock", stk_sort="Most available first")) == ["C-1", "A-1", "B-1"]
    assert skus(tabs.open("Mia", "stock", stk_sort="Least available first")) == ["B-1", "A-1", "C-1"]


def test_no_match_shows_the_search_and_a_way_back(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.variant(on_hand=1, sku="A-1")
    tab = tabs.open("Mia", "stock", stk_q="*zebra*", stk_status="Low")
    assert "No variant matches Searched for “zebra” and status low." in words_of(tab)
    assert skus(press(tab, "Clear filters")) == ["A-1"]


def test_scanning_the_very_sku_opens_its_variant(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.variant(on_hand=4, sku="Shoe-42", product="Trail runner")
    embedded_shop.variant(on_hand=1, sku="Shoe-421")
    tab = tabs.open("Wanda", "stock")
    tab.text_input(key="stk_q").input("SHOE-42")
    run(tab)
    assert tab.query_params["sku"] == "Shoe-42"
    assert "Trail runner" in words_of(tab)


def test_a_long_list_has_pages_in_the_address(tabs: Tabs, embedded_shop: Shop) -> None:
    for number in range(53):
        embedded_shop.variant(sku=f"S-{number:03}")
    assert skus(tabs.open("Mia", "stock"))[0] == "S-000"
    tab = tabs.open("Mia", "stock", stk_page="2")
    assert skus(tab) == ["S-050", "S-051", "S-052"]
    assert "53 variants · page 2 of 2" in words_of(tab)


def test_the_grid_of_sizes_shows_where_a_run_is_broken(tabs: Tabs, embedded_shop: Shop) -> None:
    first = embedded_shop.variant(on_hand=3, sku="R-9", size="9", product="Runner")
    for size, on_hand in (("10", 0), ("9.5", 2)):
        variant = embedded_shop.variant(on_hand=on_hand, sku=f"R-{size}", size=size)
        embedded_shop.sql(
            """update product_variants set product_id = (select product_id from product_variants where id = :first)
                where id = :id""", first=first, id=variant,
        )  # fmt: skip
    embedded_shop.variant(on_hand=1, sku="SOCK", size="11", product="Sock")
    embedded_shop.variant(on_hand=1, sku="GLIDE", size="38", product="Glide (Women's)")
    tab = tabs.open("Mia", "stock", stk_view="Sizes")
    womens, grid = (found.value for found in tab.dataframe if "sizes" in found.value.columns)
    assert [column for column in womens.columns if column.startswith("size ")] == ["size 38"]
    assert "Women's sizes" in words_of(tab)
    assert [column for column in grid.columns if column.startswith("size ")] == [
        "size 9",
        "size 9.5",
        "size 10",
        "size 11",
    ]
    row, sock = grid.to_dict("records")
    assert pd.isna(sock["size 9"]), "a size that a product does not have is empty, not out of stock"
    assert [row[column] for column in ("size 9", "size 9.5", "size 10", "sizes")] == [3, 2, 0, "2 of 3"]
    assert list(row["run"]) == ["Broken"]


# ---------------------------------------------------------------- one variant


def test_a_link_to_an_unknown_sku_says_so(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.variant(on_hand=1)
    tab = tabs.open("Mia", "stock", sku="'; drop table products; --")
    assert "No variant has this SKU or barcode" in words_of(tab)
    assert "All variants" in labels(tab)


def test_adjusting_says_before_and_after_and_can_be_undone(tabs: Tabs, embedded_shop: Shop) -> None:
    shoe = embedded_shop.variant(on_hand=12, sku="A-1")
    tab = tabs.open("Wanda", "stock", sku="A-1")
    field(tab, "text_input", "Units").set_value("2")
    choose(tab, "Reason", f"{MINUS} Damaged")
    press(tab, "Adjust")
    assert f"A-1: 12 → 10 ({MINUS}2 units)" in words_of(tab)
    assert metric(tab, "On hand") == "10"
    (movement,) = embedded_shop.history(shoe)[1:]
    assert (movement.reason, movement.performed_by, movement.quantity) == ("damaged", "Wanda", -2)
    press(tab, "Undo")
    assert "Undone. A-1: 10 → 12 (+2 units)" in words_of(tab)
    assert "Undo" not in labels(tab)
    assert embedded_shop.on_hand(shoe) == 12


def test_a_typed_minus_takes_away_whatever_reason_stood_there_first(tabs: Tabs, embedded_shop: Shop) -> None:
    shoe = embedded_shop.variant(on_hand=12, sku="A-1")
    tab = tabs.open("Wanda", "stock", sku="A-1")
    field(tab, "text_input", "Units").set_value("-1")
    press(tab, "Adjust")
    assert f"A-1: 12 → 11 ({MINUS}1 unit)" in words_of(tab)
    assert embedded_shop.history(shoe)[-1].reason == "stock_decrease"
    field(tab, "text_input", "Units").set_value("-1")
    choose(tab, "Reason", "+ Found (note required)")
    press(tab, "Adjust")
    assert embedded_shop.on_hand(shoe) == 11
    assert "Undo" not in labels(tab), "the message of what was done before has gone"


def test_two_clicks_on_the_same_form_are_one_movement(tabs: Tabs, embedded_shop: Shop) -> None:
    shoe = embedded_shop.variant(on_hand=12, sku="A-1")
    tab = tabs.open("Wanda", "stock", sku="A-1")
    field(tab, "text_input", "Units").set_value("2")
    (button,) = [button for button in tab.button if button.label == "Adjust"]
    button.click()
    run(tab)
    button.click()  # the same drawing once more: the click that was on its way already
    run(tab)
    assert len(embedded_shop.history(shoe)) == 2


def test_a_form_is_empty_after_success_and_kept_after_a_refusal(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.variant(on_hand=12, sku="A-1")
    tab = tabs.open("Wanda", "stock", sku="A-1")
    field(tab, "text_input", "Units").set_value("500")
    choose(tab, "Reason", f"{MINUS} Damaged")
    press(tab, "Adjust")
    assert "Not enough stock: A-1 has 12 units available, 500 requested. Nothing was changed." in words_of(tab)
    assert field(tab, "text_input", "Units").value == "500"
    field(tab, "text_input", "Units").set_value("5")
    press(tab, "Adjust")
    assert field(tab, "text_input", "Units").value == ""
    assert "Not enough stock" not in words_of(tab)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "Units are required."),
        ({"units": 3, "reason": f"{MINUS} Lost (note required)"}, 'Note is needed for "Lost".'),
        ({"units": 3, "note": "bell \x07"}, "Note must not contain control characters."),
        ({"units": 3, "note": "n" * 100_000}, "Note must have at most 1,000 characters"),
    ],
)
def test_bad_input_is_refused_with_a_sentence_and_changes_nothing(
    tabs: Tabs, embedded_shop: Shop, values: dict[str, Any], said: str
) -> None:
    shoe = embedded_shop.variant(on_hand=12, sku="A-1")
    tab = tabs.open("Wanda", "stock", sku="A-1")
    if "units" in values:
        field(tab, "text_input", "Units").set_value(str(values["units"]))
    if "reason" in values:
        choose(tab, "Reason", values["reason"])
    if "note" in values:
        field(tab, "text_input", "Note").set_value(values["note"])
    press(tab, "Adjust")
    assert said in words_of(tab)
    assert "Nothing was changed." in words_of(tab)
    assert len(embedded_shop.history(shoe)) == 1


def test_typed_units_that_are_not_one_whole_number_are_refused_with_nothing_posted(
    tabs: Tabs, embedded_shop: Shop
) -> None:
    shoe = embedded_shop.variant(on_hand=12, sku="A-1")
    tab = tabs.open("Wanda", "stock", sku="A-1")
    for typed in ("1.5", "2.7", "1.000", "1e2", "1,5", "1,000", "0"):
        field(tab, "text_input", "Units", nth=1).set_value(typed)
        press(tab, "Receive")
        said = words_of(tab)
        assert ("at least 1" if typed == "0" else f'"{typed}"') in said, typed
        assert "Nothing was changed." in said
        assert field(tab, "text_input", "Units", nth=1).value == typed, "what was typed is kept"
    assert len(embedded_shop.history(shoe)) == 1


def test_receiving_keeps_the_delivery_number(tabs: Tabs, embedded_shop: Shop) -> None:
    shoe = embedded_shop.variant(sku="A-1")
    tab = tabs.open("Wanda", "stock", sku="A-1")
    field(tab, "text_input", "Units", nth=1).set_value("24")
    field(tab, "text_input", "Reference").set_value("PO-1187")
    press(tab, "Receive")
    (movement,) = embedded_shop.history(shoe)
    assert (movement.movement_type, movement.quantity, movement.reference_id) == ("purchase", 24, "PO-1187")


def test_setting_a_level_that_moved_meanwhile_is_refused_and_then_offered_again(
    tabs: Tabs, embedded_shop: Shop
) -> None:
    shoe = embedded_shop.variant(on_hand=12, sku="A-1")
    tab = tabs.open("Wanda", "stock", sku="A-1")
    embedded_shop.adjust(shoe, -3, actor="Mia")
    field(tab, "text_input", "New level").set_value("7")
    press(tab, "Set level")
    said = words_of(tab)
    assert "A-1 was at 12 when you opened the form and is at 9 now. Nothing was changed." in said
    assert f"Adjustment {MINUS}3 by Mia" in said
    assert embedded_shop.on_hand(shoe) == 9
    press(tab, "Start from 9")
    assert field(tab, "text_input", "New level").value == "7"
    press(tab, "Set level")
    assert f"A-1: 9 → 7 ({MINUS}2 units)" in words_of(tab)
    assert embedded_shop.on_hand(shoe) == 7


def test_after_your_own_change_the_set_form_starts_at_the_new_level(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.variant(on_hand=12, sku="A-1")
    tab = tabs.open("Wanda", "stock", sku="A-1")
    field(tab, "text_input", "Units").set_value("2")
    press(tab, "Adjust")
    assert "From 14 units on hand to:" in words_of(tab)
    assert "The level changed while this form was open" not in words_of(tab)


def test_a_count_that_finds_no_difference_is_a_movement_of_zero(tabs: Tabs, embedded_shop: Shop) -> None:
    shoe = embedded_shop.variant(on_hand=12, sku="A-1")
    tab = tabs.open("Wanda", "stock", sku="A-1")
    field(tab, "text_input", "New level").set_value("12")
    press(tab, "Set level")
    assert "A-1: 12 → 12 (±0 units)" in words_of(tab)
    assert embedded_shop.history(shoe)[-1].movement_type == "count"


def test_support_sees_the_level_and_no_form(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.variant(on_hand=12, sku="A-1")
    tab = tabs.open("Sam", "stock", sku="A-1")
    assert metric(tab, "On hand") == "12"
    assert "The warehouse, a manager or an admin can." in words_of(tab)
    assert not {"Adjust", "Receive", "Set level"} & set(labels(tab))
    assert "Bulk edit" not in labels(tabs.open("Sam", "stock"))


def test_the_number_explains_itself_with_a_link_behind_each_term(tabs: Tabs, embedded_shop: Shop) -> None:
    shoe = embedded_shop.variant(on_hand=12, sku="A-1")
    embedded_shop.adjust(shoe, -2)
    embedded_shop.adjust(shoe, 1)
    tab = tabs.open("Mia", "stock", sku="A-1", stk_range="All")
    said = words_of(tab)
    assert "The terms add up to the level on hand (3 movements)." in said
    assert f"+1 and {MINUS}2" in said
    links = {link.proto.label: link.proto.query_string for link in tab.get("page_link")}
    assert links["Adjustments"] == "mov_sku=A-1&mov_type=Adjustment"
    assert links["Purchases"] == "mov_sku=A-1&mov_type=Purchase"


def test_terms_that_do_not_add_up_are_said_with_what_they_add_up_to(tabs: Tabs, embedded_shop: Shop) -> None:
    shoe = embedded_shop.variant(on_hand=12, sku="A-1")
    embedded_shop.sql("update stockroom.variant_days set adjustment_in = 3 where variant_id = :id", id=shoe)
    said = words_of(tabs.open("Mia", "stock", sku="A-1", stk_range="All"))
    assert "The terms add up to 15, but the level on hand is 12. Please report this to an admin." in said


def test_sizes_of_the_same_product_lead_to_each_other(tabs: Tabs, embedded_shop: Shop) -> None:
    first = embedded_shop.variant(on_hand=3, sku="R-9", size="9")
    second = embedded_shop.variant(on_hand=0, sku="R-10", size="10")
    embedded_shop.sql(
        """update product_variants set product_id = (select product_id from product_variants where id = :first)
            where id = :second""", first=first, second=second,
    )  # fmt: skip
    tab = tabs.open("Mia", "stock", sku="R-9")
    tab.button(key="size_R-10").click()
    assert metric(run(tab), "On hand") == "0"
    assert tab.query_params["sku"] == "R-10"


# ---------------------------------------------------------------- holds


def hold(shop: Shop, sku: str, quantity: int, **more: Any) -> None:
    values = {"items": [Wanted(sku=sku, quantity=quantity)], "key": key(), "reference": "cart-7"} | more
    shop.run(holds.hold, Actor(name="Web shop"), **values)


def test_holds_are_shown_with_holder_reference_and_expiry(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.variant(on_hand=9, sku="A-1")
    hold(embedded_shop, "A-1", 2, ttl_seconds=600)
    said = words_of(tabs.open("Wanda", "stock", sku="A-1"))
    assert "Held for checkouts" in said
    assert "2 units 9 minutes left" in said
    assert "Web shop, until" in said
    assert "for cart-7" in said


def test_many_holds_are_counted_and_all_of_them_are_a_table(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.variant(on_hand=9, sku="A-1")
    for n in range(7):
        hold(embedded_shop, "A-1", 1, reference=f"cart-{n}", ttl_seconds=600 + n)
    tab = tabs.open("Wanda", "stock", sku="A-1")
    assert "cart-2" in words_of(tab)
    assert "cart-3" not in words_of(tab)
    tab.session_state["stk_all_holds"] = True
    assert list(table(run(tab), "Held by")["For"]) == [f"cart-{n}" for n in range(7)]


def test_units_held_past_their_time_say_so_and_a_variant_without_holds_says_nothing(
    tabs: Tabs, embedded_shop: Shop
) -> None:
    embedded_shop.variant(on_hand=9, sku="A-1")
    assert "Held" not in words_of(tabs.open("Wanda", "stock", sku="A-1"))
    hold(embedded_shop, "A-1", 3)
    embedded_shop.sql("update stockroom.reservations set expires_at = now() - interval '1 second'")
    assert "3 units in expired holds" in words_of(tabs.open("Wanda", "stock", sku="A-1"))
