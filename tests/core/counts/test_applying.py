"""A count compares with the ledger at the counted second, so what is sold and received meanwhile survives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.counts import applying, entering, review, sessions
from core.counts.sessions import State
from core.foundation.errors import InsufficientStock, InvalidInput
from core.foundation.model import MovementType
from tests.core.counts.counting import apply, begin, finish, seen, typed
from tests.support.builders import PastLine, Shop, key
from tests.support.proof import assert_holds


def test_a_sale_and_a_receipt_after_the_counted_second_survive_the_count(shop: Shop) -> None:
    shoe, sock, hat = shop.variant(10), shop.variant(4), shop.variant(7)
    count = begin(shop, shoe, sock, hat)
    typed(shop, count, shoe, 8)
    typed(shop, count, sock, 4)
    shop.adjust(shoe, -3)
    shop.adjust(sock, 5)
    finish(shop, count)
    line = seen(shop, count)[shoe]
    assert (line.expected, line.counted, line.variance, line.since, line.on_hand, line.target) == (10, 8, -2, -3, 7, 5)
    posting = apply(shop, count)
    assert {(m.variant_id, m.movement_type, m.reason, m.quantity) for m in posting.movements} == {
        (shoe, MovementType.COUNT, "cycle_count", -2), (sock, MovementType.COUNT, "cycle_count", 0)
    }  # fmt: skip
    assert [shop.on_hand(v) for v in (shoe, sock, hat)] == [5, 9, 7], "nobody counted the hat"
    movement = shop.history(shoe)[-1]
    assert (movement.reference_type, movement.reference_id) == ("count", str(count))
    assert movement.occurred_at == line.counted_at < shop.history(shoe)[-2].occurred_at
    assert len(shop.history(hat)) == 1
    for each in (shoe, sock, hat):
        assert_holds(shop, each)


def test_a_movement_recorded_later_that_happened_before_the_counted_second_belongs_to_it(shop: Shop) -> None:
    shoe, hour = shop.variant(6), timedelta(hours=1)
    long_ago = datetime.now(UTC) - 9 * hour
    shop.post_past(
        PastLine(variant_id=shoe, quantity=4, occurred_at=long_ago, movement_type="purchase", reason="delivery")
    )
    count = begin(shop, shoe)
    typed(shop, count, shoe, 9)
    finish(shop, count)
    assert (seen(shop, count)[shoe].expected, seen(shop, count)[shoe].variance) == (10, -1)
    sold = PastLine(
        variant_id=shoe,
        quantity=-2,
        occurred_at=datetime.now(UTC) - hour,
        movement_type="sale",
        reason="stock_decrease",
    )
    shop.post_past(sold)
    assert (seen(shop, count)[shoe].expected, seen(shop, count)[shoe].variance) == (8, 1), "paid before, imported now"
    apply(shop, count)
    assert shop.on_hand(shoe) == 9
    shop.post_past(sold)
    (line,) = shop.run(applying.results, "Wanda", count_id=count)
    assert (line.variance, line.recorded_later) == (1, -2), "the result says that it would be another one today"
    assert_holds(shop, shoe)


def test_a_count_that_overlaps_another_one_does_not_correct_the_same_units_twice(shop: Shop) -> None:
    shoe = shop.variant(10)
    first, second = begin(shop, shoe), begin(shop, shoe)
    typed(shop, first, shoe, 8)
    typed(shop, second, shoe, 8)
    for count in (first, second):
        finish(shop, count)
        apply(shop, count)
    assert [row.quantity for row in shop.history(shoe)] == [10, -2, 0]
    assert shop.on_hand(shoe) == 8


def test_the_same_key_applies_once_and_another_key_is_refused(shop: Shop) -> None:
    shoe, again = shop.variant(5), key()
    count = begin(shop, shoe)
    typed(shop, count, shoe, 3)
    with pytest.raises(InvalidInput, match="still in progress"):
        apply(shop, count)
    finish(shop, count)
    first = apply(shop, count, key=again)
    assert apply(shop, count, key=again).movements == first.movements
    with pytest.raises(InvalidInput, match="already applied by Wanda"):
        apply(shop, count, "Mia")
    with pytest.raises(InvalidInput, match="already applied"):
        typed(shop, count, shoe, 4)
    assert shop.on_hand(shoe) == 3


def test_a_level_never_goes_below_zero_and_units_that_were_not_there_are_named(shop: Shop) -> None:
    shoe = shop.variant(10)
    count = begin(shop, shoe)
    typed(shop, count, shoe, 2)
    shop.adjust(shoe, -5)
    finish(shop, count)
    line = seen(shop, count)[shoe]
    assert (line.variance, line.target, line.missing) == (-8, 0, 3)
    apply(shop, count)
    assert shop.on_hand(shoe) == 0
    (result,) = shop.run(applying.results, "Wanda", count_id=count)
    assert (result.posted, result.missing) == (-5, 3)
    assert_holds(shop, shoe)


def test_a_session_is_undone_as_a_whole_or_not_at_all(shop: Shop) -> None:
    less, more = shop.variant(10), shop.variant(1)
    count = begin(shop, less, more)
    typed(shop, count, less, 7)
    typed(shop, count, more, 6)
    finish(shop, count)
    apply(shop, count)
    shop.adjust(more, -4)
    with pytest.raises(InsufficientStock) as refused:
        shop.run(applying.undo, "Wanda", count_id=count, note="Wrong aisle", key=key())
    assert [row["available"] for row in refused.value.short] == [2]
    assert [shop.on_hand(v) for v in (less, more)] == [7, 2]
    shop.adjust(more, 4)
    undone = shop.run(applying.undo, "Wanda", count_id=count, note="Wrong aisle", key=key())
    assert sorted(m.quantity for m in undone.movements) == [-5, 3]
    assert [shop.on_hand(v) for v in (less, more)] == [10, 1]
    state = shop.run(sessions.session, "Wanda", count_id=count)
    assert (state.state, state.undone_by) == (State.UNDONE, "Wanda")
    with pytest.raises(InvalidInput, match="was undone by Wanda"):
        shop.run(applying.undo, "Wanda", count_id=count, note="Again", key=key())


def test_lines_that_nobody_counted_are_listed_and_become_zero_only_on_request(shop: Shop) -> None:
    shoe, sock = shop.variant(3), shop.variant(2)
    count = begin(shop, shoe, sock)
    typed(shop, count, shoe, 3)
    finish(shop, count)
    (line,) = shop.run(entering.uncounted, "Wanda", count_id=count, limit=10)
    assert (line.variant_id, line.on_hand) == (sock, 2)
    with pytest.raises(InvalidInput, match="no longer 2: 1 lines"):
        shop.run(review.zero_uncounted, "Wanda", count_id=count, lines=2, key=key())
    shop.run(review.zero_uncounted, "Wanda", count_id=count, lines=1, key=key())
    assert seen(shop, count)[sock].variance == -2
    apply(shop, count)
    assert shop.on_hand(sock) == 0
