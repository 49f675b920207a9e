"""Notifications under Settings: the destinations of the environment, tests and preferences."""

from __future__ import annotations

import pytest

from core.alerts import system as system_alerts
from core.alerts.deliveries import bundle
from core.foundation.sales import AlertKind
from tests.dashboard.tabs import Tabs, field, press, tabs, words_of
from tests.support.builders import Shop
from tests.support.receivers import hook

__all__ = ["tabs"]


def test_without_a_destination_the_page_says_how_to_add_one(tabs: Tabs) -> None:
    assert "STOCKROOM_NOTIFY_TEAM" in words_of(tabs.open("Ada", "settings", set_section="Notifications"))


def test_ada_tests_a_destination_and_sees_the_result(tabs: Tabs, monkeypatch: pytest.MonkeyPatch) -> None:
    with hook() as team:
        monkeypatch.setenv("STOCKROOM_NOTIFY_TEAM", team.url)
        tab = tabs.open("Ada", "settings", set_section="Notifications")
        assert "Last sent: never" in words_of(tab)
        press(tab, "Send a test")
        assert len(team.got) == 1
        assert "Last sent: never" not in words_of(tab)
        team.status = 503
        press(tab, "Send a test")
        said = words_of(tab)
    assert "It answered with an error (503)" in said
    assert "hush" not in said


def test_ada_saves_the_preferences_of_a_destination(
    tabs: Tabs, embedded_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOCKROOM_NOTIFY_TEAM", "json://127.0.0.1:9/hush")
    tab = tabs.open("Ada", "settings", set_section="Notifications")
    field(tab, "selectbox", "Cases").select("urgent")
    press(tab, "Save")
    assert embedded_shop.sql("select min_severity from stockroom.destinations where name = 'team'") == "urgent"


def test_a_case_shows_its_notifications(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.run(system_alerts.open_alert, kind=AlertKind.JOB_STALLED, severity="urgent", cause="job:x",
                      sentence="A job stands still", facts={})  # fmt: skip
    embedded_shop.run(bundle, names=["team"])
    alert_id = embedded_shop.sql("select id from stockroom.alerts")
    assert "team: waiting" in words_of(tabs.open("Sam", "alerts", alert=str(alert_id)))


def test_ada_sets_how_long_cases_may_wait_and_where_they_go_next(
    tabs: Tabs, embedded_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOCKROOM_NOTIFY_TEAM", "json://127.0.0.1:9/hush")
    tab = tabs.open("Ada", "settings", set_section="Notifications")
    assert (field(tab, "number_input", "Urgent cases").value, field(tab, "number_input", "Low levels").value) == (4, 0)
    field(tab, "number_input", "Urgent cases").set_value(2)
    field(tab, "number_input", "Other cases").set_value(0)
    press(tab, "Save waiting times")
    found = embedded_shop.rows("select urgent_hours, other_hours, level_hours from stockroom.waiting_limits")[0]
    assert tuple(found) == (2, None, None)
    field(tab, "selectbox", "Cases").select("waited")
    field(tab, "number_input", "Place in the order").set_value(3)
    press(tab, "Save")
    row = embedded_shop.rows("select min_severity, place from stockroom.destinations where name = 'team'")[0]
    assert tuple(row) == ("waited", 3)
