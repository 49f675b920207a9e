"""Nothing is done twice: the same key and content returns the first result, other content is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from core.database import engine as database
from core.foundation.errors import Forbidden, InsufficientStock, KeyReused, LevelChanged, SignInRequired
from core.foundation.model import LevelLine, Line, Posting
from core.ledger import changes as ledger
from tests.support.builders import Shop, key

Intent = tuple[Callable[..., Posting], dict[str, Any]]


def adjusting(variant: UUID, quantity: int = -2, **values: Any) -> Intent:
    reason = "stock_increase" if quantity > 0 else "stock_decrease"
    return ledger.adjust, {"lines": [Line(variant_id=variant, quantity=quantity)], "reason": reason} | values


def receiving(variant: UUID, quantity: int = 4, **values: Any) -> Intent:
    return ledger.receive, {"lines": [Line(variant_id=variant, quantity=quantity)]} | values


def setting(variant: UUID, target: int = 3, seen: int = 10, **values: Any) -> Intent:
    return ledger.set_level, {"lines": [LevelLine(variant_id=variant, target=target, seen=seen)]} | values


def undoing(shop: Shop, variant: UUID) -> Intent:
    return ledger.undo, {"movement_ids": [shop.history(variant)[-1].id], "note": "typed wrong"}


def do(shop: Shop, intent: Intent, order: str, actor: str = "Wanda") -> Posting:
    operation, values = intent
    posting: Posting = shop.run(operation, actor, key=order, **values)
    return posting


@pytest.mark.parametrize("kind", [adjusting, receiving, setting, undoing])
def test_a_double_click_posts_once_and_returns_the_first_result_again(shop: Shop, kind: Any) -> None:  # pains.md 23
    variant, order = shop.variant(10), key()
    intent = undoing(shop, variant) if kind is undoing else kind(variant)
    first = do(shop, intent, order)
    level, written = shop.on_hand(variant), len(shop.history(variant))
    again = do(shop, intent, order)
    assert again == replace(first, replayed=True)
    assert (shop.on_hand(variant), len(shop.history(variant))) == (level, written)


def test_a_repeat_is_answered_even_when_the_shelf_has_moved_on(shop: Shop) -> None:
    variant, order = shop.variant(10), key()
    first = do(shop, setting(variant), order)
    shop.adjust(variant, -3)
    assert do(shop, setting(variant), order).movements == first.movements
    assert shop.on_hand(variant) == 0


def test_the_lines_of_a_repeat_come_in_their_first_order(shop: Shop) -> None:
    shoes, order = sorted((shop.variant(5) for _ in range(6)), reverse=True), key()
    intent: Intent = (ledger.adjust, {"lines": [Line(variant_id=v, quantity=-1) for v in shoes], "reason": "sample"})
    assert do(shop, intent, order).movements == do(shop, intent, order).movements


OTHERS: dict[str, Callable[[UUID, UUID], Intent]] = {
    "another quantity": lambda shoe, other: adjusting(shoe, -3),
    "another variant": lambda shoe, other: adjusting(other),
    "another reason": lambda shoe, other: adjusting(shoe, reason="damaged"),
    "another note": lambda shoe, other: adjusting(shoe, note="wet"),
    "one line more": lambda shoe, other: adjusting(
        shoe, lines=[Line(variant_id=v, quantity=-2) for v in (shoe, other)]
    ),
    "another kind of operation": lambda shoe, other: receiving(shoe, -2, reason="supplier_return"),
    "a new level": lambda shoe, other: setting(shoe, 6, 8),
}


@pytest.mark.parametrize("other", OTHERS)
def test_a_key_that_meant_something_else_is_refused(shop: Shop, other: str) -> None:
    shoe, order = shop.variant(10), key()
    do(shop, adjusting(shoe), order)
    with pytest.raises(KeyReused) as refused:
        do(shop, OTHERS[other](shoe, shop.variant(10)), order)
    assert refused.value.facts["key"] == order
    assert shop.on_hand(shoe) == 8


def test_two_receipts_that_differ_only_in_their_note_number_are_two(shop: Shop) -> None:
    variant, order = shop.variant(), key()
    do(shop, receiving(variant, reference="PO-1"), order)
    with pytest.raises(KeyReused):
        do(shop, receiving(variant, reference="PO-2"), order)
    assert shop.on_hand(variant) == 4


def test_two_counts_with_the_same_difference_but_other_numbers_are_two(shop: Shop) -> None:
    variant, order = shop.variant(10), key()
    do(shop, setting(variant, target=8, seen=10), order)
    with pytest.raises(KeyReused):
        do(shop, setting(variant, target=6, seen=8), order)
    assert shop.on_hand(variant) == 8


def test_a_refused_operation_leaves_its_key_free(shop: Shop) -> None:
    variant, order = shop.variant(1), key()
    with pytest.raises(InsufficientStock):
        do(shop, adjusting(variant), order)
    shop.adjust(variant, 1)
    assert do(shop, adjusting(variant), order).replayed is False
    assert shop.on_hand(variant) == 0


def test_after_a_changed_level_the_same_form_can_be_sent_with_the_new_number(shop: Shop) -> None:
    variant, order = shop.variant(9), key()
    with pytest.raises(LevelChanged):
        do(shop, setting(variant, target=3, seen=10), order)
    do(shop, setting(variant, target=3, seen=9), order)
    assert shop.on_hand(variant) == 3


def test_a_repeat_still_checks_the_session(shop: Shop) -> None:
    variant, order = shop.variant(10), key()
    do(shop, adjusting(variant), order)
    with pytest.raises(Forbidden):
        do(shop, adjusting(variant), order, actor="Sam")
    with pytest.raises(SignInRequired):
        do(shop, adjusting(variant), order, actor="Carl")


def test_spaces_around_a_key_make_no_other_key(shop: Shop) -> None:
    variant, order = shop.variant(10), key()
    do(shop, adjusting(variant), order)
    assert do(shop, adjusting(variant), f"  {order} ").replayed is True


def test_two_operations_in_one_transaction_are_done_together_or_not_at_all(shop: Shop) -> None:
    variant, order, wanda = shop.variant(10), key(), shop.person("Wanda")

    def both(connection: Any, actor: Any) -> None:
        operation, values = adjusting(variant)
        operation(connection, actor, key=order, **values)
        operation, values = adjusting(variant, -9)
        operation(connection, actor, key=key(), **values)

    with pytest.raises(InsufficientStock):
        database.run(shop.engine, both, wanda)
    assert shop.on_hand(variant) == 10
    assert shop.sql("select count(*) from stockroom.operations where key = :key", key=order) == 0
    assert do(shop, adjusting(variant), order).replayed is False


def test_an_operation_records_its_key_its_kind_and_its_person(shop: Shop) -> None:
    variant, order = shop.variant(10), key()
    posting = do(shop, setting(variant), order)
    (row,) = shop.rows("select * from stockroom.operations where key = :key", key=order)
    assert (row.id, row.kind, row.performed_by) == (posting.operation_id, "set_level", "Wanda")
    assert row.user_id == shop.person("Wanda").user_id
