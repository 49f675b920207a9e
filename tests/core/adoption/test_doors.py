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
    with landlord(supabase_server) as account, sneaker_shop(supabase_server, account=account) as old:
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
    "the wrapper with the old names": f"select public.update_variant_stock(p_variant_id => '{PAIR}', p_quantity_change => -5)",
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


def test_undo_opens_every_door_again_to_the_letter(shop: Legacy) -> None:
    before = snapshot(shop)
    adoption.adopt(shop.url)
    adoption.undo(shop.url)
    assert snapshot(shop) == before
