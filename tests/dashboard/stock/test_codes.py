"""Codes and labels on the Stock page."""

from __future__ import annotations

from core.catalog import codes
from core.foundation.model import Line
from core.ledger import changes
from tests.dashboard.tabs import Tabs, field, labels, press, run, table, tabs, words_of
from tests.support.builders import Shop, key

__all__ = ["tabs"]


def test_a_code_is_added_on_the_page_found_by_a_scan_and_removed(tabs: Tabs, embedded_shop: Shop) -> None:
    shoe = embedded_shop.variant(on_hand=2, sku="A-1", barcode="40000000017")
    embedded_shop.variant(sku="B-1")
    tab = tabs.open("Wanda", "stock", sku="A-1")
    field(tab, "text_input", "Code").input("4006381333932")
    assert "its last digit would have to be 1, not 2" in words_of(press(tab, "Add the code"))
    field(tab, "text_input", "Code").input("14006381333938")
    field(tab, "selectbox", "Kind").set_value("carton")
    field(tab, "text_input", "Units in a carton").input("12")
    assert "14006381333938 Carton · 12 units" in words_of(press(tab, "Add the code"))
    listed = tabs.open("Sam", "stock")
    field(listed, "text_input", "Search").input("]C10114006381333938")
    assert "14006381333938" in words_of(run(listed))
    assert "Remove" not in labels(listed)
    older = tabs.open("Mia", "stock", sku="A-1")
    press(tab, "Remove")
    assert embedded_shop.run(codes.of_variant, "Sam", variant_id=shoe) == ()
    assert "14006381333938 Carton" not in words_of(press(older, "Remove"))


def test_a_shared_code_is_a_choice_on_stock_and_movements(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.variant(on_hand=1, sku="A-1", barcode="036000291452")
    embedded_shop.variant(on_hand=1, sku="B-1", barcode="0036000291452")
    tab = tabs.open("Sam", "stock", sku="36000291452")
    assert "No variant has this SKU or barcode" in words_of(tab)
    tab = tabs.open("Sam", "stock", sku="036000291452")
    assert "Several variants have this code" in words_of(tab)
    assert "Several variants" not in words_of(press(tab, r"B\-1, Canvas shoe"))
    listed = tabs.open("Sam", "stock")
    field(listed, "text_input", "Search").input("00036000291452")
    assert list(table(run(listed), "sku")["sku"]) == ["A-1", "B-1"]
    moved = tabs.open("Sam", "movements", mov_sku="036000291452")
    assert "2 movements of 2 variants, newest first." in words_of(moved)


def test_labels_are_asked_for_in_the_list_and_come_from_a_receipt(tabs: Tabs, embedded_shop: Shop) -> None:
    shoe = embedded_shop.variant(on_hand=3, sku="A-1")
    embedded_shop.variant(sku="B-1")
    tab = press(tabs.open("Sam", "stock"), "Labels")
    assert "No labels yet. Type how many to print." in words_of(tab)
    field(tab, "segmented_control", "Begin with").set_value("Units on hand")
    assert "3 labels on 1 page" in words_of(run(tab))
    field(tab, "text_input", "Used on the first sheet").input("1.5")
    assert "Used labels must be a whole number" in words_of(run(tab))
    field(tab, "text_input", "Used on the first sheet").input("20")
    assert "3 labels on 2 pages" in words_of(run(tab))
    receipt = embedded_shop.run(changes.receive, "Wanda", lines=[Line(variant_id=shoe, quantity=25)], key=key())
    tab = tabs.open("Sam", "stock", labels=f"operation-{receipt.operation_id}")
    assert "25 labels on 2 pages" in words_of(tab)
    assert "There is nothing to label" in words_of(tabs.open("Sam", "stock", labels="operation-999999"))
