"""Shops with other tables and columns move in with every level right, or are told first why they cannot."""

from __future__ import annotations

import shlex

import pytest

from core import __main__ as core_main
from core.adoption import adopt as adoption
from core.foundation.errors import SetupError
from core.foundation.model import COMMAND_LINE
from core.proof.checks import run_checks
from tests.core.adoption.shapes import PRODUCTS, SHAPES, Shape, uuid_of
from tests.support.legacy import Legacy, legacy_database, snapshot
from tests.support.servers import Server
from tests.support.sneakers import landlord, sneaker_shop

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("lies_ready")]

STANDS = """select p.name, v.size, coalesce(v.price, p.price)::text as price, v.stock_quantity as level, v.is_active
              from public.product_variants v join public.products p on p.id = v.product_id order by 1, 2, 4"""
MOVES_IN = {name: shape for name, shape in SHAPES.items() if not shape.refusal}
CANNOT = {name: shape for name, shape in SHAPES.items() if shape.refusal}


def proposed(report: adoption.Report) -> list[str]:
    """Return the words of the command that the report proposes."""
    assert report.proposal is not None
    command = shlex.split(report.proposal.command)
    assert command[:5] == [".venv/bin/python", "-m", "core", "adopt", "--map"]
    return command[5:]


@pytest.mark.parametrize("name", MOVES_IN)
def test_a_shop_of_this_shape_moves_in_unasked_or_by_the_proposed_command(supabase_server: Server, name: str) -> None:
    shape = MOVES_IN[name]
    with legacy_database(supabase_server, shape.sql) as shop:
        before = snapshot(shop)
        report = adoption.check(shop.url)
        assert snapshot(shop) == before
        words = proposed(report) if shape.words else []
        assert sorted(words) == sorted(shape.words)
        if words:
            with pytest.raises(SetupError, match="If this is right, adopt with:") as refused:
                adoption.adopt(shop.url)
            assert report.proposal is not None
            assert report.proposal.command in str(refused.value)
            assert snapshot(shop) == before
        adoption.adopt(shop.url, mapping=words)
        assert [tuple(row) for row in shop.rows(STANDS)] == list(shape.rows)
        with shop.shop() as adopted:
            assert all(result.holds for result in adopted.run(run_checks, COMMAND_LINE))
        adoption.undo(shop.url)
        assert snapshot(shop) == before


@pytest.mark.parametrize("name", CANNOT)
def test_a_shop_that_cannot_move_in_is_told_so_first_and_how_it_can(
    supabase_server: Server, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shape = CANNOT[name]
    with legacy_database(supabase_server, shape.sql) as shop:
        monkeypatch.setenv("DATABASE_URL", shop.url)
        monkeypatch.delenv("STOCKROOM_OWNER_URL", raising=False)
        assert core_main.main(["adopt", "--check"]) == 1
        said = capsys.readouterr().out
        assert said.startswith(shape.refusal)
        assert "import-catalog and import-history, and let the storefront call the HTTP API." in said.splitlines()[0]
        with pytest.raises(SetupError) as refused:
            adoption.adopt(shop.url)
        assert str(refused.value).startswith(shape.refusal)


def test_what_the_shop_calls_minor_units_is_read_and_undone_in_minor_units(supabase_server: Server) -> None:
    shape = SHAPES["minor units and a flag"]
    with legacy_database(supabase_server, shape.sql) as shop:
        adoption.adopt(shop.url, mapping=shape.words)
        shop.run("update product_variants set price = 88.25, is_active = false where size = 'EU 41'")
        seen = "select price_cents, active from {} order by price_cents"
        changed = [(7000, False), (8825, False), (9000, True)]
        assert [tuple(row) for row in shop.rows(seen.format("product_variants"))] == changed
        adoption.undo(shop.url)
        assert [tuple(row) for row in shop.rows(seen.format("product_variants"))] == changed


def test_a_table_of_variants_with_another_name_is_still_read_under_it(supabase_server: Server) -> None:
    shape = SHAPES["a table variants, deleted softly"]
    with legacy_database(supabase_server, shape.sql) as shop:
        adoption.adopt(shop.url, mapping=shape.words)
        shop.run("select update_variant_stock(%s, -2)", uuid_of(11))
        assert shop.one("select inventory_quantity from variants where sku = 'C-41'") == 3
        assert shop.one("select inventory_quantity from shelf where sku = 'C-41'") == 3
        keys = """select confrelid::regclass::text from pg_constraint
                   where conrelid = 'order_items'::regclass and contype = 'f'"""
        assert sorted(name for (name,) in shop.rows(keys)) == ["product_variants", "products"]
        assert shop.one("select has_table_privilege('anon', 'variants', 'select')") is False
        assert shop.one("select has_table_privilege('service_role', 'variants', 'select')") is True


def test_a_product_without_variants_is_validated_sold_and_counted(supabase_server: Server) -> None:
    with legacy_database(supabase_server, SHAPES["products alone"].sql) as shop:
        adoption.adopt(shop.url)
        assert [tuple(row) for row in shop.rows("select sku, product_id = id from product_variants order by sku")] == [
            (f"NO-SKU-{uuid_of(3).replace('-', '')[:12]}", True), ("court", True), ("mesa", True)
        ]  # fmt: skip
        cart = f'[{{"productId": "{uuid_of(1)}", "quantity": 2}}]'
        assert shop.one("select validate_order_stock(%s)", cart)["valid"] is True
        assert shop.one("select update_variant_stock(%s, -2)", uuid_of(1))["new_stock"] == 3
        sold = shop.one("select process_order_stock_changes(gen_random_uuid(), %s)", cart)
        assert sold["lines"][0]["taken"] == 2
        assert shop.one("select stock_quantity from product_variants where sku = 'court'") == 1


def test_the_history_of_products_without_variants_is_theirs(supabase_server: Server) -> None:
    more = f"""
create table stock_movements (id serial primary key, product_id uuid, type text, quantity int, stock_before int,
    stock_after int, created_at timestamptz);
insert into stock_movements (product_id, type, quantity, stock_before, stock_after, created_at)
values ('{uuid_of(1)}', 'sale', -2, 7, 5, '2026-03-01 09:00+00');
"""
    with legacy_database(supabase_server, SHAPES["products alone"].sql, more) as shop:
        assert adoption.adopt(shop.url).left_out == []
        moved = shop.rows("select sku, movement_type, quantity from stock_movements where sku = 'court' order by id")
        assert [tuple(row) for row in moved] == [("court", "count", 7), ("court", "sale", -2)]


def test_the_old_table_of_products_shows_what_is_left(supabase_server: Server) -> None:
    with legacy_database(supabase_server, SHAPES["sneakers alone"].sql) as shop:
        adoption.adopt(shop.url)
        shop.run("select update_variant_stock(%s, -3)", uuid_of(1))
        assert shop.one("select available_stock from sneakers where id = %s", uuid_of(1)) == 1


def test_only_products_without_variants_get_one(supabase_server: Server) -> None:
    more = """
alter table products add available_stock int not null default 0;
update products set available_stock = 12 where name = 'Court';
insert into products (name, slug, available_stock) values ('Dune', 'dune', 4), ('Ridge', 'ridge', 0);
"""
    with legacy_database(supabase_server, SHAPES["our own names"].sql, more) as shop:
        before = snapshot(shop)
        found = {each.what: each.found for each in adoption.check(shop.url).findings}
        assert found["products without variants"] == "1 product, 4 units"
        adoption.adopt(shop.url)
        levels = shop.rows("select sku, stock_quantity as level from product_variants order by sku")
        assert [tuple(row) for row in levels] == [("C-41", 5), ("C-42", 0), ("M-42", 7), ("dune", 4)]
        adoption.undo(shop.url)
        assert snapshot(shop) == before


def test_a_product_that_is_deleted_softly_is_not_sold(supabase_server: Server) -> None:
    more = (
        "alter table products add deleted_at timestamptz; update products set deleted_at = now() where name = 'Court'"
    )
    with legacy_database(supabase_server, SHAPES["our own names"].sql, more) as shop:
        before = snapshot(shop)
        words = proposed(adoption.check(shop.url))
        assert words == ["deleted_at=is_active"]
        adoption.adopt(shop.url, mapping=words)
        assert [row.is_active for row in shop.rows("select is_active from product_variants order by sku")] == [
            False
        ] * 3
        adoption.undo(shop.url)
        assert snapshot(shop) == before
        adoption.adopt(shop.url, mapping=["deleted_at=none"])
        assert shop.one("select is_active from product_variants where sku = 'C-41'") is True


def test_a_shelf_is_never_silently_empty(supabase_server: Server) -> None:
    more = """
create table stock_by_sku (sku text primary key, on_hand int not null);
insert into stock_by_sku select sku, stock_quantity from product_variants;
update product_variants set stock_quantity = 0;
"""
    with legacy_database(supabase_server, SHAPES["our own names"].sql, more) as shop:
        with pytest.raises(
            SetupError, match=r"public\.stock_by_sku\.on_hand shows 12 units, but every shelf would be empty"
        ):
            adoption.adopt(shop.url)
        assert shop.one("select to_regclass('stockroom.shop') is null")


def test_products_that_only_say_whether_they_are_in_stock_are_refused(supabase_server: Server) -> None:
    with legacy_database(
        supabase_server, Shape(script=PRODUCTS).sql, "alter table products add in_stock boolean default true"
    ) as shop:
        assert adoption.check(shop.url).obstacles == [
            "public.products.in_stock shows 2 products in stock, and no number of units, but every shelf would be "
            "empty. Name the column that holds the level: --map COLUMN=stock_quantity."
        ]


@pytest.mark.parametrize(
    "word", ["price=price/7", "slug=price/100", "slug.x=size", "name=sku/100", "price=id;drop table x"]
)
def test_a_word_that_means_nothing_is_refused(supabase_server: Server, word: str) -> None:
    with legacy_database(supabase_server, SHAPES["our own names"].sql) as shop:
        with pytest.raises(SetupError, match=r"fits no table here|cannot safely become|is not an amount"):
            adoption.adopt(shop.url, mapping=[word])


def test_levels_of_several_warehouses_are_added_up_only_if_the_shop_says_so(supabase_server: Server) -> None:
    with legacy_database(supabase_server, SHAPES["two warehouses"].sql) as shop:
        adoption.adopt(shop.url, mapping=["inventory_levels.quantity=stock_quantity"])
        levels = shop.rows("select sku, stock_quantity as level from product_variants order by sku")
        assert [tuple(row) for row in levels] == [("C-41", 5), ("C-42", 7)]


def without_comments(shop: Legacy) -> list[str]:
    """Return the whole database but the comments on functions and views."""
    return [line for line in snapshot(shop) if not line.startswith(("COMMENT ON FUNCTION", "COMMENT ON VIEW"))]


DAMAGED = """select v.sku, v.stock_quantity as level, v.damage_quantity as damaged, m.quantity
               from product_variants v left join stock_movements m on m.variant_id = v.id and m.reason = 'damaged'
              where v.sku like 'CPH%' order by v.sku"""


def test_units_that_cannot_be_sold_are_taken_off_the_shelf_by_a_movement(supabase_server: Server) -> None:
    with sneaker_shop(supabase_server, account=landlord(supabase_server)) as shop:
        before = without_comments(shop)
        found = {each.what: (each.found, each.then) for each in adoption.check(shop.url).findings}
        units, then = found["product_variants.damage_quantity"]
        assert units == "9 units"
        assert then.startswith("cannot be sold: taken off the level as damaged")
        adoption.adopt(shop.url)
        assert [tuple(row) for row in shop.rows(DAMAGED)] == [
            ("CPH-42", 5, 0, None), ("CPH-43", 2, 0, -1), ("CPH-44", 0, 0, None), ("CPH-46", 6, 0, -2)
        ]  # fmt: skip
        with shop.shop() as adopted:
            assert all(result.holds for result in adopted.run(run_checks, COMMAND_LINE))
        adoption.undo(shop.url)
        assert without_comments(shop) == before


LEAVE = {
    "the shop says so": ("select", ["damage_quantity=none"]),
    "more are damaged than the level": ("update product_variants set damage_quantity = 9 where sku = 'CPH-46'", []),
}


@pytest.mark.parametrize("name", LEAVE)
def test_a_level_that_is_without_damaged_units_stays_as_it_is(supabase_server: Server, name: str) -> None:
    change, words = LEAVE[name]
    with sneaker_shop(supabase_server, change) as shop:
        damaged = shop.rows("select sku, damage_quantity from product_variants order by sku")
        adoption.adopt(shop.url, mapping=words)
        assert [row.level for row in shop.rows(DAMAGED)] == [5, 3, 0, 8]
        assert shop.rows("select sku, damage_quantity from product_variants where damage_quantity is not null "
                         "and sku not like 'NO-SKU%' order by sku") == damaged  # fmt: skip
        assert shop.one("select count(*) from stock_movements where reason = 'damaged'") == 0


def test_old_sneakers_next_to_products_become_products_of_one_variant(supabase_server: Server) -> None:
    more = "insert into sneakers (name, price, available_stock) values ('Dune Runner', 80, 6)"
    with sneaker_shop(supabase_server, more) as shop:
        before = without_comments(shop)
        found = {each.what: (each.found, each.then) for each in adoption.check(shop.url).findings}
        assert found["sneakers"][0] == "2 products, 4 units"
        adoption.adopt(shop.url)
        rows = shop.rows(
            """select s.name, p.price, v.stock_quantity as level from sneakers s join products p on p.id = s.id
                 join product_variants v on v.product_id = p.id order by 1"""
        )
        assert [(row.name, int(row.price), row.level) for row in rows] == [("Old Court", 59, 4), ("Old Mesa", 49, 0)]
        assert shop.one("select count(*) from product_variants v join products p on p.id = v.product_id "
                        "where p.name = 'Dune Runner'") == 4  # fmt: skip
        adoption.undo(shop.url)
        assert without_comments(shop) == before
        adoption.adopt(shop.url, mapping=["sneakers=none"])
        assert shop.one("select count(*) from products") == 3


def test_public_roles_read_a_renamed_table_as_before_if_the_shop_keeps_reading(supabase_server: Server) -> None:
    grant = "grant usage on schema public to anon; grant select on variants, products to anon"
    shape = SHAPES["a table variants, deleted softly"]
    with legacy_database(supabase_server, shape.sql, grant) as shop:
        adoption.adopt(shop.url, mapping=shape.words, keep_reading=True)
        shop.run("set role anon; select count(*) from variants; select count(*) from product_variants")
        assert shop.one("select has_table_privilege('anon', 'variants', 'update')") is False
        adoption.undo(shop.url)


def test_two_tables_that_could_be_the_variants_are_named(supabase_server: Server) -> None:
    more = "create table skus as select * from variants"
    shape = SHAPES["a table variants, deleted softly"]
    with legacy_database(
        supabase_server, shape.sql, more, "alter table skus add foreign key (product_id) references products"
    ) as shop:
        sentence = (
            "Each of skus, variants could be the table of product_variants. "
            "Name the right one: --map skus=product_variants."
        )
        assert sentence in adoption.check(shop.url).obstacles
        with pytest.raises(SetupError, match=r"there is a table products already\."):
            adoption.check(shop.url, mapping=["skus=products"])
        adoption.adopt(shop.url, mapping=["variants=product_variants", *shape.words])
        assert shop.one("select count(*) from product_variants") == 3
