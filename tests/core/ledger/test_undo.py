"""Undo: the opposite movement, linked to its original, once."""

from __future__ import annotations

import pytest

from core.foundation.errors import AlreadyReversed, Forbidden, InsufficientStock, InvalidInput
from core.foundation.model import LevelLine, Line, Posting
from core.ledger import changes as ledger
from tests.support.builders import Shop, key
from tests.support.proof import assert_holds


def undo(shop: Shop, *movement_ids: int, actor: str = "Wanda", note: str = "typed wrong") -> Posting:
    posting: Posting = shop.run(ledger.undo, actor, movement_ids=movement_ids, key=key(), note=note)
    return posting


def ids(posting: Posting) -> list[int]:
    return [posted.movement_id for posted in posting.movements]


def test_a_typo_is_undone_by_the_opposite_linked_to_it(shop: Shop) -> None:  # pains.md 7
    variant = shop.variant(10)
    (typo,) = ids(shop.adjust(variant, 160_000))
    (posted,) = undo(shop, typo, actor="Mia", note="typed 160,000 for 16,000").movements
    assert (posted.quantity, posted.quantity_after, posted.reason) == (-160_000, 10, "undo")
    row = shop.history(variant)[-1]
    assert (row.reverses_id, row.movement_type, row.performed_by) == (typo, "adjustment", "Mia")
    assert row.note == "typed 160,000 for 16,000"
    assert_holds(shop, variant)


def test_the_original_stays_as_it_was(shop: Shop) -> None:
    variant = shop.variant(10)
    (typo,) = ids(shop.adjust(variant, -3))
    before = shop.history(variant)[-1]
    undo(shop, typo)
    assert shop.history(variant)[1] == before


def test_an_undo_happens_once_and_a_second_one_names_the_first(shop: Shop) -> None:
    variant = shop.variant(10)
    (typo,) = ids(shop.adjust(variant, -3))
    (first,) = ids(undo(shop, typo, actor="Mia"))
    with pytest.raises(AlreadyReversed) as refused:
        undo(shop, typo, actor="Wanda")
    assert refused.value.facts["reversed_by"] == first
    assert refused.value.facts["performed_by"] == "Mia"
    assert shop.on_hand(variant) == 10


def test_an_undo_that_would_go_below_zero_is_refused(shop: Shop) -> None:
    variant = shop.variant(0)
    (came_in,) = ids(shop.adjust(variant, 5))
    shop.adjust(variant, -3)
    with pytest.raises(InsufficientStock) as refused:
        undo(shop, came_in)
    (short,) = refused.value.short
    assert (short["requested"], short["on_hand"]) == (5, 2)
    assert shop.on_hand(variant) == 2


def test_a_whole_receipt_is_undone_at_once_or_not_at_all(shop: Shop) -> None:
    shoes = [shop.variant() for _ in range(3)]
    receipt = shop.run(
        ledger.receive,
        "Wanda",
        lines=[Line(variant_id=v, quantity=4) for v in shoes],
        key=key(),
        reference="PO-7",
    )
    shop.adjust(shoes[1], -1)
    with pytest.raises(InsufficientStock):
        undo(shop, *ids(receipt))
    assert [shop.on_hand(v) for v in shoes] == [4, 3, 4]
    shop.adjust(shoes[1], 1)
    undo(shop, *ids(receipt))
    assert [shop.on_hand(v) for v in shoes] == [0, 0, 0]
    assert shop.history(shoes[0])[-1].reference_id == "PO-7"
    for variant in shoes:
        assert_holds(shop, variant)


def test_several_movements_of_one_shoe_are_undone_newest_first_so_that_nothing_dips(shop: Shop) -> None:
    variant = shop.variant(0)
    (first,) = ids(shop.adjust(variant, 5))
    (second,) = ids(shop.adjust(variant, -5))
    undo(shop, first, second)
    assert [row.quantity for row in shop.history(variant)] == [5, -5, 5, -5]
    assert_holds(shop, variant)


def test_naming_a_movement_twice_undoes_it_once(shop: Shop) -> None:
    variant = shop.variant(10)
    (typo,) = ids(shop.adjust(variant, -3))
    assert len(undo(shop, typo, typo).movements) == 1
    assert shop.on_hand(variant) == 10


def test_undoing_a_count_does_not_change_the_last_counted_moment(shop: Shop) -> None:
    variant = shop.variant(10)
    line = LevelLine(variant_id=variant, target=4, seen=10)
    posting = shop.run(ledger.set_level, "Wanda", lines=[line], key=key())
    counted = "select last_counted_at from public.product_variants where id = :id"
    before = shop.sql(counted, id=variant)
    undo(shop, *ids(posting))
    assert shop.on_hand(variant) == 10
    assert shop.sql(counted, id=variant) == before


def test_an_undo_is_not_undone_but_posted_again(shop: Shop) -> None:
    variant = shop.variant(10)
    (reverse,) = ids(undo(shop, *ids(shop.adjust(variant, -3))))
    with pytest.raises(InvalidInput, match="is an undo itself"):
        undo(shop, reverse)
    assert shop.on_hand(variant) == 10


def test_a_count_that_found_everything_right_has_nothing_to_undo(shop: Shop) -> None:
    variant = shop.variant(10)
    line = LevelLine(variant_id=variant, target=10, seen=10)
    posting = shop.run(ledger.set_level, "Wanda", lines=[line], key=key())
    with pytest.raises(InvalidInput, match="moved nothing"):
        undo(shop, *ids(posting))


def test_a_sale_made_outside_stockroom_is_undone_there(shop: Shop) -> None:
    variant = shop.variant(10)
    sold = shop.sql("select public.update_variant_stock(:id, -2)", id=variant)
    with pytest.raises(InvalidInput, match="sale outside Stockroom"):
        undo(shop, sold["movement_id"])
    assert shop.on_hand(variant) == 8


def test_a_movement_that_never_was_cannot_be_undone(shop: Shop) -> None:
    with pytest.raises(InvalidInput, match="Movement is not in the ledger") as refused:
        undo(shop, 9_000_000_000)
    assert refused.value.facts["movement_id"] == 9_000_000_000


def test_one_movement_that_cannot_be_undone_stops_the_others(shop: Shop) -> None:
    variant = shop.variant(10)
    (typo,) = ids(shop.adjust(variant, -3))
    with pytest.raises(InvalidInput):
        undo(shop, typo, 9_000_000_000)
    assert shop.on_hand(variant) == 7


def test_an_undo_says_why(shop: Shop) -> None:
    variant = shop.variant(10)
    (typo,) = ids(shop.adjust(variant, -3))
    with pytest.raises(InvalidInput) as refused:
        undo(shop, typo, note="   ")
    assert refused.value.field == "note"
    assert shop.on_hand(variant) == 7


def test_support_does_not_undo(shop: Shop) -> None:
    variant = shop.variant(10)
    (typo,) = ids(shop.adjust(variant, -3))
    with pytest.raises(Forbidden):
        undo(shop, typo, actor="Sam")
    assert shop.on_hand(variant) == 7
