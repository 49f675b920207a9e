"""R12: only the named roles can move stock. Every door is planted in a shop that passes, and R12 names it."""

from __future__ import annotations

import psycopg
import pytest

from core.database.migrate import migrate
from core.foundation.addresses import libpq_url
from core.proof import checks as reconciliation
from tests.support.builders import Shop, key
from tests.support.servers import Server
from tests.support.sneakers import supabase_database

pytestmark = pytest.mark.slow

HELPER = """
create function public.sell(_id uuid, _units int) returns void language plpgsql {rights} as $$
begin
    perform public.update_variant_stock(_id, -_units);
end $$;
"""
DOOR = HELPER.format(rights="security definer")
INNER = HELPER.format(rights="security invoker")
GATE = """
create table public.signups (variant uuid);
grant insert on public.signups to public;
"""
WELCOME = """
create function public.welcome() returns trigger language plpgsql {rights} as $$
begin
    perform public.sell(new.variant, 1);
    return new;
end $$;
create trigger welcome after insert on public.signups for each row execute function public.welcome();
"""
SHELF = "create view public.shelf as select id, sku, stock_quantity from public.product_variants;"
SOLD_BY_VIEW = """
create view public.till as select id, 0 as units from public.product_variants;
create function public.ring_up() returns trigger language plpgsql security definer as $$
begin
    perform public.update_variant_stock(new.id, -new.units);
    return new;
end $$;
create trigger ring_up instead of update on public.till for each row execute function public.ring_up();
grant update on public.till to public;
"""

SHUT = "revoke execute on function public.update_variant_stock(uuid, int, text, text, text, text) from service_role"

OPEN = {
    "a function": (DOOR, "public can call public.sell(uuid,integer), which leads to public.update_variant_stock"),
    "a trigger two calls deep": (
        INNER + GATE + WELCOME.format(rights="security definer"),
        "public can write public.signups, whose trigger calls public.welcome(), which leads to public.sell(",
    ),
    "a view": (
        SHELF + "grant update (stock_quantity) on public.shelf to public",
        "public can write the view public.shelf, which leads to public.product_variants.stock_quantity",
    ),
    "a view of a view": (
        SHELF
        + "create view public.shown as select * from public.shelf; revoke all on public.shelf from public;"
        + "grant insert on public.shown to public",
        "public can write the view public.shown, which leads to public.shelf",
    ),
    "a view with an INSTEAD OF trigger": (
        SOLD_BY_VIEW,
        "public can write public.till, whose trigger calls public.ring_up(), which leads to public.update_",
    ),
    "a rule": (
        GATE
        + "create rule taken as on insert to public.signups do also "
        + "update public.product_variants set stock_quantity = stock_quantity - 1 where id = new.variant",
        "public can write public.signups, which has a rule, which leads to our tables",
    ),
    "a function that fires a trigger": (
        INNER
        + GATE
        + "revoke all on public.signups from public;"
        + WELCOME.format(rights="security invoker")
        + "create function public.join_us(_v uuid) returns void language sql security definer as "
        + "'insert into signups values (_v)'",
        "public can call public.join_us(uuid), which leads to public.signups",
    ),
    "a function that PostgreSQL has parsed": (
        INNER + "create function public.parsed(_v uuid) returns void language sql security definer "
        "begin atomic select public.sell(_v, 1); end",
        "public can call public.parsed(uuid), which leads to public.sell(uuid,integer)",
    ),
    "a function that writes a level": (
        """create function public."Take One"(_v uuid) returns void language sql security definer as
           'update "product_variants" set stock_quantity = stock_quantity - 1 where id = _v'""",
        'public can call public."Take One"(uuid), which leads to our tables',
    ),
    "a call in the text of a statement": (
        INNER + "create function public.later(_v uuid) returns void language plpgsql security definer as "
        "$$ begin execute 'select ' || 'public.sell' || '($1, 1)' using _v; end $$",
        "public can call public.later(uuid), which leads to public.sell(uuid,integer)",
    ),
    "a function that runs any statement": (
        "create function public.exec_sql(query text) returns void language plpgsql security definer as "
        "$$ begin execute query; end $$",
        "public can call public.exec_sql(text), which leads to any statement",
    ),
    "our own functions inside": (
        "create function public.inner_way() returns void language sql security definer as "
        "$$ select stockroom_api.release_hold(gen_random_uuid()) $$",
        "public can call public.inner_way(), which leads to stockroom_api.release_hold(uuid)",
    ),
    "a right to call": (
        "grant execute on function public.release_reservation(uuid) to public",
        "public may execute public.release_reservation(uuid)",
    ),
    "a right to write a column": (
        "grant update (stock_quantity) on public.product_variants to public",
        "public may write public.product_variants.stock_quantity without the ledger",
    ),
    "a right to write a table": (
        "grant usage on schema stockroom to public; grant insert on stockroom.operations to public",
        "public may write stockroom.operations without the ledger",
    ),
}

CLOSED = {
    "a helper with the caller's own rights": INNER,
    "a helper that only reads": "create function public.left_of(_v uuid) returns int language sql security definer "
    "as 'select stock_quantity from public.product_variants where id = _v'",
    "a helper that writes a price": "create function public.reprice(_v uuid) returns void language sql "
    "security definer as 'update public.product_variants set price = 1 where id = _v'",
    "a helper that says so in a comment": "create function public.noted() returns int language sql security definer "
    "as "
    "$$\n  -- no longer calls update_variant_stock()\n select 1 $$",
    "a helper in a schema of its own": "create schema back_room;" + DOOR.replace("public.sell", "back_room.sell"),
    "a helper that nobody may call": DOOR + "revoke all on function public.sell from public",
    "a view with the caller's own rights": SHELF.replace(" as ", " with (security_invoker = true) as ", 1)
    + "grant update on public.shelf to public",
    "a view without levels": "create view public.names as select id, sku, price from public.product_variants;"
    "grant update on public.names to public",
    "a table that row level security closes": DOOR
    + "revoke all on function public.sell from public;"
    + GATE
    + WELCOME.format(rights="security definer")
    + "alter table public.signups enable row level security",
    "helpers that call each other": """
        create function public.ping(_n int) returns void language plpgsql security definer as
            $$ begin perform public.pong(_n); end $$;
        create function public.pong(_n int) returns void language plpgsql security definer as
            $$ begin perform public.ping(_n); end $$;""",
}


def told(shop: Shop) -> list[str]:
    """Return what R12 finds, as sentences."""
    (result,) = shop.run(reconciliation.run_checks, "Mia", codes=["R12"])
    assert result.failures == len(result.examples)
    return list(result.examples)


@pytest.mark.parametrize("door", OPEN)
def test_a_door_is_found_and_named(fresh_shop: Shop, door: str) -> None:
    planted, sentence = OPEN[door]
    assert told(fresh_shop) == []
    fresh_shop.sql(planted)
    found = told(fresh_shop)
    assert any(each.startswith(sentence) for each in found), found


@pytest.mark.parametrize("way", CLOSED)
def test_what_moves_no_stock_is_no_door(fresh_shop: Shop, way: str) -> None:
    fresh_shop.sql(CLOSED[way])
    assert told(fresh_shop) == []


def test_three_doors_at_once_are_three_faults(fresh_shop: Shop) -> None:
    fresh_shop.sql(DOOR + SOLD_BY_VIEW + GATE + WELCOME.format(rights="security definer"))
    assert [each.partition(", which")[0] for each in told(fresh_shop)] == [
        "public can call public.sell(uuid,integer)",
        "public can write public.till, whose trigger calls public.ring_up()",
        "public can write public.signups, whose trigger calls public.welcome()",
    ]


def test_a_door_that_was_kept_by_name_passes(fresh_shop: Shop) -> None:
    fresh_shop.sql(DOOR)
    fresh_shop.sql("insert into stockroom.kept_doors (name) values ('public.sell(uuid,integer)')")
    assert told(fresh_shop) == []


def test_the_roles_that_may_move_stock_are_listed(fresh_shop: Shop) -> None:
    names = {row.name: row.why for row in fresh_shop.rows("select name, why from stockroom_api.stock_movers()")}
    assert names["stockroom_owner"] == "owns the ledger"
    assert names["stockroom_app"] == "the dashboard"
    assert names["postgres"] == "superuser"


def test_a_new_shop_on_supabase_passes_and_a_public_key_that_may_act_as_the_server_does_not(
    supabase_server: Server,
) -> None:
    with supabase_database(supabase_server) as name:
        migrate(supabase_server.url(name))
        with psycopg.connect(libpq_url(supabase_server.url(name))) as owner:
            faults = "select kind, name, who from stockroom_api.door_faults"
            assert owner.execute(faults).fetchall() == []
            owner.execute("grant service_role to anon")
            assert owner.execute(faults).fetchall() == [("member", "service_role", ["anon"])]
            owner.execute(DOOR.encode())  # by default, new functions of this account may be executed by anon
            assert ("function", "public.sell(uuid,integer)", ["anon", "authenticated", "public"]) in owner.execute(
                faults
            ).fetchall()
            owner.rollback()


def test_the_account_of_a_storefront_sells_as_the_role_that_was_created_for_it_later(fresh_shop: Shop) -> None:
    shoe, account = fresh_shop.variant(5), f"web_{key()[:8]}"
    is_new = not fresh_shop.rows("select from pg_roles where rolname = 'service_role'")
    with psycopg.connect(libpq_url(fresh_shop.owner_url), autocommit=True) as admin:
        admin.execute("create role service_role" if is_new else SHUT)
        admin.execute(f"create role {account} login; grant service_role to {account}".encode())
        try:
            assert [migrate(fresh_shop.owner_url) for _ in range(2)] == [True, False]
            with psycopg.connect(libpq_url(fresh_shop.owner_url), user=account) as storefront:
                sold = storefront.execute("select public.update_variant_stock(%s, -1)", [shoe]).fetchall()
            assert (sold[0][0]["success"], fresh_shop.on_hand(shoe)) == (True, 4)
            assert told(fresh_shop) == []
        finally:
            for each in (account, *(["service_role"] if is_new else [])):
                admin.execute(f"drop owned by {each}; drop role {each}".encode())
