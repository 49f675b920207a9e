"""Row-level security that is forced on the owner of the old tables: no row is hidden from moving in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.adoption import adopt as adoption
from core.foundation.errors import SetupError
from tests.core.adoption.shapes import SHAPES
from tests.support.legacy import Legacy, legacy_database, snapshot
from tests.support.servers import Server, administer

pytestmark = pytest.mark.slow

KEEPER = "shopkeeper"
"""An account that owns the tables, and does not bypass row-level security."""
PROTECTED = """
alter table public.products enable row level security;
alter table public.product_variants enable row level security;
create policy "Public read" on public.products for select using (slug = 'court');
create policy "Public read" on public.product_variants for select using (is_active and stock_quantity > 0);
create table public.stock_movements (
    id uuid primary key default gen_random_uuid(), variant_id uuid, movement_type text, quantity int,
    tenant text, created_at timestamptz
);
insert into public.stock_movements (variant_id, movement_type, quantity, tenant, created_at)
select id, 'purchase', 5, 'a', '2025-01-01' from public.product_variants where sku = 'C-41';
alter table public.stock_movements enable row level security;
create policy "Own tenant" on public.stock_movements using (tenant = current_setting('app.tenant', true));
"""
OURS = "select sku, stock_quantity as level from public.product_variants order by sku"
LEVELS = [("C-41", 5), ("C-42", 0), ("M-42", 7)]


@pytest.fixture
def keeper(supabase_server: Server) -> Iterator[str]:
    with legacy_database(supabase_server, "create table public.nothing ()") as scratch:
        adoption.adopt(scratch.url)  # creates the roles
    administer(supabase_server, f"create role {KEEPER} login createrole nobypassrls")
    administer(supabase_server, f"grant stockroom_owner, stockroom_app to {KEEPER}")
    try:
        yield KEEPER
    finally:
        administer(supabase_server, f"drop role {KEEPER}")


@pytest.fixture
def shop(supabase_server: Server, keeper: str) -> Iterator[Legacy]:
    """A shop with row-level security on every table, owned by that account."""
    parts = (SHAPES["our own names"].sql, PROTECTED)
    with legacy_database(supabase_server, *parts, account=keeper, template="template1") as old:
        yield old


@pytest.mark.parametrize("table", ["products", "product_variants", "stock_movements"])
def test_a_shop_whose_rows_are_hidden_from_its_own_account_is_told_so_and_nothing_changes(
    shop: Legacy, supabase_server: Server, table: str
) -> None:
    shop.run(f"alter table public.{table} force row level security")
    everything = Legacy(server=supabase_server, name=shop.name)
    before = snapshot(everything)
    for move in (adoption.check, adoption.adopt):
        with pytest.raises(SetupError) as refused:
            move(shop.url)
        assert f"Row-level security hides rows of the table {table} from this account" in str(refused.value)
        assert "Nothing was changed." in str(refused.value)
        assert f'alter table "{table}" no force row level security' in str(refused.value)
        assert "BYPASSRLS" in str(refused.value)
    assert snapshot(everything) == before
    shop.run(f"alter table public.{table} no force row level security")
    adoption.adopt(shop.url)
    assert [tuple(row) for row in shop.rows(OURS)] == LEVELS


def test_a_shop_with_row_level_security_that_is_not_forced_moves_in_and_out_whole(shop: Legacy) -> None:
    before = snapshot(shop)
    adoption.adopt(shop.url)
    assert [tuple(row) for row in shop.rows(OURS)] == LEVELS
    adoption.undo(shop.url)
    assert snapshot(shop) == before


def test_an_account_that_bypasses_row_level_security_moves_in_whole_where_it_is_forced(
    shop: Legacy, supabase_server: Server
) -> None:
    shop.run("alter table public.product_variants force row level security")
    administer(supabase_server, f"alter role {KEEPER} bypassrls")
    before = snapshot(shop)
    adoption.adopt(shop.url)
    assert [tuple(row) for row in shop.rows(OURS)] == LEVELS
    adoption.undo(shop.url)
    assert snapshot(shop) == before


def test_going_back_writes_every_row_or_nothing_where_the_old_tables_hide_rows(shop: Legacy) -> None:
    adoption.adopt(shop.url)
    shop.run("alter table public.product_variants_legacy force row level security")
    with pytest.raises(SetupError, match="hides rows of the table product_variants_legacy"):
        adoption.undo(shop.url)
    assert [tuple(row) for row in shop.rows(OURS)] == LEVELS
    shop.run("alter table public.product_variants_legacy no force row level security")
    adoption.undo(shop.url)
    assert [tuple(row) for row in shop.rows(OURS)] == LEVELS


def test_people_whom_another_account_hides_do_not_stop_the_move(shop: Legacy, supabase_server: Server) -> None:
    others = Legacy(server=supabase_server, name=shop.name)
    others.run(
        f"""create table public.users (id uuid primary key, email text);
            alter table public.users enable row level security; grant select on public.users to {KEEPER}"""
    )
    shop.run("alter table public.stock_movements add performed_by uuid default gen_random_uuid()")
    adoption.adopt(shop.url)
    assert [tuple(row) for row in shop.rows(OURS)] == LEVELS
