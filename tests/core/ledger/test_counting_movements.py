"""Counting movements: exact up to a limit, "more than" above it, and nothing is read that cannot match."""

from __future__ import annotations

from uuid import UUID

import pytest

from core.foundation.model import MovementType
from core.ledger import movements
from core.ledger.movements import MovementFilter
from tests.support.builders import Shop

DELIVERED = {"types": (MovementType.PURCHASE,), "reasons": ("delivery",)}


@pytest.fixture
def shoe(shop: Shop) -> UUID:
    """A variant with one delivery and three that were damaged, one by one."""
    variant = shop.variant(10)
    for _ in range(3):
        shop.adjust(variant, -1, reason="damaged")
    return variant


def count(shop: Shop, **wanted: object) -> tuple[int, bool]:
    found = shop.run(movements.count, "Wanda", filter=MovementFilter(**wanted))  # type: ignore[arg-type]
    return found.count, found.at_least


def test_few_are_counted_exactly(shop: Shop, shoe: UUID) -> None:
    assert count(shop, variant_id=shoe) == (4, False)
    assert count(shop, variant_id=shoe, **DELIVERED) == (1, False)


def test_the_whole_ledger_can_be_counted(fresh_shop: Shop) -> None:
    assert count(fresh_shop) == (0, False)
    fresh_shop.variant(3)
    assert count(fresh_shop) == (1, False)


def test_many_are_counted_up_to_a_bound(shop: Shop, shoe: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(movements, "COUNTED_UP_TO", 3)
    assert count(shop, variant_id=shoe) == (3, True)


def test_several_conditions_are_counted_less_far(shop: Shop, shoe: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(movements, "COUNTED_UP_TO_NARROWED", 2)
    assert count(shop, variant_id=shoe, reasons=("damaged",)) == (2, True)
    assert count(shop, variant_id=shoe) == (4, False)


def test_a_reason_of_another_type_matches_nothing(shop: Shop, shoe: UUID) -> None:
    sold = MovementFilter(variant_id=shoe, types=(MovementType.SALE,), reasons=("damaged",))
    assert shop.run(movements.page, "Wanda", filter=sold).rows == ()
    assert count(shop, variant_id=shoe, types=(MovementType.SALE,), reasons=("damaged",)) == (0, False)
    both = {"types": tuple(MovementType), "reasons": ("damaged", "delivery")}
    assert count(shop, variant_id=shoe, **both) == (4, False)
