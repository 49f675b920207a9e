"""The storefront's atomic call `update_variant_stock` returns the outcome and never raises for a refusal."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from tests.support.builders import Shop, key
from tests.support.proof import assert_holds

CONTRACT = {
    "success",
    "variant_id",
    "previous_stock",
    "new_stock",
    "available_stock",
    "reserved_stock",
    "change_applied",
    "movement_id",
    "timestamp",
}


def call(shop: Shop, variant: UUID | None, change: int | None, **extra: str) -> dict[str, Any]:
    """Call it as a storefront does: by the names of its arguments, as the dashboard's role."""
    names = {"variant_id": variant, "quantity_change": change} | extra
    arguments = ", ".join(f"{name} => :{name}" for name in names)
    with shop.engine.begin() as connection:
        outcome = connection.execute(text(f"select public.update_variant_stock({arguments})"), names).scalar_one()
    assert isinstance(outcome, dict)
    return outcome


def test_a_sale_takes_units_off_the_shelf_and_returns_every_number(shop: Shop) -> None:
    variant = shop.variant(10)
    outcome = call(shop, variant, -3)
    row = shop.history(variant)[-1]
    assert set(outcome) == CONTRACT
    assert outcome | {"timestamp": ""} == {
        "success": True,
        "variant_id": str(variant),
        "previous_stock": 10,
        "new_stock": 7,
        "available_stock": 7,
        "reserved_stock": 0,
        "change_applied": -3,
        "movement_id": row.id,
        "timestamp": "",
    }
    assert datetime.fromisoformat(outcome["timestamp"]) == row.created_at
    assert (row.movement_type, row.reason, row.performed_by) == ("sale", "stock_decrease", "Storefront")
    assert_holds(shop, variant)


def test_units_that_come_in_are_an_adjustment(shop: Shop) -> None:
    variant = shop.variant(10)
    assert call(shop, variant, 5)["new_stock"] == 15
    row = shop.history(variant)[-1]
    assert (row.movement_type, row.reason, row.quantity) == ("adjustment", "stock_increase", 5)


def test_an_old_caller_with_two_arguments_in_order_keeps_working(shop: Shop) -> None:
    variant = shop.variant(2)
    with shop.engine.begin() as connection:
        statement = text("select public.update_variant_stock(:variant, -1)")
        assert connection.execute(statement, {"variant": variant}).scalar_one()["success"] is True
    assert shop.on_hand(variant) == 1


def test_not_enough_is_an_answer_with_the_numbers_not_an_exception(shop: Shop) -> None:
    variant = shop.variant(2)
    outcome = call(shop, variant, -3)
    assert set(outcome) == CONTRACT | {"error", "error_code"}
    assert (outcome["success"], outcome["error"], outcome["error_code"]) == (False, "Not enough stock.", "SK002")
    assert (outcome["previous_stock"], outcome["new_stock"], outcome["available_stock"]) == (2, 2, 2)
    assert (outcome["change_applied"], outcome["movement_id"]) == (0, None)
    assert shop.on_hand(variant) == 2
    assert len(shop.history(variant)) == 1


def test_units_held_for_a_checkout_are_not_sold_to_another_buyer(shop: Shop) -> None:
    variant = shop.variant(5)
    shop.sql("update public.product_variants set reserved_quantity = 4 where id = :id", id=variant)
    refused = call(shop, variant, -2)
    assert (refused["success"], refused["available_stock"], refused["reserved_stock"]) == (False, 1, 4)
    sold = call(shop, variant, -1)
    assert (sold["success"], sold["new_stock"], sold["available_stock"], sold["reserved_stock"]) == (True, 4, 0, 4)


def test_an_unknown_variant_is_an_answer_not_an_exception(shop: Shop) -> None:
    stranger = uuid4()
    outcome = call(shop, stranger, -1)
    assert (outcome["success"], outcome["error_code"], outcome["variant_id"]) == (False, "SK001", str(stranger))
    assert outcome["previous_stock"] is None


@pytest.mark.parametrize(
    ("change", "extra", "said"),
    [
        (0, {}, "Quantity must not be zero."),
        (None, {}, "Quantity change must be between -1,000,000 and 1,000,000."),
        (-2_147_483_648, {}, "Quantity change must be between -1,000,000 and 1,000,000."),
        (1, {"idempotency_key": ""}, "Key must have 1 to 200 characters."),
        (1, {"idempotency_key": "k" * 201}, "Key must have 1 to 200 characters."),
        (1, {"reference_type": "order\n"}, "Reference type must not contain control characters."),
        (1, {"reference_id": "4" * 100_000}, "Reference id must have 1 to 200 characters."),
        (1, {"actor": ""}, "Actor must have 1 to 80 characters."),
    ],
)
def test_bad_input_is_an_answer_that_names_the_argument(
    shop: Shop, change: int | None, extra: dict[str, str], said: str
) -> None:
    variant = shop.variant(3)
    outcome = call(shop, variant, change, **extra)
    assert (outcome["success"], outcome["error"], outcome["error_code"]) == (False, said, "SK008")
    assert shop.on_hand(variant) == 3
    assert len(shop.history(variant)) == 1


def test_no_variant_at_all_is_an_answer_too(shop: Shop) -> None:
    assert call(shop, None, -1)["error_code"] == "SK001"


def test_a_storefront_may_say_for_which_order_and_who(shop: Shop) -> None:
    variant = shop.variant(3)
    call(shop, variant, -1, reference_type="order", reference_id="#1042", actor="Checkout")
    row = shop.history(variant)[-1]
    assert (row.reference_type, row.reference_id, row.performed_by) == ("order", "#1042", "Checkout")


def test_a_repeated_call_answers_as_the_first_and_sells_once(shop: Shop) -> None:
    variant, order = shop.variant(5), key()
    first = call(shop, variant, -2, idempotency_key=order)
    shop.adjust(variant, 4)
    again = call(shop, variant, -2, idempotency_key=order)
    assert again == first
    assert shop.on_hand(variant) == 7


def test_a_repeated_call_succeeds_even_when_the_shelf_is_empty_by_now(shop: Shop) -> None:
    variant, order = shop.variant(1), key()
    first = call(shop, variant, -1, idempotency_key=order)
    assert call(shop, variant, -1, idempotency_key=order) == first


def test_the_same_key_for_something_else_is_refused(shop: Shop) -> None:
    variant, order = shop.variant(5), key()
    call(shop, variant, -2, idempotency_key=order)
    other = call(shop, variant, -3, idempotency_key=order)
    assert (other["success"], other["error_code"], other["new_stock"]) == (False, "SK003", 3)
    assert shop.on_hand(variant) == 3


def test_a_refused_call_leaves_its_key_free_for_when_the_goods_have_come(shop: Shop) -> None:
    variant, order = shop.variant(1), key()
    assert call(shop, variant, -2, idempotency_key=order)["success"] is False
    shop.adjust(variant, 1)
    assert call(shop, variant, -2, idempotency_key=order)["success"] is True
    assert shop.on_hand(variant) == 0


def test_a_refusal_in_a_cart_leaves_the_storefronts_own_transaction_alive(shop: Shop) -> None:
    plenty, none = shop.variant(5), shop.variant(0)
    statement = text("select public.update_variant_stock(:variant, -1)")
    with shop.engine.begin() as connection:
        answers = [
            connection.execute(statement, {"variant": v}).scalar_one()["success"] for v in (plenty, none, plenty)
        ]
    assert answers == [True, False, True]
    assert shop.on_hand(plenty) == 3
