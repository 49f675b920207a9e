"""Backups as people see them: which are stored, which are verified, and creating one now."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.backups import routine as backups
from core.jobs.runs import plan
from tests.dashboard.tabs import Tabs, press, tabs, words_of
from tests.support.backing_up import made
from tests.support.builders import Shop

__all__ = ["tabs"]

ASKED = "select asked_by from stockroom.jobs where name = 'backup'"


@pytest.fixture(autouse=True)
def kept_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Store backups in their own folder."""
    monkeypatch.setenv("STOCKROOM_BACKUPS", str(tmp_path))


@pytest.mark.slow
def test_an_admin_sees_which_backups_are_verified_and_why_others_are_not(
    tabs: Tabs, embedded_shop: Shop, tmp_path: Path
) -> None:
    embedded_shop.variant(3)
    embedded_shop.sql("create table public.customers (id int)")
    good = made(embedded_shop, tmp_path)
    backups.verify(embedded_shop.owner_url, good)
    embedded_shop.sql(
        "insert into stockroom.backups (file, made_at, size_bytes, sha256, head_hash, movements, server_version,"
        " failed_at, why) values ('older.dump', now() - interval '3 days', 2500000, repeat('a', 64), 'x', 1, '18.1',"
        " now(), 'It is not whole.')"
    )
    tab = tabs.open("Ada", "settings", set_section="Backups")
    said = words_of(tab)
    assert "Last verified backup" in said
    assert "tables, views and functions of others (1): public.customers" in said.replace("\\", "")
    assert "It is not whole." in said
    assert [each.value for each in tab.code] == [str(tmp_path), f".venv/bin/python -m core restore {good}"]
    assert "Last verified backup" in words_of(tabs.open("Wanda"))


def test_back_up_now_asks_a_worker_for_it_and_says_so(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.run(plan)
    tab = tabs.open("Ada", "settings", set_section="Backups")
    assert "No backup of this shop is verified yet." in words_of(tab)
    press(tab, "Back up now")
    assert embedded_shop.sql(ASKED) == "Ada"
    assert "waiting for a worker" in words_of(tab)


def test_a_young_shop_is_not_nagged_and_one_of_a_week_is(tabs: Tabs, embedded_shop: Shop) -> None:
    assert "backup" not in words_of(tabs.open("Wanda"))
    embedded_shop.sql("update stockroom.shop set created_at = now() - interval '7 days'")
    assert "No verified backup of this shop" in words_of(tabs.open("Wanda"))
