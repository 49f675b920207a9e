"""The demand of a day: the average of the days in stock, or Croston's method with the Syntetos-Boylan correction."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

import pandas as pd

from core.foundation import days
from tests.support.builders import ZONE, PastLine, Shop

FIRST = date(2026, 3, 1)
LENGTH = 90
Story = list[int | None]
"""Units sold on each day, and None for a day on which the shelf is empty."""


def told(variant: UUID, story: Story) -> list[PastLine]:
    """The movements of a story: goods arrive before the first day with stock and leave after the last, at the end."""
    lines, level = [], 0

    def move(day: int, minute: int, units: int, kind: str, reason: str) -> None:
        at = days.start(FIRST + timedelta(days=day), ZONE) + timedelta(minutes=minute)
        lines.append(PastLine(variant_id=variant, quantity=units, occurred_at=at, movement_type=kind, reason=reason))

    for n, sold in enumerate(story):
        if sold is None and level:
            move(n - 1, 1_300, -level, "adjustment", "damaged")
            level = 0
        if sold is not None and level == 0:
            level = 60
            move(n, 1, level, "purchase", "delivery")
        if sold:
            move(n, 600, -sold, "sale", "stock_decrease")
            level -= sold
        if sold is not None and level < 30:
            move(n, 700, 30, "purchase", "delivery")
            level += 30
    return lines


def stories() -> list[Story]:
    chance = random.Random(17)
    found: list[Story] = []
    for often in (0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 0.8, 0.95):
        for empty in (0.0, 0.3):
            story: Story = []
            while len(story) < LENGTH:
                gone = chance.random() < empty / 5
                run = chance.randint(3, 12)
                for _ in range(run):
                    story.append(None if gone else chance.choice([1, 1, 2, 5]) if chance.random() < often else 0)
            found.append(story[:LENGTH])
    return [
        *found,
        [0] * LENGTH,
        [1, *[0] * (LENGTH - 1)],
        [1, 1, 1, *[0] * (LENGTH - 3)],  # nobody has asked for it any more since
        [*[0] * (LENGTH - 1), 4],
    ]


def modelled(story: Story) -> tuple[str, float]:
    """Method and units a day, by the words of the documentation; Croston's method is the library's."""
    there = [sold for sold in story if sold is not None]
    sales = [n for n, sold in enumerate(there) if sold]
    if not sales:
        return "none", 0.0
    smoothed = float(sales[0] + 1)
    for before, after in pairwise(sales):
        smoothed = 0.9 * smoothed + 0.1 * (after - before)
    idle = len(there) - 1 - sales[-1]
    if len(sales) < 3 or len(there) / len(sales) < 1.32 or idle > 3 * smoothed:
        return "average", sum(there) / len(there)
    from statsforecast.models import CrostonSBA  # takes a second, which each process would pay

    forecast = CrostonSBA().forecast(y=pd.Series(there, dtype="float64").to_numpy(), h=1)
    return "croston", float(forecast["mean"][0])


def demand(shop: Shop, variants: list[UUID]) -> dict[UUID, Any]:
    rows = shop.rows(
        "select * from stockroom_api.demand(cast(:ids as uuid[]), :since, :until)",
        ids=variants, since=FIRST, until=FIRST + timedelta(days=LENGTH),
    )  # fmt: skip
    return {row.variant_id: row for row in rows}


def test_demand_is_the_average_in_stock_or_what_the_library_says_of_croston(shop: Shop) -> None:
    shelf = {shop.variant(): story for story in stories()}
    shop.post_past(*(line for variant, story in shelf.items() for line in told(variant, story)))
    said, methods = demand(shop, list(shelf)), set()
    for variant, story in shelf.items():
        row, (method, rate) = said[variant], modelled(story)
        assert row.method == method
        assert abs(row.rate - Decimal(rate)) <= Decimal("0.00051"), (story, row)
        assert row.days_in_stock == len([sold for sold in story if sold is not None])
        methods.add(method)
    assert methods == {"average", "croston", "none"}


def test_an_undone_sale_is_no_demand(shop: Shop) -> None:
    variant = shop.variant()
    lines = told(variant, [2, 0, 0, 0])
    at = days.start(FIRST, ZONE) + timedelta(minutes=601)
    undo = PastLine(variant_id=variant, quantity=2, occurred_at=at, movement_type="sale", reason="undo")
    shop.post_past(*lines, undo)
    assert (demand(shop, [variant])[variant].method, demand(shop, [variant])[variant].rate) == ("none", 0)
