"""Days are those of the shop's zone, also across clock changes, and ranges are half-open."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from tests.support.builders import ZONE, PastLine, Shop
from tests.support.proof import assert_holds

AUCKLAND = ZoneInfo(ZONE)
TICK = timedelta(microseconds=1)

# Midnights of Auckland in UTC around the clock changes of 2026: in April a day has 25 hours, in September 23.
MIDNIGHTS = {
    date(2026, 4, 5): datetime(2026, 4, 4, 11, tzinfo=UTC),
    date(2026, 4, 6): datetime(2026, 4, 5, 12, tzinfo=UTC),
    date(2026, 9, 27): datetime(2026, 9, 26, 12, tzinfo=UTC),
    date(2026, 9, 28): datetime(2026, 9, 27, 11, tzinfo=UTC),
}


def came_in(variant: UUID, at: datetime | None, quantity: int = 1) -> PastLine:
    return PastLine(variant_id=variant, quantity=quantity, occurred_at=at)


def closings(shop: Shop, variant: UUID) -> dict[date, int]:
    rows = shop.rows("select day, closing from stockroom.variant_days where variant_id = :id order by day", id=variant)
    return {row.day: row.closing for row in rows}


def explained(shop: Shop, variant: UUID, since: date, until: date) -> Any:
    (row,) = shop.rows(
        "select * from stockroom_api.explain_level(:id, :since, :until)", id=variant, since=since, until=until
    )
    return row


@pytest.mark.parametrize("day", MIDNIGHTS)
def test_midnight_in_the_shop_begins_the_new_day_whatever_the_clocks_do(shop: Shop, day: date) -> None:  # pains.md 21
    variant, midnight = shop.variant(), MIDNIGHTS[day]
    assert midnight == datetime(day.year, day.month, day.day, tzinfo=AUCKLAND)
    shop.post_past(came_in(variant, midnight - TICK), came_in(variant, midnight), came_in(variant, midnight + TICK))
    assert closings(shop, variant) == {day - timedelta(days=1): 1, day: 3}
    assert_holds(shop, variant)


def test_the_hour_that_comes_twice_belongs_to_one_day(shop: Shop) -> None:
    variant = shop.variant()
    half_past_two = datetime(2026, 4, 5, 2, 30, tzinfo=AUCKLAND)
    moments = [half_past_two.replace(fold=0).astimezone(UTC), half_past_two.replace(fold=1).astimezone(UTC)]
    assert moments[1] - moments[0] == timedelta(hours=1)
    shop.post_past(*(came_in(variant, at) for at in moments))
    assert closings(shop, variant) == {date(2026, 4, 5): 2}


def test_a_long_day_has_twenty_five_hours_and_a_short_one_twenty_three(shop: Shop) -> None:
    for day, hours in ((date(2026, 4, 5), 25), (date(2026, 9, 27), 23)):
        variant, midnight = shop.variant(), MIDNIGHTS[day]
        shop.post_past(*(came_in(variant, midnight + timedelta(hours=n)) for n in range(26)))
        assert closings(shop, variant)[day] == hours


def test_a_movement_of_now_lies_on_the_shops_day_not_on_utcs(shop: Shop) -> None:
    variant = shop.variant(3)
    (day,) = closings(shop, variant)
    assert day == shop.history(variant)[0].occurred_at.astimezone(AUCKLAND).date()


def test_a_range_of_days_is_half_open_so_that_neighbours_neither_overlap_nor_leak(shop: Shop) -> None:
    variant, first, second = shop.variant(), date(2026, 4, 5), date(2026, 4, 6)
    shop.post_past(
        came_in(variant, MIDNIGHTS[first] - TICK, 1),
        came_in(variant, MIDNIGHTS[first], 10),
        came_in(variant, MIDNIGHTS[second] - TICK, 100),
        came_in(variant, MIDNIGHTS[second], 1_000),
    )
    one = explained(shop, variant, first, second)
    assert (one.opening, one.count_in, one.closing, one.movements) == (1, 110, 111, 2)
    rest = explained(shop, variant, second, second + timedelta(days=1))
    assert (rest.opening, rest.count_in, rest.closing) == (111, 1_000, 1_111)
    assert explained(shop, variant, first, first).movements == 0


def test_the_level_at_a_past_moment_leaves_out_what_happened_at_that_moment(fresh_shop: Shop) -> None:
    variant, midnight = fresh_shop.variant(), MIDNIGHTS[date(2026, 4, 6)]
    noon = midnight - timedelta(hours=12)
    fresh_shop.post_past(came_in(variant, noon, 5), came_in(variant, midnight, 2))
    said = {at: fresh_shop.sql("select level from stockroom_api.levels_at(:at)", at=at)
            for at in (noon, noon + TICK, midnight, midnight + TICK)}  # fmt: skip
    assert list(said.values()) == [0, 5, 5, 7]


def test_the_zone_of_the_database_session_changes_nothing(shop: Shop) -> None:
    variant = shop.variant()
    with shop.owner.begin() as connection:
        connection.exec_driver_sql("set local timezone = 'America/Los_Angeles'")
        connection.exec_driver_sql("set local datestyle = 'German, DMY'")
        connection.exec_driver_sql("set local intervalstyle = 'sql_standard'")
        connection.exec_driver_sql(f"select public.update_variant_stock('{variant}', 4)")
    assert_holds(shop, variant)


def test_what_happened_and_when_it_was_written_are_two_moments(shop: Shop) -> None:
    variant, then = shop.variant(), datetime(2025, 12, 24, 8, tzinfo=UTC)
    shop.post_past(came_in(variant, then))
    (row,) = shop.history(variant)
    assert row.occurred_at == then
    assert row.created_at > then + timedelta(days=30)


def test_microseconds_are_stored_and_covered_by_the_hash(shop: Shop) -> None:
    variant, then = shop.variant(), datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    shop.post_past(came_in(variant, then))
    assert shop.history(variant)[0].occurred_at == then
    assert_holds(shop, variant)
