"""Long lists: pages by key and bounded counts.

A cursor is the key of the row next to a page, and a direction. It is part of the page's URL. With keys instead of
offsets, page 10,000 is as fast as page 1, and no row is shown twice or skipped while others are added.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select, func, literal, select, tuple_

from core.foundation.errors import invalid

LONGEST_PAGE = 5_000
LONGEST_CURSOR = 200
COUNTED_UP_TO = 10_000
_T = TypeVar("_T")
_U = TypeVar("_U")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[_T]):
    """Some rows of a list. `before` and `after` are the cursors of the pages next to it, or None at the ends."""

    rows: tuple[_T, ...]
    before: str | None
    after: str | None

    def of(self, rows: Iterable[_U]) -> Page[_U]:
        """Return the same page with its rows in another form."""
        return Page(rows=tuple(rows), before=self.before, after=self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many rows match; with `at_least`, counting stopped because there are more."""

    count: int
    at_least: bool

    @classmethod
    def of(cls, found: int, limit: int) -> Count:
        """Return the count of a query that looks at `limit` rows and one more."""
        return cls(count=min(found, limit), at_least=found > limit)


def read(
    connection: Connection,
    query: Select[Any],
    keys: Sequence[ColumnElement[Any]],
    *,
    cursor: str | None,
    limit: int,
    newest_first: bool = False,
) -> Page[Row[Any]]:
    """Return `limit` rows of `query` in the order of `keys`, starting at `cursor`; the last key is unique.

    Raises InvalidInput for a cursor of another list.
    """
    limit = min(max(limit, 1), LONGEST_PAGE)
    backwards, position = _decode(cursor, keys)
    found = connection.execute(cut(query, keys, cursor=cursor, limit=limit, newest_first=newest_first)).all()
    more, rows = len(found) > limit, found[:limit]
    if backwards:
        rows = rows[::-1]
    has_before = more if backwards else position is not None
    return Page(
        rows=tuple(rows),
        before=_encode(rows[0], keys, backwards=True) if rows and has_before else None,
        after=_encode(rows[-1], keys, backwards=False) if rows and (more or backwards) else None,
    )


def cut(
    query: Select[Any], keys: Sequence[ColumnElement[Any]], *, cursor: str | None, limit: int, newest_first: bool
) -> Select[Any]:
    """Return the query for the rows beyond `cursor`, nearest first, and for one row more than `limit`."""
    backwards, position = _decode(cursor, keys)
    descending = newest_first is not backwards
    if position is not None:
        here = tuple_(*(literal(value, key.type) for value, key in zip(position, keys, strict=True)))
        query = query.where(tuple_(*keys) < here if descending else tuple_(*keys) > here)
    return query.order_by(*(key.desc() if descending else key.asc() for key in keys)).limit(limit + 1)


def walk(page: Callable[[str | None], Page[_T]]) -> Iterator[tuple[_T, ...]]:
    """Yield the rows of a whole list page by page; `page` reads the one at a cursor. No cursor stays open meanwhile."""
    cursor: str | None = None
    while True:
        found = page(cursor)
        if found.rows:
            yield found.rows
        if found.after is None:
            return
        cursor = found.after


def count(connection: Connection, query: Select[Any], limit: int = COUNTED_UP_TO) -> Count:
    """Return how many rows a query has, counting no further than `limit`."""
    bounded = query.with_only_columns(literal(1), maintain_column_froms=True).limit(limit + 1).subquery()
    return Count.of(connection.execute(select(func.count()).select_from(bounded)).scalar_one(), limit)


def _encode(row: Row[Any], keys: Sequence[ColumnElement[Any]], *, backwards: bool) -> str:
    values = (row._mapping[str(key.key)] for key in keys)
    written = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    text = json.dumps([backwards, *written], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str | None, keys: Sequence[ColumnElement[Any]]) -> tuple[bool, list[Any] | None]:
    if not cursor:
        return False, None
    try:
        text = base64.urlsafe_b64decode(cursor[:LONGEST_CURSOR] + "=" * (-len(cursor) % 4))
        backwards, *position = json.loads(text)
        return bool(backwards), [_value(value, str(key.key)) for value, key in zip(position, keys, strict=True)]
    except (ValueError, TypeError):
        raise invalid("page", "is not one of this list; start from its beginning") from None


def _value(value: Any, key: str) -> datetime | int:
    """Return a value of a cursor as its key needs it: a moment for a key named `..._at`, else a whole number."""
    if key.endswith("_at"):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError(value)
        return moment
    if type(value) is int and abs(value) < 2**63:
        return value
    raise ValueError(value)
