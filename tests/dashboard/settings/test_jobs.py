"""Jobs under Settings: an admin sees the jobs, switches and requests them, and retries messages."""

from __future__ import annotations

from datetime import time

import pytest

from core.inbox import messages as inbox
from core.jobs import runs as job_runs
from core.jobs.runs import Outcome
from tests.dashboard.tabs import Tabs, field, labels, press, run, table, tabs, words_of
from tests.stripe.shop import Stripe
from tests.support.builders import Shop

__all__ = ["tabs"]

HOLDS = "expire_holds"


def key_of(name: str, what: str) -> str:
    return f"set_job_{what}_{name}"


@pytest.fixture
def planned(embedded_shop: Shop) -> Shop:
    embedded_shop.run(job_runs.plan)
    return embedded_shop


def test_a_shop_without_a_worker_says_so(tabs: Tabs) -> None:
    assert "No jobs yet" in words_of(tabs.open("Ada", "settings", set_section="Jobs"))


def test_a_job_shows_when_it_ran_its_duration_and_its_result(tabs: Tabs, planned: Shop) -> None:
    run_id = planned.run(job_runs.begin, name=HOLDS, worker="A worker")
    planned.run(job_runs.end, run_id=run_id, outcome=Outcome.DONE, said=("Gave back 2 [carts].",))
    tab = tabs.open("Ada", "settings", set_section="Jobs")
    said = words_of(tab)
    assert "Last run just now, took a moment: done. Next run within a minute." in said
    assert "Gave back 2 [carts]." in said
    field(tab, "selectbox", "Job").select(HOLDS)
    shown = table(run(tab), "Result")
    assert list(shown["Result"]) == ["Done"]
    assert list(shown["Worker"]) == ["A worker"]


def test_ada_switches_a_job_off_and_on_again(tabs: Tabs, planned: Shop) -> None:
    tab = tabs.open("Ada", "settings", set_section="Jobs")
    tab.button(key=key_of(HOLDS, "off")).click()
    assert "Switched off by Ada" in words_of(run(tab))
    assert planned.run(job_runs.begin, name=HOLDS, worker="A worker") is None
    tab.button(key=key_of(HOLDS, "on")).click()
    assert "Switched off by" not in words_of(run(tab))


def test_ada_asks_for_a_job(tabs: Tabs, planned: Shop) -> None:
    tab = tabs.open("Ada", "settings", set_section="Jobs")
    tab.button(key=key_of(HOLDS, "ask")).click()
    assert "Requested by Ada, starts within seconds." in words_of(run(tab))
    assert HOLDS in planned.run(job_runs.due)
    assert tab.button(key=key_of(HOLDS, "ask")).disabled
    run_id = planned.run(job_runs.begin, name=HOLDS, worker="A worker")
    planned.run(job_runs.end, run_id=run_id, outcome=Outcome.DONE, said=())
    run(tab)
    assert not tab.button(key=key_of(HOLDS, "ask")).disabled


def test_ada_moves_the_daily_jobs_to_another_hour(tabs: Tabs, planned: Shop) -> None:
    tab = tabs.open("Ada", "settings", set_section="Jobs")
    tab.time_input[0].set_value(time(4, 30))
    press(tab, "Save hour")
    assert planned.run(job_runs.daily_at, "Ada") == time(4, 30)


def test_a_parked_message_says_why_and_is_tried_again(tabs: Tabs, planned: Shop) -> None:
    stripe = Stripe(planned)
    planned.variant(5, sku="TEE-M")
    stripe.pay("TEE-M")
    stripe.webhook()
    for message in planned.run(inbox.claim, limit=100):
        planned.run(inbox.put_off, id=message.id, why="It has no cart.", is_lasting=True)
    tab = tabs.open("Ada", "settings", set_section="Jobs")
    assert "could not be processed" in words_of(tab)
    assert "It has no cart." in words_of(tab)
    press(tab, "Try again")
    assert planned.run(inbox.parked, "Ada") == ()
    assert "Try again" not in labels(tab)


def test_only_an_admin_sees_them(tabs: Tabs) -> None:
    assert "Your role cannot view this page" in words_of(tabs.open("Mia", "settings", set_section="Jobs"))
