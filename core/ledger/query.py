"""Parts of the queries behind filtered lists: a view, words to search for, days. Composed, never joined as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, TableClause, column, func, or_, table

from core.foundation.text import folded

LONGEST_SEARCH = 200
MOST_WORDS = 8


def view(name: str, *columns: str) -> TableClause:
    """Return a view of stockroom_api to build queries over."""
    return table(name, *(column(each) for each in columns), schema="stockroom_api")


def has_words(search: str, columns: Iterable[ColumnElement[Any]]) -> Iterator[ColumnElement[bool]]:
    """Yield a condition for each word of a search: one of the columns contains it, in any letter case and folded."""
    among = tuple(func.stockroom_api.searched(each) for each in columns)
    for word in folded(search[:LONGEST_SEARCH]).split(" ")[:MOST_WORDS] if search.strip() else ():
        yield or_(*(each.icontains(word, autoescape=True) for each in among))


def on_days(
    moment: ColumnElement[datetime], since: date | None, until: date | None, zone: str
) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions for a moment on the shop's days from `since` to `until`, both included."""
    if since:
        yield moment >= midnight(since, zone)
    if until and until < date.max:
        yield moment < midnight(until + timedelta(days=1), zone)


def midnight(day: date, zone: str) -> datetime:
    """Return the moment a day of the shop begins."""
    return datetime.combine(day, time(), ZoneInfo(zone))
