"""Counts of one shelf at nearly the same time."""

from __future__ import annotations

from core.foundation.model import LevelLine
from core.ledger import changes as ledger
from tests.core.counts.counting import apply, begin, finish, seen, typed
from tests.support.builders import Shop, key
from tests.support.proof import assert_holds


def test_a_shelf_that_was_counted_again_meanwhile_is_not_corrected_twice(shop: Shop) -> None:
    shoe, boot = shop.variant(10), shop.variant(10)
    earlier, later = begin(shop, shoe, boot), begin(shop, shoe)
    for variant in (shoe, boot):
        typed(shop, earlier, variant, 8)
    shop.adjust(shoe, -1)
    typed(shop, later, shoe, 7)
    shop.run(ledger.set_level, "Wanda", lines=[LevelLine(variant_id=boot, target=8, seen=10)], key=key())
    for count in (later, earlier):
        finish(shop, count)
        assert {line.variance for line in seen(shop, count).values()} == ({-2} if count == later else {0})
        apply(shop, count)
    assert (shop.on_hand(shoe), shop.on_hand(boot)) == (7, 8)
    assert_holds(shop, shoe)
