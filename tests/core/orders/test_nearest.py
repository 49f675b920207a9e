"""What a person types or scans, or what a cart calls its goods, finds the nearest variants."""

from __future__ import annotations

import pytest

from core.foundation.errors import StockError
from core.orders import nearest
from tests.support.builders import Shop

SHOES = [
    ("AM-42", "4006381333931", "Air Max", "42"),
    ("AM-43", None, "Air Max", "43"),
    ("RUN-42", None, "Road Runner", "42"),
    ("MUG-1", None, "Mug", None),
    ("AM-420", None, "Amplifier", None),
]


@pytest.fixture
def catalogue(fresh_shop: Shop) -> Shop:
    for sku, barcode, product, size in SHOES:
        made = str(fresh_shop.sql("insert into public.products (name) values (:name) returning id", name=product))
        fresh_shop.sql(
            """insert into public.product_variants (product_id, sku, barcode, size)
               values (cast(:product as uuid), :sku, :barcode, :size)""",
            product=made, sku=sku, barcode=barcode, size=size,
        )  # fmt: skip
    return fresh_shop


def first(shop: Shop, text: str) -> str | None:
    found = shop.run(nearest.nearest, text=text)
    return found[0].sku if found else None


@pytest.mark.parametrize(
    ("text", "sku"),
    [
        ("AM-42", "AM-42"),
        (" am-42 ", "AM-42"),
        ("4006381333931", "AM-42"),
        ("air max 42", "AM-42"),
        ("43 AIR", "AM-43"),
        ("Air Max — Size: 43", "AM-43"),
        ("air maxx 42", "AM-42"),
        ("road runer 42", "RUN-42"),
        ("mug", "MUG-1"),
        ("AM_43", "AM-43"),
    ],
)
def test_sku_barcode_product_and_size_find_the_nearest_variant(catalogue: Shop, text: str, sku: str) -> None:
    assert first(catalogue, text) == sku


def test_only_the_whole_sku_or_barcode_is_exact(catalogue: Shop) -> None:
    found = catalogue.run(nearest.nearest, text="am-42")
    assert [(each.sku, each.is_exact) for each in found[:2]] == [("AM-42", True), ("AM-420", False)]


def test_nothing_is_offered_for_nothing_or_for_what_is_far_from_everything(catalogue: Shop) -> None:
    for text in ("", "   ", "zzzzzz", "%", "_" * 500):
        assert first(catalogue, text) is None


def test_a_list_is_as_long_as_asked_and_needs_an_account(catalogue: Shop) -> None:
    assert len(catalogue.run(nearest.nearest, text="am 42", limit=2)) == 2
    with pytest.raises(StockError):
        catalogue.run(nearest.nearest, "Carl", text="air")
