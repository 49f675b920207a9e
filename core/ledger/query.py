"""Parts of the queries behind filtered lists: a view, words to search for, days. Composed, never joined as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, TableClause, column, func, or_, table, text

from core.foundation.text import folded

LONGEST_SEARCH = 200
MOST_WORDS = 8
_STARTS = text("""select stockroom_api.day_start(:since, zone), stockroom_api.day_start(:until, zone)
                  from stockroom_api.shop""")


def view(name: str, *columns: str) -> TableClause:
    """Return a view of stockroom_api to build queries over."""
    return table(name, *(column(each) for each in columns), schema="stockroom_api")


def has_words(search: str, columns: Iterable[ColumnElement[Any]]) -> Iterator[ColumnElement[bool]]:
    """Yield a condition for each word of a search: one of the columns contains it, in any letter case and folded."""
    among = tuple(func.stockroom_api.searched(each) for each in columns)
    for word in folded(search[:LONGEST_SEARCH]).split(" ")[:MOST_WORDS] if search.strip() else ():
        yield or_(*(each.icontains(word, autoescape=True) for each in among))


def on_days(
    connection: Connection, moment: ColumnElement[datetime], since: date | None, until: date | None
) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions for a moment on the shop's days from `since` to `until`, both included."""
    first, end = starts(connection, since, until + timedelta(days=1) if until and until < date.max else None)
    if first:
        yield moment >= first
    if end:
        yield moment < end


def starts(connection: Connection, since: date | None, until: date | None) -> tuple[datetime | None, datetime | None]:
    """Return the moments at which two days of the shop begin, by the database's time zone rules; None of None."""
    if since is None and until is None:
        return None, None
    first, end = connection.execute(_STARTS, {"since": since, "until": until}).one()
    return first, end


def day_of(moment: ColumnElement[datetime], zone: str) -> ColumnElement[date]:
    """Return the day of a moment in a time zone, for a query."""
    return func.stockroom_api.day_at(moment, zone)
