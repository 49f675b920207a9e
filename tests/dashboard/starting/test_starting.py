"""Starting one's own shop on the page: the banner, the ways, the removal on a second demand, and the list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.alerts import deliveries
from core.foundation.settings import load_settings
from core.sample.removal import remove_sample
from core.screens import starting
from core.screens.starting import Lack, Task
from dashboard.starting import removing
from tests.dashboard.tabs import Tabs, field, labels, press, run, tabs, words_of
from tests.support.backing_up import backed_up
from tests.support.builders import Shop
from tests.support.working import until

__all__ = ["tabs"]

NAME = "Corner Sneakers"
MESSAGE = """insert into stockroom.stripe_events (event_id, kind, created_at, source, livemode, body)
             values ('evt_1', 'payment_intent.succeeded', now(), 'webhook', false, '{}')"""


@pytest.fixture
def sample(embedded_shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A small sample shop that the dashboard finds by its settings."""
    monkeypatch.setenv("DATABASE_URL", embedded_shop.app_url)
    monkeypatch.setenv("STOCKROOM_OWNER_URL", embedded_shop.owner_url)
    monkeypatch.setenv("STOCKROOM_BACKUPS", str(tmp_path))
    monkeypatch.setattr(removing.works, "latest", None)
    embedded_shop.variant(5, sku="SAMPLE-1")
    embedded_shop.sql("update stockroom.shop set is_sample = true, name = :name", name=NAME)
    return embedded_shop


def finished(tab: AppTest) -> AppTest:
    """The tab after the work that it began."""
    work: Any = removing.works.latest
    until(lambda: work.is_over)
    return run(tab)


def test_the_banner_has_one_button_and_only_for_admins(tabs: Tabs, sample: Shop) -> None:
    tab = tabs.open("Wanda")
    assert "Sample data." in words_of(tab)
    assert "An admin can start your own shop." in words_of(tab)
    assert "Start my own shop" not in labels(tab)
    assert "Your role cannot view this page" in words_of(tabs.open("Mia", "start"))
    tab = press(tabs.open("Ada"), "Start my own shop")
    said = words_of(tab)
    assert "How to begin" in said
    assert "1 variant and 1 movement" in said
    assert "python -m" not in said
    assert "1 of 7 done" in said  # three people can sign in


def test_an_admin_removes_it_after_a_backup_and_the_name_and_everybody_reads_that(
    tabs: Tabs, sample: Shop, tmp_path: Path
) -> None:
    wanda = tabs.open("Wanda", "stock", sku="SAMPLE-1")
    ada = tabs.open("Ada", "start")
    assert field(ada, "text_input", f"To remove all of it, type {NAME}").disabled
    ada = finished(press(ada, "Create a backup"))
    (archive,) = tmp_path.glob("*.dump")
    assert str(archive) in [code.value for code in ada.code]
    field(ada, "text_input", f"To remove all of it, type {NAME}").input("My shop")
    ada = finished(press(ada, "Remove the sample data"))
    assert "That is not the name of the shop; nothing was changed." in words_of(ada)
    field(ada, "text_input", f"To remove all of it, type {NAME}").input(NAME)
    ada = finished(press(ada, "Remove the sample data"))
    assert "Ada removed the sample data" in words_of(ada)
    assert "Remove the sample data" not in labels(ada)
    assert sample.sql("select count(*) from product_variants") == 0
    token = tabs.token("Wanda")  # her session is the same; the test's browser has another token
    tabs.monkeypatch.setattr("dashboard.door.session.presented_token", lambda: token)
    said = words_of(run(wanda))
    assert "Ada removed the sample data just now, with everything that this page showed." in said
    assert "People, sessions and reasons stayed." in said
    assert "Ada removed" not in words_of(press(wanda, "Close"))


def test_a_second_admin_on_a_page_opened_earlier_reads_who_was_first(tabs: Tabs, sample: Shop) -> None:
    backed_up(sample)
    ada = tabs.open("Ada", "start")
    remove_sample(sample.owner_url, sample.person("Ada"), name=NAME)
    sample.variant(3, sku="OWN-1")
    field(ada, "text_input", f"To remove all of it, type {NAME}").input(NAME)
    ada = press(ada, "Remove the sample data")
    if removing.works.latest:
        ada = finished(ada)
    assert "Ada removed the sample data" in words_of(ada)
    assert sample.sql("select count(*) from product_variants") == 1


def test_the_ways_lead_to_their_places_and_the_list_ticks_what_is_so(
    tabs: Tabs, embedded_shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATABASE_URL", "STOCKROOM_BACKUPS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STOCKROOM_DATA", str(tmp_path / "data"))
    ways = {
        "Import a catalogue": "Import a catalogue",
        "Connect Stripe": "Settings, Stripe: key and webhook",
        "Start empty": "Add the first product on Stock",
    }
    for way, link in ways.items():
        said = words_of(tabs.open("Ada", "start", sta_way=way))
        assert link in said
        assert "STRIPE_SECRET_KEY" in said
    assert "Moving in" in words_of(tabs.open("Ada", "start", sta_way="Move in with a database"))

    def lacks() -> dict[Task, Lack | None]:
        found = embedded_shop.run(starting.steps, "Ada", settings=load_settings())
        return {step.task: step.lack for step in found}

    assert lacks() == {
        Task.CATALOGUE: Lack.VARIANTS, Task.COUNT: Lack.MOVEMENTS, Task.KEY: Lack.KEY, Task.WEBHOOK: Lack.SECRET,
        Task.PEOPLE: Lack.PERSON, Task.BACKUP: Lack.PLACE, Task.ALERTS: Lack.ADDRESS,
    }  # fmt: skip
    assert "0 of 7 steps done" in words_of(tabs.open("Ada"))
    assert "steps done" not in words_of(tabs.open("Wanda"))
    monkeypatch.setenv("STOCKROOM_BACKUPS", str(tmp_path / "data" / "backups"))
    assert lacks()[Task.BACKUP] is Lack.PLACE
    monkeypatch.setenv("STOCKROOM_BACKUPS", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("STRIPE_SECRET_KEY", "rk_test_abcdefgh")
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_abcdefgh")
    monkeypatch.setenv("STOCKROOM_NOTIFY_TEAM", "json://127.0.0.1:1/")
    embedded_shop.variant(4)
    assert lacks() == {
        Task.CATALOGUE: None, Task.COUNT: None, Task.KEY: Lack.ANSWER, Task.WEBHOOK: Lack.EVENT,
        Task.PEOPLE: None, Task.BACKUP: Lack.PROOF, Task.ALERTS: Lack.MESSAGE,
    }  # fmt: skip
    embedded_shop.sql("update stockroom.stripe_link set polled_at = now()")
    backed_up(embedded_shop)
    embedded_shop.run(deliveries.note_test, "Ada", name=next(iter(load_settings().destinations)), why=None)
    embedded_shop.sql(MESSAGE)
    assert set(lacks().values()) == {None}
    assert "steps done" not in words_of(tabs.open("Ada"))
    embedded_shop.sql("update stockroom.stripe_link set polled_at = now() - interval '2 hours'")
    assert lacks()[Task.KEY] is Lack.ANSWER
