"""The days that a report is about. A span such as the last 30 days moves on, so a link to it stays up to date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from core.foundation.errors import invalid

LONGEST = 3_700
"""The most days of a period: ten years."""


class Span(StrEnum):
    """A period that ends today, a calendar month or year, or days of one's own."""

    WEEK = "7d"
    MONTH = "30d"
    QUARTER = "90d"
    YEAR = "365d"
    THIS_MONTH = "month"
    LAST_MONTH = "last-month"
    THIS_YEAR = "year"
    OWN = "own"


_LENGTHS = {Span.WEEK: 7, Span.MONTH: 30, Span.QUARTER: 90, Span.YEAR: 365}


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Days of the shop, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1


def period_of(span: Span, today: date, first: date | None = None, last: date | None = None) -> Period:
    """Return the days of a span. `first` and `last` are those of `Span.OWN`.

    Without a last day it ends today, without a first one it has 90 days.
    Raises InvalidInput for days in the wrong order or more than ten years.
    """
    if span in _LENGTHS:
        return Period(first=today - timedelta(days=_LENGTHS[span] - 1), last=today)
    if span is Span.THIS_MONTH:
        return Period(first=today.replace(day=1), last=today)
    if span is Span.LAST_MONTH:
        end = today.replace(day=1) - timedelta(days=1)
        return Period(first=end.replace(day=1), last=end)
    if span is Span.THIS_YEAR:
        return Period(first=today.replace(month=1, day=1), last=today)
    end = last or max(today, first or today)
    return checked(Period(first=first or end - timedelta(days=_LENGTHS[Span.QUARTER] - 1), last=end))


def checked(period: Period) -> Period:
    """Return the period. Raises InvalidInput for days in the wrong order or more than ten years."""
    if period.first > period.last:
        raise invalid("period", "ends before it begins")
    if period.days > LONGEST:
        raise invalid("period", "must be at most ten years")
    return period
