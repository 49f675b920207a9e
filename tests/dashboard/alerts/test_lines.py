"""Lines by hand on the pages: support scans, takes a guess or corrects, saves once, and can undo it."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from streamlit.testing.v1 import AppTest

from core.orders import lines, reads
from core.orders.lines import Entered
from tests.dashboard.tabs import Tabs, field, labels, press, run, tabs, words_of
from tests.support.builders import Shop, key
from tests.support.selling import Sale, case_of, cases, order_id, sell, states

__all__ = ["tabs"]


@pytest.fixture
def goods(embedded_shop: Shop) -> dict[str, UUID]:
    """Two sizes of a boot and a mug, priced."""
    embedded_shop.sql("update stockroom.shop set currency = 'USD'")
    boot = embedded_shop.variant(5, sku="HB-42", product="Halde Boot", size="42", price=119.90, barcode="4006381333931")
    other = embedded_shop.variant(5, sku="HB-43", product="Halde Boot", size="43", price=119.90)
    product = embedded_shop.sql("select product_id from product_variants where id = :id", id=boot)
    embedded_shop.sql("update product_variants set product_id = :product where id = :id", product=product, id=other)
    return {"boot": boot, "other": other, "mug": embedded_shop.variant(9, sku="MUG-1", product="Mug", price=9)}


def unread(shop: Shop, raw: Any = "{[", amount: int = 12890, **more: Any) -> Sale:
    written = raw if isinstance(raw, str) else json.dumps(raw)
    sale = Sale(lines=[], more={"amount": amount, "number": "WEB-7", "cart_state": "unreadable", "cart_raw": written,
                                "why": "it has a shape that is not known", "extras": None, **more})  # fmt: skip
    sell(shop, sale)
    return sale


def open_case(tabs: Tabs, name: str, sale: Sale) -> AppTest:
    return tabs.open(name, "alerts", alert=str(case_of(tabs.shop, sale)))


def open_order(tabs: Tabs, name: str, sale: Sale) -> AppTest:
    tab = tabs.open(name, "orders", order=str(order_id(tabs.shop, sale)))
    assert {"Correct lines", "Enter lines"} & {each.label for each in tab.expander}
    tab.session_state[f"lines_of_{order_id(tabs.shop, sale)}"] = True
    return run(tab)


def scan(tab: AppTest, text: str) -> AppTest:
    field(tab, "text_input", "Scan or search").set_value(text)
    return press(tab, "Add")


def test_support_scans_the_goods_of_an_unread_cart_and_saves_them(tabs: Tabs, goods: dict[str, UUID]) -> None:
    sale = unread(tabs.shop)
    tab = open_case(tabs, "Sam", sale)
    tab = scan(scan(tab, "4006381333931"), "mug-1")
    assert "$128.90 with shipping and tax, $128.90 paid: this adds up." in words_of(tab)
    tab = press(tab, "Save lines")
    assert "Order WEB-7: 2 units taken off the shelf." in words_of(tab)
    assert states(tabs.shop, sale) == [("taken", None, 1, 0)] * 2
    assert cases(tabs.shop, sale) == [("unreadable_cart", "resolved", 0)]
    tab = press(tab, "Undo")
    assert "Order WEB-7 is as it was before: 2 units back on the shelf." in words_of(tab)
    assert (tabs.shop.on_hand(goods["boot"]), cases(tabs.shop, sale)[-1]) == (5, ("unreadable_cart", "open", 0))


def test_what_came_with_the_payment_is_a_table_with_guesses_beside_it(tabs: Tabs, goods: dict[str, UUID]) -> None:
    sale = unread(tabs.shop, {"wares": "Halde Boot / 43 / one", "gift": "no"}, amount=11990)
    tab = open_case(tabs, "Sam", sale)
    told = [found.value for found in tab.table]
    assert any("Halde Boot / 43 / one" in str(each) for each in told), told
    assert not tab.code, "no raw JSON"
    first, second = (label for label in labels(tab) if "Halde Boot" in label)
    assert ("size 43" in first, "size 42" in second) == (True, True), "the size in the text before the price alone"
    assert "Product and size are in the text, and its price is what was paid." in words_of(tab)
    tab = press(press(tab, first), "Save lines")
    assert tabs.shop.on_hand(goods["other"]) == 4


def test_a_search_that_several_variants_match_offers_them(tabs: Tabs, goods: dict[str, UUID]) -> None:
    tab = scan(open_case(tabs, "Sam", unread(tabs.shop, amount=23980)), "halde boot")
    assert "Several variants match" in words_of(tab)
    (wanted,) = [label for label in labels(tab) if "size 43" in label and "available" in label and "2" not in label[:2]]
    tab = scan(press(tab, wanted), "HB-43")
    assert field(tab, "text_input", "Units").value == "2", "a second scan adds a unit"
    tab = scan(tab, "nothing like it")
    assert "Nothing matches" in words_of(tab)
    press(tab, "Save lines")
    assert tabs.shop.on_hand(goods["other"]) == 3


def test_a_sum_that_differs_says_so_and_wants_a_note_or_shipping(tabs: Tabs, goods: dict[str, UUID]) -> None:
    sale = unread(tabs.shop, amount=1390)
    tab = scan(open_case(tabs, "Sam", sale), "MUG-1")
    assert "$9.00 with shipping and tax, $13.90 paid: $4.90 more was paid." in words_of(tab)
    tab = press(tab, "Save lines")
    assert "do not add up to what was paid. Nothing was changed." in words_of(tab)
    tab = press(tab, r"Count \$4\.90 as shipping and tax")
    assert "$13.90 with shipping and tax, $13.90 paid: this adds up." in words_of(tab)
    press(tab, "Save lines")
    assert tabs.shop.rows("select extras, difference from stockroom.orders") == [(490, 0)]


def test_lines_that_were_read_wrong_are_corrected_on_the_order(tabs: Tabs, goods: dict[str, UUID]) -> None:
    sale = Sale(lines=[("HB-42", 4)], more={"number": "WEB-8"})
    sell(tabs.shop, sale)
    tab = open_order(tabs, "Mia", sale)
    field(tab, "text_input", "Units").set_value("1")
    tab = run(tab)
    assert "$30.00 more was paid" in words_of(tab)
    field(tab, "text_input", "Note").set_value("The size was taken for the quantity")
    tab = press(tab, "Save lines")
    assert "Order WEB-8: 3 units back on the shelf." in words_of(tab)
    assert (tabs.shop.on_hand(goods["boot"]), states(tabs.shop, sale)) == (4, [("taken", None, 1, 0)])
    said = words_of(tab)
    assert "Mia entered these lines. They were: 4" in said
    assert "Lines by hand: 1" in said, "it is in the timeline"
    tab = press(tab, "Undo this change")
    assert tabs.shop.on_hand(goods["boot"]) == 1


def test_a_line_is_removed_and_another_variant_takes_its_place(tabs: Tabs, goods: dict[str, UUID]) -> None:
    sale = Sale(lines=[("HB-42", 1)], more={"number": "WEB-8"})
    sell(tabs.shop, sale)
    tab = scan(press(open_order(tabs, "Sam", sale), "Remove"), "HB-43")
    field(tab, "text_input", "Note").set_value("Size 43 was bought")
    press(tab, "Save lines")
    assert (tabs.shop.on_hand(goods["boot"]), tabs.shop.on_hand(goods["other"])) == (5, 4)


def test_of_two_people_with_the_page_open_the_second_is_told_who_saved(tabs: Tabs, goods: dict[str, UUID]) -> None:
    sale = unread(tabs.shop, amount=11990)
    tab = scan(open_case(tabs, "Sam", sale), "HB-42")
    order = order_id(tabs.shop, sale)
    wanted = [Entered(variant_id=goods["other"], quantity=1, unit_price=11990)]
    seen = tabs.shop.run(lines.seen, order_id=order)
    tabs.shop.run(lines.set_lines, "Mia", order_id=order, seen=seen, lines=wanted, key=key())
    tab = press(tab, "Save lines")
    assert "changed since you opened them, last by Mia. Nothing was changed" in words_of(tab)
    assert "Resolved by Mia" in words_of(tab)
    assert tabs.shop.on_hand(goods["boot"]) == 5
    again = open_order(tabs, "Sam", sale)
    assert "Mia entered these lines." in words_of(again)


def test_a_page_opened_earlier_keeps_its_rows_and_says_that_the_lines_changed(
    tabs: Tabs, goods: dict[str, UUID]
) -> None:
    sale = Sale(lines=[("HB-42", 1)], more={"number": "WEB-8"})
    sell(tabs.shop, sale)
    tab = scan(open_order(tabs, "Sam", sale), "MUG-1")
    order = order_id(tabs.shop, sale)
    (only,) = tabs.shop.run(reads.lines_of, order_ids=[order])
    wanted = [Entered(line_id=only.line_id, quantity=2, unit_price=1000)]
    seen = tabs.shop.run(lines.seen, order_id=order)
    tabs.shop.run(lines.set_lines, "Mia", order_id=order, seen=seen, lines=wanted, key=key(), note="Two")
    field(tab, "text_input", "Note").set_value("And a mug")
    tab = press(tab, "Save lines")
    assert "changed since you opened them, last by Mia. Nothing was changed" in words_of(tab)
    assert (tabs.shop.on_hand(goods["boot"]), tabs.shop.on_hand(goods["mug"])) == (3, 9)
    tab = press(tab, "Begin again with the lines as they are now")
    assert field(tab, "text_input", "Units").value == "2"


def test_the_warehouse_sees_the_cart_but_cannot_enter_lines(tabs: Tabs, goods: dict[str, UUID]) -> None:
    sale = unread(tabs.shop, {"wares": "HB-42"})
    said = words_of(open_case(tabs, "Wanda", sale))
    assert "Support, a manager or an admin enters the lines of this order" in said
    tab = tabs.open("Wanda", "orders", order=str(order_id(tabs.shop, sale)))
    assert not {"Enter lines", "Correct lines"} & {each.label for each in tab.expander}
    assert "Save lines" not in labels(tab)
