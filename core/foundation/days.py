"""Days: the only place in Python where a day becomes a moment and a moment a day.

Reads of the database use `stockroom_api.day_start` and `stockroom_api.day_at` instead, because the time zone rules of
the server and those of Python may be of different years.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)


def start(day: date, zone: str) -> datetime:
    """Return the moment a day begins in a time zone: the first moment that has this date or a later one."""
    return moment(datetime.combine(day, time()), zone)


def of(at: datetime, zone: str) -> date:
    """Return the day of a moment in a time zone: the one that began last.

    It is the date that the clocks show, but not if they went back to an hour of the day before.
    """
    here = at.astimezone(ZoneInfo(zone))
    following = here.date() + timedelta(days=1) if here.fold else None
    return following if following and at >= start(following, zone) else here.date()


@lru_cache(maxsize=1_000)
def moment(clock: datetime, zone: str) -> datetime:
    """Return the first moment at which the clocks of a time zone show this time or a later one.

    It is the first of two if clocks go back, and the moment of the change if they skip this time. Raises OverflowError
    where the moment lies outside the years 1 to 9999.
    """
    here = ZoneInfo(zone)
    late = clock.replace(tzinfo=here, fold=0).astimezone(UTC)  # after the change if clocks skip this time
    if late.astimezone(here).replace(tzinfo=None) == clock:
        return late
    early = clock.replace(tzinfo=here, fold=1).astimezone(UTC)
    while late - early > _SECOND:
        between = early + _SECOND * ((late - early) // _SECOND // 2)
        if between.astimezone(here).replace(tzinfo=None) < clock:
            early = between
        else:
            late = between
    return late
