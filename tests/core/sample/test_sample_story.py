"""The sample shop's past: the audit on its first day, on any date, and ninety plausible days of sales after it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.catalog.file import read_catalog
from core.sample.models import catalogue, read_models
from core.sample.shoppers import fits
from core.sample.story import DAYS, ZONE, Kind, Operation, Step, Story
from core.sample.trade import past

MODELS = read_models()
NOWS = [
    datetime(2025, 3, 30, 0, 5, tzinfo=UTC),  # the night of the clock change
    datetime(2025, 10, 26, 23, 59, tzinfo=UTC),
    datetime(2026, 1, 1, 4, 0, tzinfo=UTC),
    datetime(2026, 5, 4, 13, 30, tzinfo=UTC),
    datetime(2028, 2, 29, 22, 30, tzinfo=UTC),
]


@cache
def story(now: datetime) -> tuple[Story, list[Step]]:
    """The shop at the end of the ninety days before `now`, and its steps; several tests read the same."""
    kept: list[Story] = []
    run = Story.run

    def keep(self: Story) -> list[Step]:
        kept.append(self)
        return run(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Story, "run", keep)
        steps = past(MODELS, now)
    return kept[0], steps


def operations(steps: list[Step]) -> Iterator[Operation]:
    """The movements by people."""
    return (step.what["operation"] for step in steps if step.kind is Kind.STOCK)


def test_forty_models_in_sizes_give_a_catalogue_without_problems() -> None:
    assert len(MODELS) == 40
    file = read_catalog(catalogue(MODELS), "sample.csv")
    assert file.problems == ()
    assert len(file.lines) == sum(len(model.sizes) for model in MODELS) > 350
    assert {line.size for line in file.lines if line.product == "Jordan 4 Retro Canyon Purple (Women's)"} == {
        "36", "36.5", "37.5", "38", "38.5", "39", "40", "40.5", "41",
    }  # fmt: skip
    assert all(len(line.barcode or "") == 13 for line in file.lines)


@pytest.mark.parametrize("now", NOWS, ids=str)
def test_the_first_day_is_the_audit_and_two_orders(now: datetime) -> None:
    zone = ZoneInfo(ZONE)
    opening = now.astimezone(zone).date() - timedelta(days=DAYS)
    first = [step for step in story(now)[1] if step.at.astimezone(zone).date() == opening]
    movements: Counter[tuple[str, str]] = Counter()
    units: Counter[tuple[str, str]] = Counter()
    for operation in operations(first):
        movements[operation.movement_type, operation.reason] += len(operation.lines)
        units[operation.movement_type, operation.reason] += sum(operation.lines.values())
    assert movements == {
        ("count", "initial_count"): 14, ("purchase", "initial_purchase"): 1, ("adjustment", "stock_increase"): 1,
    }  # fmt: skip
    assert list(units.values()) == [524, 50, 5]
    assert sum(step.kind in (Kind.PAY, Kind.CHECKOUT) for step in first) == 2


@pytest.mark.parametrize("now", NOWS, ids=str)
def test_the_later_steps_are_in_order_and_end_now(now: datetime) -> None:
    steps = story(now)[1]
    assert [step.at for step in steps] == sorted(step.at for step in steps)
    assert now - timedelta(hours=20) < steps[-1].at <= now
    reasons = Counter(operation.reason for operation in operations(steps))
    for reason in ("delivery", "damaged", "found", "theft", "lost", "undo", "cycle_count"):
        assert reasons[reason] > 0, reason
    kinds = Counter(step.kind for step in steps)
    assert 1_200 < kinds[Kind.PAY] + kinds[Kind.CHECKOUT] < 1_800
    assert min(kinds[kind] for kind in Kind) > 0
    returns = Counter(step.what["reason"] for step in steps if step.kind is Kind.RETURN)
    assert min(returns[reason] for reason in ("refund", "exchange", "cancelled_unshipped")) > 0


@pytest.mark.parametrize("now", NOWS, ids=str)
def test_at_the_end_about_one_in_twenty_variants_is_out_or_low(now: datetime) -> None:
    shop = story(now)[0]
    out = [sku for sku in shop.variants if shop.levels.get(sku, 0) == 0]
    low = [sku for sku, each in shop.variants.items() if 0 < shop.levels.get(sku, 0) <= each.reorder_point]
    assert out
    assert 0.025 < (len(out) + len(low)) / len(shop.variants) < 0.075


def test_every_payment_is_one_that_stripe_accepts() -> None:
    paid = [step.what for step in story(NOWS[3])[1] if step.kind is Kind.PAY]
    assert all(fits(each["metadata"]) and each["amount"] >= 50 for each in paid)
    shapes: Counter[str] = Counter()
    for each in paid:
        shapes.update(name for name in each["metadata"] if name in ("cart", "item_1_sku", "cartItems", "items"))
    assert len(shapes) == 4
    assert min(shapes.values()) > 50


def test_saturdays_sell_more_than_tuesdays() -> None:
    sold: Counter[int] = Counter()
    for step in story(NOWS[3])[1]:
        if step.kind in (Kind.PAY, Kind.CHECKOUT):
            sold[step.at.astimezone(ZoneInfo(ZONE)).weekday()] += 1
    assert sold[5] > 1.4 * sold[1]


def test_what_comes_back_was_sold_and_its_refund_is_not_more_than_was_paid() -> None:
    paid: dict[str, int] = {}
    for step in story(NOWS[0])[1]:
        what: Any = step.what
        if step.kind is Kind.PAY and step.name:
            paid[step.name] = what["amount"]
        elif step.kind is Kind.CHECKOUT:
            paid[step.name] = sum(price * units for _, price, units in what["lines"]) + what["shipping"]
        elif step.kind is Kind.REFUND:
            paid[step.name] -= what["amount"]
    assert min(paid.values()) >= 0


def test_the_same_moment_gives_the_same_story() -> None:
    def told(steps: list[Step]) -> str:
        return json.dumps([(step.kind, step.at, step.name, step.what) for step in steps], default=str)

    assert told(past(MODELS, NOWS[3], 20)) == told(past(MODELS, NOWS[3], 20))
