"""A day begins once, in SQL and in Python, also where clocks change at midnight."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from core.foundation import days
from core.ledger import flows, movements, reports
from core.ledger.movements import MovementFilter
from core.shop.profile import change_shop
from tests.support.builders import PastLine, Shop

# Years whose rules are old enough for every server: the day begins twice, is skipped, or does not begin at midnight.
YEARS = {
    "Atlantic/Azores": 2022, "America/Havana": 2022, "America/Santiago": 2021, "Asia/Beirut": 2021,
    "America/Asuncion": 2021, "Africa/Cairo": 2014, "Pacific/Apia": 2011, "Asia/Tehran": 2021,
    "America/Sao_Paulo": 2018, "America/St_Johns": 2010, "America/Toronto": 1919, "Pacific/Auckland": 2026,
}  # fmt: skip
HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)
TICK = timedelta(microseconds=1)


def all_days(year: int) -> list[date]:
    return [date(year, 1, 1) + timedelta(days=n) for n in range((date(year + 1, 1, 1) - date(year, 1, 1)).days)]


@cache
def found_by_walking(zone: str, year: int) -> dict[date, datetime]:
    """The first moment of each date of a year, found by reading the clock every minute around each midnight of UTC."""
    here, starts = ZoneInfo(zone), {}
    at, end = datetime(year - 1, 12, 30, tzinfo=UTC), datetime(year + 1, 1, 3, tzinfo=UTC)
    last = at.astimezone(here).date()
    step = timedelta(minutes=1) if zone == "America/St_Johns" else QUARTER
    while at < end:
        day = at.astimezone(here).date()
        while last < day:
            last += timedelta(days=1)
            starts[last] = at
        at += step
    return starts


def odd_days(zone: str) -> list[date]:
    """The days of the zone's year that begin twice, or not at midnight, or do not exist, or have another length."""
    here, found = ZoneInfo(zone), []
    for day in all_days(YEARS[zone]):
        begins, ends = days.start(day, zone), days.start(day + timedelta(days=1), zone)
        if ends - begins != timedelta(hours=24) or begins.astimezone(here).hour:
            found.append(day)
    return found


@pytest.mark.parametrize("zone", YEARS)
def test_a_year_of_days_begins_at_the_same_moments_in_sql_in_python_and_by_the_clock(shop: Shop, zone: str) -> None:
    wanted = found_by_walking(zone, YEARS[zone])
    year = all_days(YEARS[zone])
    said = shop.rows(
        "select d, stockroom_api.day_start(d, :zone) from unnest(cast(:days as date[])) d", days=year, zone=zone
    )
    assert dict(map(tuple, said)) == {day: wanted[day] for day in year}
    assert {day: days.start(day, zone) for day in year} == {day: wanted[day] for day in year}
    assert odd_days(zone)


def past(variant: UUID, zone: str) -> list[PastLine]:
    """Movements before, at and after the beginning of each odd day of a zone."""
    offsets = (-2 * HOUR, -HOUR / 2, -TICK, 0 * HOUR, TICK, HOUR / 2, HOUR - TICK, HOUR, HOUR * 3 / 2)
    moments = {
        days.start(day, zone) + offset
        for odd in odd_days(zone)
        for day in (odd, odd + timedelta(days=1))
        for offset in offsets
    }
    return [PastLine(variant_id=variant, quantity=n, occurred_at=at) for n, at in enumerate(sorted(moments), 1)]


@pytest.mark.parametrize("zone", ["Atlantic/Azores", "America/Santiago", "Pacific/Apia", "America/St_Johns"])
def test_every_view_puts_a_movement_on_the_same_day(fresh_shop: Shop, zone: str) -> None:
    fresh_shop.run(change_shop, "Ada", zone=zone)
    variant = fresh_shop.variant()
    lines = past(variant, zone)
    fresh_shop.post_past(*lines)
    sku = fresh_shop.history(variant)[0].sku
    begins = found_by_walking(zone, YEARS[zone])
    for day in sorted({odd + timedelta(days=n) for odd in odd_days(zone) for n in (-1, 0, 1)}):
        following = day + timedelta(days=1)
        units = [line.quantity for line in lines if begins[day] <= at_of(line) < begins[following]]
        opening = sum(line.quantity for line in lines if at_of(line) < begins[day])
        explained = fresh_shop.run(reports.explain, variant_id=variant, since=day, until=following)
        assert (explained.opening, explained.closing - opening, explained.movements) == (
            opening,
            sum(units),
            len(units),
        )
        assert fresh_shop.run(reports.levels_at, at=begins[day])[sku] == opening
        points = fresh_shop.run(reports.running_level, variant_id=variant, since=day)
        assert [point.at for point in points] == [at_of(line) for line in lines if at_of(line) >= begins[day]]
        for wanted in (MovementFilter(), MovementFilter(performed_by="The past")):
            listed = fresh_shop.run(movements.page, filter=replace(wanted, since=day, until=day)).rows
            assert [row.quantity for row in reversed(listed)] == units
            found = fresh_shop.run(flows.flows, filter=wanted, since=day, until=following)
            assert [(flow.start, flow.units_in) for flow in found] == ([(day, sum(units))] if units else [])
        assert {fresh_shop.sql("select stockroom_api.shop_day(:at)", at=at_of(line)) for line in lines} == {
            days.of(at_of(line), zone) for line in lines
        }
    for view in ("rollup_faults", "recent_rollup_faults"):
        assert fresh_shop.sql(f"select count(*) from stockroom_api.{view}") == 0


def at_of(line: PastLine) -> datetime:
    assert line.occurred_at is not None
    return line.occurred_at
