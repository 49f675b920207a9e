"""Movements: the ledger under a filter, page by page, as a file, and the way to undo a line."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

from core.foundation.model import LevelLine, Line
from core.ledger import changes as ledger
from dashboard.frame.words import MINUS
from tests.dashboard.tabs import Tabs, field, labels, press, table, tabs, words_of
from tests.support.builders import Shop, key

__all__ = ["tabs"]


def changes(tab: AppTest) -> list[str]:
    return list(table(tab, "change")["change"])


def receive(shop: Shop, variant: object, units: int, reference: str) -> None:
    shop.run(ledger.receive, "Mia", lines=[Line(variant_id=variant, quantity=units)], key=key(), reference=reference)  # type: ignore[arg-type]


@pytest.fixture
def busy_shop(embedded_shop: Shop) -> Shop:
    shoe = embedded_shop.variant(sku="A-1", product="Runner")
    boot = embedded_shop.variant(sku="B-1", product="Boot")
    receive(embedded_shop, shoe, 20, "PO-1001")
    receive(embedded_shop, boot, 9, "PO-2001")
    embedded_shop.adjust(shoe, -2, reason="damaged", note="Box crushed")
    embedded_shop.adjust(shoe, 1, actor="Ada", reason="found", note="Behind the shelf")
    return embedded_shop


def test_the_ledger_shows_who_why_before_and_after_newest_first(tabs: Tabs, busy_shop: Shop) -> None:
    tab = tabs.open("Sam", "movements")
    row = table(tab, "change").iloc[1]
    assert (row["sku"], row["change"], row["by"], row["note"]) == ("A-1", f"{MINUS}2", "Wanda", "Box crushed")
    assert row["level"].split() == ["20", "→", "18"]
    assert "4 movements, newest first. Times are in Pacific/Auckland." in words_of(tab)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"mov_type": "Adjustment"}, ["+1", f"{MINUS}2"]),
        ({"mov_type": ["Adjustment", "Purchase"], "mov_sku": "a-1"}, ["+1", f"{MINUS}2", "+20"]),
        ({"mov_reason": "Damaged"}, [f"{MINUS}2"]),
        ({"mov_by": "Mia"}, ["+9", "+20"]),
        ({"mov_ref": "PO-1"}, ["+20"]),
        ({"mov_type": "Nonsense", "mov_from": "not a day", "mov_by": "Nobody"}, ["+1", f"{MINUS}2", "+9", "+20"]),
    ],
)
def test_the_filters_are_in_the_address(
    tabs: Tabs, busy_shop: Shop, query: dict[str, str | list[str]], found: list[str]
) -> None:
    assert changes(tabs.open("Mia", "movements", **query)) == found


@pytest.mark.parametrize(("page", "key"), [("movements", "mov_brand"), ("stock", "stk_brand")])
def test_a_view_of_a_brand_that_is_gone_shows_nothing_and_not_everything(
    tabs: Tabs, busy_shop: Shop, page: str, key: str
) -> None:
    tab = tabs.open("Mia", page, **{key: "Gone & Co"})
    assert "matches" in words_of(tab)
    assert not tab.dataframe
    assert field(tab, "selectbox", "Brand").value == "Gone & Co"
    assert press(tab, "Clear filters").dataframe


def test_days_are_those_of_the_shop(tabs: Tabs, busy_shop: Shop) -> None:
    today = busy_shop.sql("select stockroom_api.shop_day(now())").isoformat()
    assert len(changes(tabs.open("Mia", "movements", mov_from=today, mov_to=today))) == 4
    said = words_of(tabs.open("Mia", "movements", mov_to="2020-01-01"))
    assert "No movement matches" in said


def test_an_unknown_sku_is_reported_and_matches_nothing(tabs: Tabs, busy_shop: Shop) -> None:
    tab = tabs.open("Mia", "movements", mov_sku="'; drop table stock_movements; --")
    assert "No variant, product or brand matches" in words_of(tab)
    assert len(changes(press(tab, "Clear filters"))) == 4


def test_pages_go_to_older_and_back_to_newer(tabs: Tabs, embedded_shop: Shop) -> None:
    shoe = embedded_shop.variant(sku="A-1")
    for units in range(1, 61):
        embedded_shop.adjust(shoe, units)
    tab = tabs.open("Mia", "movements")
    assert (changes(tab)[0], len(changes(tab))) == ("+60", 50)
    assert changes(press(tab, "Older")) == [f"+{units}" for units in range(10, 0, -1)]
    link = tab.query_params["mov_page"]
    assert changes(tabs.open("Sam", "movements", mov_page=link))[0] == "+10", "the link opens the same page for others"
    assert changes(press(tab, "Newer"))[0] == "+60"


def test_a_page_mark_that_is_not_one_means_the_newest_page(tabs: Tabs, busy_shop: Shop) -> None:
    tab = tabs.open("Mia", "movements", mov_page="nonsense")
    assert len(changes(tab)) == 4
    assert "so this is the first page" in words_of(tab)


def test_rows_offer_undo_only_to_those_who_may(tabs: Tabs, busy_shop: Shop) -> None:
    assert set(table(tabs.open("Wanda", "movements"), "open")["open"]) == {"Undo"}
    assert set(table(tabs.open("Sam", "movements"), "open")["open"]) == {"Open"}


def test_a_movement_is_undone_from_its_drawer_with_a_reason(tabs: Tabs, busy_shop: Shop) -> None:
    damaged = busy_shop.sql("select id from stock_movements where reason = 'damaged'")
    tab = tabs.open("Wanda", "movements", movement=str(damaged))
    press(tab, "Undo")
    assert 'Note is needed for "Undo".' in words_of(tab)
    (why,) = [found for found in tab.text_input if found.label == "Reason"]
    why.input("Wrong shoe")
    press(tab, "Undo")
    (undo,) = busy_shop.rows("select * from stock_movements where reverses_id = :id", id=damaged)
    assert (undo.quantity, undo.performed_by, undo.note) == (2, "Wanda", "Wrong shoe")
    assert "Undone. A-1: 19 → 21 (+2 units)" in words_of(tab)
    rows = table(tabs.open("Wanda", "movements"), "open")
    assert rows.iloc[0]["open"] == "Open"
    assert list(rows[rows["change"] == f"{MINUS}2"]["open"]) == ["Undone"]


def test_what_was_sold_elsewhere_or_moved_nothing_offers_no_undo(tabs: Tabs, busy_shop: Shop) -> None:
    shoe = busy_shop.sql("select id from product_variants where sku = 'A-1'")
    busy_shop.sql("select update_variant_stock(:shoe, -1)", shoe=shoe)
    busy_shop.run(ledger.set_level, lines=[LevelLine(variant_id=shoe, target=18, seen=18)], key=key())
    for kind, said in (("sale", "It belongs to a sale outside"), ("count", "It changed no level.")):
        found = busy_shop.sql("select id from stock_movements where movement_type = :kind", kind=kind)
        tab = tabs.open("Wanda", "movements", movement=str(found))
        assert said in words_of(tab)
        assert "Undo" not in labels(tab)


def test_support_sees_a_movement_and_no_undo(tabs: Tabs, busy_shop: Shop) -> None:
    damaged = busy_shop.sql("select id from stock_movements where reason = 'damaged'")
    tab = tabs.open("Sam", "movements", movement=str(damaged))
    assert "Your role cannot undo movements. The warehouse, a manager or an admin can." in words_of(tab)
    assert "Undo" not in labels(tab)


@pytest.mark.parametrize("asked", ["0", "999999999", "9" * 40, "-1", "'; drop table products", "²"])
def test_a_link_to_a_movement_that_is_not_one_says_so(tabs: Tabs, busy_shop: Shop, asked: str) -> None:
    assert "There is no such movement." in words_of(tabs.open("Mia", "movements", movement=asked))


def test_names_are_shown_letter_by_letter(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.variant(on_hand=1, sku="A*1*", product="# Big [shoe](https://elsewhere.example)")
    tab = tabs.open("Mia", "movements", mov_sku="A*1*")
    raw = " ".join(caption.value for caption in tab.caption)
    assert r"A\*1\* \# Big \[shoe\]\(https\::color[]//elsewhere\.example\)" in raw


def test_the_chart_covers_the_period_of_the_filter(tabs: Tabs, busy_shop: Shop) -> None:
    today = datetime.now(UTC).date()
    tab = tabs.open("Mia", "movements", mov_from=f"{today.year - 1}-01-01", mov_type="Purchase")
    (chart,) = tab.get("plotly_chart")
    assert f"1 Jan {today.year - 1}" in chart.proto.alt
    assert "Purchases +29" in chart.proto.alt
    assert "Adjustments" not in chart.proto.alt
