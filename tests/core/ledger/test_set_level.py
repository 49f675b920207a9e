"""Setting a level: the new number and the number the person saw, so that no concurrent sale is overwritten."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from core.foundation.errors import Forbidden, InsufficientStock, InvalidInput, LevelChanged
from core.foundation.model import LevelLine, MovementType, Posting
from core.ledger import changes as ledger
from tests.support.builders import PastLine, Shop, key
from tests.support.proof import assert_holds


def set_level(shop: Shop, variant: UUID, target: int, seen: int, actor: str = "Wanda", **values: Any) -> Posting:
    line = LevelLine(variant_id=variant, target=target, seen=seen)
    posting: Posting = shop.run(ledger.set_level, actor, lines=[line], **({"key": key()} | values))
    return posting


@pytest.mark.parametrize("target", [0, 7, 25])
def test_a_count_sets_the_level_and_writes_the_difference(shop: Shop, target: int) -> None:
    variant = shop.variant(10)
    (posted,) = set_level(shop, variant, target, seen=10).movements
    assert (posted.movement_type, posted.reason, posted.quantity) == (MovementType.COUNT, "cycle_count", target - 10)
    assert shop.on_hand(variant) == target
    assert_holds(shop, variant)


def test_a_shelf_that_was_right_gets_a_zero_movement_as_proof_of_the_count(shop: Shop) -> None:
    variant = shop.variant(10)
    (posted,) = set_level(shop, variant, 10, seen=10).movements
    assert (posted.quantity, posted.quantity_before, posted.quantity_after) == (0, 10, 10)
    counted = shop.sql("select last_counted_at from public.product_variants where id = :id", id=variant)
    assert counted == shop.history(variant)[-1].occurred_at
    assert_holds(shop, variant)


def test_a_sale_made_meanwhile_is_not_written_over(shop: Shop) -> None:  # pains.md 8
    variant = shop.variant(50)
    shop.adjust(variant, -3, "Mia", reason="sample")
    with pytest.raises(LevelChanged) as refused:
        set_level(shop, variant, 100, seen=50)
    (changed,) = refused.value.changed
    assert (changed["seen"], changed["on_hand"]) == (50, 47)
    (since,) = changed["since"]
    assert (since["quantity"], since["performed_by"], since["reason"]) == (-3, "Mia", "sample")
    assert shop.on_hand(variant) == 47
    assert len(shop.history(variant)) == 2


def test_the_movements_since_are_listed_newest_first_and_at_most_ten(shop: Shop) -> None:
    variant = shop.variant(50)
    shop.post_past(*(PastLine(variant_id=variant, quantity=1) for _ in range(12)))
    with pytest.raises(LevelChanged) as refused:
        set_level(shop, variant, 100, seen=50)
    after = [movement["quantity_after"] for movement in refused.value.changed[0]["since"]]
    assert after == list(range(62, 52, -1))


def test_a_level_that_came_back_to_where_it_was_seen_may_be_set(shop: Shop) -> None:
    variant = shop.variant(5)
    shop.adjust(variant, -1)
    shop.adjust(variant, 1)
    set_level(shop, variant, 6, seen=5)
    assert shop.on_hand(variant) == 6


def test_one_variant_that_moved_stops_the_whole_list(shop: Shop) -> None:
    still, moved = shop.variant(5), shop.variant(5)
    shop.adjust(moved, 1)
    lines = [LevelLine(variant_id=v, target=9, seen=5) for v in (still, moved)]
    with pytest.raises(LevelChanged) as refused:
        shop.run(ledger.set_level, "Wanda", lines=lines, key=key())
    assert [changed["variant_id"] for changed in refused.value.changed] == [str(moved)]
    assert (shop.on_hand(still), shop.on_hand(moved)) == (5, 6)


def test_many_levels_are_set_in_one_operation(shop: Shop) -> None:
    shoes = [shop.variant(n) for n in (1, 2, 3)]
    lines = [LevelLine(variant_id=v, target=10, seen=n) for n, v in enumerate(shoes, start=1)]
    posting = shop.run(ledger.set_level, "Wanda", lines=lines, key=key(), reason="full_count")
    assert [posted.quantity for posted in posting.movements] == [9, 8, 7]
    assert [shop.on_hand(v) for v in shoes] == [10] * 3


def test_a_level_can_be_set_as_an_adjustment_with_its_reason(shop: Shop) -> None:
    variant = shop.variant(10)
    (posted,) = set_level(
        shop, variant, 8, seen=10, movement_type=MovementType.ADJUSTMENT, reason="damaged", note="water"
    ).movements
    assert (posted.movement_type, posted.reason, posted.quantity) == (MovementType.ADJUSTMENT, "damaged", -2)
    assert shop.sql("select last_counted_at from public.product_variants where id = :id", id=variant) is None


def test_an_adjustment_to_the_same_level_is_no_adjustment(shop: Shop) -> None:
    variant = shop.variant(10)
    with pytest.raises(InvalidInput, match="Quantity must not be zero"):
        set_level(shop, variant, 10, seen=10, movement_type=MovementType.ADJUSTMENT, reason="damaged")
    assert len(shop.history(variant)) == 1


def test_the_same_variant_twice_in_one_list_is_a_contradiction(shop: Shop) -> None:
    variant = shop.variant(5)
    lines = [LevelLine(variant_id=variant, target=target, seen=5) for target in (6, 7)]
    with pytest.raises(InvalidInput, match="same variant twice"):
        shop.run(ledger.set_level, "Wanda", lines=lines, key=key())
    assert shop.on_hand(variant) == 5


def test_a_level_is_never_set_by_a_sale(shop: Shop) -> None:
    variant = shop.variant(5)
    with pytest.raises(InvalidInput) as refused:
        set_level(shop, variant, 4, seen=5, movement_type=MovementType.SALE, reason="stock_decrease")
    assert refused.value.field == "movement type"


def test_reserved_units_without_a_hold_to_give_up_are_not_counted_away(shop: Shop) -> None:
    variant = shop.variant(5)
    shop.sql("update public.product_variants set reserved_quantity = 3 where id = :id", id=variant)
    with pytest.raises(InsufficientStock):
        set_level(shop, variant, 2, seen=5)
    set_level(shop, variant, 3, seen=5)
    assert shop.on_hand(variant) == 3


def test_support_does_not_set_levels(shop: Shop) -> None:
    variant = shop.variant(5)
    with pytest.raises(Forbidden):
        set_level(shop, variant, 4, seen=5, actor="Sam")
    assert shop.on_hand(variant) == 5
