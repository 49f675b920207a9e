"""The Stripe guard under Settings: an admin starts a dry run, switches it on, stops it with one click, and reads."""

from __future__ import annotations

import pytest

from core.storefront.guard import setting
from core.storefront.guard.setting import Mode
from tests.core.storefront.guard.guarding import Guarded
from tests.dashboard.tabs import Tabs, field, labels, press, run, tabs, words_of
from tests.support.builders import Shop

__all__ = ["tabs"]


def test_ada_starts_a_dry_run_switches_the_guard_on_and_stops_it_with_one_click(
    tabs: Tabs, embedded_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded = Guarded(embedded_shop)
    embedded_shop.variant(0, sku="GONE")
    link = guarded.account.link([("GONE", 2500, 2)])
    tab = tabs.open("Ada", "settings", set_section="Stripe guard")
    assert "The guard has done nothing yet" in words_of(tab)
    assert "only a dry run is possible" in words_of(tab)
    assert "Stop now" not in labels(tab)
    press(tab, "Start a dry run")
    guarded.work(has_key=False)
    (shown,) = run(tab).dataframe
    row = shown.value.iloc[0]
    assert (row["Act"], row["State"], row["At Stripe"], row["Found"]) == (
        "Deactivate link", "Dry run", link["id"], "GONE: 0 available, 2 needed",
    )  # fmt: skip
    monkeypatch.setenv("STOCKROOM_STRIPE_GUARD_KEY", "rk_test_51TheGuards")
    field(run(tab), "number_input", "Changes an hour at most").set_value(3)
    press(tab, "Save")
    press(tab, "Switch on")
    found = embedded_shop.run(setting.setting, "Ada")
    assert (found.mode, found.most_per_hour, found.set_by) == (Mode.ON, 3, "Ada")
    guarded.work()
    assert not guarded.is_active(link)
    press(run(tab), "Stop now")
    assert embedded_shop.run(setting.setting, "Ada").mode is Mode.OFF
    assert "Stop now" not in labels(tab)
    assert "Your role cannot view this page" in words_of(tabs.open("Mia", "settings", set_section="Stripe guard"))


def test_saving_the_limit_in_an_old_tab_does_not_switch_the_guard_on_again(tabs: Tabs, embedded_shop: Shop) -> None:
    guarded = Guarded(embedded_shop)
    guarded.set(Mode.ON)
    tab = tabs.open("Ada", "settings", set_section="Stripe guard")
    guarded.set(Mode.OFF)
    press(tab, "Save")
    assert embedded_shop.run(setting.setting, "Ada").mode is Mode.OFF
