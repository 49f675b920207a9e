"""The rate of sales counts the days on which a variant lay on the shelf, and no others."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

from core.foundation import days
from core.ledger import reports
from tests.support.builders import ZONE, PastLine, Shop

FIRST = date(2026, 3, 20)  # clocks change on 5 April


def at(day: date, minute: int) -> datetime:
    return days.start(day, ZONE) + timedelta(minutes=minute)


def in_stock(shop: Shop, variants: list[UUID], since: date, until: date) -> dict[UUID, Any]:
    rows = shop.rows(
        "select * from stockroom_api.in_stock(cast(:ids as uuid[]), :since, :until)",
        ids=variants, since=since, until=until,
    )  # fmt: skip
    return {row.variant_id: row for row in rows}


def counted(lines: list[PastLine], since: date, until: date) -> tuple[int, int, int]:
    """Days in stock, days out and units sold of one variant, counted day by day from its movements in their order."""
    level, there, out, sold = 0, 0, 0, 0
    begun = min(days.of(line.occurred_at, ZONE) for line in lines if line.occurred_at)
    day = FIRST - timedelta(days=1)
    while day < until:
        highest = level
        for line in lines:
            if line.occurred_at and days.of(line.occurred_at, ZONE) == day:
                level += line.quantity
                highest = max(highest, level)
                sold -= line.quantity if line.movement_type == "sale" and day >= since else 0
        if day >= max(since, begun):
            there, out = there + (highest > 0), out + (highest <= 0)
        day += timedelta(days=1)
    return there, out, sold


def story(variant: UUID, chance: random.Random) -> list[PastLine]:
    """Deliveries and sales on some of forty days; the variant is often sold out."""
    lines, level = [], 0
    for n in range(chance.randint(0, 10), 40):
        for minute in sorted(chance.sample(range(1, 1_300), chance.choice([0, 0, 1, 2]))):
            if level and chance.random() < 0.75:
                units, kind, reason = -chance.randint(1, level), "sale", "stock_decrease"
            else:
                units, kind, reason = chance.randint(1, 4), "purchase", "delivery"
            level += units
            moment = at(FIRST + timedelta(days=n), minute)
            lines.append(PastLine(variant_id=variant, quantity=units, occurred_at=moment, movement_type=kind,
                                  reason=reason))  # fmt: skip
    return lines or story(variant, chance)


def test_days_in_stock_are_those_with_a_unit_on_the_shelf_and_the_rate_counts_only_them(shop: Shop) -> None:
    chance = random.Random(7)
    told = {variant: story(variant, chance) for variant in (shop.variant() for _ in range(25))}
    shop.post_past(*(line for lines in told.values() for line in lines))
    for since, until in ((0, 40), (-5, 60), (13, 27), (20, 21), (20, 20), (30, 10)):
        first, end = FIRST + timedelta(days=since), FIRST + timedelta(days=until)
        said = in_stock(shop, list(told), first, end)
        for variant, lines in told.items():
            row, (there, out, sold) = said[variant], counted(lines, first, end)
            assert (row.days_in_stock, row.days_out, row.sold) == (there, out, sold)
            assert row.rate is None if not there else abs(Fraction(row.rate) - Fraction(sold, there)) < 1e-9
        if (since, until) == (0, 40):
            assert any(row.days_out for row in said.values())
            assert any(row.sold for row in said.values())


def test_a_variant_that_never_moved_and_days_to_come_count_as_nothing(shop: Shop) -> None:
    still, new = shop.variant(), shop.variant(3)
    today = shop.sql("select today from stockroom_api.shop")
    said = in_stock(shop, [still, new], today - timedelta(days=9), today + timedelta(days=9))
    assert (said[still].days_in_stock, said[still].days_out, said[still].rate) == (0, 0, None)
    assert (said[new].days_in_stock, said[new].days_out, said[new].rate) == (1, 0, 0)


def test_cover_is_not_stretched_by_the_days_on_which_nothing_was_there_to_sell(shop: Shop) -> None:
    """Ten units sold in five days, then two weeks of an empty shelf: four units last two days, not eleven."""
    variant = shop.variant()
    today = shop.sql("select today from stockroom_api.shop")
    moves = [(19, 10, "purchase", "delivery"), *((19 - n, -2, "sale", "stock_decrease") for n in range(5))]
    shop.post_past(
        *(
            PastLine(variant_id=variant, quantity=units, occurred_at=at(today - timedelta(days=ago), n + 60),
                     movement_type=kind, reason=reason)
            for n, (ago, units, kind, reason) in enumerate(moves)
        )
    )  # fmt: skip
    assert shop.run(reports.level, variant_id=variant).cover_days == 0
    shop.adjust(variant, 4)
    row = shop.run(reports.level, variant_id=variant)
    assert (row.sold, row.days_in_stock, row.available) == (10, 6, 4)
    assert row.cover_days == 4 * 6 / 10
    listed = shop.rows("select sold_30_days, cover_days from stockroom_api.file_stock where sku = :sku", sku=row.sku)
    assert [tuple(map(float, each)) for each in listed] == [(10, 2.4)]
