"""Charts that answer: what the address says about them, and the list and the sums that follow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from core.database import pool
from dashboard.frame import live
from dashboard.frame.words import MINUS
from tests.conftest import open_fresh
from tests.core.reports.pasts import FIRST, fill
from tests.dashboard.tabs import Tabs, labels, metric, press, table, words_of
from tests.support.builders import Shop
from tests.support.servers import Server

WEEK = {"mov_from": FIRST.isoformat(), "mov_to": (FIRST + timedelta(days=39)).isoformat()}


@pytest.fixture(scope="module")
def past(embedded: Server) -> Iterator[Shop]:
    """A shop with a past of every kind, which the tests only look at."""
    for shop in open_fresh(embedded):
        fill(shop)
        yield shop


@pytest.fixture
def tabs(past: Shop, monkeypatch: pytest.MonkeyPatch) -> Tabs:
    """Tabs of that shop."""
    monkeypatch.setattr(pool, "engine", lambda *_: past.engine)
    monkeypatch.setattr(live, "_answer", (0.0, 0))
    return Tabs(shop=past, monkeypatch=monkeypatch)


def test_tidewater_in_the_search_draws_the_brand_with_its_sums_above_the_list(tabs: Tabs, past: Shop) -> None:
    tab = tabs.open(
        "Mia", "movements", mov_sku="Tidewater", mov_group="Source", mov_compare="The period before", **WEEK
    )
    came, went = past.rows(
        """select sum(greatest(quantity, 0)), sum(greatest(-quantity, 0)) from stock_movements
            where sku like 'A-%' and occurred_at < '2026-05-01'"""
    )[0]
    assert (metric(tab, "Units in"), metric(tab, "Units out")) == (f"{came:,}", f"{went:,}")
    assert metric(tab, "Value in").startswith("€")
    assert "of 2 variants" in words_of(tab)
    assert "They are compared with 8 Feb 2026 to 19 Mar 2026." in words_of(tab)
    (chart,) = tab.get("plotly_chart")
    assert "Units in and out by source and day from 20 Mar 2026 to 28 Apr 2026: Receipts +" in chart.proto.alt


def test_a_choice_in_the_address_narrows_list_and_sums_and_is_taken_back(tabs: Tabs) -> None:
    chosen = {"mov_pick": FIRST.isoformat(), "mov_of": "purchase", "mov_in": "Money"}
    tab = tabs.open("Mia", "movements", **WEEK, **chosen)
    assert set(table(tab, "change")["change"]) == {"+500"}
    assert (metric(tab, "Units in"), metric(tab, "Units out")) == ("2,000", "0")
    assert metric(tab, "Value in") == "€13,172.80"  # 500 at 12.3456 and 1,000 at 7; of 500 no cost is known
    said = words_of(tab)
    assert "Chosen: 20 Mar 2026" in said
    assert "No cost is known of 500 units" in said
    press(tab, "Show all")
    assert "mov_pick" not in tab.query_params
    assert len(table(tab, "change")) == 50


def test_support_sees_units_and_no_money(tabs: Tabs) -> None:
    tab = tabs.open("Sam", "movements", mov_in="Money", **WEEK)
    assert [found.label for found in tab.metric] == ["Units in", "Units out"]
    assert "Show" not in [box.label for box in tab.selectbox]
    (chart,) = tab.get("plotly_chart")
    assert chart.proto.alt.startswith("Units in and out by type and day")


@pytest.mark.parametrize(
    "query",
    [
        {"mov_pick": "yesterday", "mov_of": "x"},
        {"mov_pick": "2026-04-02_2026-04-01"},
        {"mov_group": "Nonsense", "mov_step": "Century", "mov_in": "Gold", "mov_compare": "x", "mov_choose": "y"},
    ],
)
def test_what_an_address_says_wrongly_is_ignored(tabs: Tabs, query: dict[str, str]) -> None:
    tab = tabs.open("Mia", "movements", **WEEK, **query)
    (chart,) = tab.get("plotly_chart")
    assert chart.proto.alt.startswith("Units in and out by type and day")
    assert len(table(tab, "change")) == 50
    assert "Show all" not in labels(tab)


def test_the_latest_movements_and_a_history_follow_the_days_that_were_chosen(tabs: Tabs, past: Shop) -> None:
    tab = tabs.open("Sam", ovw_days="90 days", ovw_pick=FIRST.isoformat())
    assert "Chosen: 20 Mar 2026" in words_of(tab)
    assert table(tab, "change")["change"].iloc[-1] == "+500"
    tab = tabs.open("Sam", "stock", sku="A-1", stk_range="All", stk_pick=FIRST.isoformat())
    assert table(tab, "change")["change"].iloc[-1] == "+500"
    (chart,) = tab.get("plotly_chart")
    assert "Marked are receipts: " in chart.proto.alt
    assert ", stock-outs" not in chart.proto.alt
    assert past.on_hand(past.sql("select id from product_variants where sku = 'A-1'")) > 0


def test_the_shop_at_an_instant_compares_two_moments_and_leads_to_the_movements(tabs: Tabs, past: Shop) -> None:
    moments = {"rep_at": "2026-03-20T12:00", "rep_since": "2026-03-19T00:00"}
    tab = tabs.open("Mia", "reports", report="instant", **moments)
    rows = table(tab, "change")
    assert set(zip(rows["before"], rows["purchase"], rows["change"], rows["after"], strict=True)) == {
        (0, 500, 500, 500)
    }
    assert "4 variants moved from 19 Mar 2026, 00:00 to 20 Mar 2026, 12:00. Times are in Pacific/Auckland." in words_of(
        tab
    )
    tab = tabs.open("Sam", "reports", report="instant", rep_at="2026-03-19T23:59", rep_brand="Nord")
    assert "1 variant just before 19 Mar 2026, 23:59." in words_of(tab)
    assert list(table(tab, "level")["level"]) == [0]
    assert MINUS not in words_of(tab)
