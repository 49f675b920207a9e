"""What a backup leaves out is said before anybody needs it; what cannot be put up again prevents a restore."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import __main__ as core_main
from core.backups import manifest as manifests
from core.backups import restoring
from core.backups import routine as backups
from core.backups.manifest import manifest_of, read_manifest
from core.foundation.errors import BackupFailed
from tests.core.backups.hung import HUNG, empty_for, everything, read_as
from tests.support.legacy import Legacy
from tests.support.servers import Server
from tests.support.sneakers import landlord, moved_in

pytestmark = pytest.mark.slow


@pytest.fixture
def shop(supabase_server: Server) -> Iterator[Legacy]:
    """The sneaker shop after it moved in."""
    with moved_in(supabase_server, account=landlord(supabase_server)) as moved:
        yield moved


def test_backup_and_verify_say_what_is_left_out_and_how_to_create_it_again(
    supabase_server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with moved_in(supabase_server, HUNG, account=landlord(supabase_server)) as shop:
        monkeypatch.setenv("DATABASE_URL", shop.server.url(shop.name, "stockroom_app"))
        monkeypatch.setenv("STOCKROOM_OWNER_URL", shop.url)
        monkeypatch.setenv("STOCKROOM_BACKUPS", str(tmp_path))
        assert core_main.main(["backup"]) == 0
        said = capsys.readouterr().out
        assert core_main.main(["verify-backup"]) == 0
        assert said.partition("It leaves out")[2] in capsys.readouterr().out
        held = read_manifest(backups.newest(tmp_path)).contents
        with empty_for(shop) as url:
            monkeypatch.setenv("STOCKROOM_OWNER_URL", url)
            assert core_main.main(["restore", str(backups.newest(tmp_path))]) == 0
            assert said.partition("It leaves out")[2] in capsys.readouterr().out
    for sentence in (
        "tables, views and functions of others (26): public.bestsellers, ",
        'the policy "Staff see every product" on public.products (it uses function auth.uid(), table public.users)',
        "the default of public.products.code (it uses function private.new_code())",
        "the foreign key products_created_by_fkey of public.products (it uses table public.users)",
        "the trigger variants_note on public.product_variants (it calls function public.note_change())",
        "public.products in the publication supabase_realtime",
        "the type of public.products.kind, which is restored as text (it is type private.kind)",
        "the type of public.products.word, which is restored as text (it is type public.short_word)",
        "the sort order of public.products.nickname, which is restored with the usual one (it is collation ",
    ):
        assert sentence in said, said
    assert "public.orders" in held.others
    assert "alter table public.products alter column code set default private.new_code()" in [
        each.statement for each in held.left_out
    ]
    assert "alter publication some_columns add table public.products (id, name) where ((id IS NOT NULL))" in [
        each.statement for each in held.left_out
    ]
    assert held.needs == [
        "TYPE public movement_status",
        "TYPE public season",
        "FUNCTION public touch_updated_at()",
    ]


def changed(path: Path, **values: object) -> None:
    """Change what the manifest says of the contents; None removes it."""
    found = json.loads(manifest_of(path).read_text())
    del found["seal"]
    held = found["contents"] | values
    found["contents"] = {name: value for name, value in held.items() if value is not None}
    found["format"] = 1 if "left_out" not in found["contents"] else found["format"]
    manifest_of(path).write_text(json.dumps(found | {"seal": manifests._seal(found)}))


def test_a_backup_that_could_not_be_restored_is_not_verified(shop: Legacy, tmp_path: Path) -> None:
    """Neither with a policy on a table that it lacks, nor with a type that is made of one that it lacks."""
    path = backups.make(shop.url, tmp_path, keep=9)
    changed(path, left_out=[])
    missing = r'relation "public.users" does not exist'
    with pytest.raises(BackupFailed, match=missing):
        backups.verify(shop.url, path)
    with empty_for(shop) as url, pytest.raises(BackupFailed, match=missing):
        backups.restore(url, path)
    shop.run("create type private.grams as (value int); create type public.box as (weight private.grams)")
    shop.run("alter table public.products add column box public.box")
    path = backups.make(shop.url, tmp_path, keep=9)
    with pytest.raises(BackupFailed, match=r'schema "private" does not exist'):
        backups.verify(shop.url, path)


IN_THE_WAY = [
    (
        """insert into public.product_variants (product_id, sku, size)
                select id, 'NEW-1', '40' from public.products limit 1;
           insert into public.cart_items (cart_id, variant_id)
                select 'new', id from public.product_variants where sku = 'NEW-1'""",
        "delete from public.cart_items where cart_id = 'new'",
        "the foreign key cart_items_variant_id_fkey of public.cart_items cannot be put up again: .* is not present",
    ),
    (
        "alter table public.products add column motto text;"
        "create view public.mottos as select motto from public.products",
        "drop view public.mottos",
        "the view public.mottos cannot be put up again: column .*motto.* does not exist",
    ),
    (
        "create function public.label(_of public.products) returns text language sql immutable as 'select $1.name';"
        "create table public.labels (text text, check (public.label(null) is null))",
        "drop table public.labels",
        "the function public.label.* cannot be taken down: .* other objects depend on it",
    ),
    (
        "create materialized view public.names as select name from public.products",
        "drop materialized view public.names",
        "public.names, which is neither",
    ),
    (
        "create table public.boxes (content public.products)",
        "drop table public.boxes",
        "public.boxes, which is neither",
    ),
    (
        "create view public.low as select sku from stockroom_api.levels",
        "drop view public.low",
        "view public.low uses view stockroom_api.levels",
    ),
]


def test_a_shop_is_not_replaced_if_something_of_others_could_not_be_put_up_again(
    shop: Legacy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = backups.make(shop.url, tmp_path, keep=9)
    monkeypatch.setattr(restoring, "try_out", lambda *_: None)  # it holds, as other tests show
    shop.run("grant usage on schema stockroom_api to landlord; grant select on stockroom_api.levels to landlord")
    for since, away, why in IN_THE_WAY:
        shop.run(since)
        before = everything(shop)
        with pytest.raises(BackupFailed, match=why) as refusal:
            backups.restore(shop.url, path, replace=shop.name)
        assert refusal.value.message.endswith(("Nothing was changed.", "The database was not changed."))
        assert everything(shop) == before
        shop.run(away)
    backups.restore(shop.url, path, replace=shop.name)


def test_the_tables_of_a_shop_that_has_not_moved_in_are_not_replaced(shop: Legacy, tmp_path: Path) -> None:
    path = backups.make(shop.url, tmp_path, keep=9)
    with empty_for(shop) as url:
        other = Legacy(server=shop.server, name=url.partition("@/")[2].partition("?")[0], account=shop.account)
        other.run("create table public.products (id int)")
        with pytest.raises(BackupFailed, match=r"public\.products here do not belong to Stockroom"):
            backups.restore(url, path, replace=other.name)
        assert other.one("select count(*) from public.products") == 0


def test_reading_is_not_widened_when_a_policy_that_restricts_it_is_left_out(shop: Legacy, tmp_path: Path) -> None:
    shop.run("create policy members on public.products as restrictive for select using (auth.uid() is not null)")
    assert read_as(shop.url, "anon", "select name from public.products") == []
    path = backups.make(shop.url, tmp_path, keep=9)
    with empty_for(shop) as url:
        backups.restore(url, path)
        assert read_as(url, "anon", "select name from public.products") == []


def test_on_a_server_without_the_shops_roles_nobody_else_may_sell(
    shop: Legacy, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.run("grant select (name) on public.products to shop_admin")
    path = backups.make(shop.url, tmp_path, keep=9)
    changed(path, roles=["night_shift", *read_manifest(path).contents.roles])
    monkeypatch.setenv("DATABASE_URL", shop.url)
    with empty_for(shop) as url:
        monkeypatch.setenv("STOCKROOM_OWNER_URL", url)
        assert core_main.main(["restore", str(path)]) == 0
        assert "lacks the role night_shift" in capsys.readouterr().out
        mine = "has_function_privilege('anon', 'public.update_variant_stock(uuid, bigint)', 'execute')"
        assert read_as(url, shop.account, f"select {mine}") == [(False,)]


def test_a_backup_of_an_earlier_release_is_restored(shop: Legacy, tmp_path: Path) -> None:
    path = backups.make(shop.url, tmp_path, keep=9)
    changed(path, left_out=None, others=None, lists_others=None, roles=["anon", "authenticated", "service_role"])
    backups.verify(shop.url, path)
    with empty_for(shop) as url:
        backups.restore(url, path)
    backups.restore(shop.url, path, replace=shop.name)
    assert shop.one("select count(*) from public.order_items") == 1
