"""Keyset paging: the ten-thousandth page of a list is as quick as the first, and no row is repeated or left out.

A cursor holds the direction and the key of the row next to which a page begins. It is part of the page's URL.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, literal, tuple_

from core.foundation.errors import invalid

LONGEST_PAGE = 1_000
LONGEST_CURSOR = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One page of a list. `before` and `after` are the cursors of the neighbouring pages, None at the ends."""

    rows: tuple[Row[Any], ...]
    before: str | None
    after: str | None


def read(
    connection: Connection,
    query: Select[Any],
    keys: Sequence[ColumnElement[Any]],
    *,
    cursor: str | None,
    limit: int,
    newest_first: bool = False,
) -> Part:
    """Return `limit` rows of `query` in the order of `keys`, from `cursor` on. The last key must be unique.

    Raises InvalidInput for a cursor that this function did not make.
    """
    limit = min(max(limit, 1), LONGEST_PAGE)
    backwards, position = _decode(cursor, len(keys))
    descending = newest_first is not backwards
    if position is not None:
        here = tuple_(*(literal(value, key.type) for value, key in zip(position, keys, strict=True)))
        query = query.where(tuple_(*keys) < here if descending else tuple_(*keys) > here)
    query = query.order_by(*(key.desc() if descending else key.asc() for key in keys)).limit(limit + 1)
    rows = connection.execute(query).all()
    more, rows = len(rows) > limit, rows[:limit]
    if backwards:
        rows = rows[::-1]
    has_before = more if backwards else position is not None
    names = [str(key.key) for key in keys]
    return Part(
        rows=tuple(rows),
        before=_encode(rows[0], names, backwards=True) if rows and has_before else None,
        after=_encode(rows[-1], names, backwards=False) if rows and (more or backwards) else None,
    )


def _encode(row: Row[Any], names: Sequence[str], *, backwards: bool) -> str:
    values = [_written(row._mapping[name]) for name in names]
    written = json.dumps([backwards, *values], separators=(",", ":"))
    return base64.urlsafe_b64encode(written.encode()).decode().rstrip("=")


def _written(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _decode(cursor: str | None, count: int) -> tuple[bool, list[Any] | None]:
    if not cursor:
        return False, None
    try:
        written = base64.urlsafe_b64decode(cursor[:LONGEST_CURSOR] + "=" * (-len(cursor) % 4))
        backwards, *position = json.loads(written)
        if len(position) != count:
            raise ValueError(cursor)
        return bool(backwards), [_read(value) for value in position]
    except (ValueError, TypeError, binascii.Error):
        raise invalid("page", "is not a page of this list; start from the first page") from None


def _read(value: Any) -> datetime | int:
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError(value)
        return moment
    if type(value) is int and abs(value) < 2**63:
        return value
    raise ValueError(value)
