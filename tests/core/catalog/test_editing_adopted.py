"""Variants of a shop that moved in are edited within what its own tables allow."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest

from core.adoption import adopt as adoption
from core.catalog import codes, editing
from core.catalog.editing import ChangeSource, Edit, Field
from core.foundation.errors import InvalidInput
from tests.support.builders import Shop, key
from tests.support.servers import Server
from tests.support.sneakers import sneaker_shop

pytestmark = pytest.mark.slow


@pytest.fixture
def moved(supabase_server: Server) -> Iterator[Shop]:
    """The sneaker shop after it moved in, with a shelf place of its own and a table that names variants by SKU."""
    with sneaker_shop(supabase_server) as old:
        old.run("alter table public.product_variants add column shelf_place text")
        old.run("update public.product_variants set shelf_place = 'Regal 7' where sku = 'DUN-42'")
        adoption.adopt(old.url, mapping=["sneakers=none"])
        with old.shop() as shop:
            yield shop


def edit(shop: Shop, variant_id: UUID, **wanted: str | None) -> None:
    seen = shop.run(editing.values, variant_ids=[variant_id])[variant_id]
    edits = [
        Edit(variant_id=variant_id, field=Field(name), before=seen[Field(name)], after=after)
        for name, after in wanted.items()
    ]
    shop.run(editing.edit, "Mia", edits=edits, key=key())


def test_a_variant_of_the_moved_shop_is_edited_and_its_storefront_sees_it(moved: Shop) -> None:
    shoe = moved.sql("select id from public.product_variants where sku = 'DUN-42'")
    assert moved.run(editing.values, variant_ids=[shoe])[shoe][Field.SHELF_PLACE] == "Regal 7"
    edit(moved, shoe, sku="DUNE-42", shelf_place="Regal 8", price="97", reorder_point="3")
    row = moved.rows("select sku, shelf_place, price from public.product_variants where id = :id", id=shoe)[0]
    assert (row.sku, row.shelf_place, str(row.price)) == ("DUNE-42", "Regal 8", "97.00")
    assert moved.run(codes.find, "Wanda", text="DUN-42").variant_id == shoe
    assert moved.sql("select public.update_variant_stock(:id, -1) ->> 'success'", id=shoe) == "true"
    with pytest.raises(InvalidInput, match="own tables require it"):
        edit(moved, shoe, size="")  # the old table requires a size, and there must be a way back
    moved.sql(
        "set local role service_role; update public.product_variants set weight_grams = 910 where sku = 'DUNE-42'"
    )
    changes = moved.run(editing.changes, "Sam", variant_id=shoe)
    assert (changes[0].field, changes[0].after, changes[0].performed_by, changes[0].source) == (
        "weight_grams", "910", "service_role", ChangeSource.DIRECT,
    )  # fmt: skip


def test_a_rule_of_the_shops_own_tables_refuses_an_edit_with_its_sentence(moved: Shop) -> None:
    moved.sql(
        """create table public.gifts (sku text references public.product_variants (sku));
           insert into public.gifts select sku from public.product_variants where sku = 'DUN-42';
           create function public.no_red() returns trigger language plpgsql as
               $$ begin if new.color = 'red' then raise exception 'Red is sold by others'; end if; return new; end $$;
           create trigger no_red before update on public.product_variants
               for each row execute function public.no_red()"""
    )
    shoe = moved.sql("select id from public.product_variants where sku = 'DUN-42'")
    with pytest.raises(InvalidInput, match=r"breaks a rule of the shop: .*gifts.*Nothing was changed"):
        edit(moved, shoe, sku="DUNE-42")
    with pytest.raises(InvalidInput, match="Red is sold by others"):
        edit(moved, shoe, color="red")
    assert moved.run(editing.changes, "Sam", variant_id=shoe) == ()
