"""Counting and paging movements: counts stop at a limit, and pages join without a gap in both directions."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import select, text

from core.foundation.errors import InvalidInput
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


@pytest.mark.parametrize("types", [(), (MovementType.ADJUSTMENT, MovementType.PURCHASE)])
@pytest.mark.parametrize("one_variant", [True, False])
def test_pages_join_without_a_gap_in_both_directions(
    fresh_shop: Shop, types: tuple[MovementType, ...], one_variant: bool
) -> None:
    shoe = fresh_shop.variant(10)
    for units in range(1, 6):
        fresh_shop.adjust(shoe, units)
    wanted = MovementFilter(types=types, variant_id=shoe if one_variant else None)
    pages = [fresh_shop.run(movements.page, "Wanda", filter=wanted, limit=4)]
    pages.append(fresh_shop.run(movements.page, "Wanda", filter=wanted, limit=4, cursor=pages[0].after))
    assert [[row.quantity for row in page.rows] for page in pages] == [[5, 4, 3, 2], [1, 10]]
    assert (pages[0].before, pages[1].after) == (None, None)
    assert fresh_shop.run(movements.page, "Wanda", filter=wanted, limit=4, cursor=pages[1].before) == pages[0]


@pytest.mark.parametrize("cursor", ["nonsense", "W10", "WzEsMSwxXQ", "W2ZhbHNlLCJ4Il0"])  # [], [1,1,1], [false,"x"]
def test_a_cursor_of_another_list_is_refused(shop: Shop, shoe: UUID, cursor: str) -> None:
    for wanted in (MovementFilter(), MovementFilter(variant_id=shoe)):
        with pytest.raises(InvalidInput, match="start from its beginning"):
            shop.run(movements.page, "Wanda", filter=wanted, cursor=cursor)


def test_the_rare_reasons_of_a_person_have_an_index_that_everyday_movements_do_not_write(fresh_shop: Shop) -> None:
    def size() -> int:
        return int(fresh_shop.sql("select pg_relation_size('stock_movements_person_reason_idx')"))

    with fresh_shop.owner.begin() as connection:  # a database that another test has used keeps the pages of its rows
        connection.execute(text("reindex index public.stock_movements_person_reason_idx"))
    variant = fresh_shop.variant(1_000)
    for quantity in (-1, 1):
        fresh_shop.adjust(variant, quantity)
    empty = size()
    for _ in range(3):
        fresh_shop.adjust(variant, -1, reason="damaged")
    assert (empty, size()) == (8_192, 16_384)
    wanted = MovementFilter(performed_by="Wanda", reasons=("damaged",), since=date(2020, 1, 1))
    with fresh_shop.owner.connect() as connection:  # a small table may be read by any index, so the others are away
        connection.exec_driver_sql("drop index stock_movements_reason_idx, stock_movements_person_idx")
        connection.exec_driver_sql("set local enable_seqscan = off")
        query = select(movements.KEYS.c.movement_id).where(*movements.conditions(connection, wanted, movements.KEYS.c))
        asked = query.compile(connection, compile_kwargs={"literal_binds": True})
        plan = connection.exec_driver_sql(f"explain {asked}").scalars().all()
        connection.rollback()
    assert "stock_movements_person_reason_idx" in "\n".join(plan)
