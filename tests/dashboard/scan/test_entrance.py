"""The way from the dashboard to the scan station."""

from __future__ import annotations

from tests.dashboard.tabs import Tabs, tabs

__all__ = ["tabs"]


def test_the_side_bar_and_stock_lead_to_the_scan_station(tabs: Tabs) -> None:
    for name in ("Wanda", "Sam"):
        page = tabs.open(name, "scan")
        assert [each.proto.url for each in page.get("link_button")] == ["/scan"]
        assert not page.exception
    tabs.shop.variant(7)
    assert "scan" in [each.proto.page for each in tabs.open("Wanda", "stock").get("page_link")]
