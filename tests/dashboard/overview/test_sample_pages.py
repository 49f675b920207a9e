"""The pages of the sample shop: every page opens, and what a newcomer clicks works."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.database import pool
from dashboard.frame import live
from tests.conftest import open_sample
from tests.dashboard.tabs import Tabs, press, table, words_of
from tests.support.builders import Shop
from tests.support.servers import Server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sample(embedded: Server) -> Iterator[Shop]:
    """The sample shop, whole."""
    yield from open_sample(embedded)


@pytest.fixture
def tabs(sample: Shop, monkeypatch: pytest.MonkeyPatch) -> Tabs:
    """Tabs of the sample shop."""
    monkeypatch.setattr(pool, "engine", lambda *_: sample.engine)
    monkeypatch.setattr(live, "_answer", (0.0, 0))
    return Tabs(shop=sample, monkeypatch=monkeypatch)


def case_of(shop: Shop, kind: str, like: str = "%") -> int:
    """The first open case of a kind."""
    return int(shop.sql(
        """select id from stockroom.alerts where kind = :kind and state <> 'resolved' and sentence like :like
            order by id limit 1""", kind=kind, like=like))  # fmt: skip


def test_overview_says_what_waits_and_how_far_the_past_is_played(tabs: Tabs) -> None:
    tab = tabs.open("Mia")
    said = words_of(tab)
    assert "failed update" in said
    assert "refund" in said
    assert not tab.get("progress")
    tabs.shop.sql("insert into stockroom.sample_steps (n, at, step) values (100000, '2026-03-30 10:00+00', '{}')")
    tabs.shop.sql("update stockroom.sample_story set played_at = null")
    (bar,) = tabs.open("Mia").get("progress")
    assert "The sample shop is being filled" in bar.proto.text
    assert "30 Mar" in bar.proto.text
    tabs.shop.sql("delete from stockroom.sample_steps")
    tabs.shop.sql("update stockroom.sample_story set played_at = now()")


@pytest.mark.parametrize("page", ["stock", "movements", "orders", "alerts", "reconciliation", "catalog", "settings"])
def test_every_page_opens_on_the_sample(tabs: Tabs, page: str) -> None:
    assert words_of(tabs.open("Ada", page))


def test_orders_lists_them_in_every_state(tabs: Tabs) -> None:
    for state in ("all", "open", "unread", "refunded", "refunded_in_part", "disputed"):
        assert len(table(tabs.open("Sam", "orders", ord_state=state), "order")) > 0, state


@pytest.mark.parametrize("kind", ["insufficient_stock", "unknown_variant", "unreadable_cart", "amount_mismatch",
                                  "double_payment", "dispute", "refund_failed"])  # fmt: skip
def test_a_case_of_every_kind_opens_and_says_what_to_do(tabs: Tabs, kind: str) -> None:
    assert words_of(tabs.open("Mia", "alerts", alert=str(case_of(tabs.shop, kind))))


def test_sam_tries_a_short_order_again_on_its_page_once_the_pair_is_there(tabs: Tabs) -> None:
    alert_id = case_of(tabs.shop, "insufficient_stock", "%1 of 1 lines%")
    variant_id = tabs.shop.sql(
        """select l.variant_id from stockroom.order_lines l join stockroom.alerts a on a.order_id = l.order_id
            where a.id = :id""", id=alert_id)  # fmt: skip
    tabs.shop.adjust(variant_id, 5)
    tab = tabs.open("Sam", "alerts", alert=str(alert_id))
    press(tab, "Try again")
    assert tabs.shop.sql("select state from stockroom.alerts where id = :id", id=alert_id) == "resolved"
