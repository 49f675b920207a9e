"""Guesses for a person who enters lines, and the nearest variants to what a person types or a cart calls its goods."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from core.foundation.errors import StockError
from core.orders import guesses, lines, nearest
from core.orders.guesses import Guess
from tests.core.orders.test_lines import read, unread
from tests.stripe.shop import Stripe
from tests.support.builders import Shop


@pytest.fixture
def dear(fresh_shop: Shop) -> Shop:
    """A shop in dollars."""
    fresh_shop.sql("update stockroom.shop set currency = 'USD'")
    return fresh_shop


def size(shop: Shop, model: UUID, size: str, **columns: Any) -> UUID:
    """Another size of a model."""
    made = shop.variant(5, size=size, **columns)
    shop.sql("""update product_variants set product_id = (select product_id from product_variants where id = :model)
                 where id = :id""", id=made, model=model)  # fmt: skip
    return made


def guessed(shop: Shop, raw: Any, amount: int = 1) -> tuple[Guess, ...]:
    written = raw if isinstance(raw, str) else json.dumps(raw)
    _, order = unread(shop, amount, cart_raw=written)
    found: tuple[Guess, ...] = shop.run(guesses.guesses, "Sam", order_id=order)
    return found


def offered(found: tuple[Guess, ...]) -> list[list[tuple[UUID, int]]]:
    return [[(pick.variant_id, units) for pick, units, _ in guess.lines] for guess in found]


def test_a_sku_or_barcode_in_the_text_is_offered_before_a_name(dear: Shop) -> None:
    named = dear.variant(5, product="Halde Boot", sku="HB-1")
    coded, barred = dear.variant(5, sku="TR-42"), dear.variant(5, barcode="4006381333931")
    found = guessed(dear, {"a": "halde boot", "wares": "tr-42:2;4006381333931:1"})
    assert {each[0][0] for each in offered(found)[:2]} == {coded, barred}
    assert offered(found)[2:] == [[(named, 1)]]
    assert [guess.why for guess in found] == ["its code is in the text"] * 2 + ["product and size are in the text"]


def test_of_a_product_in_the_text_its_size_is_offered_or_else_all_sizes(dear: Shop) -> None:
    first = dear.variant(5, product="Halde Boot", size="42", sku="HB-42")
    second = size(dear, first, "43", sku="HB-43")
    assert offered(guessed(dear, "Halde Boot / 43")) == [[(second, 1)]]
    assert offered(guessed(dear, "Halde Boot / 42")) == [[(first, 1)]]
    assert offered(guessed(dear, "Halde Boots / 43")) == [], "a part of a word is not the name"
    assert sorted(offered(guessed(dear, "one Halde Boot"))) == sorted([[(first, 1)], [(second, 1)]])


def test_what_was_paid_points_to_variants_with_that_price(dear: Shop) -> None:
    boot, mug = dear.variant(5, sku="B", price=119.90), dear.variant(5, sku="M", price=9)
    assert offered(guessed(dear, "{[", 11990)) == [[(boot, 1)]]
    assert offered(guessed(dear, "{[", 2700)) == [[(mug, 3)]]
    assert offered(guessed(dear, "{[", 12890)) == [[(boot, 1), (mug, 1)]], "two that cost it together"
    assert offered(guessed(dear, "{[", 7)) == []


def test_prices_in_another_currency_say_nothing(dear: Shop) -> None:
    dear.variant(5, sku="B", price=119.90)
    dear.sql("update stockroom.shop set currency = 'EUR'")
    found = guessed(dear, "B", 11990)
    assert [(pick.sku, pick.unit_price) for guess in found for pick, *_ in guess.lines] == [("B", None)]


def test_the_possible_readings_of_the_cart_are_offered_whole(dear: Shop) -> None:
    boot, mug = dear.variant(5, sku="B"), dear.variant(5, sku="M", price=9)
    _, order = unread(dear)
    reading = {"how": "code, quantity", "lines": [
        {"code": "B", "quantity": 2, "unit_price": 500, "variant_id": str(boot)},
        {"code": "M", "quantity": 1, "unit_price": None, "variant_id": str(mug)}]}  # fmt: skip
    half = {
        "how": "code",
        "lines": [{"code": "B", "quantity": 1, "variant_id": str(boot)}, {"code": "?", "quantity": 1}],
    }
    dear.sql("update stockroom.orders set readings = cast(:readings as jsonb)", readings=json.dumps([half, reading]))
    first = dear.run(guesses.guesses, "Sam", order_id=order)[0]
    assert [(pick.variant_id, units, price) for pick, units, price in first.lines] == [(boot, 2, 500), (mug, 1, 900)]
    assert first.why == "the cart, read by code, quantity"


def test_what_came_with_the_payment_is_its_metadata(fresh_shop: Shop) -> None:
    stripe = Stripe(fresh_shop)
    stripe.account.pay(1000, metadata={"wares": "TR-42 or so", "gift": "no"})
    stripe.webhook()
    stripe.work()
    order = stripe.shop.sql("select max(id) from stockroom.orders")
    assert set(stripe.shop.run(guesses.sheet, "Sam", order_id=order).told) == {("wares", "TR-42 or so"), ("gift", "no")}


def test_a_search_finds_what_is_meant_beyond_doubt_or_offers_what_matches(dear: Shop) -> None:
    first = dear.variant(5, product="Halde Boot", size="42", sku="HB-42", price=10)
    second = size(dear, first, "43", sku="HB-43", barcode="4006381333931")
    dear.variant(5, sku="TWIN-1", barcode="77"), dear.variant(5, sku="TWIN-2", barcode="77")

    def find(text: str) -> list[str]:
        return sorted(pick.sku for pick in dear.run(lines.find, "Sam", text=text, currency="usd"))

    assert [find("hb-42"), find(" 4006381333931 "), find("boot 43"), find("Halde")] == [
        ["HB-42"], ["HB-43"], ["HB-43"], ["HB-42", "HB-43"]]  # fmt: skip
    assert find("77") == ["TWIN-1", "TWIN-2"], "a shared barcode is not guessed"
    assert find("nothing like it") == []
    (pick,) = dear.run(lines.find, "Sam", text="HB-43", currency="usd")
    assert (pick.variant_id, pick.unit_price, pick.available) == (second, None, 5)


def test_an_order_that_was_read_shows_its_lines(dear: Shop) -> None:
    shoe = dear.variant(5)
    _, order = read(dear, (shoe, 2))
    found = dear.run(guesses.sheet, "Sam", order_id=order)
    assert (found.is_read, found.extras, [line.quantity for line in found.lines]) == (True, 0, [2])
    assert dear.run(guesses.sheet, "Sam", order_id=order + 1) is None


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
