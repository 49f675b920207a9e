"""Health under Settings: an admin sees whether every part is ready, and the measurements."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.foundation.errors import Forbidden
from core.foundation.measure import Kind, Meter, Outcome, name_of
from core.health import measures as health
from core.health import reads as health_reads
from core.health.measures import Keeper
from core.health.reads import STOCK_FUNCTIONS, Period
from core.inbox import applying
from core.inbox.messages import WORKER
from core.ledger import changes, holds
from core.orders import cases, refunds, returns, waiting
from core.storefront import checkout
from dashboard.settings.health import FUNCTIONS
from tests.dashboard.tabs import Tabs, field, run, tabs, words_of
from tests.support.builders import Shop

__all__ = ["tabs"]


def measured(shop: Shop, *, hours: int = 0, name: str = "ledger.adjust", ms: float = 4.0, calls: int = 100) -> None:
    """An operation, its statement and an attempt that failed to get a lock, recorded some hours ago."""
    meter = Meter()
    for _ in range(calls):
        meter.note(Kind.OPERATION, name, Outcome.OK, ms / 1000)
        meter.note(Kind.STATEMENT, "post_change", Outcome.OK, ms / 2000)
    meter.note(Kind.OPERATION, name, Outcome.REFUSED, ms / 1000)
    meter.note(Kind.LOCK, "deadlock", Outcome.FAILED, 0.01)
    Keeper(shop.engine, meter).tell()
    shop.run(health.keep_sample, WORKER)
    for table in ("health_calls", "health_samples"):
        shop.sql(f"delete from stockroom.{table} where at = date_trunc('hour', now() - make_interval(hours => :h)) "
                 "and span = 'hour' and :h > 0", h=hours)  # fmt: skip
        shop.sql(f"update stockroom.{table} set at = at - make_interval(hours => :h) "
                 "where span = 'hour' and at >= date_trunc('hour', now()) and :h > 0", h=hours)  # fmt: skip


def test_a_new_shop_sees_which_parts_are_ready_and_that_nothing_is_measured_yet(tabs: Tabs) -> None:
    said = words_of(tabs.open("Ada", "settings", set_section="Health"))
    assert "The database answers." in said
    assert "No worker has started yet." in said
    assert "Some systems need attention" in said
    assert "No measurements yet" in said


def test_ada_sees_each_chart_with_its_sentence_and_its_table(tabs: Tabs, embedded_shop: Shop) -> None:
    measured(embedded_shop, hours=3)
    measured(embedded_shop, name="storefront.check_cart", ms=60)
    tab = tabs.open("Ada", "settings", set_section="Health")
    said = words_of(tab)
    for heading in ("Speed of each stock function", "Throughput", "Lock waits", "Slowest statements", "Import lag",
                    "Database"):  # fmt: skip
        assert heading in said
    assert "All operations: 200 done, 2 refused, 0 failed." in said
    assert "2 attempts failed to get a lock" in said
    assert "post_change with" in said
    assert "MB now" in said
    assert "Times are in Pacific/Auckland" in said
    field(tab, "selectbox", "Function").select("storefront.check_cart")
    assert "Check a cart: p50 " in words_of(run(tab))
    assert len(tab.get("plotly_chart")) == 6
    assert len(tab.get("expander")) == 6


def test_the_week_reaches_further_back_than_the_day(tabs: Tabs, embedded_shop: Shop) -> None:
    measured(embedded_shop, hours=50)
    measured(embedded_shop)
    tab = tabs.open("Ada", "settings", set_section="Health")
    assert "100 done" in words_of(tab)
    week = tabs.open("Ada", "settings", set_section="Health", set_health_period="Last week")
    assert "200 done" in words_of(week)


def test_only_an_admin_sees_it_and_the_read_itself_refuses(tabs: Tabs, embedded_shop: Shop) -> None:
    assert "Your role cannot view this page" in words_of(tabs.open("Mia", "settings", set_section="Health"))
    for name in ("Wanda", "Sam", "Mia"):
        with pytest.raises(Forbidden):
            embedded_shop.run(health_reads.look, name, period=Period.DAY)


def test_every_stock_function_is_there_and_has_its_word() -> None:
    operations: tuple[Callable[..., Any], ...] = (
        changes.adjust, changes.receive, changes.set_level, changes.undo, checkout.check_cart, holds.hold, holds.extend,
        holds.release, holds.expire, checkout._begin, applying.apply, cases.retry_order, cases.ship_what_is_there,
        refunds.decide, refunds.decide_all, returns.take_in, returns.exchange, waiting.send, returns.take_back,
    )  # fmt: skip
    assert tuple(map(name_of, operations)) == STOCK_FUNCTIONS
    assert set(STOCK_FUNCTIONS) == set(FUNCTIONS)


def test_steps_begin_with_the_hour_and_end_with_the_one_that_is_not_over(embedded_shop: Shop) -> None:
    now = datetime(2026, 5, 20, 12, 34, tzinfo=UTC)
    seen = embedded_shop.run(health_reads.look, "Ada", period=Period.WEEK, now=now)
    assert (seen.since, seen.until) == (datetime(2026, 5, 13, 13, tzinfo=UTC), datetime(2026, 5, 20, 13, tzinfo=UTC))
    assert seen.step == timedelta(hours=6)
    assert seen.is_empty
