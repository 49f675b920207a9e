"""No door stays open: after adopting, only the named roles can move stock, and the storefront still works."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from core.adoption import adopt as adoption
from core.foundation.addresses import libpq_url
from core.foundation.errors import SetupError
from tests.support.legacy import Legacy, snapshot
from tests.support.servers import Server
from tests.support.sneakers import landlord, sneaker_shop

pytestmark = pytest.mark.slow

PAIR = "00000000-0000-4000-8000-000000010142"
"""The variant CPH-42, of which five are on the shelf."""
LEVEL = "select stock_quantity from public.product_variants where sku = 'CPH-42'"


@pytest.fixture
def shop(supabase_server: Server) -> Iterator[Legacy]:
    """The sneaker shop, before it moves in, owned by an account that is not a superuser."""
    with sneaker_shop(supabase_server, account=landlord(supabase_server)) as old:
        yield old


def as_role(shop: Legacy, role: str, statement: str) -> list[Any]:
    """Run a statement as a role of the storefront, as its API does."""
    with psycopg.connect(libpq_url(shop.server.url(shop.name))) as connection:
        connection.execute(f"set role {role}".encode())
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def faults(shop: Legacy) -> dict[str, tuple[list[str], str]]:
    """What R12 finds: by name, who can use it and what it leads to."""
    rows = shop.rows("select name, who, through from stockroom_api.door_faults")
    return {row.name: (row.who, row.through) for row in rows}


WAYS = {
    "a helper that calls the storefront's function": f"select public.decrement_stock('{PAIR}', 5)",
    "a helper in another schema": "select private.sell('CPH-42', 5)",
    "dynamic SQL": "select public.checkout('cart-9')",
    "a trigger": f"""insert into public.order_items (order_id, variant_id, quantity, unit_price)
                     values ('00000000-0000-4000-8000-000000000901', '{PAIR}', 1, 1)""",
    "the wrapper with the old names": f"""
        select public.update_variant_stock(p_variant_id => '{PAIR}', p_quantity_change => -5)""",
}


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_no_public_role_moves_stock_after_adopting(shop: Legacy, role: str) -> None:
    shop.run("insert into public.cart_items (cart_id, variant_id, quantity) values ('cart-9', %s, 5)", PAIR)
    adoption.adopt(shop.url)
    for way, statement in WAYS.items():
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_role(shop, role, statement)
        assert shop.one(LEVEL) == 5, way
    assert faults(shop) == {}


def test_the_storefronts_server_sells_by_every_way_as_before(shop: Legacy) -> None:
    shop.run("insert into public.cart_items (cart_id, variant_id, quantity) values ('cart-9', %s, 1)", PAIR)
    adoption.adopt(shop.url)
    shop.run("grant usage on schema private to service_role")
    for n, (way, statement) in enumerate(WAYS.items(), 1):
        as_role(shop, "service_role", statement.replace(" 5)", " 1)").replace("-5", "-1"))
        assert shop.one(LEVEL) == 5 - n, way


def test_checking_names_every_door_who_can_use_it_and_how_to_keep_it(shop: Legacy) -> None:
    found = {each.what: (each.found, each.then) for each in adoption.check(shop.url).findings}
    assert found["function private.sell(text,integer)"] == (
        "lets anon move stock, by public.decrement_stock(uuid,integer)",
        "only the named roles may execute it; --keep-open private.sell keeps it",
    )
    assert found["trigger public.items_take_stock() on public.order_items"] == (
        "lets anon and authenticated move stock, by public.update_variant_stock(uuid,integer)",
        "only the named roles may insert public.order_items; --keep-open public.items_take_stock keeps it",
    )
    assert "function public.is_admin()" not in found


def test_a_door_can_be_kept_by_name(shop: Legacy) -> None:
    adoption.adopt(shop.url, keep_open=["decrement_stock"])
    as_role(shop, "anon", WAYS["a helper that calls the storefront's function"])
    assert shop.one(LEVEL) == 0
    assert faults(shop) == {}
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_role(shop, "anon", WAYS["a helper in another schema"])


def test_keeping_what_is_no_door_is_refused(shop: Legacy) -> None:
    with pytest.raises(SetupError, match="--keep-open is_admin: nothing by this name moves stock"):
        adoption.adopt(shop.url, keep_open=["is_admin"])
    assert shop.one("select to_regclass('stockroom.shop') is null")


MORE_WAYS = """
create view public.till as select id, 0 as units from public.product_variants;
create function public.ring_up() returns trigger language plpgsql security definer as $$
begin
    perform public.decrement_stock(new.id, new.units);
    return new;
end $$;
create trigger ring_up instead of update on public.till for each row execute function public.ring_up();
comment on trigger ring_up on public.till is 'Sells at the till';
comment on column public.till.units is 'How many are sold';
alter view public.till alter column units set default 1;
grant select, update on public.till to anon, service_role;
create view public.shelf as select id, sku, stock_quantity from public.product_variants;
grant select, update (stock_quantity) on public.shelf to anon;
create function public.exec_sql(query text) returns void language plpgsql security definer as
    $$ begin execute query; end $$;
comment on policy "Variants of active products" on public.product_variants is 'As the shop window';
create policy "Items of sold variants" on public.order_items using (exists (
    select from public.product_variants v where v.id = variant_id));
comment on policy "Items of sold variants" on public.order_items is 'Names another table';
comment on constraint cart_items_variant_id_fkey on public.cart_items is 'A cart holds variants';
comment on function public.variants_of(uuid) is 'The sizes of a shoe';
create function public.hidden() returns setof public.products language sql as 'select * from public.products';
revoke all on function public.hidden() from public, anon, authenticated;
"""
"""Doors of other kinds, and comments on everything that is dropped and created again."""


@pytest.fixture
def busy(supabase_server: Server) -> Iterator[Legacy]:
    """The sneaker shop with doors of every kind."""
    with sneaker_shop(supabase_server, MORE_WAYS, account=landlord(supabase_server)) as old:
        yield old


MORE = {
    "a view with an INSTEAD OF trigger": f"update public.till set units = 5 where id = '{PAIR}'",
    "a view": f"update public.shelf set stock_quantity = 0 where id = '{PAIR}'",
    "a function that runs anything": f"""
        select public.exec_sql('select public.update_variant_stock(''{PAIR}'', -5)')""",
}


def test_doors_of_every_kind_are_closed_and_the_server_still_sells_at_the_till(busy: Legacy) -> None:
    adoption.adopt(busy.url)
    for way, statement in MORE.items():
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_role(busy, "anon", statement)
        assert busy.one(LEVEL) == 5, way
    as_role(busy, "service_role", MORE["a view with an INSTEAD OF trigger"])
    assert busy.one(LEVEL) == 0
    assert as_role(busy, "anon", "select sku from public.shelf where sku = 'CPH-42'") == [("CPH-42",)]
    assert faults(busy) == {}


def test_what_is_created_again_has_its_comments_and_only_its_own_rights(busy: Legacy) -> None:
    adoption.adopt(busy.url)
    said = {row.description for row in busy.rows("select description from pg_description where objoid > 16384")}
    assert said >= {
        *("Sells at the till", "How many are sold", "Names another table", "A cart holds variants"),
        *("The sizes of a shoe", "What the shop window shows"),
    }
    may = "select has_function_privilege(%s, 'public.hidden()', 'execute')"
    assert [busy.one(may, role) for role in ("anon", "authenticated")] == [False, False]


def test_undo_is_to_the_letter_with_doors_and_comments_of_every_kind(busy: Legacy) -> None:
    before = snapshot(busy)
    for _ in range(2):
        adoption.adopt(busy.url, keep_reading=True, keep_open=["exec_sql"])
        adoption.undo(busy.url)
        assert snapshot(busy) == before


def test_a_door_that_is_opened_later_can_be_kept_by_name_too(shop: Legacy) -> None:
    adoption.adopt(shop.url)
    shop.run("grant execute on function public.decrement_stock(uuid, integer) to anon")
    assert set(faults(shop)) == {"public.decrement_stock(uuid,integer)"}
    assert adoption.adopt(shop.url, keep_open=["decrement_stock"]).already == (
        "R12 accepts from now on: public.decrement_stock(uuid,integer)."
    )
    assert faults(shop) == {}
    with pytest.raises(SetupError, match="nothing by this name moves stock"):
        adoption.adopt(shop.url, keep_open=["checkuot"])


def test_a_door_of_another_account_stops_the_move_with_a_sentence(supabase_server: Server) -> None:
    with sneaker_shop(supabase_server, account=landlord(supabase_server)) as shop:
        with psycopg.connect(libpq_url(shop.server.url(shop.name))) as administrator:
            administrator.execute("alter function public.decrement_stock(uuid, integer) owner to postgres")
        obstacles = adoption.check(shop.url).obstacles
        assert obstacles == [
            "public.decrement_stock(uuid,integer) lets anon, authenticated and public move stock, and belongs to an "
            "account that this one may not act as. Adopt as its owner, or keep it with "
            "--keep-open public.decrement_stock."
        ]


def test_undo_opens_every_door_again_to_the_letter(shop: Legacy) -> None:
    before = snapshot(shop)
    adoption.adopt(shop.url)
    adoption.undo(shop.url)
    assert snapshot(shop) == before
