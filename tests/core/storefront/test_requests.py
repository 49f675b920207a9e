"""Storefronts ask for payments in their own words: what may be missing, what an item may name, what an answer says."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from core.people.api_keys import Scope
from core.storefront.api import create_api
from core.storefront.purchases import NO_NAME, cart_name, read_shipping
from tests.core.storefront.test_api import Client, Http, is_problem
from tests.core.storefront.test_checkout import PATH, Till, of, reserved
from tests.core.storefront.test_contract import codes, product_of, reserve, validate
from tests.support.builders import Shop

STRIPE_STYLE = {
    "name": "Kim Buyer",
    "phone": "+49 30 1",
    "address": {"line1": "Main Street 1", "city": "Berlin", "postal_code": "10115", "country": "de", "state": None},
}
FLAT = {"firstName": "Kim", "lastName": "Buyer", "address": "Main Street 1", "city": "Berlin", "zipCode": 10115,
        "country": "DE", "phone": "+49 30 1"}  # fmt: skip
KNOWN = {
    "name": "Kim Buyer",
    "phone": "+49 30 1",
    "address": {"line1": "Main Street 1", "city": "Berlin", "postal_code": "10115", "country": "DE"},
}
FIVE = {"name": NO_NAME, "address": {"line1": "5"}}


@pytest.fixture
def till(shop: Shop) -> Till:
    return Till(shop)


@pytest.fixture
def sizes(shop: Shop) -> dict[str, UUID]:
    """A product in three sizes: 42, 43 in two colours, and 44, which is not sold any more."""
    shoe = shop.variant(5, price=10, size="42", product="Dune Runner")
    product = product_of(shop, shoe)
    made = {"42": shoe, "product": UUID(product)}
    for size, color, active in (("43", "red", True), ("43", "Blue", True), ("44", None, False)):
        variant = shop.variant(5, price=10, size=size, color=color, is_active=active)
        shop.sql("update public.product_variants set product_id = :product where id = :id", product=product, id=variant)
        made[f"{size} {color}"] = variant
    return made


@pytest.mark.parametrize("currency", [{}, {"currency": None}, {"currency": "EUR"}])
def test_without_a_currency_it_is_the_shops(till: Till, currency: dict[str, Any]) -> None:
    body = {"items": [of(till.shop.variant(5, price=10))], **currency}
    told = till.client.http.post(PATH, json=body).json()
    assert (told["currency"], till.payments[0]["currency"]) == ("eur", "eur")


@pytest.mark.parametrize(
    ("shipping", "cost"),
    [({}, 0), ({"shipping": None}, 0), ({"shipping": 490}, 490), ({"shipping": 490.0}, 490), ({"shipping": {}}, 0),
     ({"shipping": STRIPE_STYLE}, 0), ({"shipping": {**FLAT, "amount": 490}}, 490)],
)  # fmt: skip
def test_shipping_may_be_missing_a_number_or_an_address(till: Till, shipping: dict[str, Any], cost: int) -> None:
    answer = till.pay(of(till.shop.variant(5, price=10), 2), **shipping)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert told["breakdown"] == {"subtotal": 2_000, "shipping": cost, "tax": 0, "total": 2_000 + cost}
    assert told["tax"] == {"by": "none", "rate": None}
    assert (told["amount"], told["shipping"]) == (2_000 + cost, cost)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (STRIPE_STYLE, (None, KNOWN)),
        (FLAT, (None, KNOWN)),
        ({"line1": "Main Street 1", "cost": 5}, (5, {"name": NO_NAME, "address": {"line1": "Main Street 1"}})),
        ({"address": {"country": "Germany"}}, (None, None)),
        ({"method": "express", "address": 5, "city": ["x"], "name": "\x00"}, (None, FIVE)),
    ],
)  # fmt: skip
def test_an_address_is_read_flat_or_as_stripe_has_it(value: Any, read: tuple[Any, Any]) -> None:
    assert read_shipping(value) == read


def test_an_address_goes_to_stripe(till: Till) -> None:
    till.pay(of(till.shop.variant(5, price=10)), shipping=FLAT)
    assert till.payments[0]["shipping"] == KNOWN


@pytest.mark.parametrize("shipping", [4.9, -1, 10**9, {"amount": "490"}, {"amount": 4.9}])
def test_a_cost_of_shipping_that_is_none_is_refused_in_a_sentence(till: Till, shipping: Any) -> None:
    told = is_problem(till.pay(of(till.shop.variant(5, price=10)), shipping=shipping), 422)
    assert told["error"] == told["detail"]
    assert "minor units" in told["detail"]


@pytest.mark.parametrize("names", [("productId", "size"), ("product_id", "size")])
def test_an_item_may_name_product_and_size(till: Till, sizes: dict[str, UUID], names: tuple[str, str]) -> None:
    item = dict(zip(names, (str(sizes["product"]), "42"), strict=True))
    told = till.pay({**item, "quantity": 2}).json()
    assert [line["variantId"] for line in told["lines"]] == [str(sizes["42"])]
    assert reserved(till.shop, sizes["42"]) == 2
    blue = till.pay({"productId": str(sizes["product"]), "size": 43, "color": "blue", "quantity": 1}).json()
    assert [line["variantId"] for line in blue["lines"]] == [str(sizes["43 Blue"])]


@pytest.mark.parametrize(
    ("more", "why", "choices"),
    [({"size": "43"}, "of which 2 variants are meant", 2), ({}, "of which 3 variants are meant", 3),
     ({"size": "44"}, "in a size or colour that it does not have; it has: ", 3)],
)  # fmt: skip
def test_an_item_that_means_several_variants_or_none_is_refused_with_the_list(
    till: Till, sizes: dict[str, UUID], more: dict[str, Any], why: str, choices: int
) -> None:
    told = is_problem(till.pay({"productId": str(sizes["product"]), "quantity": 1, **more}), 422)
    assert why in told["detail"]
    assert len(told["choices"]) == choices
    assert {choice["variantId"] for choice in told["choices"]} <= {str(each) for each in sizes.values()}
    assert till.payments == []


def test_an_item_without_a_product_that_is_known_is_refused(till: Till) -> None:
    assert "not in the catalogue" in is_problem(till.pay({"productId": str(uuid4()), "quantity": 1}), 422)["detail"]
    assert "need a variant, a SKU, or a product" in is_problem(till.pay({"quantity": 1}), 422)["detail"]


def test_in_an_empty_catalogue_every_cart_is_refused(fresh_shop: Shop) -> None:
    till = Till(fresh_shop)
    for item in (of(uuid4()), {"sku": "NONE", "quantity": 1}, {"productId": str(uuid4()), "quantity": 1}):
        assert "not in the catalogue" in is_problem(till.pay(item), 422)["detail"]


def test_a_line_with_an_unknown_variant_is_not_sold_by_its_sku(till: Till) -> None:
    till.shop.variant(5, price=10, sku="KNOWN-1")
    known = till.shop.variant(5, price=10)
    told = is_problem(till.pay(of(known), {"variantId": str(uuid4()), "sku": "KNOWN-1", "quantity": 1}), 422)
    assert "not in the catalogue" in told["detail"]


def test_a_product_may_be_named_by_its_slug_where_products_have_one(till: Till, sizes: dict[str, UUID]) -> None:
    shop, slug = till.shop, uuid4().hex
    assert "not in the catalogue" in is_problem(till.pay({"slug": slug, "size": "42", "quantity": 1}), 422)["detail"]
    shop.sql("alter table public.products add column slug text")
    try:
        shop.sql("update public.products set slug = :slug where id = :id", slug=slug, id=sizes["product"])
        for name in ("slug", "productId"):
            assert till.pay({name: slug, "size": "42", "quantity": 1}).status_code == 201
        assert validate(shop, {"slug": slug, "size": "42", "quantity": 5})["issues"]
    finally:
        shop.sql("alter table public.products drop column slug")


def test_a_cart_is_checked_by_product_and_size_too(shop: Shop, sizes: dict[str, UUID]) -> None:
    product = str(sizes["product"])
    assert codes(validate(shop, {"productId": product, "size": "42", "quantity": 6})) == ["insufficient_stock"]
    assert codes(validate(shop, {"productId": product, "quantity": 6})) == []
    told = Client(shop).validate({"productId": product, "size": "42", "quantity": 6}).json()
    assert (told["valid"], told["total_items"], told["valid_items"]) == (False, 1, 0)
    assert told["errors"][0]["variant_id"] == str(sizes["42"])
    assert told["errors"][0]["error"] == told["issues"][0]["message"]


def test_units_are_held_in_sql_by_either_spelling_and_by_product_and_size(shop: Shop, sizes: dict[str, UUID]) -> None:
    shoe, product = str(sizes["42"]), str(sizes["product"])
    for item in ({"variantId": shoe}, {"variant_id": shoe}, {"product_id": product, "size": "42"}):
        assert reserve(shop, uuid4().hex, {**item, "quantity": 1})["success"], item
    assert reserved(shop, sizes["42"]) == 3
    vague = reserve(shop, uuid4().hex, {"productId": product, "size": "43", "quantity": 1})
    assert (vague["success"], len(vague["choices"])) == (False, 2)


@pytest.mark.parametrize("name", ["cart-7", "Kim's cart №7 🛒", 7, "a\nb\x00", "x" * 5_000, "\ud800"])
def test_any_text_may_be_the_id_of_a_cart(till: Till, name: Any) -> None:
    mark = uuid4().hex
    given = f"{mark}{name}" if isinstance(name, str) else name
    shoe = till.shop.variant(5, price=10)
    body = f'{{"items": [{{"variantId": "{shoe}", "quantity": 1}}], "metadata": {{"cartId": {json.dumps(given)}}}}}'
    answers = [
        till.client.http.post(PATH, content=body, headers={"Content-Type": "application/json"}) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201], answers[0].text
    assert answers[0].json()["cartId"] == till.payments[0]["metadata"]["cartId"] == cart_name(given)
    assert (len(till.payments), reserved(till.shop, shoe)) == (1, 1)


def test_the_names_of_carts_that_cannot_be_stored_stay_different() -> None:
    assert cart_name("x" * 500) != cart_name("x" * 501)
    assert cart_name("a\x00b") != cart_name("a\x01b")
    assert (cart_name(" c-7 "), cart_name(""), cart_name(None), cart_name(" ")) == ("c-7", None, None, None)


def test_every_refusal_has_error_beside_detail(shop: Shop) -> None:
    stranger = Http(create_api(lambda: shop.engine))
    narrow = Client(shop, Scope.VALIDATE)
    for answer, status in (
        (stranger.post(PATH, json={}), 401),
        (narrow.http.post(PATH, json={"items": [of(uuid4())]}), 403),
        (narrow.http.get("/nowhere"), 404),
        (narrow.http.post("/stock/validate", json={}), 422),
        (narrow.http.post("/stock/validate", content=b" " * 300_000), 413),
    ):
        told = is_problem(answer, status)
        assert told["error"] == told["detail"]


def test_seconds_may_be_spelt_both_ways(till: Till) -> None:
    shoe = till.shop.variant(5, price=10)
    for spelling in ("ttl_seconds", "ttlSeconds"):
        more: dict[str, Any] = {spelling: 60}
        assert till.client.hold(of(shoe), **more).status_code == 201
        is_problem(till.pay(of(shoe), **more | {spelling: 5}), 422)
