"""The variants that a text could mean, nearest first: typed or scanned by a person, or the name in a cart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, and_, case, literal, or_, select

from core.foundation.barcodes import read_scan
from core.foundation.model import Actor
from core.foundation.text import folded
from core.ledger.level_filter import LEVELS, coded
from core.ledger.query import LONGEST_SEARCH, MOST_WORDS, has_words
from core.people.access import Permission
from core.people.guard import require

MOST_CANDIDATES = 400
"""Variants that are compared with a text at most."""
_FAR = 0.4
"""A variant less similar than this is not offered."""
_SHORTEST = 3
"""Characters that a word needs to be looked for by its beginning."""
_COLUMNS = tuple(LEVELS.c[name] for name in ("sku", "barcode", "product", "size", "color", "brand"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """A variant that a text could mean, with its units available if known. `is_exact`: it has this code."""

    variant_id: UUID
    sku: str
    product: str
    size: str | None
    available: int | None
    is_exact: bool


def nearest(connection: Connection, actor: Actor, *, text: str, limit: int = 8) -> tuple[Near, ...]:
    """Return the variants whose SKU, barcode, product and size are nearest to a text, the nearest first.

    First those with exactly this SKU, barcode or other code, then those that have every word, then those that have one
    of them, then those that are similar: "air maxx 42" finds Air Max, size 42.
    """
    require(connection, actor, Permission.VIEW)
    wanted = folded(text)[:LONGEST_SEARCH].lower()
    if not wanted:
        return ()
    rows, hits = LEVELS.c, _hits(wanted)
    found: dict[UUID, Near] = {}
    for place, condition in enumerate(_steps(text[:LONGEST_SEARCH].replace("\0", ""), wanted)):
        if len(found) >= limit:
            break
        best_first = (hits.desc(), rows.is_active.desc(), rows.sku)
        query = select(LEVELS).where(condition).order_by(*best_first).limit(MOST_CANDIDATES)
        for row in sorted(connection.execute(query), key=lambda row: (-_likeness(row, wanted), row.sku)):
            if place < 2 or _likeness(row, wanted) >= _FAR:
                found.setdefault(row.variant_id, _near(row, is_exact=place == 0))
    return tuple(found.values())[:limit]


def _words(wanted: str) -> list[str]:
    return re.findall(r"[^\W_]+", wanted)[:MOST_WORDS]


def _hits(wanted: str) -> ColumnElement[int]:
    """Return how many words of a text a variant has."""
    found = (case((each, 1), else_=0) for word in _words(wanted) for each in has_words(word, _COLUMNS))
    return sum(found, literal(0))


def _steps(text: str, wanted: str) -> Iterator[ColumnElement[bool]]:
    """Yield a condition for each step of the search, from the whole text to the beginnings of its words."""
    rows, words = LEVELS.c, _words(wanted)
    starts = [word[:_SHORTEST] for word in words if len(word) >= _SHORTEST]
    yield or_(*(rows.variant_id.in_(coded(each.code)) for each in read_scan(text)))
    if words:
        yield and_(*has_words(" ".join(words), _COLUMNS))
        yield or_(*(condition for word in words for condition in has_words(word, _COLUMNS)))
    if starts:
        yield or_(*(each.icontains(start) for start in starts for each in (rows.sku, rows.product)))


def _likeness(row: Row[tuple[object, ...]], wanted: str) -> float:
    """Return how like a text a variant is, from 0 to 1: its SKU, or its product with its size."""
    called = " ".join(filter(None, (row.product, row.color, row.size)))
    return max(SequenceMatcher(None, wanted, each.lower()).ratio() for each in (row.sku, called))


def _near(row: Row[tuple[object, ...]], *, is_exact: bool) -> Near:
    return Near(
        variant_id=row.variant_id, sku=row.sku, product=row.product, size=row.size, available=row.available,
        is_exact=is_exact,
    )  # fmt: skip
