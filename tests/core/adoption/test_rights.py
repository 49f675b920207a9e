"""Rights on the catalogue after adopting: the storefront writes it, but never stock, and every change is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from core.adoption import adopt as adoption
from core.database.migrate import migrate
from core.foundation.addresses import libpq_url
from tests.core.adoption.test_doors import LEVEL, as_role
from tests.support.legacy import Legacy, snapshot
from tests.support.servers import Server
from tests.support.sneakers import landlord, once_adopted, sneaker_shop

pytestmark = pytest.mark.slow

CHANGED = "starts_with(change, 'catalogue')"
"""Direct changes of the catalogue; adopting records what it sets of the shop."""

STAFF = """
grant select, insert, update, delete on public.products, public.product_variants to shop_admin;
grant select on public.stock_movements to shop_admin;
grant usage on schema public to shop_admin;
create policy "The back office" on public.products to shop_admin using (true) with check (true);
create policy "The back office" on public.product_variants to shop_admin using (true) with check (true);
create view public.shelf_report as select l.variant_id, l.quantity_on_hand from public.stock_levels l;
"""


@contextmanager
def staffed_shop(server: Server) -> Iterator[Legacy]:
    """The sneaker shop, with a back office of its own."""
    with sneaker_shop(server, STAFF, account=landlord(server)) as old:
        yield old


@pytest.fixture
def shop(supabase_server: Server) -> Iterator[Legacy]:
    """That shop before it moves in."""
    with staffed_shop(supabase_server) as old:
        yield old


@pytest.fixture
def moved(supabase_server: Server) -> Iterator[Legacy]:
    """That shop after it moved in."""
    with once_adopted(supabase_server, staffed_shop) as adopted:
        yield adopted


@pytest.mark.parametrize("role", ["service_role", "shop_admin"])
def test_who_could_write_the_catalogue_still_can(moved: Legacy, role: str) -> None:
    as_role(moved, role, "update public.products set price = 129.90, status = 'archived' where slug = 'dune-runner'")
    as_role(moved, role, "insert into public.products (name, slug, status, price) values ('New', 'new', 'active', 50)")
    as_role(
        moved,
        role,
        """insert into public.product_variants (product_id, sku, size, color, price_adjustment, weight_grams)
           select id, 'NEW-42', '42', 'red', 5, 900 from public.products where slug = 'new'""",
    )
    as_role(
        moved, role, "update public.product_variants set low_stock_threshold = 9, sku = 'NEW-43' where sku = 'NEW-42'"
    )
    assert moved.rows(
        "select sku, low_stock_threshold, stock_quantity from product_variants where sku like 'NEW%'"
    ) == [("NEW-43", 9, 0)]
    assert moved.one("select status from products where slug = 'dune-runner'") == "archived"


PAST_THE_LEDGER = (
    "update public.product_variants set stock_quantity = 99",
    "update public.product_variants set reserved_quantity = 0",
    "update public.product_variants set movement_sequence = 0, chain_head = null",
    "insert into public.product_variants (product_id, sku, size, stock_quantity) "
    "select id, 'FREE', '42', 5 from public.products limit 1",
    "delete from public.product_variants",
    "delete from public.stock_movements",
    "insert into public.stock_movements (quantity) values (1)",
)


def test_nobody_writes_stock_past_the_ledger(shop: Legacy) -> None:
    adoption.adopt(shop.url, keep_writing=True)
    for role in ("service_role", "shop_admin", "authenticated", "anon"):
        for change in PAST_THE_LEDGER:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                as_role(shop, role, change)
    assert shop.one(LEVEL) == 5


MIA, KIM = "00000000-0000-4000-8000-0000000000a1", "00000000-0000-4000-8000-0000000000a2"


def as_person(shop: Legacy, person: str, statement: str) -> list[Any]:
    """Run a statement as the storefront's API does for somebody who is signed in."""
    claim = f"select set_config('request.jwt.claim.sub', '{person}', false);"
    with psycopg.connect(libpq_url(shop.server.url(shop.name))) as connection:
        connection.execute(claim.encode())
        connection.execute("set role authenticated")
        return connection.execute(statement.encode()).fetchall()


def test_admins_of_the_storefront_write_the_catalogue_where_that_is_kept(shop: Legacy) -> None:
    shop.run("grant select on public.users to authenticated")
    dear = "update public.products set price = 200 where slug = 'dune-runner' returning price"
    adoption.adopt(shop.url, keep_writing=True)
    assert len(as_person(shop, MIA, dear)) == 1
    assert as_person(shop, KIM, dear) == []
    for change in ("update public.product_variants set stock_quantity = 9", "delete from public.products"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_person(shop, MIA, change + " returning 1")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_role(shop, "anon", dear)
    assert shop.one("select count(*) from stockroom_api.door_faults") == 0


def test_admins_of_the_storefront_lose_writing_unless_that_is_kept(shop: Legacy) -> None:
    adoption.adopt(shop.url, keep_reading=True)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_person(shop, MIA, "update public.products set price = 200 where slug = 'dune-runner' returning price")


def test_rights_by_default_open_nothing_that_is_created_again(shop: Legacy) -> None:
    shop.run("alter default privileges grant all on functions to shop_admin, public")
    shop.run("alter default privileges grant all on tables to shop_admin")
    adoption.adopt(shop.url)
    assert shop.one("select count(*) from stockroom_api.door_faults") == 0
    may = "select has_function_privilege('shop_admin', p.oid, 'execute') from pg_proc p where p.proname = %s"
    assert [row[0] for row in shop.rows(may, "update_variant_stock")] == [False, False]
    assert shop.one("select has_table_privilege('shop_admin', 'public.catalogue', 'insert')") is False


def test_a_direct_change_of_the_catalogue_is_recorded_with_its_role(moved: Legacy) -> None:
    assert moved.one(f"select count(*) from stockroom.audit where {CHANGED}") == 0
    as_role(moved, "service_role", "update public.products set price = 129.90 where slug = 'dune-runner'")
    as_role(moved, "service_role", "update public.products set name = name")
    as_role(moved, "service_role", "update public.product_variants set weight_grams = 800 where sku = 'DUN-42'")
    as_role(moved, "service_role", "insert into public.products (name, price) values ('New', 50)")
    rows = moved.rows(
        f"select performed_by, change, subject, before, after from stockroom.audit where {CHANGED} order by id"
    )
    assert [tuple(row) for row in rows[:2]] == [
        ("service_role", "catalogue_changed", "product Dune Runner", {"price": 89.0}, {"price": 129.9}),
        ("service_role", "catalogue_changed", "variant DUN-42", {"weight_grams": None}, {"weight_grams": 800}),
    ]
    assert (rows[2].change, rows[2].subject, rows[2].after["price"]) == ("catalogue_added", "product New", 50)
    with moved.shop() as opened:
        assert opened.sql(f"select count(*) from stockroom.audit where {CHANGED}") == 3


def test_sales_record_no_change_of_the_catalogue(moved: Legacy) -> None:
    moved.run("select public.update_variant_stock(id, -1) from public.product_variants where sku = 'CPH-42'")
    assert moved.one(f"select count(*) from stockroom.audit where {CHANGED}") == 0


def test_a_rebuild_keeps_the_rights_and_gives_those_of_new_columns(moved: Legacy) -> None:
    moved.run("alter table public.products add column season text")
    moved.run("update stockroom.sql_text set checksum = 'older'")
    migrate(moved.url)
    as_role(moved, "service_role", "update public.products set season = 'Spring', price = 1 where slug = 'ridge-low'")
    assert moved.one(f"select after from stockroom.audit where {CHANGED}") == {"price": 1, "season": "Spring"}


def test_checking_lists_for_every_role_what_it_can_do_before_and_after(shop: Legacy) -> None:
    found = {each.what: (each.found, each.then) for each in adoption.check(shop.url).findings}
    every = "may read, insert, update, delete, truncate, references, trigger"
    catalogue = "may read, insert, update, every column but those of stock"
    assert found["service_role on products"][0].startswith(every)
    assert found["service_role on products"][1] == catalogue
    assert found["service_role on stock_movements"][1] == "may read"
    assert found["anon on product_variants"][1] == "revoked; --keep-reading keeps reading"
    assert found["anon on stock_movements"][1] == "revoked"
    assert found["shop_admin on product_variants"] == ("may read, insert, update, delete", catalogue)
    assert found["anon on update_variant_stock()"] == ("may execute", "may not execute")
    assert found["service_role on update_variant_stock()"] == ("may execute", "may execute")
    assert found["landlord"][1] == "may act as stockroom_owner, which owns the ledger"
    assert found["stockroom_app"][1] == "may execute Stockroom's functions and read its views"


def test_checking_names_the_tables_that_nobody_writes_any_more_and_what_still_reads_them(shop: Legacy) -> None:
    shop.run("""create table public.sale_log (id uuid, sold int);
        create or replace function public.update_variant_stock(p_variant_id uuid, p_quantity_change integer)
        returns boolean language plpgsql security definer as $$
        begin
            insert into public.sale_log values (p_variant_id, p_quantity_change);
            return true;
        end $$""")
    found = {each.what: each.then for each in adoption.check(shop.url).findings}
    assert found["stock_levels"] == (
        "kept, but nothing here writes it any more; still read by foreign key "
        "stock_movements_stock_level_id_fkey of public.stock_movements, view public.shelf_report"
    )
    assert found["sale_log"] == "kept, but nothing here writes it any more; nothing here reads it"
    assert found["orders"] == "unchanged; Stockroom neither reads nor writes it"


def test_undo_takes_back_every_right(shop: Legacy) -> None:
    before = snapshot(shop)
    adoption.adopt(shop.url)
    as_role(shop, "service_role", "update public.products set sale_price = 79.00 where slug = 'dune-runner'")
    adoption.undo(shop.url)
    assert snapshot(shop) == before
