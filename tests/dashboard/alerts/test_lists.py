"""The lists of cases: failed updates first, then decisions, levels by product, and the machinery."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from streamlit.testing.v1 import AppTest

from core.alerts import handling
from core.alerts import system as system_alerts
from core.alerts.lists import CaseRow
from core.foundation.errors import Unavailable
from core.foundation.sales import AlertKind
from dashboard.alerts import steps, tables
from dashboard.door import session
from dashboard.language.reader import Reader, reading
from tests.dashboard.tabs import Tabs, press, run, table, tabs, words_of
from tests.support.builders import Shop
from tests.support.selling import Sale, case_of, sell

__all__ = ["tabs"]

OPEN = """select stockroom_api.open_alerts(array[row (cast(:kind as text), 'urgent', cast(:kind as text), :sentence,
              '{}', :order_id, null, null, null, 0, :money, 'usd')::stockroom_api.new_alert])"""


@pytest.fixture
def full(embedded_shop: Shop) -> Sale:
    """A shop with an unread order of Ana, three low sizes of one product, one that is out, and a stalled job."""
    for size, on_hand in (("43", 2), ("41", 2), ("42", 1)):
        embedded_shop.variant(on_hand, reorder_point=3, sku=f"RUN-{size}", product="Runner", size=size)
    embedded_shop.sql("update product_variants set product_id = (select id from products limit 1)")
    out = embedded_shop.sql("select id from product_variants where sku = 'RUN-42'")
    embedded_shop.adjust(out, -1)
    unread = {"name": "Ana Ruiz", "amount": 12345, "cart_state": "unreadable", "cart_raw": "[[", "why": "it is cut"}
    sale = Sale(lines=[], more=unread)
    sell(embedded_shop, sale)
    embedded_shop.run(system_alerts.open_alert, kind=AlertKind.JOB_STALLED, severity="urgent", cause="job:poll",
                      sentence="The job poll stands still", facts={})  # fmt: skip
    return sale


def rows(tab: AppTest) -> list[Any]:
    """Return the rows of the wide table."""
    return list(table(tab, "step").to_dict("records"))


def test_the_page_opens_on_failed_updates_and_says_what_the_other_lists_hold(tabs: Tabs, full: Sale) -> None:
    tab = tabs.open("Sam", "alerts")
    (row,) = rows(tab)
    assert (row["name"], row["kind"], row["money"]) == ("Ana Ruiz, 123.45 USD", ["Cart not read"], "$123.45")
    assert (row["what"], row["step"]) == ("It is cut", "Enter lines")
    said = words_of(tab)
    assert "1 failed update, the oldest first. At stake: $123.45." in said
    assert "Other lists: 1 product at a low level and 1 case of the machinery." in said
    assert full.payment_id not in said + str(rows(tab))


def test_low_levels_are_one_row_a_product_with_its_sizes(tabs: Tabs, full: Sale) -> None:
    tab = tabs.open("Wanda", "alerts", alr_list="Levels")
    (row,) = rows(tab)
    assert (row["name"], row["sizes"]) == ("Runner", "Out: 42. Low: 41 (2 left), 43 (2 left)")
    assert "1 product at a low level, those out of stock first." in words_of(tab)


def test_the_machinery_is_a_list_of_its_own(tabs: Tabs, full: Sale) -> None:
    (row,) = rows(tabs.open("Wanda", "alerts", alr_list="Machinery"))
    assert (row["name"], row["what"]) == ("Job stalled", "The job poll stands still")
    assert not {"units", "money", "buyer"} & set(row), "columns that say nothing here"


def test_disputes_and_double_payments_are_decisions_and_not_failed_updates(tabs: Tabs, full: Sale) -> None:
    paid = Sale(lines=[("RUN-41", 1)], more={"number": "WEB-5"})
    sell(tabs.shop, paid)
    number = tabs.shop.sql("select id from stockroom.orders where number = 'WEB-5'")
    tabs.shop.sql(OPEN, kind="double_payment", sentence="Order WEB-5: paid twice", order_id=number, money=1000)
    tab = tabs.open("Sam", "alerts", alr_list="Decisions")
    (row,) = rows(tab)
    assert (row["name"], row["step"], row["money"]) == ("WEB-5", "Both are right", "$10.00")
    assert len(rows(tabs.open("Sam", "alerts"))) == 1


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"alr_q": "RUN-41"}, ["Runner"]),
        ({"alr_q": "ana ruiz"}, ["Ana Ruiz, 123.45 USD"]),
        ({"alr_kind": "Job stalled"}, ["Job stalled"]),
        ({"alr_state": "Open"}, ["Ana Ruiz, 123.45 USD", "Job stalled", "Runner"]),
        ({"alr_state": "Open", "alr_list": "Levels"}, ["Runner"]),
        ({"alr_list": "Nonsense"}, ["Ana Ruiz, 123.45 USD"]),
    ],
)
def test_an_earlier_link_with_a_filter_looks_in_every_list(
    tabs: Tabs, full: Sale, query: dict[str, Any], names: list[str]
) -> None:
    assert [row["name"] for row in rows(tabs.open("Wanda", "alerts", **query))] == names


def test_an_empty_list_says_when_the_last_one_was(tabs: Tabs, full: Sale) -> None:
    tabs.shop.run(handling.resolve, "Sam", alert_ids=[case_of(tabs.shop, full)], reason="Entered by hand")
    said = words_of(tabs.open("Wanda", "alerts"))
    assert "No failed updates" in said
    assert "The last one opened just now, on" in said
    assert "Other lists: 1 product at a low level" in said
    overview = words_of(tabs.open("Mia"))
    assert "No failed updates" in overview
    assert "The last one opened just now, on" in overview


@pytest.mark.parametrize(
    ("asked", "shown"),
    [(steps.SHIP, "Ship what is in stock"), (steps.RESOLVE, "Resolve"), (steps.ENTER, "Try again"), ("x", "Try again")],
)
def test_a_row_opens_its_case_at_the_next_step(tabs: Tabs, embedded_shop: Shop, asked: str, shown: str) -> None:
    embedded_shop.variant(1, sku="A-1")
    sale = Sale(lines=[("A-1", 3)])
    sell(embedded_shop, sale)
    tab = tabs.open("Mia", "alerts", alert=str(case_of(embedded_shop, sale)), alr_step=asked)
    (container,) = tab.get("tab_container")
    names = [each.label for each in tab.tabs]
    assert names[container.proto.tab_container.default_tab_index] == shown


def test_the_other_cases_of_an_order_are_linked(tabs: Tabs, embedded_shop: Shop) -> None:
    more = {"amount": 1100, "difference": 100, "why": "it is 1.00 more than its lines"}
    sale = Sale(lines=[("OLD-CODE", 1)], more=more)
    sell(embedded_shop, sale)
    (row,) = rows(tabs.open("Sam", "alerts"))
    assert sorted(row["kind"]) == ["Amount differs", "Unknown code"]
    said = words_of(tabs.open("Sam", "alerts", alert=str(case_of(embedded_shop, sale))))
    assert "Also: " in said


def test_how_long_cases_take_is_a_chart_with_its_table(tabs: Tabs, full: Sale) -> None:
    alert_id = case_of(tabs.shop, full)
    tabs.shop.sql("update stockroom.alerts set first_at = now() - interval '3 hours' where id = :id", id=alert_id)
    tabs.shop.run(handling.acknowledge, "Wanda", alert_ids=[alert_id])
    tab = tabs.open("Mia", "alerts")
    assert "How long cases take" in words_of(tab)
    (chart,) = tab.get("plotly_chart")
    assert "Cart not read: first action after 3 hours" in chart.proto.alt.replace("\N{NO-BREAK SPACE}", " ")
    tab.session_state["alr_times_table"] = True
    found = table(run(tab), "Nobody yet").set_index("Case")
    assert str(found.loc["Cart not read", "First action"]).replace("\N{NO-BREAK SPACE}", " ") == "3 hours"
    assert found.loc["Low stock", "Nobody yet"] == 2


def test_several_rows_are_handled_with_all_their_cases(tabs: Tabs, full: Sale) -> None:
    tab = tabs.open("Sam", "alerts", alr_list="Levels")
    tab.toggle(key="alr_several").set_value(True)
    tab = press(run(tab), "Select all on this page")
    assert "3 cases selected." in words_of(tab)
    assert "3 cases acknowledged." in words_of(press(tab, "Acknowledge"))
    assert rows(tab)[0]["state"] == "Acknowledged"


def test_a_database_out_of_reach_shows_no_case(tabs: Tabs, full: Sale) -> None:
    tab = tabs.open("Mia", "alerts")

    def out_of_reach(*_: object, **__: object) -> None:
        raise Unavailable("The database cannot be reached. Try again in a moment.")

    tabs.monkeypatch.setattr(session, "run", out_of_reach)
    tab = run(tab)
    assert "This page cannot be shown right now" in words_of(tab)
    assert not tab.dataframe


@pytest.mark.parametrize(
    ("sentence", "english", "german"),
    [
        ("Order SO-1: 1 of 2 lines not taken off the shelf: 1 x A-46, 0 available",
         "1 x A-46, 0 available", "1 x A-46, 0 verfügbar"),
        ("Order SO-2: its cart can be read in 2 ways, so nothing was taken off the shelf",
         "Its cart can be read in 2 ways", "Sein Warenkorb lässt sich auf 2 Arten lesen"),
        ("A-46, Okto Vector size 46: out of stock, reorder at 1",
         "A-46, Okto Vector size 46: out of stock, reorder at 1",
         "A-46, Okto Vector Größe 46: ausverkauft, Meldebestand 1"),
    ],
)  # fmt: skip
def test_a_row_says_only_what_is_open_in_every_language(sentence: str, english: str, german: str) -> None:
    row = CaseRow(alerts=cast("tuple[Any]", (SimpleNamespace(list=None, sentence=sentence),)))
    assert tables.said(row) == english
    with reading(Reader(language="de")):
        assert tables.said(row) == german
