"""Tables that hold rows of old tables or depend on them: a shop is told how to keep the rows, never to drop them."""

from __future__ import annotations

import pytest

from core.adoption import adopt as adoption
from core.foundation.errors import SetupError
from tests.core.adoption.shapes import PRODUCTS, SHAPES, Shape, uuid_of
from tests.support.legacy import legacy_database, snapshot
from tests.support.servers import Server

pytestmark = pytest.mark.slow

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
