"""Uploaded files: bulk edit and catalogue, first a preview, then all rows or none."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.sheets import work
from tests.dashboard.tabs import Tabs, field, labels, press, run, table, tabs, until, words_of
from tests.support.builders import Shop

__all__ = ["tabs"]

CATALOG = b"sku,product,brand,size,price,opening\nN-42,Noor boot,Fjell,42,129.90,12\nN-43,Noor boot,Fjell,43,129.90,8\n"


def upload(tab: AppTest, key: str, name: str, content: bytes) -> AppTest:
    tab.file_uploader(key=key).set_value((name, content, "text/csv"))
    return run(tab)


def test_a_file_of_levels_is_shown_row_by_row_and_posted_once(tabs: Tabs, embedded_shop: Shop) -> None:
    first, second = embedded_shop.variant(on_hand=12, sku="A-1"), embedded_shop.variant(on_hand=5, sku="B-1")
    tab = tabs.open("Wanda", "stock", bulk="1")
    upload(tab, "bulk_file", "shelf.csv", b"sku,on_hand,set_to\nA-1,12,10\nB-1,5,9\n")
    assert "2 variants will change, +2 units in total." in words_of(tab)
    assert embedded_shop.on_hand(first) == 12
    (button,) = [button for button in tab.button if button.label.startswith("Post")]
    button.click()
    run(tab)
    assert "2 variants changed, +2 units in total" in words_of(tab)
    assert (embedded_shop.on_hand(first), embedded_shop.on_hand(second)) == (10, 9)
    press(tab, "Undo")
    assert (embedded_shop.on_hand(first), embedded_shop.on_hand(second)) == (12, 5)


def test_a_large_catalogue_is_imported_with_a_bar_into_a_shop_without_sample_data(
    tabs: Tabs, embedded_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "LARGE", 1)
    tab = upload(tabs.open("Mia", "catalog"), "cat_file", "catalogue.csv", CATALOG)
    until(tab, "Import 2 rows")
    press(tab, "Import 2\N{NO-BREAK SPACE}rows")
    until(tab, "Imported 1 new product, 2 new variants, 20 units counted")
    assert embedded_shop.sql("select sum(stock_quantity) from public.product_variants") == 20


def test_a_bad_row_is_named_and_nothing_can_be_posted(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.variant(on_hand=12, sku="A-1")
    tab = tabs.open("Wanda", "stock", bulk="1")
    upload(tab, "bulk_file", "shelf.csv", b"sku,change\nA-1,3\nNOBODY,1\nA-1,x\n")
    assert "2 rows of 3 cannot be posted, so none will be." in words_of(tab).replace("\N{NO-BREAK SPACE}", " ")
    assert list(table(tab, "Problem")["Problem"])[:2] == [
        "sku “NOBODY” is not in the catalogue",
        "sku “A-1” is also on line 2",
    ]
    assert not [label for label in labels(tab) if label.startswith("Post")]


def test_a_file_in_windows_text_is_read_and_said_so(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.variant(on_hand=12, sku="Grün")
    tab = upload(
        tabs.open("Wanda", "stock", bulk="1"), "bulk_file", "shelf.csv", "sku,change\nGrün,1\n".encode("cp1252")
    )
    assert "it was read as Windows text. Check its special characters: “Grün”." in words_of(tab)
    assert "1 variant will change" in words_of(tab)


def test_support_cannot_open_the_upload_by_its_address(tabs: Tabs) -> None:
    tab = tabs.open("Sam", "stock", bulk="1")
    assert "The warehouse, a manager or an admin can use bulk edit." in words_of(tab)
    assert not tab.file_uploader


def test_mia_imports_a_catalogue_after_a_preview(tabs: Tabs, embedded_shop: Shop) -> None:
    tab = upload(tabs.open("Mia", "catalog"), "cat_file", "catalogue.csv", CATALOG)
    assert "1 new product and 2 new variants; 20 units will be counted." in words_of(tab)
    (button,) = [button for button in tab.button if button.label.startswith("Import")]
    button.click()
    run(tab)
    assert "Imported 1 new product, 2 new variants, 20 units counted" in words_of(tab)
    assert embedded_shop.sql("select sum(stock_quantity) from product_variants") == 20


def test_a_new_product_that_buyers_would_not_see_is_warned_of_and_gets_a_value(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.sql("alter table products add column status text default 'draft'")
    embedded_shop.sql("insert into products (name, status) values ('Old', 'active')")
    tab = upload(tabs.open("Mia", "catalog"), "cat_file", "catalogue.csv", CATALOG)
    assert "1 of 1 products have status active; new ones would get draft. Add `status=active` above." in words_of(tab)
    field(tab, "text_area", "Values for your own columns of new products and variants").input("status=active")
    assert "would get draft" not in words_of(run(tab))
    (button,) = [button for button in tab.button if button.label.startswith("Import")]
    button.click()
    assert "Imported 1 new product" in words_of(run(tab))
    assert embedded_shop.sql("select count(*) from products where status = 'active'") == 2


def test_a_bad_row_of_a_catalogue_is_named_and_nothing_can_be_imported(tabs: Tabs, embedded_shop: Shop) -> None:
    tab = tabs.open("Mia", "catalog")
    upload(tab, "cat_file", "catalogue.csv", CATALOG + b"N-44,Noor boot,Fjell,44,cheap,8\n")
    assert "1 row cannot be imported, so none will be." in words_of(tab)
    assert 'price "cheap" is not an amount such as 129.90' in table(tab, "Details")["Details"].iloc[0]
    assert not [label for label in labels(tab) if label.startswith("Import")]


def test_a_shop_with_sample_data_says_how_to_start_and_accepts_an_import_as_a_trial(
    tabs: Tabs, embedded_shop: Shop
) -> None:
    embedded_shop.sql("update stockroom.shop set is_sample = true")
    tab = upload(tabs.open("Mia", "catalog"), "cat_file", "catalogue.csv", CATALOG)
    assert "an admin presses Start my own shop on Overview first" in words_of(tab)
    (button,) = [button for button in tab.button if button.label.startswith("Import")]
    button.click()
    run(tab)
    assert "This shop contains sample data" in words_of(tab)
    assert embedded_shop.sql("select count(*) from product_variants") == 0
    field(tab, "checkbox", "Add to the sample data").check()
    (button,) = [button for button in tab.button if button.label.startswith("Import")]
    button.click()
    run(tab)
    assert embedded_shop.sql("select count(*) from product_variants") == 2


@pytest.mark.parametrize("name", ["Wanda", "Sam"])
def test_without_permission_to_import_the_page_says_who_can(tabs: Tabs, name: str) -> None:
    tab = tabs.open(name, "catalog")
    assert "Your role cannot import catalogues A manager or an admin of your shop can." in words_of(tab)
    assert not tab.file_uploader
