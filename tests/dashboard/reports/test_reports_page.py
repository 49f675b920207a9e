"""The Reports page: what an address asks for is what the page shows, and what a row leads to."""

from __future__ import annotations

from core.reports.menu import REPORTS
from core.reports.model import Link
from dashboard.reports import menu
from tests.dashboard.tabs import Tabs, field, labels, metric, press, run, table, tabs, words_of
from tests.support.builders import Shop

__all__ = ["tabs"]


def test_a_report_opens_by_its_address_with_its_filters(tabs: Tabs, embedded_shop: Shop) -> None:
    harbour = embedded_shop.variant(on_hand=10, sku="HB-42", product="Harbour low", size="42")
    embedded_shop.variant(on_hand=7, sku="NB-42", product="Noor boot", size="42")
    embedded_shop.adjust(harbour, -2)
    tab = tabs.open("Sam", "reports")
    assert "How much of what there was to sell has been sold" in words_of(tab)
    assert "Lost to stock-outs" not in words_of(tab)
    tab = tabs.open("Sam", "reports", report="sell-through", rep_period="30d", rep_by="variant", rep_product="harbour")
    assert list(table(tab, "sku")["sku"]) == ["HB-42"]
    assert (metric(tab, "Received"), metric(tab, "At the end")) == ("10", "8")
    field(tab, "selectbox", "Rows").set_value("product")
    tab = run(tab)
    assert list(table(tab, "product")["product"]) == ["Harbour low"]
    assert dict(tab.query_params)["rep_period"] == "30d"
    assert "rep_by" not in dict(tab.query_params)
    field(tab, "text_input", "Product or SKU").input("nobody")
    tab = run(tab)
    assert "There is nothing to report" in words_of(tab)
    tab = press(tab, "Clear filters")
    assert list(table(tab, "product")["product"]) == ["Harbour low", "Noor boot"]
    assert "Clear filters" not in labels(tab)
    field(tab, "selectbox", "Report").set_value("losses")
    tab = run(tab)
    assert [list(table(tab, "reason")[name]) for name in ("reason", "performed_by", "lost")] == [
        ["Stock decrease"], ["Wanda"], [2],
    ]  # fmt: skip
    tab.session_state["_rep_go"] = Link(page="stock", query={"sku": "HB-42"})  # as a click on a row does
    assert "HB-42" in words_of(run(tab))


def test_every_report_can_be_drawn_with_and_without_anything_in_it(tabs: Tabs, embedded_shop: Shop) -> None:
    tab = tabs.open("Mia", "reports")
    for is_empty in (True, False):
        if not is_empty:
            shoes = [embedded_shop.variant(on_hand=units, product="Shoe", size=str(38 + units)) for units in (4, 0, 6)]
            embedded_shop.adjust(shoes[0], -1, reason="damaged")
        for name in REPORTS:
            tab.query_params["report"] = name
            said = words_of(run(tab))
            assert menu.ENTRIES[name].about.replace("  ", " ") in said
            assert REPORTS[name].nothing in said or (not is_empty and "row" in said)


def test_a_report_about_money_is_closed_to_support_by_its_address_too(tabs: Tabs) -> None:
    assert "Your role cannot view this page" in words_of(tabs.open("Sam", "reports", report="lost-sales"))
