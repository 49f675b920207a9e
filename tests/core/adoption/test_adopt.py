"""Adopting a database: every row is kept, the history is in the ledger, and the storefront still reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from core.adoption import adopt as adoption
from core.adoption.columns import _KINDS
from core.adoption.kept import LEDGER_COLUMNS
from core.database.migrate import OUR_TABLES, migrate
from core.foundation.addresses import libpq_url
from core.foundation.errors import SetupError
from core.foundation.model import COMMAND_LINE
from core.proof.checks import run_checks
from core.shop.profile import change_shop
from tests.support.builders import ZONE, Shop
from tests.support.legacy import (
    CATALOGUE,
    ELEVEN,
    FUNCTIONS,
    NINE,
    SHOE,
    SNEAKERS,
    SUPABASE,
    TABLES,
    TEN,
    Legacy,
    clean_history,
    legacy_database,
    snapshot,
)
from tests.support.proof import assert_holds
from tests.support.servers import Server
from tests.support.sneakers import once_adopted

pytestmark = pytest.mark.slow

LEDGER = """select movement_type, reason, quantity, quantity_before as before, quantity_after as after, performed_by,
                   reference_type, reference_id, note
              from public.stock_movements where variant_id = %s order by variant_sequence"""


@contextmanager
def old_shop(server: Server) -> Iterator[Legacy]:
    """A shop on Supabase with all its objects and a correct history."""
    with legacy_database(server, TABLES, FUNCTIONS, SUPABASE, SNEAKERS, CATALOGUE) as legacy:
        clean_history(legacy)
        yield legacy


@pytest.fixture
def old(supabase_server: Server) -> Iterator[Legacy]:
    """That shop before it moves in."""
    with old_shop(supabase_server) as legacy:
        yield legacy


@pytest.fixture
def moved(supabase_server: Server) -> Iterator[Legacy]:
    """That shop after it moved in."""
    with once_adopted(supabase_server, old_shop) as legacy:
        yield legacy


@pytest.fixture
def small(supabase_server: Server, lies_ready: None) -> Iterator[Legacy]:
    """The tables alone, with a small catalogue and no history."""
    with legacy_database(supabase_server, TABLES, FUNCTIONS, CATALOGUE) as legacy:
        yield legacy


def assert_proven(shop: Shop) -> None:
    """Assert that R1, R2 and R11 pass, in SQL and in Python, also in another time zone."""
    assert [result.code for result in shop.run(run_checks, COMMAND_LINE) if not result.holds] == []
    shop.run(change_shop, COMMAND_LINE, zone=ZONE)
    assert [result.code for result in shop.run(run_checks, COMMAND_LINE) if not result.holds] == []
    for (variant_id,) in shop.rows("select id from product_variants"):
        assert_holds(shop, variant_id)


def history(legacy: Legacy, variant_id: Any) -> list[tuple[Any, ...]]:
    return [(r.movement_type, r.reason, r.quantity, r.before, r.after) for r in legacy.rows(LEDGER, variant_id)]


def test_a_shop_keeps_every_row_and_its_history_becomes_the_ledgers(old: Legacy) -> None:
    before = old.rows("select * from stock_movements order by id")
    report = adoption.adopt(old.url)
    assert report.left_out == []
    assert old.rows("select * from stock_movements_legacy order by id") == before
    assert old.one("select count(*) from products_legacy") == 1
    assert old.one("select count(*) from product_variants_legacy") == 3
    assert history(old, NINE) == [
        ("purchase", "initial_purchase", 10, 0, 10),
        ("sale", "stock_decrease", -1, 10, 9),
        ("adjustment", "damaged", -2, 9, 7),
        ("restoration", "refund", 1, 7, 8),
        ("adjustment", "correction", -3, 8, 5),
    ]
    assert history(old, ELEVEN) == []
    with old.shop() as shop:
        assert_proven(shop)


def test_a_history_that_begins_in_the_middle_gets_one_opening_count(moved: Legacy) -> None:
    assert history(moved, TEN) == [
        ("count", "initial_count", 12, 0, 12),
        ("sale", "stock_decrease", -2, 12, 10),
        ("adjustment", "lost", -1, 10, 9),
        ("adjustment", "found", 1, 9, 10),
        ("count", "cycle_count", -2, 10, 8),
    ]


def test_people_references_texts_and_moments_are_carried_over(moved: Legacy) -> None:
    received, sold, damaged, returned, left = moved.rows(LEDGER, NINE)
    assert (received.performed_by, received.note) == ("mia@shop.example", None)
    assert (sold.reference_type, sold.reference_id, sold.performed_by) == ("order", "o-1", "Before Stockroom")
    assert damaged.note == 'wet box; Was "damage" before'
    assert (returned.reference_type, returned.note) == (None, 'too small; Was "return" before')
    assert left.note == 'Was "transfer_out" before'
    moments = "select to_char(occurred_at at time zone 'UTC', 'MM-DD HH24:MI') from stock_movements where sku = 'AC-9'"
    assert [at for (at,) in moved.rows(moments)] == [
        f"03-0{day} {'09' if day == 1 else '10'}:00" for day in range(1, 6)
    ]


def test_every_movement_is_its_own_operation_keyed_by_the_old_row(old: Legacy) -> None:
    keys = {f"adopted:{row.id}" for row in old.rows("select id from stock_movements")}
    adoption.adopt(old.url)
    found = {row.key for row in old.rows("select key from stockroom.operations where kind = 'adopt'")}
    assert keys < found
    assert found - keys == {f"adopted:opening:{TEN}"}


def test_the_storefront_reads_the_same_columns_ids_and_levels(old: Legacy) -> None:
    read = """select id, product_id, sku, size, stock_quantity, reserved_quantity, computed_available_stock, is_active,
                     "Shelf Mark" from product_variants order by sku"""
    before, products = old.rows(read), old.rows("select id, name, brand, slug, category from products")
    adoption.adopt(old.url)
    assert old.rows(read) == before
    assert old.rows("select id, name, brand, slug, category from products") == products
    assert old.one("select price from product_variants where sku = 'AC-9'") == old.one("select price from products")


def test_the_difference_between_history_and_level_is_one_count(small: Legacy) -> None:
    small.move(NINE, "purchase", 0, 7, "2025-03-01 09:00+00")
    adoption.adopt(small.url)
    assert history(small, NINE)[1:] == [("count", "cycle_count", -2, 7, 5)]
    assert history(small, TEN) == [("count", "initial_count", 8, 0, 8)]
    assert [row.note for row in small.rows(LEDGER, NINE)] == [
        None,
        "The shelf had 5 when the shop moved in; its old history ends at 7",
    ]
    with small.shop() as shop:
        assert_proven(shop)


def test_old_two_argument_calls_by_name_reach_the_ledger(moved: Legacy) -> None:
    call = "select public.update_variant_stock(variant_id => %s, quantity_change => -1)"
    assert moved.one(call, NINE)["new_stock"] == 4
    assert history(moved, NINE)[-1] == ("sale", "stock_decrease", -1, 5, 4)
    assert moved.one(call, ELEVEN)["success"] is False


def test_calls_by_other_names_of_the_two_arguments_reach_it_too(small: Legacy) -> None:
    small.run("drop function public.update_variant_stock")
    small.run(
        """create function public.update_variant_stock("P variant" uuid, p_change int) returns boolean
           language sql as 'select true'"""
    )
    adoption.adopt(small.url)
    assert small.one('select public.update_variant_stock("P variant" => %s, p_change => -2)', NINE)["new_stock"] == 3
    assert (
        small.one("select public.update_variant_stock(variant_id => %s, quantity_change => -1)", NINE)["new_stock"] == 2
    )
    rights = "select has_function_privilege(%s, 'public.update_variant_stock(uuid, bigint)', 'execute')"
    assert [small.one(rights, who) for who in ("anon", "service_role", "stockroom_app")] == [False, True, True]


def test_adopting_twice_says_that_it_is_done(moved: Legacy) -> None:
    movements = moved.one("select count(*) from stock_movements")
    again = adoption.adopt(moved.url)
    assert again.already is not None
    assert again.already.startswith("This shop already moved in")
    assert moved.one("select count(*) from stock_movements") == movements
    assert migrate(moved.url) is False


def test_checking_a_shop_changes_nothing(old: Legacy) -> None:
    before = snapshot(old)
    report = adoption.check(old.url)
    assert report.possible
    found = {finding.what for finding in report.findings}
    assert found > {"products", "trigger log_stock", "views", "order_items", "sneakers"}
    assert snapshot(old) == before


def test_migrating_such_a_database_is_refused_and_points_to_adopting(old: Legacy) -> None:
    with pytest.raises(SetupError, match=r"product_variants, products.*names that Stockroom needs too.*adopt --check"):
        migrate(old.url)
    assert old.one("select count(*) from pg_namespace where nspname like 'stockroom%'") == 0


def test_a_database_with_sneakers_alone_becomes_an_empty_shop(supabase_server: Server) -> None:
    with legacy_database(supabase_server, SNEAKERS) as sneakers:
        assert adoption.check(sneakers.url).possible
        report = adoption.adopt(sneakers.url)
        assert [(found.what, found.found) for found in report.findings] == [("sneakers", "2 rows")]
        assert sneakers.one("select count(*) from sneakers") == 2
        assert sneakers.one("select count(*) from product_variants") == 0


def test_an_adopted_database_has_the_schema_of_a_fresh_one(moved: Legacy) -> None:
    """Columns, types, constraints, indexes, functions, triggers and rights. The catalogue may have more."""
    default = "alter default privileges in schema public grant all on tables to anon"
    with legacy_database(moved.server, default) as fresh:
        migrate(fresh.url)
        both = ["products", "product_variants"]
        fresh.run("insert into stockroom.catalogue_writers values ('service_role', %s, %s)", both, both)
        fresh.run("select stockroom_api.open_catalogue()")
        ours, theirs = catalogue_of(fresh), catalogue_of(moved)
    assert ours - theirs == set()
    more = {entry for entry in theirs - ours if "adoption" not in entry[1] and "NOT NULL" not in entry[3][:8]}
    assert {entry[:3] for entry in more} == {
        ("column", "products", "slug"),
        ("column", "products", "category"),
        ("column", "product_variants", "Shelf Mark"),
        ("column", "stock_movements", "notes"),
        ("column", "stock_movements", "status"),
        ("trigger", "stock_movements", "stock_movements_old_columns"),
        ("function", "stockroom.fill_old_columns()", "stockroom_owner"),
        ("index", "products", "products_slug_key"),
        ("index", "product_variants", "idx_variants_mark"),
        ("constraint", "product_variants", "shelf_mark_is_short"),
        ("trigger", "products", "touch it"),
    }


_CATALOGUE = """
with ours as (
    select c.oid, c.relname::text as name, c.relowner, c.relacl, c.relrowsecurity, c.reloptions
      from pg_class c
     where (c.relnamespace = 'public'::regnamespace and c.relname = any (%s))
        or c.relnamespace::regnamespace::text in ('stockroom', 'stockroom_api', 'procrastinate')
)
select 'table', o.name, o.relowner::regrole::text,
       concat_ws(' ', o.relacl::text, o.relrowsecurity, o.reloptions::text)
  from ours o
union all
select 'column', o.name, a.attname::text,
       concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated, a.attidentity,
                 pg_get_expr(d.adbin, d.adrelid), a.attacl::text)
  from ours o
  join pg_attribute a on a.attrelid = o.oid and a.attnum > 0 and not a.attisdropped
  left join pg_attrdef d on d.adrelid = o.oid and d.adnum = a.attnum
union all
select 'constraint', o.name, k.conname::text, pg_get_constraintdef(k.oid)
  from ours o join pg_constraint k on k.conrelid = o.oid
union all
select 'index', o.name, i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
  from ours o join pg_index i on i.indrelid = o.oid
union all
select 'trigger', o.name, t.tgname::text, regexp_replace(pg_get_triggerdef(t.oid), ' OF .* ON ', ' ON ')
  from ours o join pg_trigger t on t.tgrelid = o.oid
 where not t.tgisinternal
union all
select 'policy', o.name, p.polname::text, '' from ours o join pg_policy p on p.polrelid = o.oid
union all
select 'function', p.oid::regprocedure::text, p.proowner::regrole::text,
       concat_ws(' ', md5(p.prosrc), p.prosecdef, p.proconfig::text,
                 (select array_agg(a::text order by a::text) from unnest(p.proacl) a)::text)
  from pg_proc p
 where p.pronamespace::regnamespace::text in ('stockroom', 'stockroom_api', 'procrastinate')
    or (p.pronamespace = 'public'::regnamespace and p.proowner = 'stockroom_owner'::regrole)"""


def catalogue_of(legacy: Legacy) -> set[tuple[Any, ...]]:
    with psycopg.connect(libpq_url(legacy.url)) as connection:
        return set(connection.execute(_CATALOGUE.encode(), [list(OUR_TABLES)]).fetchall())


def test_the_columns_that_the_plan_knows_are_our_columns(moved: Legacy) -> None:
    columns = "select attname::text from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped"
    assert {name for (name,) in moved.rows(columns, "public.stock_movements")} == {*LEDGER_COLUMNS, "notes", "status"}
    for table, kinds in _KINDS.items():
        assert set(kinds) <= {name for (name,) in moved.rows(columns, f"public.{table}")}


@pytest.mark.parametrize("column", ["qty=stock_quantity", "product_variants.qty=stock_quantity"])
def test_columns_with_other_names_are_mapped_and_stay_readable(small: Legacy, column: str) -> None:
    small.run("alter table product_variants drop column computed_available_stock")
    small.run("alter table product_variants rename column stock_quantity to qty")
    small.run("alter table product_variants rename column sku to variant_sku")
    refused = adoption.check(small.url)
    assert refused.obstacles[:2] == [
        "product_variants has no column sku. Name the column that holds it: --map COLUMN=sku.",
        "product_variants has no column stock_quantity. Name the column that holds it: --map COLUMN=stock_quantity.",
    ]
    adoption.adopt(small.url, mapping=[column, "variant_sku=sku"])
    assert small.one("select update_variant_stock(variant_id => %s, quantity_change => -1)", NINE)["new_stock"] == 4
    seen = small.rows("select qty, variant_sku, computed_available_stock from product_variants where id = %s", NINE)
    assert seen == [(4, "AC-9", 4)]
    with small.shop() as shop:
        assert_proven(shop)


def test_a_mapping_that_fits_nothing_is_a_sentence(small: Legacy) -> None:
    for wrong in ("amount=stock_quantity", "sku=colour", "sku"):
        with pytest.raises(SetupError, match=f'--map "{wrong}" fits no table here'):
            adoption.adopt(small.url, mapping=[wrong])


def test_levels_are_taken_from_stock_levels_where_variants_have_none(small: Legacy) -> None:
    small.run("alter table product_variants drop column stock_quantity cascade")
    small.run("create table stock_levels (variant_id uuid, place text, quantity int)")
    small.run("insert into stock_levels values (%s, 'shop', 3), (%s, 'cellar', 4)", NINE, NINE)
    adoption.adopt(small.url)
    assert small.rows("select sku, stock_quantity from product_variants where stock_quantity > 0") == [("AC-9", 7)]


def test_variants_without_a_product_get_their_own(small: Legacy) -> None:
    small.run("delete from order_items; alter table product_variants drop constraint product_variants_product_id_fkey")
    small.run("update product_variants set product_id = null where id = %s", TEN)
    small.run("drop table products cascade")
    adoption.adopt(small.url)
    assert small.rows("select id, name from products order by name") == [(TEN, "AC-10"), (SHOE, "AC-11")]


def test_a_history_with_serial_ids_and_other_columns_is_adopted_and_undone(small: Legacy) -> None:
    small.run("drop table stock_movements")
    small.run(
        """create table stock_movements (
               id bigserial primary key, product_variant_id uuid, type text, "Change" int, previous_quantity int,
               new_quantity int, order_id uuid, "when" timestamp)"""
    )
    small.run(
        """insert into stock_movements
               (product_variant_id, type, "Change", previous_quantity, new_quantity, order_id, "when")
           values (%s, 'sale', 1, 6, 5, %s, '2025-03-02 10:00'), (%s, 'sale', 1, 7, 6, %s, '2025-03-01 10:00')""",
        *(NINE, SHOE, NINE, SHOE),
    )
    before = snapshot(small)
    mapping = ["Change=quantity", "stock_movements.when=occurred_at"]
    assert adoption.adopt(small.url, mapping=mapping).left_out == []
    assert history(small, NINE) == [
        ("count", "initial_count", 7, 0, 7),
        ("sale", "stock_decrease", -1, 7, 6),
        ("sale", "stock_decrease", -1, 6, 5),
    ]
    assert small.rows(LEDGER, NINE)[1][6:8] == ("order", str(SHOE))
    assert small.one("select pg_get_serial_sequence('stock_movements', 'id')") == "public.stock_movements_id_seq"
    adoption.undo(small.url)
    assert snapshot(small) == before


@pytest.mark.volume
def test_ten_thousand_movements_of_several_people_are_adopted(small: Legacy) -> None:
    small.run(
        """insert into product_variants (id, sku, stock_quantity)
           select gen_random_uuid(), 'MANY-' || n, 500 from generate_series(1, 1000) n"""
    )
    small.run(
        """insert into stock_movements (variant_id, movement_type, quantity, quantity_before, quantity_after,
                                        created_at, performed_by)
           select v.id, 'purchase', 10, 10 * (n - 1), 10 * n, timestamptz '2025-01-01' + n * interval '1 hour',
                  'person ' || (n * 7 + length(v.sku)) % 5
             from product_variants v cross join generate_series(1, 10) n where v.sku like 'MANY%'"""
    )
    report = adoption.adopt(small.url)
    assert report.left_out == []
    assert small.one("select count(*) from stock_movements where movement_type = 'purchase'") == 10_000
    with small.shop() as shop:
        assert all(result.holds for result in shop.run(run_checks, COMMAND_LINE))
