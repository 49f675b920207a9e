"""Actions on cases: snooze, assign, several at once, by role."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core.alerts import handling
from tests.dashboard.tabs import Tabs, field, labels, press, run, table, tabs, words_of
from tests.support.builders import Shop
from tests.support.selling import Sale, case_of, sell

__all__ = ["tabs"]


@pytest.fixture
def three(embedded_shop: Shop) -> list[int]:
    """Two short orders and a variant that is low; returns the cases of the orders."""
    sales = [Sale(lines=[(f"OLD-{n}", n)], more={"number": f"WEB-{n}"}) for n in (1, 2)]
    for sale in sales:
        sell(embedded_shop, sale)
    embedded_shop.variant(4, reorder_point=5, sku="LOW-1", product="Runner", size="42")
    return [case_of(embedded_shop, sale) for sale in sales]


def kinds(tab: AppTest) -> list[str]:
    return [kind[0] for kind in table(tab, "step")["kind"]]


def state_of(shop: Shop, alert_id: int) -> str:
    return str(shop.sql("select state from stockroom.alerts where id = :id", id=alert_id))


def choose(tab: AppTest) -> AppTest:
    """Select every case on the page by name."""
    tab.toggle(key="alr_several").set_value(True)
    return press(run(tab), "Select all on this page")


def test_the_head_of_the_list_shows_the_affected_units_and_money(tabs: Tabs, three: list[int]) -> None:
    tab = tabs.open("Wanda", "alerts")
    assert kinds(tab) == ["Unknown code", "Unknown code"]
    said = words_of(tab)
    assert "2 failed updates, the oldest first. At stake: 3 units and $30.00." in said
    assert "Other lists: 1 product at a low level." in said
    assert "At stake: 2 units and $20.00." in words_of(tabs.open("Wanda", "alerts", alr_q="web-2"))
    assert "At stake" not in words_of(tabs.open("Wanda", "alerts", alr_kind="Low stock"))


def test_a_case_about_a_level_shows_the_level_and_the_movement(tabs: Tabs, three: list[int]) -> None:
    tabs.shop.run(handling.acknowledge, "Mia", alert_ids=three)
    alert = tabs.shop.sql("select id from stockroom.alerts where kind = 'low_stock'")
    tab = tabs.open("Wanda", "alerts", alert=str(alert))
    assert "LOW-1, Runner size 42: 4 on hand, reorder at 5" in words_of(tab)
    facts = tab.table[0].value.to_string()
    assert "On hand now" in facts
    assert "purchase by Command line" in facts


def test_a_case_is_put_off_and_found_among_the_snoozed(tabs: Tabs, three: list[int]) -> None:
    tab = tabs.open("Wanda", "alerts", alert=str(three[0]))
    field(tab, "radio", "Snooze").set_value(handling.Nap.TOMORROW)
    press(tab, "Snooze")
    assert "Snoozed until tomorrow morning." in words_of(tab)
    assert "End snooze" in labels(tab)
    assert len(kinds(tabs.open("Wanda", "alerts"))) == 1
    asleep = tabs.open("Wanda", "alerts", alr_state="Snoozed")
    assert list(table(asleep, "step")["state"]) == ["Snoozed"]
    press(tab, "End snooze")
    assert len(kinds(tabs.open("Wanda", "alerts"))) == 2


def test_a_case_is_assigned_to_me_in_one_click_and_listed_under_mine(tabs: Tabs, three: list[int]) -> None:
    tab = press(tabs.open("Sam", "alerts", alert=str(three[0])), "Assign to me")
    assert "Assigned to you." in words_of(tab)
    assert "Assign to me" not in labels(tab)
    assert list(table(tabs.open("Sam", "alerts", alr_state="Mine"), "step")["who"]) == ["Sam"]
    assert "No case matches" in words_of(tabs.open("Mia", "alerts", alr_state="Mine"))


def test_a_case_is_assigned_to_another_person(tabs: Tabs, three: list[int]) -> None:
    tabs.shop.person("Sam")
    tab = tabs.open("Mia", "alerts", alert=str(three[0]))
    who = field(tab, "selectbox", "Assignee")
    who.set_value(next(option for option in who.options if option == "Sam"))
    press(tab, "Assign")
    assert "Assigned to Sam." in words_of(tab)


def test_several_cases_are_done_together(tabs: Tabs, three: list[int]) -> None:
    tab = choose(tabs.open("Sam", "alerts", alr_kind=["Unknown code", "Low stock"]))
    assert "3 cases selected." in words_of(tab)
    press(tab, "Acknowledge")
    assert "3 cases acknowledged. Everybody can see that you are working on it." in words_of(tab)
    assert set(table(tab, "step")["state"]) == {"Acknowledged"}
    assert "cases selected" not in words_of(tab), "the selection is cleared after the action"


def test_several_cases_are_resolved_with_one_reason_by_those_who_may(tabs: Tabs, three: list[int]) -> None:
    assert "Resolve" not in labels(choose(tabs.open("Wanda", "alerts")))
    tab = choose(tabs.open("Sam", "alerts", alr_q="web-"))
    assert "3 units of paid orders then count as oversold" in words_of(tab)
    field(tab, "text_input", "Reason").set_value("Refunded both")
    press(tab, "Resolve")
    assert "2 cases resolved." in words_of(tab)
    assert [state_of(tabs.shop, alert) for alert in three] == ["resolved", "resolved"]


def test_a_case_that_is_already_resolved_stops_all_of_them(tabs: Tabs, three: list[int]) -> None:
    tab = choose(tabs.open("Sam", "alerts"))
    tabs.shop.run(handling.resolve, "Mia", alert_ids=three[:1], reason="Done")
    press(tab, "Acknowledge")
    assert "Case was resolved by Mia already: Order WEB-1" in words_of(tab)
    assert "Nothing was changed." in words_of(tab)
    assert state_of(tabs.shop, three[1]) == "open"


def test_a_choice_does_not_outlive_another_filter(tabs: Tabs, three: list[int]) -> None:
    tab = choose(tabs.open("Sam", "alerts"))
    field(tab, "multiselect", "Case").set_value(["Unknown code"])
    assert "cases selected" not in words_of(run(tab))


def test_the_overview_counts_what_the_list_shows(tabs: Tabs, three: list[int]) -> None:
    said = words_of(tabs.open("Mia"))
    assert "2 failed updates" in said
    assert "1 product at a low level" in said
    tab = tabs.open("Mia", "alerts", alert=str(three[0]))
    press(tab, "Snooze")
    assert "1 failed update" in words_of(tabs.open("Mia"))
    assert len(kinds(tabs.open("Mia", "alerts"))) == 1


def test_every_case_can_be_taken_away_as_a_file(tabs: Tabs, three: list[int]) -> None:
    assert "Export" in [button.proto.label for button in tabs.open("Wanda", "alerts").get("download_button")]
