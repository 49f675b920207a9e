"""Things to try on Overview: who may press, what the page says afterwards, and never in a real shop."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.foundation.settings import load_settings
from core.inbox import applying, polling
from core.sandbox import connection
from tests.dashboard.tabs import Tabs, press, run, tabs, words_of
from tests.support.builders import Shop

__all__ = ["tabs"]

BUTTONS = ["Lose a webhook", "Oversell a pair", "Let both check out", "Send the cart", "Kill a worker"]


@pytest.fixture
def sample(embedded_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A sample shop with one variant, live with the sandbox."""
    monkeypatch.delenv("STRIPE_SECRET_KEY", raising=False)
    embedded_shop.variant(1, sku="TEE-M", product="Canvas tee", size="M", price=20)
    embedded_shop.sql("update stockroom.shop set is_sample = true, currency = 'EUR'")
    catch_up(embedded_shop)
    embedded_shop.sql("update stockroom.stripe_link set live_since = now() - interval '1 hour'")
    return embedded_shop


def catch_up(shop: Shop) -> None:
    gateway = connection.find(load_settings({}), shop.engine)
    assert gateway
    polling.poll(shop.engine, gateway)
    applying.apply_due(shop.engine, gateway)


def may_press(tab: AppTest) -> list[str]:
    buttons: Any = tab.button
    return [button.label for button in buttons if button.label in BUTTONS and not button.disabled]


def test_everybody_sees_what_comes_of_it_and_each_role_presses_what_it_may(tabs: Tabs, sample: Shop) -> None:
    assert may_press(tabs.open("Ada")) == BUTTONS
    assert may_press(tabs.open("Sam")) == BUTTONS[:-1]
    tab = press(tabs.open("Sam"), "Lose a webhook")
    assert "for 1 of Canvas tee · size M. The webhook was not delivered." in words_of(tab)
    catch_up(sample)
    for who in ("Sam", "Wanda"):
        said = words_of(tabs.open(who))
        assert "Found by the poll after" in said
        assert "Tried by Sam" in said
    assert may_press(tabs.open("Wanda")) == []


def test_a_page_opened_before_the_sample_was_removed_starts_nothing(tabs: Tabs, sample: Shop) -> None:
    tab = tabs.open("Mia")
    sample.sql("update stockroom.shop set is_sample = false")
    assert "not the sample shop" in words_of(press(tab, "Oversell a pair"))
    assert sample.sql("select count(*) from stockroom.sandbox_tries") == 0
    assert may_press(run(tab)) == []


def test_settings_and_the_import_say_that_the_sandbox_stands_in_for_stripe(tabs: Tabs, sample: Shop) -> None:
    tab = tabs.open("Ada", "settings", set_section="Stripe")
    badges = " ".join(element.value for element in tab.markdown if "-badge[" in element.value)
    assert "SANDBOX: not Stripe, no real money" in badges
    assert "The sandbox (`acct_sandbox`) answers" in words_of(press(tab, "Test the connection"))
    assert "stands in for Stripe" in words_of(tabs.open("Ada", "catalog", imp_section="Orders"))
    assert "stands in for Stripe" in words_of(tabs.open("Wanda"))
