"""The first product, and the next ones, are made on the Stock page."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from core.foundation.model import Role
from core.people import administration
from tests.dashboard.tabs import Tabs, field, labels, press, run, tabs, words_of
from tests.support.builders import Shop

__all__ = ["tabs"]


def typed(tab: AppTest, product: str, price: str = "129.90", **units: int | None) -> AppTest:
    """Type a product with the units of its SKUs; their sizes are the last part of the SKUs."""
    field(tab, "text_input", "Product").set_value(product)
    sizes = {sku.rpartition("_")[2]: (sku.replace("_", "-"), count) for sku, count in units.items()}
    field(tab, "text_input", "Sizes").set_value(", ".join(sizes))
    run(tab)
    field(tab, "text_input", "Brand").set_value("Fjell")
    field(tab, "text_input", "Price in EUR").set_value(price)
    for size, (sku, count) in sizes.items():
        field(tab, "text_input", f"SKU of size {size}").set_value(sku)
        if count is not None:
            field(tab, "text_input", f"Units of size {size}").set_value(str(count))
    return tab


def test_the_first_and_the_second_product_are_made_on_the_page(tabs: Tabs, embedded_shop: Shop) -> None:
    tab = press(tabs.open("Mia"), "Add the first product")
    press(typed(tab, "Trail Runner", RUN_42=5, RUN_43=None), "Add the product")
    said = words_of(tab)
    assert "Added 1 product, 2 variants, 5 units counted" in said
    assert "2 variants. Select a SKU to open it." in said
    press(typed(press(tab, "New product"), "Clog", CLOG_40=1), "Add the product")
    assert "3 variants. Select a SKU to open it." in words_of(tab)
    assert [tuple(map(str, row)) for row in embedded_shop.rows(
        """select p.name, p.brand, v.size, v.price, v.stock_quantity
             from product_variants v join products p on p.id = v.product_id order by v.sku"""
    )] == [
        ("Clog", "Fjell", "40", "129.90", "1"),
        ("Trail Runner", "Fjell", "42", "129.90", "5"),
        ("Trail Runner", "Fjell", "43", "129.90", "0"),
    ]  # fmt: skip


def test_on_pages_opened_earlier_the_same_product_is_refused_and_what_was_typed_stays(
    tabs: Tabs, embedded_shop: Shop
) -> None:
    early, demoted = (typed(tabs.open(who, "stock", new="1"), "Clog", CLOG_40=1) for who in ("Ada", "Mia"))
    tab = tabs.open("Ada", "stock", new="1")
    press(typed(tab, "Clog", CLOG_40=2), "Add the product")

    def ask(tab: AppTest, who: str) -> str:
        token = tabs.token(who)
        tabs.monkeypatch.setattr("dashboard.door.session.presented_token", lambda: token)
        return words_of(press(tab, "Add the product"))

    said = ask(early, "Ada")
    assert 'SKU CLOG-40 is in the shop already: it belongs to "Clog", size 40. Nothing was changed.' in said
    field(early, "text_input", "SKU of size 40").set_value("CLOG-40-B")
    assert "If you mean that product, add these sizes to it. Nothing was changed." in ask(early, "Ada")
    field(early, "checkbox", "Add these sizes to the product that is there").check()
    assert "Added 1 variant, 1 unit counted" in ask(early, "Ada")
    assert embedded_shop.sql("select count(*) from products") == 1

    mia = embedded_shop.person("Mia")
    embedded_shop.run(administration.set_role, "Ada", user_id=mia.user_id, role=Role.SUPPORT)
    assert "Your role cannot add products" in ask(demoted, "Mia")
    assert embedded_shop.sql("select count(*) from product_variants") == 2


def test_wanda_reads_who_can_add_products(tabs: Tabs) -> None:
    said = words_of(tab := tabs.open("Wanda", "stock", new="1"))
    assert "Your role cannot add products A manager or an admin of your shop can add products." in said
    assert "Add the product" not in labels(tab)


def test_a_shop_that_requires_columns_of_its_own_is_asked_for_them(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.sql("alter table products add column status text not null")
    tab = typed(tabs.open("Mia", "stock", new="1"), "Clog", CLOG_40=1)
    assert "product.status" in words_of(press(tab, "Add the product"))
    (asked,) = tab.text_area
    asked.set_value("status=active")
    press(tab, "Add the product")
    assert embedded_shop.sql("select status from products") == "active"


def test_a_size_run_is_proposed_reviewed_and_added_and_later_a_size_to_its_product(
    tabs: Tabs, embedded_shop: Shop
) -> None:
    tab = tabs.open("Mia", "stock", new="1")
    field(tab, "text_input", "Product").set_value("Trail Runner")
    field(tab, "text_input", "Sizes").set_value("36-38")
    assert "3 variants will be added." in words_of(run(tab))
    field(tab, "text_input", "SKUs").set_value("RUN-{size}")
    run(tab)
    assert field(tab, "text_input", "SKU of size 37").value == "RUN-37"
    field(tab, "text_input", "SKU of size 38").set_value("RUN-38-B")
    field(tab, "text_input", "Reorder point").set_value("2")
    field(tab, "text_input", "Colour").set_value("Moss")
    assert "Added 1 product, 3 variants" in words_of(press(tab, "Add the product"))

    tab = press(tabs.open("Mia", "stock", sku="RUN-37"), "Add sizes")
    field(tab, "text_input", "Sizes").set_value("39")
    run(tab)
    assert field(tab, "text_input", "SKU of size 39").value == "RUN-39"
    assert "Added 1 variant" in words_of(press(tab, "Add 1\N{NO-BREAK SPACE}variant"))
    assert [tuple(row) for row in embedded_shop.rows(
        "select v.sku, v.size, v.color, v.reorder_point, count(*) over (partition by v.product_id) as sizes "
        "from product_variants v order by v.sku"
    )] == [
        ("RUN-36", "36", "Moss", 2, 4), ("RUN-37", "37", "Moss", 2, 4), ("RUN-38-B", "38", "Moss", 2, 4),
        ("RUN-39", "39", "Moss", 2, 4),
    ]  # fmt: skip
    assert "46-36 do not rise" in words_of(bad_run(tabs))


def bad_run(tabs: Tabs) -> AppTest:
    tab = tabs.open("Mia", "stock", new="1")
    field(tab, "text_input", "Sizes").set_value("46-36")
    return run(tab)
