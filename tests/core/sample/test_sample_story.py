"""The sample shop's past: the audit on its first day, on any date, and ninety plausible days after it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from core.catalog.file import read_catalog
from core.sample.models import catalogue, read_models
from core.sample.story import DAYS, ZONE, Operation
from core.sample.trade import ninety_days

MODELS = read_models()
NOWS = [
    datetime(2025, 3, 30, 0, 5, tzinfo=UTC),  # the night of the clock change
    datetime(2025, 10, 26, 23, 59, tzinfo=UTC),
    datetime(2026, 1, 1, 4, 0, tzinfo=UTC),
    *(datetime(2026, 5, 4, 13, 30, tzinfo=UTC) + timedelta(days=day) for day in range(7)),
    datetime(2028, 2, 29, 22, 30, tzinfo=UTC),
]


@cache
def story(now: datetime) -> list[Operation]:
    """The ninety days before `now`; several tests read the same."""
    return ninety_days(MODELS, now)


def levels(operations: list[Operation]) -> Counter[str]:
    stock: Counter[str] = Counter()
    for operation in operations:
        for sku, units in operation.lines.items():
            stock[sku] += units
            assert stock[sku] >= 0
    return stock


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
def test_the_first_day_is_the_audit_and_nothing_else(now: datetime) -> None:
    zone = ZoneInfo(ZONE)
    opening = now.astimezone(zone).date() - timedelta(days=DAYS)
    first = [operation for operation in story(now) if operation.at.astimezone(zone).date() == opening]
    movements: Counter[tuple[str, str]] = Counter()
    units: Counter[tuple[str, str]] = Counter()
    for operation in first:
        movements[operation.movement_type, operation.reason] += len(operation.lines)
        units[operation.movement_type, operation.reason] += sum(operation.lines.values())
    assert movements == {
        ("count", "initial_count"): 14, ("purchase", "initial_purchase"): 1,
        ("adjustment", "stock_increase"): 1, ("sale", "stock_decrease"): 2,
    }  # fmt: skip
    assert list(units.values()) == [524, 50, 5, -3]


@pytest.mark.parametrize("now", NOWS, ids=str)
def test_the_later_operations_are_in_order_and_end_now(now: datetime) -> None:
    operations = story(now)
    assert [operation.at for operation in operations] == sorted(operation.at for operation in operations)
    assert now - timedelta(hours=20) < operations[-1].at <= now
    assert len({operation.key for operation in operations}) == len(operations)
    reasons = Counter(operation.reason for operation in operations)
    for reason in (
        "delivery",
        "refund",
        "exchange",
        "cancelled_unshipped",
        "damaged",
        "found",
        "theft",
        "lost",
        "undo",
    ):
        assert reasons[reason] > 0, reason
    assert 1_200 < reasons["stock_decrease"] < 2_200


@pytest.mark.parametrize("now", NOWS, ids=str)
def test_at_the_end_some_variants_are_low_some_are_out_and_size_runs_are_broken(now: datetime) -> None:
    stock = levels(story(now))
    points = {line.sku: line.reorder_point or 0 for line in read_catalog(catalogue(MODELS), "sample.csv").lines}
    out = [sku for sku in points if stock[sku] == 0]
    low = [sku for sku in points if 0 < stock[sku] <= points[sku]]
    assert 30 < len(out) < 150
    assert 10 < len(low) < 120
    canyon = [stock[sku] for sku in MODELS[0].skus]
    assert 0 in canyon
    assert sum(canyon) > 0


def test_saturdays_sell_more_than_tuesdays() -> None:
    sold: Counter[int] = Counter()
    for operation in ninety_days(MODELS, NOWS[3]):
        if operation.reason == "stock_decrease":
            sold[operation.at.astimezone(ZoneInfo(ZONE)).weekday()] += 1
    assert sold[5] > 1.4 * sold[1]


def test_no_order_restores_more_than_it_sold() -> None:
    sold: Counter[tuple[str | None, str]] = Counter()
    for operation in ninety_days(MODELS, NOWS[0]):
        if operation.movement_type in ("sale", "restoration"):
            for sku, units in operation.lines.items():
                sold[operation.reference, sku] -= units
    assert min(sold.values()) >= 0


@pytest.mark.slow
def test_the_same_moment_gives_the_same_story() -> None:
    assert ninety_days(MODELS, NOWS[3]) == ninety_days(MODELS, NOWS[3])
