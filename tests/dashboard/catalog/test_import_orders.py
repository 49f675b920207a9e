"""Import > Orders as a manager sees it: days and policy, progress with Cancel, the result, permissions."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from core.inbox import polling
from core.people import accounts
from core.stripe import gateway as stripe_gateway
from dashboard.catalog import order_import
from tests.dashboard.tabs import Tabs, field, labels, press, run, tabs, words_of
from tests.stripe.fake import KEY, fake_gateway
from tests.stripe.shop import Stripe, orders_of, sold
from tests.support.builders import Shop
from tests.support.hands import Hand, hand_on

__all__ = ["tabs"]


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hand]:
    with hand_on(monkeypatch, order_import.Running, order_import.imports) as hand:
        yield hand


@pytest.fixture
def stripe(embedded_shop: Shop, tabs: Tabs, hand: Hand, monkeypatch: pytest.MonkeyPatch) -> Stripe:
    """A shop that is connected to a Stripe in memory, where four shirts were paid."""
    monkeypatch.setenv("STRIPE_SECRET_KEY", KEY)
    monkeypatch.setattr(polling, "PAGE", 2)
    opened = Stripe(embedded_shop)
    monkeypatch.setattr(stripe_gateway, "from_settings", lambda *_: opened.gateway)
    embedded_shop.variant(10, sku="TEE-M")
    for _ in range(4):
        opened.pay("TEE-M")
    return opened


def section(tabs: Tabs, person: str = "Mia") -> AppTest:
    return tabs.open(person, "catalog", imp_section="Orders")


def started(tab: AppTest) -> AppTest:
    return press(tab, "Import orders")


def reached(doing: str) -> None:
    """Wait until the import does this."""
    for _ in range(300):
        found = order_import.imports.latest
        if found and found.stage.doing == doing:
            return
        threading.Event().wait(0.02)
    raise AssertionError(f"it never came to {doing}")


def test_mia_imports_some_days_and_sees_the_result(tabs: Tabs, stripe: Stripe, hand: Hand) -> None:
    tab = section(tabs)
    field(tab, "selectbox", "Stock").select("normal")
    assert "Every order takes its units off the shelf" in words_of(run(tab))
    started(tab)
    hand.let_go()
    said = words_of(run(tab))
    assert re.search(r"Last import: .+, by Mia\. From", said)
    assert "Imported 4 new messages: 4 orders recorded, 4 lines taken off the shelf, no case opened." in said
    assert "View orders" in said
    assert (orders_of(stripe.shop), sold(stripe.shop)) == (4, 4)
    started(tab)
    hand.let_go()
    assert "Nothing new: everything that Stripe has for these days was imported before." in words_of(run(tab))
    assert sold(stripe.shop) == 4


def test_while_it_runs_its_counts_are_seen_and_cancel_keeps_what_was_read(
    tabs: Tabs, stripe: Stripe, hand: Hand
) -> None:
    hand.gate.clear()
    tab = section(tabs)
    started(tab)
    reached("Reading payments")
    run(tab)
    assert "Import orders" not in labels(tab), "one at a time"
    (bar,) = tab.get("progress")
    assert bar.proto.text.replace("\N{MIDDLE DOT}", "|") == "Reading payments | 2 read | 2 new"
    assert 0 < bar.proto.value < 100
    press(tab, "Cancel")
    assert "Stopping ..." in labels(tab)
    hand.let_go()
    said = words_of(run(tab))
    assert "Stopped. Messages read until then are stored. Import the same days again to continue." in said
    assert stripe.shop.sql("select count(*) from stockroom.stripe_events where source = 'import'") == 2
    started(tab)
    hand.let_go()
    assert stripe.shop.sql("select count(*) from stockroom.stripe_events where source = 'import'") == 4


def test_two_managers_are_one_import_and_both_see_it(tabs: Tabs, stripe: Stripe, hand: Hand) -> None:
    first, second = section(tabs), section(tabs, "Ada")
    hand.gate.clear()
    started(second)
    reached("Reading payments")
    press(first, "Import orders")
    assert len(hand.threads) == 1
    assert "Started by Ada. It continues if you close this page." in words_of(run(first))


def test_an_import_stops_when_its_person_is_signed_out(tabs: Tabs, stripe: Stripe, hand: Hand) -> None:
    hand.gate.clear()
    for _ in range(4):
        stripe.pay("TEE-M")
    started(section(tabs))
    reached("Reading payments")
    mia = stripe.shop.person("Mia")
    stripe.shop.run(accounts.end_sessions, user_id=mia.user_id)
    hand.let_go()
    assert "The import stopped because Mia was signed out." in words_of(section(tabs, "Ada"))
    assert stripe.shop.sql("select count(*) from stockroom.stripe_events where source = 'import'") == 4, "of eight"


def test_a_stripe_in_trouble_ends_the_import_with_a_sentence_and_the_next_step(
    tabs: Tabs, stripe: Stripe, hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway, fake = fake_gateway(stripe.account)
    monkeypatch.setattr(stripe_gateway, "from_settings", lambda *_: gateway)
    fake.trouble(500, times=5)
    tab = started(section(tabs))
    hand.let_go()
    said = words_of(run(tab))
    assert "Stripe has an outage (status 500); trying again is safe." in said
    assert "Messages read until then are stored. Import the same days again to continue." in said


def test_days_that_make_no_range_are_refused_before_anything_is_asked(tabs: Tabs, stripe: Stripe, hand: Hand) -> None:
    tab = section(tabs)
    today = datetime.now(UTC).date()
    field(tab, "date_input", "First day").set_value(today - timedelta(days=3))
    field(tab, "date_input", "Last day").set_value(today - timedelta(days=9))
    started(tab)
    hand.let_go()
    assert "Until must not be before the first day." in words_of(run(tab))
    assert orders_of(stripe.shop) == 0


def test_without_a_key_the_page_says_who_can_connect_stripe(
    tabs: Tabs, hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STRIPE_SECRET_KEY", raising=False)
    tab = section(tabs)
    said = words_of(tab)
    assert "Stripe is not connected" in said
    assert "An admin of your shop can connect Stripe." in said
    assert "Import orders" not in labels(tab)


@pytest.mark.parametrize("person", ["Wanda", "Sam"])
def test_without_permission_to_import_orders_the_page_says_who_can(tabs: Tabs, stripe: Stripe, person: str) -> None:
    tab = section(tabs, person)
    assert "Your role cannot import orders" in words_of(tab)
    assert not tab.button or "Import orders" not in labels(tab)


def test_the_catalogue_is_where_it_was(tabs: Tabs) -> None:
    assert "Upload a file with one row for each SKU: CSV, Excel" in words_of(tabs.open("Mia", "catalog"))
