"""The levels that a storefront shows: by id, by SKU, or all that changed since a cursor.

A cursor names a place in the order of transactions (core/sql/71_levels/1_changes.sql) and, inside a walk of several
pages, the last variant read. A cursor of another server, as after a restore, begins again with every level.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

from sqlalchemy import Connection

from core.database.engine import array, call, rows_of
from core.foundation.errors import invalid
from core.foundation.model import Actor

MOST = 1_000
MOST_NAMED = 200
_CURSOR = re.compile(r"([0-9a-f]{12})\.(\d{1,18}|all)\.(\d{1,18})(?:\.([0-9a-f]{32}))?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Available:
    """What a buyer can have of a variant: units on hand less those held; 0 if it is inactive."""

    variant_id: UUID
    sku: str
    available: int
    is_active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which levels: those of the named variants, else all that changed since a cursor."""

    ids: Sequence[UUID] = ()
    skus: Sequence[str] = ()
    since: str | None = None
    limit: int = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some levels; `cursor` asks for what follows, at once if there is `more`, otherwise later."""

    levels: tuple[Available, ...]
    cursor: str | None
    more: bool

    @property
    def etag(self) -> str:
        """The tag of these levels. It is weak: the cursor moves on while the levels stay."""
        content = json.dumps([[asdict(each) for each in self.levels], self.more], default=str, sort_keys=True)
        return f'W/"{hashlib.sha256(content.encode()).hexdigest()[:32]}"'


def read(connection: Connection, _: Actor, *, wanted: Wanted) -> Page:
    """Return a page of levels; unknown variants are left out. Raises InvalidInput."""
    if wanted.ids or wanted.skus:
        return _named(connection, wanted)
    return _changed(connection, since=wanted.since, limit=wanted.limit)


def _named(connection: Connection, wanted: Wanted) -> Page:
    if wanted.since is not None:
        raise invalid("since", "cannot be combined with id or sku")
    if len(wanted.ids) + len(wanted.skus) > MOST_NAMED:
        raise invalid("variants", f"are limited to {MOST_NAMED} in one request")
    statement = """select variant_id, sku, available, is_active
                     from stockroom_api.levels_of(%(ids)s::uuid[], %(skus)s::text[])"""
    rows = call(connection, statement, {"ids": array(wanted.ids), "skus": list(wanted.skus)})
    return Page(levels=rows_of(Available, rows), cursor=None, more=False)


def _changed(connection: Connection, *, since: str | None, limit: int) -> Page:
    found = _CURSOR.fullmatch(since) if since else None
    if since and found is None:
        raise invalid("since", "is not a cursor of an earlier answer")
    if not 1 <= limit <= MOST:
        raise invalid("limit", f"must be between 1 and {MOST:,}")
    mark, floor, following, after = found.groups() if found else (None, "all", None, None)
    place, now = call(connection, "select mark, floor from stockroom_api.levels_place()", {})[0]
    if mark != place:  # another server, whose numbers mean nothing here
        floor, following, after = "all", None, None
    begun = int(following) if following and after else now
    if after is None and following is not None:  # the walk before is finished: this one begins where it began
        floor = following
    values = {
        "mark": place,
        "floor": None if floor == "all" else int(floor),
        "after": str(UUID(after)) if after else None,
        "limit": limit + 1,
    }
    statement = """select variant_id, sku, available, is_active
                     from stockroom_api.page_of_levels(%(mark)s, %(floor)s, %(after)s::uuid, %(limit)s)"""
    rows = rows_of(Available, call(connection, statement, values))
    more = len(rows) > limit
    cursor = f"{place}.{floor}.{begun}"
    return Page(levels=rows[:limit], cursor=f"{cursor}.{rows[limit - 1].variant_id.hex}" if more else cursor, more=more)
