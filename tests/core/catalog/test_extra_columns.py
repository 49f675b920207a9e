"""A new product of an adopted shop is seen by its buyers: the columns that the shop brought along get their values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.__main__ import main
from core.adoption import adopt as adoption
from core.catalog import extras as extra_columns
from core.catalog import imports as catalog
from core.catalog.file import UnreadableCatalog
from core.catalog.imports import CatalogPreview
from core.foundation.errors import Forbidden, InvalidInput, KeyReused
from tests.support.builders import Shop, key
from tests.support.servers import Server
from tests.support.sneakers import sneaker_shop

pytestmark = pytest.mark.slow

NEW = """sku,product,size,color,price,opening
MSA-42,Mesa Über,42,red,89.00,3
MSA-43,Mesa Über,43,red,85.00,2
MSB-42,Mesa-Uber!,42,red,99.00,1
DUN-48,Dune Runner,48,purple,89.00,1
"""


@pytest.fixture
def moved(supabase_server: Server, lies_ready: None) -> Iterator[Shop]:
    """The sneaker shop after it moved in, without its old table `sneakers`."""
    with sneaker_shop(supabase_server) as old:
        adoption.adopt(old.url, mapping=["sneakers=none"])
        with old.shop() as shop:
            yield shop


@pytest.fixture
def own(fresh_shop: Shop) -> Shop:
    """A shop with columns of its own on products and variants, and three products, two of them active."""
    fresh_shop.sql(
        """create type public.look as enum ('plain', 'loud');
           alter table public.products add column status text not null default 'draft'
               check (status in ('draft', 'active')), add column slug text unique, add column material text,
               add column rank int, add column featured boolean default false, add column look public.look,
               add column code uuid default gen_random_uuid();
           alter table public.product_variants add column status text default 'on', add column grams int"""
    )
    for n, status in enumerate(("active", "active", "draft")):
        fresh_shop.sql(
            "insert into products (name, status, slug, material, rank) values (:name, :status, :name, 'felt', 1)",
            name=f"old-{n}", status=status,
        )  # fmt: skip
    return fresh_shop


def preview(shop: Shop, *values: str, text: str = NEW) -> CatalogPreview:
    values_of: dict[str, Any] = {"content": text.encode(), "file_name": "new.csv", "values": values}
    shown: CatalogPreview = shop.run(catalog.preview_catalog, "Mia", **values_of)
    return shown


def imported(shop: Shop, *values: str, text: str = NEW, **more: Any) -> Any:
    more = {"key": key()} | more
    return shop.run(catalog.import_catalog, "Mia", content=text.encode(), file_name="new.csv", values=values, **more)


def warned(shop: Shop, *values: str) -> list[tuple[str, str | None]]:
    return [(each.sentence, each.value) for each in preview(shop, *values).warnings]


def test_a_new_product_of_the_moved_shop_is_in_its_window(moved: Shop) -> None:
    found = preview(moved)
    (status,) = (each for each in found.warnings if each.value == "status=active")
    assert status.sentence == "2 of 3 products have status active; new ones would get draft."
    assert "slug from the name" in found.told[0]
    assert 'category "sneakers" by default' in found.told[0]
    assert "Mesa Über (85.00 to 89.00); check which one the storefront shows" in found.warnings[-1].sentence
    imported(moved, "status=active", "weight_grams=900")
    window = moved.rows("select slug, sku, price from public.catalogue where slug like 'mesa%' order by sku")
    assert [(row.slug, row.sku, str(row.price)) for row in window] == [
        ("mesa-uber", "MSA-42", "85.00"), ("mesa-uber", "MSA-43", "85.00"), ("mesa-uber-msb-42", "MSB-42", "99.00"),
    ]  # fmt: skip
    assert moved.sql("select weight_grams from product_variants where sku = 'DUN-48'") == 900
    assert moved.sql("select weight_grams from product_variants where sku = 'DUN-42'") is None, "known ones stay"
    assert moved.sql("select category from products where slug = 'mesa-uber'") == "sneakers"


def test_a_column_that_the_old_shop_requires_is_asked_for_and_the_way_back_stays_open(supabase_server: Server) -> None:
    strict = "alter table public.products add column season text; update public.products set season = 'summer'"
    with sneaker_shop(supabase_server, strict, "alter table public.products alter season set not null") as old:
        adoption.adopt(old.url)
        with old.shop() as shop:
            required = "This shop requires a value in season of every product; none is imported without it."
            assert (required, "season=summer") in warned(shop)
            with pytest.raises(InvalidInput, match=r"no default for: product\.season. Nothing was imported"):
                imported(shop)
            with pytest.raises(UnreadableCatalog, match="line 2: price is missing, and this shop requires it"):
                imported(shop, "season=winter", text="sku,product,size\nMSA-42,Mesa Über,42\n")
            imported(shop, "season=winter", "status=active", text="sku,product,size,price\nMSA-42,Mesa Über,42,89\n")
        adoption.undo(old.url)
        back = old.rows("select season, brand, price from public.products where slug = 'mesa-uber'")[0]
        assert (back.season, back.brand, str(back.price)) == ("winter", "Canyon", "89.00")


def test_the_command_warns_and_takes_values(moved: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                             capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    monkeypatch.setenv("DATABASE_URL", moved.owner.url.render_as_string(hide_password=False))
    file = tmp_path / "new.csv"
    file.write_text(NEW, encoding="utf-8")
    assert main(["import-catalog", str(file), "--preview"]) == 0
    said = capsys.readouterr().out
    assert "Warning: 2 of 3 products have status active; new ones would get draft. Add --set status=active" in said
    assert "New products get" in said
    assert main(["import-catalog", str(file), "--preview", "--set", "status=active"]) == 0
    assert "status active" not in capsys.readouterr().out
    assert main(["import-catalog", str(file), "--set", "status=gone"]) == 1
    assert "products_status_check" in capsys.readouterr().err
    assert main(["import-catalog", str(file)]) == 0
    assert "Add --set status=active" in capsys.readouterr().out


def test_columns_of_a_fresh_shop_are_all_ours(fresh_shop: Shop) -> None:
    assert fresh_shop.run(extra_columns.extras, "Mia") == ()
    assert (preview(fresh_shop).told, preview(fresh_shop).warnings) == ((), ())
    imported(fresh_shop)
    assert fresh_shop.sql("select count(*) from products where price is not null") == 0
    with pytest.raises(Forbidden):
        fresh_shop.run(extra_columns.extras, "Wanda")


def test_the_preview_warns_of_what_other_products_have(own: Shop) -> None:
    assert warned(own, "variant.status=on") == [
        ("Every product has a value in material; new ones would have none.", "material=felt"),
        ("Every product has a value in rank; new ones would have none.", None),
        ("2 of 3 products have status active; new ones would get draft.", "product.status=active"),
    ]
    assert warned(own, "product.status=active", "material=felt", "rank=3") == []
    told = preview(own, "product.status=active", "grams=7").told
    assert told == (
        'New products get code gen_random_uuid() by default; featured "false" by default; slug from the name; status '
        '"active"; nothing in look, material, rank.',
        'New variants get grams "7"; status "on" by default.',
    )


def test_only_new_rows_are_warned_of(own: Shop) -> None:
    imported(own)
    again = preview(own)
    assert (again.told, again.warnings) == ((), ())


def test_values_are_cast_to_the_type_of_their_column(own: Shop) -> None:
    imported(own, "product.status=active", "rank=12", "featured=yes", "look=loud", "material=it's 'felt'; --")
    row = own.rows("select status, rank, featured, look, material, code from products where slug = 'mesa-uber'")[0]
    assert tuple(row)[:5] == ("active", 12, True, "loud", "it's 'felt'; --")
    assert row.code is not None
    assert own.sql("select status from product_variants where sku = 'MSA-42'") == "on"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("status=active", "product.status or variant.status"),
        ("colour=red", "is no column of this shop beside ours"),
        ("stock_quantity=9", "is no column of this shop beside ours"),
        ("variant.rank=1", "is no column of this shop beside ours"),
        ('x"; drop table public.products; --=1', "is no column of this shop beside ours"),
        ("rank=many", 'cannot be "many": its type is integer'),
        ("look=quiet", 'cannot be "quiet"'),
        ("rank=", "needs a value"),
        ("rank", "needs a value"),
        ("material=a\x00b", "needs a value"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_before_anything_happens(own: Shop, value: str, why: str) -> None:
    for operation in (preview, imported):
        with pytest.raises(InvalidInput, match=why.replace("(", r"\(")):
            operation(own, value)
    with pytest.raises(InvalidInput, match="given twice"):
        imported(own, "rank=1", "product.rank=2")
    assert own.sql("select count(*) from products") == 3


def test_what_the_shops_own_rules_forbid_is_said_and_nothing_is_imported(own: Shop) -> None:
    with pytest.raises(InvalidInput, match=r"products_status_check.*Nothing was imported"):
        imported(own, "product.status=sold")
    with pytest.raises(InvalidInput, match="products_slug_key"):
        imported(own, "slug=old-1")
    assert own.sql("select count(*) from products") == 3
    assert own.sql("select count(*) from stockroom.operations where kind = 'import_catalog'") == 0


def test_a_slug_that_is_taken_gets_the_sku_and_then_a_number(own: Shop) -> None:
    own.sql("insert into products (name, slug) values ('A', 'mesa-uber'), ('B', 'mesa-uber-msa-42'), ('C', 'x')")
    imported(own, text="sku,product\nMSA-42,Mesa Über\nQ-1,鞋\nS-1,Groß & Klein\n")
    slugs = dict(own.rows("select v.sku, p.slug from product_variants v join products p on p.id = v.product_id"))
    assert slugs == {"MSA-42": "mesa-uber-msa-42-2", "Q-1": "product", "S-1": "gross-klein"}


def test_another_value_under_the_same_key_is_another_import(own: Shop) -> None:
    used = key()
    first = imported(own, "rank=1", key=used)
    assert imported(own, "rank=1", key=used).replayed
    with pytest.raises(KeyReused):
        imported(own, "rank=2", key=used)
    assert first.products_added == 2 + 1
