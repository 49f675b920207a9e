"""People of one role share what a page reads, until anything in the database changes."""

from __future__ import annotations

from typing import Any

import pytest

from core.database import reading, replicas
from core.foundation.model import Line
from core.ledger import changes, reports
from dashboard.door import session
from tests.dashboard.tabs import Tabs, tabs, words_of
from tests.support.builders import key

__all__ = ["tabs"]


@pytest.fixture
def reads(tabs: Tabs, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The reads of screens that reach the database. An answer is kept for as long as the test runs."""
    found: list[str] = []
    run = replicas.run

    def noted(engine: Any, operation: Any, *args: Any, **values: Any) -> Any:
        if operation.__module__.startswith("core.screens"):
            found.append(operation.__name__)
        return run(engine, operation, *args, **values)

    monkeypatch.setattr(replicas, "run", noted)
    monkeypatch.setattr(reading, "MOMENT", 1_000.0)
    tabs.shop.variant(20, sku="A-1")
    return found


def _open(tabs: Tabs, token: str, page: str = "movements") -> str:
    tabs.monkeypatch.setattr(tabs, "token", lambda _: token)
    return words_of(tabs.open("", page))


def test_two_people_of_one_role_share_a_read_and_one_of_another_role_does_not(tabs: Tabs, reads: list[str]) -> None:
    first, second, other = (tabs.token(name) for name in ("Wanda", "Sam", "Ada"))
    tabs.shop.sql("update stockroom.users set role = 'warehouse' where name = 'Sam'")
    _open(tabs, first)
    reads.clear()  # the first page of a new database is not the measure
    _open(tabs, first)
    _open(tabs, second)
    assert reads == ["ledger_choices", "ledger"]
    _open(tabs, other)
    assert reads == ["ledger_choices", "ledger"] * 2


def test_a_change_at_another_place_is_seen_at_once(tabs: Tabs, reads: list[str]) -> None:
    token = tabs.token("Wanda")
    before = _open(tabs, token, "stock")
    tabs.shop.variant(3, sku="B-1")
    assert _open(tabs, token, "stock") != before
    assert reads == ["stock_list"] * 2


def test_a_change_after_the_look_up_is_seen_by_the_same_page(
    tabs: Tabs, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    variant = tabs.shop.variant(5, sku="C-1")
    token = tabs.token("Mia")
    monkeypatch.setattr(session, "presented_token", lambda: token)
    session.signed_in()
    row = session.run(reports.find, code="C-1")
    assert row is not None
    assert row is session.run(reports.find, code="C-1")
    session.run(changes.adjust, lines=[Line(variant_id=variant, quantity=-2)], reason="stock_decrease", key=key())
    row = session.run(reports.find, code="C-1")
    assert row is not None
    assert row.on_hand == 3


def test_an_answer_is_kept_for_a_moment_only(tabs: Tabs, reads: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    token = tabs.token("Wanda")
    _open(tabs, token)
    monkeypatch.setattr(reading, "MOMENT", 0.0)
    _open(tabs, token)
    assert reads == ["ledger_choices", "ledger"] * 2
