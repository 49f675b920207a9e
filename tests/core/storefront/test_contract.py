"""The storefront's contract in the database: check a cart, take an order, hold units, release them."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest

from core.people import api_keys
from core.people.api_keys import Scope
from core.storefront.api import create_api
from tests.core.catalog.test_editing import edit
from tests.core.storefront.test_api import Http, is_problem
from tests.support.builders import Shop


def validate(shop: Shop, *items: Any) -> dict[str, Any]:
    found: dict[str, Any] = shop.sql(
        "select public.validate_order_stock(cast(:items as jsonb))", items=json.dumps(list(items))
    )
    return found


def codes(answer: dict[str, Any]) -> list[str]:
    return [issue["code"] for issue in answer["issues"]]


def product_of(shop: Shop, variant: UUID) -> str:
    return str(shop.sql("select product_id from public.product_variants where id = :id", id=variant))


def process(shop: Shop, order: UUID, *items: Any) -> dict[str, Any]:
    found: dict[str, Any] = shop.sql(
        "select public.process_order_stock_changes(:id, cast(:items as jsonb))", id=order, items=json.dumps(list(items))
    )
    return found


def reserve(shop: Shop, reference: str, *items: Any, ttl: int = 600) -> dict[str, Any]:
    found: dict[str, Any] = shop.sql(
        "select public.reserve_stock(cast(:items as jsonb), :reference, :ttl)",
        items=json.dumps(list(items)), reference=reference, ttl=ttl,
    )  # fmt: skip
    return found


def test_a_cart_that_can_be_sold_is_valid_in_either_spelling(shop: Shop) -> None:
    shoe = shop.variant(3)
    for item in ({"variant_id": str(shoe), "quantity": 3}, {"variantId": str(shoe), "quantity": "3"}):
        answer = validate(shop, item)
        assert (answer["valid"], answer["issues"]) == (True, [])
        assert answer["items"][0]["availableStock"] == 3


def test_a_line_without_a_variant_is_checked_against_all_active_variants_of_its_product(shop: Shop) -> None:
    shoe = shop.variant(2)
    product = product_of(shop, shoe)
    for on_hand, active in ((1, True), (9, False)):
        shop.sql(
            """insert into public.product_variants (product_id, sku, stock_quantity, is_active)
               values (cast(:product as uuid), :sku, :on_hand, :active)""",
            product=product, sku=uuid4().hex, on_hand=on_hand, active=active,
        )  # fmt: skip
    assert validate(shop, {"product_id": product, "quantity": 3})["valid"]
    short = validate(shop, {"id": "line-1", "product_id": product, "quantity": 4})
    assert codes(short) == ["insufficient_stock"]
    issue = short["issues"][0]
    assert (issue["itemId"], issue["requested"], issue["availableStock"]) == ("line-1", 4, 3)


def test_the_same_variant_on_two_lines_counts_together(shop: Shop) -> None:
    shoe = shop.variant(3)
    answer = validate(shop, {"variant_id": str(shoe), "quantity": 2}, {"variant_id": str(shoe), "quantity": 2})
    assert codes(answer) == ["insufficient_stock"] * 2


@pytest.mark.parametrize("quantity", [0, -1, 1.5, "two", None, True, 10**9, [1], "1e3"])
def test_an_absurd_quantity_is_an_issue_not_a_crash(shop: Shop, quantity: Any) -> None:
    assert codes(validate(shop, {"variant_id": str(shop.variant(3)), "quantity": quantity})) == ["invalid_quantity"]


def test_what_is_unknown_inactive_or_sold_out_is_an_issue_with_words(shop: Shop) -> None:
    gone, empty = shop.variant(3, is_active=False), shop.variant(0, product="Halde Boot")
    answer = validate(
        shop,
        {"variant_id": str(uuid4()), "quantity": 1},
        {"variant_id": "no uuid at all", "quantity": 1},
        {"sku": "NOBODY-HAS-IT", "quantity": 1},
        {"product_id": str(uuid4()), "quantity": 1},
        {"quantity": 1},
        {"variant_id": str(gone), "quantity": 1},
        {"variant_id": str(empty), "quantity": 1},
    )
    assert (answer["total_items"], answer["valid_items"]) == (7, 0)
    assert [(error["code"], error["error"]) for error in answer["errors"]] == [
        (issue["code"], issue["message"]) for issue in answer["issues"]
    ]
    assert codes(answer) == [
        "unknown_variant", "unknown_variant", "unknown_variant", "unknown_product", "unknown_product", "inactive",
        "out_of_stock",
    ]  # fmt: skip
    assert answer["issues"][-1]["message"] == "Halde Boot is out of stock."


@pytest.mark.parametrize("items", ["[]", "{}", "null", "[5]", '"shoes"', json.dumps([{}] * 501)])
def test_what_is_no_cart_is_answered_and_not_valid(shop: Shop, items: str) -> None:
    answer = shop.sql("select public.validate_order_stock(cast(:items as jsonb))", items=items)
    assert (answer["valid"], codes(answer)) == (False, ["invalid_items"])


def test_units_held_for_another_cart_cannot_be_sold_until_their_time_is_over(shop: Shop) -> None:
    shoe = shop.variant(2)
    held = reserve(shop, uuid4().hex, {"variant_id": str(shoe), "quantity": 2})
    assert codes(validate(shop, {"variant_id": str(shoe), "quantity": 1})) == ["out_of_stock"]
    shop.sql(
        "update stockroom.reservations set expires_at = now() where id = cast(:id as uuid)", id=held["reservation_id"]
    )
    assert validate(shop, {"variant_id": str(shoe), "quantity": 2})["valid"], "no job has to end it first"


def test_an_order_of_the_storefront_leaves_the_shelf_once_line_by_line(shop: Shop) -> None:
    plenty, short, order = shop.variant(5), shop.variant(1), uuid4()
    items = [{"variant_id": str(plenty), "quantity": 2}, {"variant_id": str(short), "quantity": 2}]
    first = process(shop, order, *items)
    assert (first["success"], first["recorded"]) == (False, True), "a line failed, and the order stands"
    assert first["message"].startswith("The order is recorded and stands. 1 of its 2 lines could not be taken")
    assert (first["total_items"], first["valid_items"]) == (2, 1)
    assert [(error["variant_id"], error["code"]) for error in first["errors"]] == [(str(short), "insufficient_stock")]
    assert [(line["state"], line["taken"], line["error"]) for line in first["lines"]] == [
        ("taken", 2, None), ("failed", 0, "insufficient_stock"),
    ]  # fmt: skip
    assert process(shop, order, *items) == first
    assert (shop.on_hand(plenty), shop.on_hand(short)) == (3, 1)
    assert shop.sql("select count(*) from stockroom.alerts where cause = :cause", cause=f"order:order:{order}") == 1


def test_an_order_with_an_absurd_quantity_changes_nothing(shop: Shop) -> None:
    shoe = shop.variant(5)
    answer = process(shop, uuid4(), {"variant_id": str(shoe), "quantity": 2}, {"variant_id": str(shoe), "quantity": 0})
    assert (answer["success"], answer["recorded"], answer["errors"][0]["error"]) == (False, False, answer["error"])
    assert shop.on_hand(shoe) == 5


def test_a_hold_is_named_by_its_reference_and_released_once(shop: Shop) -> None:
    shoe, cart = shop.variant(3), uuid4().hex
    held = reserve(shop, cart, {"variant_id": str(shoe), "quantity": 2})
    assert held == reserve(shop, cart, {"variant_id": str(shoe), "quantity": 2})
    short = reserve(shop, uuid4().hex, {"variant_id": str(shoe), "quantity": 2})
    assert (short["success"], short["short"][0]["available"]) == (False, 1)
    for _ in range(2):
        done = shop.sql("select public.release_reservation(cast(:id as uuid))", id=held["reservation_id"])
        assert (done["success"], done["state"]) == (True, "released")
    missing = shop.sql("select public.release_reservation(gen_random_uuid())")
    assert not missing["success"]


@pytest.mark.parametrize("items", ["[]", "{}", "null", "[5]", '"shoes"', json.dumps([{}] * 501)])
def test_an_order_without_a_cart_is_refused_and_can_be_sent_again(shop: Shop, items: str) -> None:
    shoe, order = shop.variant(2), uuid4()
    statement = "select public.process_order_stock_changes(:id, cast(:items as jsonb))"
    answer = shop.sql(statement, id=order, items=items)
    assert (answer["success"], answer["recorded"], answer["errors"][0]["code"]) == (False, False, "invalid_items")
    assert not shop.sql("select public.process_order_stock_changes(:id, null)", id=order)["recorded"]
    again = process(shop, order, {"variant_id": str(shoe), "quantity": 2})
    assert (again["success"], shop.on_hand(shoe)) == (True, 0)


def test_an_order_without_an_id_is_refused(shop: Shop) -> None:
    shoe = shop.variant(2)
    line = json.dumps([{"variant_id": str(shoe), "quantity": 1}])
    answer = shop.sql("select public.process_order_stock_changes(null, cast(:items as jsonb))", items=line)
    assert (answer["recorded"], answer["error"], shop.on_hand(shoe)) == (False, "Order_id is missing.", 2)


@pytest.mark.parametrize("end", ["update stockroom.reservations set expires_at = now() where id = cast(:id as uuid)",
                                 "select public.release_reservation(cast(:id as uuid))"])  # fmt: skip
def test_a_buyer_who_comes_back_after_the_hold_has_ended_gets_the_units_again_or_hears_that_they_are_gone(
    shop: Shop, end: str
) -> None:
    shoe, cart = shop.variant(2), uuid4().hex
    line = {"variant_id": str(shoe), "quantity": 2}
    first = reserve(shop, cart, line)
    shop.sql(end, id=first["reservation_id"])
    again = reserve(shop, cart, line)
    assert (again["success"], again["state"], again == reserve(shop, cart, line)) == (True, "active", True)
    assert again["reservation_id"] != first["reservation_id"]
    shop.sql("select public.release_reservation(cast(:id as uuid))", id=again["reservation_id"])
    assert reserve(shop, uuid4().hex, line)["success"]
    gone = reserve(shop, cart, line)
    assert (gone["success"], gone["short"][0]["available"]) == (False, 0)


def test_a_changed_cart_takes_the_place_of_the_old_one_or_the_old_hold_stays(shop: Shop) -> None:
    shoe, cart = shop.variant(3), uuid4().hex
    first = reserve(shop, cart, {"variant_id": str(shoe), "quantity": 1})
    second = reserve(shop, cart, {"variant_id": str(shoe), "quantity": 3})
    assert (second["success"], second["lines"][0]["quantity"]) == (True, 3)
    assert not reserve(shop, cart, {"variant_id": str(shoe), "quantity": 4})["success"]
    states = "select state from stockroom.reservations where reference = :cart order by created_at"
    assert [row[0] for row in shop.rows(states, cart=cart)] == ["released", "active"]
    assert shop.sql("select reserved_quantity from public.product_variants where id = :id", id=shoe) == 3
    assert first["reservation_id"] != second["reservation_id"]


def test_a_key_names_one_hold_which_is_no_success_once_it_has_ended(shop: Shop) -> None:
    statement = "select public.reserve_stock(cast(:items as jsonb), null, 600, :key)"
    cart = {"items": json.dumps([{"variant_id": str(shop.variant(1)), "quantity": 1}]), "key": uuid4().hex}
    held = shop.sql(statement, **cart)
    shop.sql("select public.release_reservation(cast(:id as uuid))", id=held["reservation_id"])
    ended = shop.sql(statement, **cart)
    assert (ended["success"], ended["state"]) == (False, "released")
    assert ended["error"] == "The reservation has expired or was released."


def test_two_tabs_that_hold_one_cart_at_once_have_one_hold(shop: Shop) -> None:
    shoe, cart = shop.variant(9), uuid4().hex
    with ThreadPoolExecutor(8) as tabs:
        held = list(tabs.map(lambda _: reserve(shop, cart, {"variant_id": str(shoe), "quantity": 1}), range(8)))
    assert len({answer["reservation_id"] for answer in held}) == 1
    assert shop.sql("select reserved_quantity from public.product_variants where id = :id", id=shoe) == 1


def test_what_a_check_finds_sellable_is_held_too(shop: Shop) -> None:
    former, new = f"Old-{uuid4().hex[:8]}", f"New-{uuid4().hex[:8]}"
    shoe = shop.variant(9, sku=former)
    edit(shop, shoe, sku=new)
    for spelling in (new, former, former.lower(), f" {new}", new.replace("-", "\N{EN DASH}")):
        line = {"sku": spelling, "quantity": 1}
        assert validate(shop, line)["valid"], spelling
        held = reserve(shop, uuid4().hex, line)
        assert (held["success"], held["lines"][0]["variant_id"]) == (True, str(shoe)), spelling


def test_an_order_takes_the_units_that_were_held_with_its_id_as_the_reference(shop: Shop) -> None:
    shoe, order = shop.variant(2), uuid4()
    cart = {"variant_id": str(shoe), "quantity": 2}
    held = reserve(shop, str(order), cart)
    assert process(shop, uuid4(), cart)["lines"][0]["error"] == "insufficient_stock"
    assert [process(shop, order, cart)["lines"][0]["state"] for _ in range(2)] == ["taken"] * 2
    assert process(shop, order, cart)["success"]
    state = shop.sql("select state from stockroom.reservations where id = :id", id=UUID(held["reservation_id"]))
    assert (state, shop.on_hand(shoe)) == ("consumed", 0)


def test_an_expired_hold_does_not_count_even_before_the_job_ends_it(shop: Shop) -> None:
    shoe = shop.variant(1)
    held = reserve(shop, uuid4().hex, {"variant_id": str(shoe), "quantity": 1})
    assert not shop.sql("select public.update_variant_stock(:id, -1)", id=shoe)["success"]
    shop.sql("update stockroom.reservations set expires_at = now() where id = :id", id=UUID(held["reservation_id"]))
    assert shop.sql("select public.update_variant_stock(:id, -1)", id=shoe)["success"]
    assert shop.on_hand(shoe) == 0


WITHOUT = {
    "no products": ("drop table public.products cascade", "the table public.products is missing"),
    "no variants": ("drop table public.product_variants cascade", "the table public.product_variants is missing"),
    "an empty catalogue": ("select", "the catalogue has no variants"),
}


@pytest.mark.parametrize("name", WITHOUT)
def test_without_a_catalogue_a_cart_is_not_judged_as_with_the_database_away(fresh_shop: Shop, name: str) -> None:
    change, why = WITHOUT[name]
    key = fresh_shop.run(api_keys.make, "Ada", name="Web shop", scopes=tuple(Scope))
    fresh_shop.sql(f"set role stockroom_owner; {change}")
    answer = validate(fresh_shop, {"sku": "HALDE-42", "quantity": 1})
    assert (answer["valid"], answer["verified"], codes(answer)) == (False, False, ["unavailable"])
    assert why in answer["issues"][0]["message"]
    careful, bold = (
        Http(create_api(lambda: fresh_shop.engine, sell_unverified=chosen), {"Authorization": f"Bearer {key}"})
        for chosen in (False, True)
    )
    cart = {"items": [{"sku": "HALDE-42", "quantity": 1}]}
    assert why in is_problem(careful.post("/stock/validate", json=cart), 503)["detail"]
    told = bold.post("/stock/validate", json=cart).json()
    assert (told["valid"], told["verified"]) == (True, False)
