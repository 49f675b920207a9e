"""Objects around the old tables: views, policies, keys, triggers and rights; and undo."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from core.adoption import adopt as adoption
from core.foundation.addresses import libpq_url
from core.foundation.errors import SetupError
from tests.core.adoption.test_adopt import old_shop, small
from tests.support.legacy import (
    CATALOGUE,
    FUNCTIONS,
    NINE,
    SHOE,
    SNEAKERS,
    SUPABASE,
    TABLES,
    TEN,
    Legacy,
    legacy_database,
    snapshot,
)
from tests.support.servers import Server, administer
from tests.support.sneakers import once_adopted

__all__ = ["small"]

pytestmark = pytest.mark.slow


@pytest.fixture
def old(supabase_server: Server) -> Iterator[Legacy]:
    """A shop on Supabase with all its objects."""
    with old_shop(supabase_server) as legacy:
        yield legacy


@pytest.fixture
def moved(supabase_server: Server) -> Iterator[Legacy]:
    """That shop after it moved in."""
    with once_adopted(supabase_server, old_shop) as legacy:
        yield legacy


def as_role(legacy: Legacy, role: str, question: str) -> list[Any]:
    with psycopg.connect(libpq_url(legacy.url)) as connection:
        connection.execute(f"set role {role}".encode())
        return connection.execute(question.encode()).fetchall()


def test_everything_is_as_it_was_after_undo(old: Legacy) -> None:
    before = snapshot(old)
    for _ in range(2):
        adoption.adopt(old.url)
        adoption.undo(old.url)
        assert snapshot(old) == before


def test_undo_is_refused_after_the_first_movement(moved: Legacy) -> None:
    moved.run("select public.update_variant_stock(variant_id => %s, quantity_change => -1)", NINE)
    with pytest.raises(SetupError, match=r"1 movement of the ledger came after this shop moved in"):
        adoption.undo(moved.url)
    assert moved.one("select stock_quantity from product_variants where id = %s", NINE) == 4


def test_undo_is_refused_without_an_adoption(old: Legacy) -> None:
    with pytest.raises(SetupError, match="was not adopted, so there is nothing to undo"):
        adoption.undo(old.url)


def test_undo_carries_changes_of_the_catalogue_back(old: Legacy) -> None:
    untouched = "select * from product_variants where id <> '00000000-0000-4000-8000-000000000009' order by id"
    before = old.rows(untouched)
    adoption.adopt(old.url)
    old.run("update order_items set sku = null")
    old.run("update product_variants set sku = 'AC-9B', \"Shelf Mark\" = 'Z9' where id = %s", NINE)
    old.run("insert into products (name, slug, price) values ('New Shoe', 'new-shoe', 9.5)")
    old.run("insert into product_variants (product_id, sku) select id, 'NS-1' from products where slug = 'new-shoe'")
    old.run("update order_items set sku = 'NS-1' where variant_id is not null")
    adoption.undo(old.url)
    assert old.rows('select sku, "Shelf Mark", stock_quantity from product_variants where id = %s', NINE) == [
        ("AC-9B", "Z9", 5)
    ]
    assert old.rows("select p.name, p.price::text, v.stock_quantity from products p join product_variants v "
                    "on v.product_id = p.id where v.sku = 'NS-1'") == [("New Shoe", "9.50", 0)]  # fmt: skip
    assert [row for row in old.rows(untouched) if row.sku != "NS-1"] == before
    assert old.one("select count(*) from stock_movements") == 9


def test_views_keep_working_and_show_the_new_levels(moved: Legacy) -> None:
    moved.run("select public.update_variant_stock(variant_id => %s, quantity_change => -3)", NINE)
    assert moved.rows('select name, sku, stock_quantity from "Low Stock" order by sku') == [
        ("Air Canvas", "AC-11", 0),
        ("Air Canvas", "AC-9", 2),
    ]
    options = moved.one("select reloptions::text from pg_class where relname = 'product_list'")
    assert options == "{security_invoker=true}"
    assert moved.rows("select id from all_products()") == [(SHOE,)]


def test_nobody_writes_stock_through_a_view(old: Legacy) -> None:
    old.run("create view shelf as select id, stock_quantity from product_variants")
    old.run("grant all on shelf to anon, shop_admin")
    adoption.adopt(old.url)
    rights = (
        "select has_table_privilege(%s, 'public.shelf', 'select'), has_table_privilege(%s, 'public.shelf', 'update')"
    )
    assert [
        tuple(old.rows(f"select r.a, r.b from ({rights}) r (a, b)", who, who)[0]) for who in ("anon", "shop_admin")
    ] == [
        (True, False),
        (True, False),
    ]


def test_the_storefronts_own_tables_refer_to_the_new_ones(moved: Legacy) -> None:
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        moved.run("insert into order_items (variant_id) values (gen_random_uuid())")
    moved.run("insert into product_variants (product_id, sku) values (%s, 'AC-12')", SHOE)
    moved.run("insert into order_items (variant_id, sku) select id, sku from product_variants where sku = 'AC-12'")
    policy = moved.one("select qual from pg_policies where tablename = 'order_items'")
    assert "product_variants v" in policy


def test_a_trigger_for_updated_at_continues_and_one_that_logs_stock_does_not(moved: Legacy) -> None:
    triggers = """select tgname::text from pg_trigger where tgrelid = %s::regclass and not tgisinternal
                   order by tgname = 'touch it', tgname desc"""
    assert moved.rows(triggers, "public.products") == [("catalogue_audit",), ("touch it",)]
    assert moved.rows(triggers, "public.product_variants") == [("product_variants_stock_state",), ("catalogue_audit",)]
    assert moved.rows(triggers, "public.product_variants_legacy") == [("log_stock",)]
    moved.run("update products set name = 'Air Canvas 2'")
    assert moved.one("select updated_at > created_at from products")


PUBLIC_KEYS = ("anon", "authenticated")
CONTRACT = ("products", "product_variants", "stock_movements")


@pytest.mark.parametrize("role", PUBLIC_KEYS)
def test_public_keys_lose_their_rights_and_row_security_is_on(moved: Legacy, role: str) -> None:
    may = "select has_table_privilege(%s, %s, 'select, insert, update, delete, truncate, references, trigger')"
    tables = [*CONTRACT, *(f"{name}_legacy" for name in CONTRACT)]
    assert [name for name in tables if moved.one(may, role, f"public.{name}")] == []
    assert moved.rows("select relname from pg_class where relname = any (%s) and not relrowsecurity", tables) == []
    execute = (
        "select has_function_privilege(%s, p.oid, 'execute') from pg_proc p where proname = 'update_variant_stock'"
    )
    assert moved.rows(execute, role) == [(False,)]
    assert moved.rows(execute, "service_role") == [(True,)]


def test_reading_may_continue_under_the_old_policies(old: Legacy) -> None:
    adoption.adopt(old.url, keep_reading=True)
    old.run("insert into products (name, category) values ('Secret Shoe', 'hidden')")
    assert as_role(old, "anon", "select name from public.products") == [("Air Canvas",)]
    assert as_role(old, "authenticated", "select count(*) from public.product_variants") == [(3,)]
    for change in ("update public.products set name = 'x'", "insert into public.product_variants (sku) values ('x')"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_role(old, "anon", change + " returning 1")
    adoption.undo(old.url)
    assert len(as_role(old, "anon", "select from public.products")) == 1
    assert old.one("select count(*) from products") == 2


def test_a_publication_includes_the_new_table(moved: Legacy) -> None:
    assert moved.rows("select tablename from pg_publication_tables where pubname = 'realtime'") == [
        ("product_variants",)
    ]


def test_a_trigger_that_the_shop_switched_off_stays_off(old: Legacy) -> None:
    modes = """select tgname, tgenabled::text from pg_trigger where tgname in ('touch it', 'touch too')
                  and tgrelid in ('products'::regclass, 'product_variants'::regclass) order by 1"""
    old.run(
        """create trigger "touch too" before update on product_variants for each row execute function touch();
           alter table product_variants enable always trigger "touch too";
           alter table products disable trigger "touch it" """
    )
    before = snapshot(old)
    adoption.adopt(old.url)
    assert old.rows(modes) == [("touch it", "D"), ("touch too", "A")]
    adoption.undo(old.url)
    assert snapshot(old) == before


def test_functions_that_write_past_the_ledger_are_reported(old: Legacy) -> None:
    old.run(
        """create function public.sell(_id uuid) returns void language sql
           as 'update product_variants set stock_quantity = stock_quantity - 1 where id = _id'"""
    )
    found = {each.what: each.found for each in adoption.check(old.url).findings}
    assert found["writes stock past the ledger"] == "sell()"


def test_an_account_without_superuser_rights_can_move_in_and_out(supabase_server: Server) -> None:
    with legacy_database(supabase_server, SNEAKERS) as scratch:
        adoption.adopt(scratch.url)  # creates the roles, as another database of the server would have
        scratch.run("create role caretaker login createrole")
        scratch.run("grant stockroom_owner, stockroom_app to caretaker")
        try:
            with legacy_database(supabase_server, TABLES, FUNCTIONS, SUPABASE, CATALOGUE, account="caretaker") as old:
                before = snapshot(old)
                adoption.adopt(old.url)
                old.rows("select * from product_list")
                assert old.one("select stock_quantity from product_variants where id = %s", TEN) == 8
                adoption.undo(old.url)
                assert snapshot(old) == before
        finally:
            scratch.run("drop role caretaker")


def test_a_shop_that_is_in_use_is_not_changed(old: Legacy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adoption, "LOCK_TIMEOUT", "200ms")
    with psycopg.connect(libpq_url(old.url)) as buyer:
        buyer.execute("update public.products set name = name")
        with pytest.raises(SetupError, match="The shop is in use"):
            adoption.adopt(old.url)
    assert adoption.check(old.url).possible


def test_columns_that_number_the_rows_go_on_numbering_and_again_after_undo(small: Legacy) -> None:
    small.run(
        """alter table products add no serial unique;
           alter table product_variants add line bigint generated always as identity (start with 500)"""
    )
    before = snapshot(small)
    adoption.adopt(small.url)
    adoption.undo(small.url)
    assert snapshot(small) == before
    adoption.adopt(small.url)
    small.run("insert into products (name, slug) values ('New Shoe', 'new-shoe')")
    small.run("insert into product_variants (product_id, sku) select id, 'NS-1' from products where slug = 'new-shoe'")
    assert small.rows("select p.no, v.line from products p join product_variants v on v.product_id = p.id "
                      "where v.sku = 'NS-1'") == [(2, 503)]  # fmt: skip
    adoption.undo(small.url)
    small.run("insert into products (name, slug) values ('Third Shoe', 'third-shoe')")
    assert small.rows("select slug, no from products order by no") == [
        ("air-canvas", 1), ("new-shoe", 2), ("third-shoe", 3)
    ]  # fmt: skip
    assert small.one("select max(line) from product_variants") == 503


def test_rules_about_columns_that_are_ours_now_and_keys_to_the_old_history_are_reported(small: Legacy) -> None:
    small.run(
        """create table brands (name text primary key);
           insert into brands values ('Canyon');
           alter table products add constraint a_known_brand foreign key (brand) references brands,
               add constraint a_price check (price >= 0);
           alter table product_variants add constraint one_of_a_size unique (product_id, size),
               add constraint a_small_shop check (stock_quantity < 1000),
               add constraint own_check check ("Shelf Mark" <> 'X'),
               add constraint own_rule exclude using btree ("Shelf Mark" with =);
           create table refund_items (id int, movement_id uuid constraint of_a_movement references stock_movements)"""
    )
    found = {each.what: (each.found, each.then) for each in adoption.adopt(small.url).findings}
    left = "it is about columns that are Stockroom's now"
    rules = {what: words for what, words in found.items() if what.startswith("rule ")}
    assert rules == {
        "rule a_known_brand": (
            "FOREIGN KEY (brand) REFERENCES public.brands(name)",
            f"stays with products_legacy: {left}",
        ),
        "rule a_small_shop": ("CHECK ((stock_quantity < 1000))", f"stays with product_variants_legacy: {left}"),
        "rule one_of_a_size": ("UNIQUE (product_id, size)", f"stays with product_variants_legacy: {left}"),
    }
    assert found["foreign key of_a_movement"] == (
        "of public.refund_items",
        "leads to stock_movements_legacy, which gets no new movements: "
        "drop it if public.refund_items is to refer to those",
    )
    kept = (
        "select array_agg(conname::text order by conname) from pg_constraint where conname like 'own%%' and conrelid = "
    )
    assert small.one(kept + "'product_variants'::regclass") == ["own_check", "own_rule"]


def test_a_column_computed_from_one_that_is_renamed_is_refused_before_anything_is_done(small: Legacy) -> None:
    small.run(
        """alter table product_variants drop column computed_available_stock;
           alter table product_variants rename stock_quantity to qty;
           alter table product_variants add is_there boolean generated always as (qty > 0) stored,
               add label text generated always as (sku || ' ' || coalesce(size, '')) stored"""
    )
    wanted = ["qty=stock_quantity"]
    assert adoption.check(small.url, mapping=wanted).obstacles == [
        "product_variants.is_there is computed from qty, which becomes stock_quantity. Drop it, adopt, and create it "
        "again from stock_quantity."
    ]
    small.run("alter table product_variants drop column is_there")
    adoption.adopt(small.url, mapping=wanted)
    assert small.rows("select qty, label from product_variants where id = %s", NINE) == [(5, "AC-9 9")]


def test_moments_without_a_time_zone_are_read_in_the_zone_that_the_shop_names(small: Legacy) -> None:
    small.run("alter table products alter created_at type timestamp using '2026-01-31 18:00'")
    found = {each.what: (each.found, each.then) for each in adoption.check(small.url).findings}
    assert found["moments without a time zone"] == (
        "products.created_at",
        "read as times of Etc/UTC; if your programs write them in another, name it with --zone",
    )
    with pytest.raises(SetupError, match=r'There is no time zone "Berlin".*Nothing was'):
        adoption.adopt(small.url, zone="Berlin")
    adoption.adopt(small.url, zone="Europe/Berlin")
    assert small.one("select to_char(created_at at time zone 'UTC', 'HH24:MI') from products") == "17:00"
    small.run("update products set name = 'Air Canvas 2', brand = null")
    small.run(f"alter database {small.name} set timezone = 'America/New_York'")
    adoption.undo(small.url)
    assert small.rows("select name, to_char(created_at, 'MM-DD HH24:MI') as at from products") == [
        ("Air Canvas 2", "01-31 18:00")
    ]


def test_checking_says_that_the_account_cannot_become_a_member_of_our_roles(supabase_server: Server) -> None:
    account = f"tenant_{uuid.uuid4().hex[:8]}"
    administer(supabase_server, f"create role {account} login")
    with legacy_database(supabase_server, TABLES, FUNCTIONS, CATALOGUE, account=account) as shop:
        wanted = (
            f"The account {account} cannot become a member of stockroom_owner, stockroom_app. Let an administrator "
            f'run: grant stockroom_owner, stockroom_app to "{account}";'
        )
        assert adoption.check(shop.url).obstacles == [wanted]
        administer(supabase_server, f"grant stockroom_owner, stockroom_app to {account}")
        assert adoption.adopt(shop.url).obstacles == []
    administer(supabase_server, f"drop role {account}")
