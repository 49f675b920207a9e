"""The Reports page: what an address asks for is what the page shows, and what a file holds."""

from __future__ import annotations

from tests.dashboard.tabs import Tabs, field, labels, metric, run, table, tabs, words_of
from tests.support.builders import Shop

__all__ = ["tabs"]


def test_a_report_opens_by_its_address_with_its_filters(tabs: Tabs, embedded_shop: Shop) -> None:
    harbour = embedded_shop.variant(on_hand=10, sku="HB-42", product="Harbour low", size="42")
    embedded_shop.variant(on_hand=7, sku="NB-42", product="Noor boot", size="42")
    embedded_shop.adjust(harbour, -2)
    tab = tabs.open("Sam", "reports")
    assert "How much of what there was to sell has been sold" in words_of(tab)
    tab = tabs.open("Sam", "reports", report="sell-through", rep_period="30d", rep_by="variant", rep_product="harbour")
    assert list(table(tab, "sku")["sku"]) == ["HB-42"]
    assert (metric(tab, "Received"), metric(tab, "At the end")) == ("10", "8")
    field(tab, "text_input", "Product or SKU").input("nobody")
    tab = run(tab)
    assert "There is nothing to report" in words_of(tab)
    assert "Clear filters" in labels(tab)
