"""The rollup equals the sums of the ledger after every posting, in any order of moments."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from core.foundation.model import Line
from core.ledger import changes as ledger
from core.ledger import reports
from tests.support.builders import PastLine, Shop, key
from tests.support.proof import assert_holds

NOON = datetime(2026, 3, 10, 23, tzinfo=UTC)  # noon of the 11th in Auckland
KINDS = [
    ("purchase", "delivery", 1),
    ("sale", "stock_decrease", -1),
    ("restoration", "refund", 1),
    ("adjustment", "correction", 0),
    ("count", "cycle_count", 0),
]


def on_day(variant: UUID, day: int, quantity: int) -> PastLine:
    return PastLine(variant_id=variant, quantity=quantity, occurred_at=NOON + timedelta(days=day))


def closings(shop: Shop, variant: UUID) -> list[tuple[int, int]]:
    rows = shop.rows("select day, closing from stockroom.variant_days where variant_id = :id order by day", id=variant)
    return [((row.day - date(2026, 3, 11)).days, row.closing) for row in rows]


@pytest.mark.parametrize("seed", range(6))
def test_the_rollup_equals_the_ledger_after_any_postings_of_past_and_present(shop: Shop, seed: int) -> None:
    chance = random.Random(seed)
    shoes = [shop.variant() for _ in range(3)]
    shop.post_past(*(on_day(v, -40, 500) for v in shoes))
    for _ in range(8):
        shop.post_past(*(_any_line(chance, chance.choice(shoes)) for _ in range(chance.randint(1, 12))))
    for variant in shoes:
        assert_holds(shop, variant)


def _any_line(chance: random.Random, variant: UUID) -> PastLine:
    movement_type, reason, sign = chance.choice(KINDS)
    quantity = chance.randint(1, 4) * (sign or chance.choice([-1, 1]))
    moment = None if chance.random() < 0.3 else NOON + timedelta(hours=chance.randint(-400, 400))
    return PastLine(
        variant_id=variant, quantity=quantity, occurred_at=moment, movement_type=movement_type, reason=reason
    )


def test_a_back_dated_movement_lifts_every_later_closing_and_no_earlier_one(shop: Shop) -> None:  # pains.md 10
    variant = shop.variant()
    shop.post_past(on_day(variant, 0, 10), on_day(variant, 5, 1), on_day(variant, 9, -2))
    shop.post_past(on_day(variant, 3, 100))
    assert closings(shop, variant) == [(0, 10), (3, 110), (5, 111), (9, 109)]
    assert_holds(shop, variant)


def test_two_back_dated_days_of_one_import_lie_between_days_that_exist(shop: Shop) -> None:
    variant = shop.variant()
    shop.post_past(on_day(variant, 0, 10), on_day(variant, 4, 1), on_day(variant, 8, 1))
    shop.post_past(on_day(variant, 6, 100), on_day(variant, 2, 1_000), on_day(variant, 4, 5))
    assert closings(shop, variant) == [(0, 10), (2, 1010), (4, 1016), (6, 1116), (8, 1117)]
    assert_holds(shop, variant)


def test_a_movement_before_everything_else_opens_the_past(shop: Shop) -> None:
    variant = shop.variant()
    shop.post_past(on_day(variant, 5, 7))
    shop.post_past(on_day(variant, -5, 3))
    assert closings(shop, variant) == [(-5, 3), (5, 10)]


def test_a_movement_of_today_corrects_days_that_another_transaction_already_began(shop: Shop) -> None:
    """Just before midnight one person begins, just after it another, and the first one posts last."""
    variant = shop.variant()
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    shop.post_past(PastLine(variant_id=variant, quantity=5, occurred_at=tomorrow))
    shop.adjust(variant, 2)
    assert_holds(shop, variant)


def test_one_operation_rolls_up_every_variant_it_moves(shop: Shop) -> None:
    shoes = [shop.variant() for _ in range(4)]
    shop.run(ledger.receive, lines=[Line(variant_id=v, quantity=n) for n, v in enumerate(shoes, 1)], key=key())
    for variant in shoes:
        assert_holds(shop, variant)


def test_the_last_move_and_the_last_count_are_when_they_happened_not_when_they_were_written(shop: Shop) -> None:
    variant = shop.variant()
    counted, moved = NOON + timedelta(days=2), NOON + timedelta(days=3)
    shop.post_past(
        PastLine(variant_id=variant, quantity=5, occurred_at=counted),
        PastLine(
            variant_id=variant, quantity=1, occurred_at=moved, movement_type="adjustment", reason="stock_increase"
        ),
        on_day(variant, -7, 1),
    )
    (row,) = shop.rows("select last_moved_at, last_counted_at from public.product_variants where id = :id", id=variant)
    assert tuple(row) == (moved, counted)


def shop_days(shop: Shop, first: date, last: date) -> dict[date, int]:
    rows = shop.rows("select day, count_in from stockroom_api.shop_flows(:first, :last)", first=first, last=last)
    return {row.day: row.count_in for row in rows}


def test_the_whole_shops_day_is_summed_once_and_again_after_a_back_dated_movement(fresh_shop: Shop) -> None:
    variant, day = fresh_shop.variant(), date(2026, 3, 11)
    fresh_shop.post_past(on_day(variant, 0, 10))
    assert shop_days(fresh_shop, day, day) == {day: 10}
    assert _kept(fresh_shop) == [day]
    fresh_shop.post_past(on_day(variant, 0, 7), on_day(variant, 1, 1))
    assert _kept(fresh_shop) == []
    assert shop_days(fresh_shop, day, day + timedelta(days=1)) == {day: 17, day + timedelta(days=1): 1}


def test_a_movement_of_today_leaves_the_closed_days_alone(fresh_shop: Shop) -> None:
    variant, day = fresh_shop.variant(), date(2026, 3, 11)
    fresh_shop.post_past(on_day(variant, 0, 10))
    shop_days(fresh_shop, day, day)
    fresh_shop.adjust(variant, 1)
    assert _kept(fresh_shop) == [day]


def test_today_is_never_stored_as_a_closed_day(fresh_shop: Shop) -> None:
    variant = fresh_shop.variant(4)
    today: date = fresh_shop.sql("select today from stockroom_api.shop")
    for _ in range(2):
        rows = fresh_shop.rows("select purchase_in from stockroom_api.shop_flows(:day, :day)", day=today)
        assert [row.purchase_in for row in rows] == [4]
    assert _kept(fresh_shop) == []
    fresh_shop.run(ledger.receive, lines=[Line(variant_id=variant, quantity=2)], key=key())
    assert fresh_shop.sql("select purchase_in from stockroom_api.shop_flows(:day, :day)", day=today) == 6


def _kept(shop: Shop) -> list[Any]:
    return [row.day for row in shop.rows("select day from stockroom.shop_days order by day")]


def test_a_variant_without_a_price_of_its_own_counts_at_the_price_of_its_product(fresh_shop: Shop) -> None:
    own, bare = fresh_shop.variant(2, price=10), fresh_shop.variant(3)
    for variant, price in ((own, 99), (bare, 7)):
        fresh_shop.sql(
            "update products p set price = :price from product_variants v where v.product_id = p.id and v.id = :id",
            id=variant, price=price,
        )  # fmt: skip
    assert fresh_shop.run(reports.summary, "Mia").value_at_price == Decimal(41)
