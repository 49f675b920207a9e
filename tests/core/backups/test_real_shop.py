"""Backups of a shop that moved in with its own tables, views, policies, triggers and helpers around ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.backups import restoring
from core.backups import routine as backups
from core.backups.manifest import Manifest
from core.database.migrate import migrate
from tests.core.backups.hung import HUNG, empty_for, everything, read_as
from tests.support.legacy import Legacy
from tests.support.servers import Server
from tests.support.sneakers import landlord, moved_in

pytestmark = pytest.mark.slow

LEDGER = "select id, encode(chain_hash, 'hex') from public.stock_movements order by id"
CATALOGUE = "select name, slug from public.products order by 1"
SELL_ONE = """select public.update_variant_stock(p_variant_id => id, p_quantity_change => -1)
                from public.product_variants where sku = 'CPH-42'"""


@pytest.fixture
def shop(supabase_server: Server) -> Iterator[Legacy]:
    """The sneaker shop, as its own account."""
    with moved_in(supabase_server, HUNG, account=landlord(supabase_server)) as moved:
        yield moved


def saved(shop: Legacy, folder: Path) -> tuple[Path, Manifest]:
    """A verified backup and its manifest."""
    path = backups.make(shop.url, folder, keep=9)
    return path, backups.verify(shop.url, path)


def _was_tried_out(try_out: Callable[..., None]) -> Callable[..., None]:
    """Try out each backup once: replacing a shop tries again what was verified, as the next test shows."""
    seen: set[Path] = set()

    def once(owner_url: str, path: Path, manifest: Manifest) -> None:
        if path not in seen:
            seen.add(path)
            try_out(owner_url, path, manifest)

    return once


def test_a_verified_backup_is_restored_into_an_empty_database(
    shop: Legacy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, read = shop.rows(LEDGER), read_as(shop.url, "anon", CATALOGUE)
    monkeypatch.setattr(restoring, "try_out", _was_tried_out(restoring.try_out))
    path, manifest = saved(shop, tmp_path)
    with empty_for(shop) as url:
        backups.restore(url, path)
        restored = Legacy(server=shop.server, name=url.partition("@/")[2].partition("?")[0], account=shop.account)
        assert restored.rows(LEDGER) == before
        assert read_as(url, "anon", CATALOGUE) == read
        assert restored.rows("select distinct kind from products") == [("street",)]
        backups.restore(url, path, replace=restored.name)
        assert restored.rows(LEDGER) == before
        restored.run("update public.products set name = 'Renamed' where slug = 'dune-runner'")
        restored.run(SELL_ONE)
        restored.run(
            "create schema private; create type private.kind as enum ('running', 'street');"
            "create function public.plain(_name text) returns text language sql immutable as $$ select lower(_name) $$;"
            "create collation private.by_bytes (provider = libc, locale = 'C');"
            "create domain public.short_word as text check (length(public.plain(value)) < 20)"
        )
        for each in manifest.contents.left_out:
            if each.kind in ("type", "generated", "check", "index"):
                restored.run(each.statement)
        assert restored.rows("select distinct kind::text, plain_name = lower(name) from products") == [("street", True)]
        again = backups.make(url, tmp_path / "again", keep=9)
        backups.verify(url, again)
        backups.restore(url, again, replace=restored.name)
        assert restored.one("select stock_quantity from product_variants where sku = 'CPH-42'") == 4


def test_a_shop_is_replaced_in_place_and_everything_of_others_is_as_it_was(shop: Legacy, tmp_path: Path) -> None:
    shop.run("delete from stockroom.sql_text")
    migrate(shop.url)  # our own views, built again as after a restore
    path, _ = saved(shop, tmp_path)
    before, read = everything(shop), read_as(shop.url, "anon", "select * from public.catalogue order by sku")
    shop.run(SELL_ONE)
    shop.run("update public.products set name = 'Wrong'")
    backups.restore(shop.url, path, replace=shop.name)
    shop.run("truncate public.changes restart identity")  # what their own trigger wrote is theirs, and stays
    after = everything(shop)
    assert sorted(set(after) ^ set(before)) == []
    assert len(after) == len(before)
    assert read_as(shop.url, "anon", "select * from public.catalogue order by sku") == read
