"""A product typed on a page: all of it or nothing, and never a change of what the shop has already."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from core.catalog import products
from core.catalog.imports import CatalogImport
from core.catalog.products import NewVariant
from core.foundation.errors import Forbidden, InvalidInput, KeyReused, Refused, SignInRequired
from tests.conftest import open_fresh
from tests.support.builders import Shop, key
from tests.support.proof import assert_holds
from tests.support.servers import Server


@pytest.fixture(scope="module")
def counter(server: Server) -> Iterator[Shop]:
    """An empty shop for all tests here; each makes products of its own."""
    yield from open_fresh(server)


def add(shop: Shop, product: str, *skus: str, who: str = "Mia", **more: Any) -> CatalogImport:
    variants = [NewVariant(sku=sku, size=sku.rpartition("-")[2], units=3) for sku in skus]
    done: CatalogImport = shop.run(
        products.add_product, who, **{"product": product, "variants": variants, "key": key()} | more
    )
    return done


def refused(shop: Shop, *skus: str, product: str = "Moor Shoe", **more: Any) -> str:
    before = shop.rows("select * from products p full join product_variants v on v.product_id = p.id order by 1, v.id")
    with pytest.raises(Refused) as refusal:
        add(shop, product, *skus, **more)
    after = shop.rows("select * from products p full join product_variants v on v.product_id = p.id order by 1, v.id")
    assert before == after
    return refusal.value.message


def test_a_first_and_a_second_product_are_made_with_their_variants_and_one_initial_count(counter: Shop) -> None:
    typed = [NewVariant(sku=" RUN-42 ", size="42", units=5), NewVariant(sku="RUN-43", size="43")]
    done = add(counter, "Trail Runner", variants=typed, brand="Fjell", price="129,90")
    assert (done.products_added, done.variants_added, done.variants_counted, done.units_counted) == (1, 2, 1, 5)
    assert add(counter, "Lace", variants=[NewVariant(sku="LACE")]).products_added == 1
    rows = counter.rows(
        """select p.name, p.brand, v.sku, v.size, v.price, v.stock_quantity, v.id
             from products p join product_variants v on v.product_id = p.id
            where v.sku in ('RUN-42', 'RUN-43', 'LACE') order by v.sku"""
    )
    assert [tuple(map(str, row[:-1])) for row in rows] == [
        ("Lace", "None", "LACE", "None", "None", "0"),
        ("Trail Runner", "Fjell", "RUN-42", "42", "129.90", "5"),
        ("Trail Runner", "Fjell", "RUN-43", "43", "129.90", "0"),
    ]
    (moved,) = counter.rows("select * from stock_movements where sku like 'RUN-%'")
    assert (moved.movement_type, moved.reason, moved.performed_by) == ("count", "initial_count", "Mia")
    assert_holds(counter, rows[1].id)


def test_the_same_click_again_is_the_same_product_and_other_values_under_its_key_are_refused(counter: Shop) -> None:
    once = key()
    first = add(counter, "Clog", "CLOG-40", key=once)
    assert add(counter, "Clog", "CLOG-40", key=once) == CatalogImport(
        **{name: getattr(first, name) for name in CatalogImport.__slots__} | {"replayed": True}
    )
    with pytest.raises(KeyReused):
        add(counter, "Clog", "CLOG-41", key=once)


def test_a_sku_of_the_shop_is_refused_and_its_product_is_not_renamed(counter: Shop) -> None:
    add(counter, "Boot", "BOOT-40", brand="Halde")
    assert (
        refused(counter, "BOOT-40", "MOOR-41") == 'SKU BOOT-40 is in the shop already: it belongs to "Boot", size 40.'
    )
    assert refused(counter, "boot-40") == (
        'SKU of size 40 "boot-40" differs only in letter case from "BOOT-40" in the shop.'
    )


def test_a_product_of_the_shop_gets_more_sizes_only_if_that_is_meant(counter: Shop) -> None:
    add(counter, "Sandal", "SAN-40", brand="Halde")
    with pytest.raises(InvalidInput) as refusal:
        add(counter, "sandal", "SAN-41")
    assert refusal.value.facts["is_known"]
    assert refusal.value.message == (
        'Product "Sandal" is in the shop already, with the SKUs SAN-40. '
        "If you mean that product, add these sizes to it."
    )
    assert refused(counter, "SAN-41", product="Sandal", brand="Fjell", to_known=True) == (
        'Brand "Fjell" is not that of "Sandal", which is "Halde".'
    )
    done = add(counter, "Sandal", "SAN-41", to_known=True)
    assert (done.products_added, done.variants_added) == (0, 1)
    assert counter.sql("select count(distinct product_id) from product_variants where sku like 'SAN-%'") == 1


def test_two_people_who_type_one_product_at_once_make_one(counter: Shop) -> None:
    def attempt(who: str) -> str:
        try:
            add(counter, "Race Shoe", "RACE-40", who=who)
        except InvalidInput as error:
            return error.message
        return "added"

    for who in ("Mia", "Ada"):
        counter.person(who)
    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(attempt, ("Mia", "Ada")))
    assert answers == ['SKU RACE-40 is in the shop already: it belongs to "Race Shoe", size 40.', "added"]
    assert counter.sql("select sum(quantity) from stock_movements where sku = 'RACE-40'") == 3


def test_each_mistake_is_named_in_a_sentence_and_all_of_them_at_once(counter: Shop) -> None:
    assert refused(counter, "", "M-41", "m-41", product=" ", price="cheap") == (
        'Price "cheap" is not an amount such as 129.90. SKU is missing. Product is missing. '
        'SKU of size 41 "m-41" is also the SKU of size 41.'
    )
    odd = [NewVariant(sku="M-42", size="42", units=-1)]
    assert refused(counter, variants=odd) == 'Units of size 42 "-1" is not a whole number, zero or more.'
    long = [NewVariant(sku="M-43", size="4" * 41)]
    assert refused(counter, variants=long) == f'Size "{"4" * 40}..." has more than 40 characters.'
    assert refused(counter) == "Sizes must be 1 to 60."


@pytest.mark.parametrize("who", ["Wanda", "Sam", "Carl"])
def test_only_those_who_may_import_a_catalogue_add_products(counter: Shop, who: str) -> None:
    with pytest.raises((Forbidden, SignInRequired)):
        add(counter, "Theirs", f"{who}-1", who=who)


def test_the_sample_gets_a_product_only_if_that_is_meant(counter: Shop) -> None:
    counter.sql("update stockroom.shop set is_sample = true")
    try:
        assert "holds the sample data" in refused(counter, "SMP-1")
        assert add(counter, "Sample too", "SMP-1", into_sample=True).products_added == 1
    finally:
        counter.sql("update stockroom.shop set is_sample = false")
