"""Catalogues in tables with other names, or in several tables: they move in, or are refused with what to do.

No shop becomes an empty one unasked, and none is told to drop a table that holds rows.
"""

from __future__ import annotations

import pytest

from core.adoption import adopt as adoption
from core.foundation.errors import SetupError
from tests.core.adoption.shapes import PRODUCTS, SHAPES, Shape, uuid_of
from tests.core.adoption.test_shapes import STANDS, proposed
from tests.support.legacy import SNEAKERS, Legacy, legacy_database, snapshot
from tests.support.servers import Server

pytestmark = pytest.mark.slow

PRISMA = """
create table "Product" (id {id} primary key, name text not null, price numeric, "createdAt" timestamp(3) default now());
create table "ProductVariant" (
    id {id} primary key, "productId" {id} not null references "Product" (id), sku text not null unique, size text,
    {level} int not null default 0, "isActive" boolean not null default true
);
create table "StockMovement" (id {id} primary key, "variantId" {id} references "ProductVariant" (id), quantity int);
create table "OrderItem" (id {id} primary key, "variantId" {id} references "ProductVariant" (id), quantity int);
insert into "Product" values ('{one}', 'Court', 90);
insert into "ProductVariant" values ('{two}', '{one}', 'C-41', '41', 5, true),
    ('{three}', '{one}', 'C-42', '42', 2, false);
"""
UUIDS = {"id": "uuid", "one": uuid_of(1), "two": uuid_of(11), "three": uuid_of(12)}
TEXTS = {"id": "text", "one": "clx1", "two": "clv1", "three": "clv2"}
MEDUSA = """
create table product (id text primary key, title text not null, handle text, status text);
create table product_variant (id text primary key, title text not null, sku text, product_id text references product);
create table inventory_item (id text primary key, sku text);
create table inventory_level (
    id text primary key, inventory_item_id text references inventory_item, location_id text,
    stocked_quantity numeric, reserved_quantity numeric
);
insert into product values ('prod_1', 'Court', 'court', 'published');
insert into product_variant values ('variant_1', '41', 'C-41', 'prod_1');
insert into inventory_item values ('iitem_1', 'C-41');
insert into inventory_level values ('ilev_1', 'iitem_1', 'sloc_1', 5, 0);
"""
ARTICLES = """
create table "shopArticles" (id bigint primary key, title text, "articleNumber" text);
insert into "shopArticles" values (1, 'Court', 'C-41');
"""
FILES = "Move in with files: export products"
STRANGE = {
    "text ids of Prisma": (
        PRISMA.format(level="stock", **TEXTS),
        "Product.id is text, which cannot safely become uuid.",
    ),
    "Medusa": (MEDUSA, "public.inventory_level.stocked_quantity shows 5 units, but every shelf would be empty."),
    "Medusa, sold out": (
        MEDUSA + "update inventory_level set stocked_quantity = 0;",
        "public.inventory_item.sku looks like a catalogue of 1 row, but nothing of it would be taken over.",
    ),
    "articles": (
        ARTICLES,
        'public."shopArticles"."articleNumber" looks like a catalogue of 1 row, but nothing of it would be taken over.',
    ),
    "sneakers without a level": (
        "create table sneakers (id serial primary key, name text, price numeric);"
        "insert into sneakers (name, price) values ('Court', 90)",
        "public.sneakers.price looks like a catalogue of 1 row, but nothing of it would be taken over.",
    ),
}


def refused(shop: Legacy) -> str:
    """Return why a shop cannot move in, once it is sure that nothing changed."""
    before = snapshot(shop)
    assert not adoption.check(shop.url).possible
    with pytest.raises(SetupError) as error:
        adoption.adopt(shop.url)
    assert snapshot(shop) == before
    assert "Nothing was changed." in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("name", STRANGE)
def test_a_shop_whose_tables_are_not_understood_is_refused_and_told_how_it_can_move(
    supabase_server: Server, name: str
) -> None:
    script, sentence = STRANGE[name]
    with legacy_database(supabase_server, script) as shop:
        said = refused(shop)
        assert sentence in said
        assert FILES in said


@pytest.mark.parametrize("level", ["stock", '"stockQuantity"', '"quantityOnHand"'])
def test_a_shop_of_prisma_with_uuids_moves_in_by_the_proposed_command_and_out_again(
    supabase_server: Server, level: str
) -> None:
    with legacy_database(supabase_server, PRISMA.format(level=level, **UUIDS)) as shop:
        before = snapshot(shop)
        assert "If this is right, adopt with:" in refused(shop)
        adoption.adopt(shop.url, mapping=proposed(adoption.check(shop.url)))
        assert [tuple(row) for row in shop.rows(STANDS)] == [
            ("Court", "41", "90.00", 5, True), ("Court", "42", "90.00", 2, False)
        ]  # fmt: skip
        assert shop.rows('select sku from "ProductVariant" order by 1') == [("C-41",), ("C-42",)]
        adoption.undo(shop.url)
        assert snapshot(shop) == before


def test_a_table_that_the_shop_leaves_out_does_not_stop_an_empty_shop(supabase_server: Server) -> None:
    with legacy_database(supabase_server, ARTICLES) as shop:
        assert "leave it out with --map shopArticles=none." in refused(shop)
        adoption.adopt(shop.url, mapping=["shopArticles=none"])
        assert shop.one("select count(*) from product_variants") == 0


def test_a_database_without_tables_of_a_shop_becomes_an_empty_one(supabase_server: Server) -> None:
    others = "create table todo_items (id serial primary key, title text); insert into todo_items (title) values ('x');"
    with legacy_database(supabase_server, SNEAKERS, others, 'create table "Product" (id text, name text)') as shop:
        adoption.adopt(shop.url)
        assert shop.one("select count(*) from product_variants") == 0


SHOP = SHAPES["our own names"].sql
SPLIT = Shape(
    script=PRODUCTS
    + """
create table public.product_variants (
    id uuid, region text, product_id uuid, sku text, stock_quantity integer not null default 0, primary key (id, region)
) partition by list (region);
create table public.pv_eu partition of public.product_variants for values in ('eu');
insert into public.product_variants values (#11, 'eu', #1, 'C-41', 5);
"""
).sql
INHERITED = f"""
create table public.pv_eu () inherits (public.product_variants);
insert into public.pv_eu (id, product_id, sku, size, stock_quantity)
values ('{uuid_of(21)}', '{uuid_of(1)}', 'E-41', '41', 9);
"""
COPIES = """
create table public.snapshots (id int, "The Row" public.products);
insert into public.snapshots select 1, p from public.products p;
"""
LISTS = """
create table public.snapshots (id int, rows public.products[]);
insert into public.snapshots select 1, array_agg(p) from public.products p;
"""
HOLDS = {
    "a partition": (SPLIT, "", "public.pv_eu is a part of public.product_variants and holds rows. Do not drop it."),
    "an heir": (SHOP, INHERITED, "public.pv_eu is a part of public.product_variants and holds rows. Do not drop it."),
    "a column of whole rows": (
        SHOP,
        COPIES,
        "public.snapshots has a column with whole rows of an old table (The Row).",
    ),
    "a list of whole rows": (SHOP, LISTS, "public.snapshots has a column with whole rows of an old table (rows)."),
}


@pytest.mark.parametrize("name", HOLDS)
def test_a_table_that_holds_rows_of_the_shop_is_never_to_be_dropped(supabase_server: Server, name: str) -> None:
    script, more, sentence = HOLDS[name]
    with legacy_database(supabase_server, script, more) as shop:
        before = snapshot(shop)
        obstacles = adoption.check(shop.url).obstacles
        assert [each for each in obstacles if each.startswith(sentence)]
        assert not [each for each in obstacles if "Drop it" in each]
        with pytest.raises(SetupError):
            adoption.adopt(shop.url)
        assert snapshot(shop) == before


def test_a_shop_that_does_as_the_sentence_says_keeps_the_column_and_moves_in(supabase_server: Server) -> None:
    with legacy_database(supabase_server, SHOP, COPIES) as shop:
        (obstacle,) = adoption.check(shop.url).obstacles
        shop.run(obstacle.partition("Change the type first: ")[2].removesuffix("."))
        adoption.adopt(shop.url)
        assert shop.one("""select "The Row" ->> 'name' from snapshots order by 1 limit 1""") == "Court"


def test_a_shop_in_several_parts_moves_in_once_its_rows_are_in_one_table(supabase_server: Server) -> None:
    once = """
        alter table product_variants rename to product_variants_split;
        create table product_variants (like product_variants_split including all);
        insert into product_variants select * from product_variants_split;"""
    with legacy_database(supabase_server, SPLIT, once) as shop:
        adoption.adopt(shop.url)
        assert [tuple(row) for row in shop.rows("select sku, stock_quantity from product_variants")] == [("C-41", 5)]
