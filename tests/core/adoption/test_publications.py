"""Publications of columns and rows: a new table publishes no more than the old one."""

from __future__ import annotations

import pytest

from core.adoption import adopt as adoption
from core.foundation.errors import SetupError
from tests.core.adoption.shapes import SHAPES, uuid_of
from tests.support.legacy import Legacy, legacy_database, snapshot
from tests.support.servers import Server

pytestmark = pytest.mark.slow

SHOP = SHAPES["our own names"].sql
SOME = """
create publication shop_window for table public.products (id, name),
    public.product_variants where (stock_quantity > 0) with (publish = 'insert, truncate');
create publication active for table public.products where (price > 10);
create publication prices for table public.product_variants (sku, price) where (is_active) with (publish = 'insert');
create publication realtime for table public.products;
"""
PUBLISHED = """
    select p.pubname as publication, p.tablename as table, p.rowfilter as rows,
           case when r.prattrs is null then null else p.attnames::text end as columns
      from pg_publication_tables p
      join pg_publication b using (pubname)
      join pg_publication_rel r on r.prpubid = b.oid and r.prrelid = format('public.%I', p.tablename)::regclass
     order by 1, 2"""
SAME = [
    ("active", "products", "(price > (10)::numeric)", None),
    ("prices", "product_variants", "is_active", "{sku,price}"),
    ("realtime", "products", None, None),
    ("shop_window", "product_variants", "(stock_quantity > 0)", None),
    ("shop_window", "products", None, "{id,name}"),
]


def published(shop: Legacy) -> list[tuple[object, ...]]:
    return [tuple(row) for row in shop.rows(PUBLISHED)]


def names(columns: object) -> set[str]:
    return {*str(columns).strip("{}").split(",")}


def test_what_a_shop_publishes_of_its_tables_stays_the_same_and_it_sells(supabase_server: Server) -> None:
    with legacy_database(supabase_server, SHOP, SOME) as shop:
        assert published(shop) == SAME
        found = {(each.what, each.found): each.then for each in adoption.check(shop.url).findings}
        assert found["publication prices", "product_variants"] == "publishes the new table, the same columns and rows"
        assert found["publication realtime", "products"] == "publishes the new table"
        adoption.adopt(shop.url)
        assert [row[:3] for row in published(shop)] == [row[:3] for row in SAME]
        assert [names(row[3]) for row in published(shop)] == [names(row[3]) for row in SAME]
        sold = shop.one("select update_variant_stock(%s, -1)", uuid_of(11))
        assert sold["new_stock"] == 4
        shop.run("update products set name = 'Court II' where name = 'Court'")


def test_what_a_shop_publishes_is_as_before_after_it_went_back(supabase_server: Server) -> None:
    with legacy_database(supabase_server, SHOP, SOME) as shop:
        before = snapshot(shop)
        adoption.adopt(shop.url)
        adoption.undo(shop.url)
        assert snapshot(shop) == before
        assert published(shop) == SAME


def test_a_table_published_with_every_old_value_is_so_after_moving_in(supabase_server: Server) -> None:
    whole = """create publication realtime for table public.products, public.product_variants;
               alter table products replica identity full; alter table product_variants replica identity full"""
    with legacy_database(supabase_server, SHOP, whole) as shop:
        adoption.adopt(shop.url)
        assert shop.one("select relreplident = 'f' from pg_class where oid = 'public.products'::regclass") is True
        assert shop.one("select update_variant_stock(%s, -1)", uuid_of(11))["new_stock"] == 4
    with legacy_database(supabase_server, SHOP, whole) as shop:
        before = snapshot(shop)
        adoption.adopt(shop.url)
        adoption.undo(shop.url)
        assert snapshot(shop) == before


STOPS = {
    "rows by level": "product_variants where (stock_quantity > 0)",
    "rows and columns": "products (id, name) where (price > 10)",
    "columns without the id": "products (name, price)",
}


@pytest.mark.parametrize("name", STOPS)
def test_a_publication_that_would_stop_every_sale_is_named_and_nothing_changes(
    supabase_server: Server, name: str
) -> None:
    with legacy_database(supabase_server, SHOP, f"create publication shop_window for table {STOPS[name]}") as shop:
        before = snapshot(shop)
        assert not adoption.check(shop.url).possible
        with pytest.raises(SetupError, match="The publication shop_window would stop every sale"):
            adoption.adopt(shop.url)
        assert snapshot(shop) == before
        shop.run("alter publication shop_window set (publish = 'insert')")
        adoption.adopt(shop.url)
        assert shop.one("select update_variant_stock(%s, -1)", uuid_of(11))["new_stock"] == 4
