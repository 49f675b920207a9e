"""What changed of a variant is on record: by a file, on a page, or by the storefront's own writes."""

from __future__ import annotations

from uuid import UUID, uuid4

from core.catalog import editing, products
from core.catalog.editing import Edit, Field
from core.catalog.imports import import_catalog, preview_catalog
from core.catalog.products import NewVariant
from tests.support.builders import Shop, key


def record(shop: Shop, variant_id: UUID) -> list[tuple[str, str | None, str | None, str, str]]:
    rows = shop.run(editing.changes, "Sam", variant_id=variant_id)
    return [(row.field, row.before, row.after, row.performed_by, row.source) for row in reversed(rows)]


def bring(shop: Shop, *rows: str, who: str = "Mia") -> None:
    content = "\n".join(("sku,product,brand,size,price,shelf_place,active", *rows)).encode()
    shop.run(import_catalog, who, content=content, file_name="c.csv", key=key())


def id_of(shop: Shop, sku: str) -> UUID:
    found: UUID = shop.sql("select id from public.product_variants where sku = :sku", sku=sku)
    return found


def test_what_a_file_adds_and_changes_is_on_the_variants_and_what_is_of_the_product_on_all_of_them(shop: Shop) -> None:
    name, one, two = f"Shoe {uuid4().hex[:6]}", f"I-{uuid4().hex[:8]}", f"I-{uuid4().hex[:8]}"
    bring(shop, f"{one},{name},Fjell,40,100,A-1,", f"{two},{name},,41,100,,")
    bring(shop, f"{one},{name},Berg,40,120,A-2,no", f"{two},{name},Berg,41,100,,", who="Ada")
    assert record(shop, id_of(shop, one)) == [
        ("added", None, one, "Mia", "file"),
        ("active", "yes", "no", "Ada", "file"),
        ("price", "100.00", "120.00", "Ada", "file"),
        ("shelf_place", "A-1", "A-2", "Ada", "file"),
        ("brand", "Fjell", "Berg", "Ada", "file"),
    ]
    assert record(shop, id_of(shop, two)) == [
        ("added", None, two, "Mia", "file"), ("brand", "Fjell", "Berg", "Ada", "file"),
    ]  # fmt: skip
    third = f"I-{uuid4().hex[:8]}"
    shop.run(products.add_product, "Mia", product=name, variants=[NewVariant(sku=third)], key=key(), to_known=True)
    assert record(shop, id_of(shop, third))[-1] == ("added", None, third, "Mia", "page")


def test_a_file_that_names_a_former_sku_changes_its_variant_and_never_adds_it_again(shop: Shop) -> None:
    name, old, new = f"Shoe {uuid4().hex[:6]}", f"I-{uuid4().hex[:8]}", f"I-{uuid4().hex[:8]}"
    bring(shop, f"{old},{name},,40,100,,")
    shoe = id_of(shop, old)
    shop.run(editing.edit, "Mia", edits=[Edit(variant_id=shoe, field=Field.SKU, before=old, after=new)], key=key())
    bring(shop, f"{old},{name},,40,130,,")
    assert id_of(shop, old) is None
    assert shop.sql("select price from public.product_variants where id = :id", id=shoe) == 130
    both = f"sku,product,price\n{old},{name},1\n{new},{name},2\n".encode()
    found = shop.run(preview_catalog, "Mia", content=both, file_name="c.csv")
    assert [(problem.field, problem.why) for problem in found.problems] == [
        ("sku", f"is the former SKU of {new}, which is in the file too")
    ]


def test_a_direct_write_is_on_the_variant_with_the_role_that_made_it(fresh_shop: Shop) -> None:
    shoe = fresh_shop.variant(2, sku="D-1", product="Shoe", price=100, shelf_place="A-1")
    fresh_shop.sql(
        "update public.product_variants set price = 90, shelf_place = 'A-2', is_active = false where id = :id", id=shoe
    )
    fresh_shop.sql("update public.products set name = 'Boot', image_url = 'https://x.example/1.jpg'")
    role = fresh_shop.sql("select session_user")
    assert sorted(record(fresh_shop, shoe)) == sorted([
        ("added", None, "D-1", role, "direct"),
        ("price", "100.00", "90.00", role, "direct"),
        ("shelf_place", "A-1", "A-2", role, "direct"),
        ("active", "yes", "no", role, "direct"),
        ("product", "Shoe", "Boot", role, "direct"),
        ("image_url", None, "https://x.example/1.jpg", role, "direct"),
    ])  # fmt: skip
