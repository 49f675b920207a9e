"""Products by size: which sizes of a product are in stock, and which runs of sizes are broken."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Connection, func, select

from core.foundation.model import Actor, LevelRow
from core.ledger.level_filter import LevelFilter, matching
from core.people.access import Permission
from core.people.guard import require


class Run(StrEnum):
    """How complete the sizes of a product are. Broken: some sizes can be sold and some cannot."""

    FULL = "full"
    BROKEN = "broken"
    OUT = "out"


class Fit(StrEnum):
    """Whose sizes they are: a woman's 42 and a man's 42 are two shoes. Letters and one size belong to nobody."""

    WOMEN = "women"
    MEN = "men"
    KIDS = "kids"
    OTHERS = "others"
    LETTERS = "letters"
    ONE = "one"


# In the size itself, as in W 10.5 or 5Y, else in the name of the product.
_SIZES = {
    Fit.WOMEN: re.compile(r"(w|wmns|women)\W*s?\W*\d|\d+(\.\d)?\s*w$", re.IGNORECASE),
    Fit.MEN: re.compile(r"(m|mens|men)\W*s?\W*\d", re.IGNORECASE),
    Fit.KIDS: re.compile(r"(y|k|gs|ps|td|kids)\W*\d|\d+(\.\d)?\s*[ykc]$", re.IGNORECASE),
}
_NAMES = {
    Fit.WOMEN: re.compile(r"\b(women|womens|wmns|ladies|damen)\b", re.IGNORECASE),
    Fit.MEN: re.compile(r"\b(men|mens|gents|herren)\b", re.IGNORECASE),
    Fit.KIDS: re.compile(r"\b(kids?|junior|toddlers?|infants?|boys|girls|kinder)\b", re.IGNORECASE),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GridRow:
    """One product with its active variants."""

    product_id: UUID
    product: str
    variants: tuple[LevelRow, ...]

    @property
    def in_stock(self) -> int:
        """How many of its variants can be sold."""
        return sum(row.available > 0 for row in self.variants)

    @property
    def run(self) -> Run:
        """How complete its sizes are."""
        if self.in_stock == len(self.variants):
            return Run.FULL
        return Run.BROKEN if self.in_stock else Run.OUT


@dataclass(frozen=True, slots=True, kw_only=True)
class GridPage:
    """Some products, and how many match in all."""

    rows: tuple[GridRow, ...]
    total: int


def fit(product: str, size: str | None) -> Fit:
    """Return whose size it is, as size and product say."""
    text = (size or "").strip()
    if not text:
        return Fit.ONE
    for found, pattern in _SIZES.items():
        if pattern.match(text):
            return found
    if not any(mark.isdigit() for mark in text):
        return Fit.LETTERS
    return next((found for found, pattern in _NAMES.items() if pattern.search(product)), Fit.OTHERS)


def runs(rows: Iterable[GridRow]) -> dict[Fit, Sequence[GridRow]]:
    """Return the products by whose sizes they have. One with men's and women's sizes is in both, each with its own."""
    found: dict[Fit, list[GridRow]] = {}
    for row in rows:
        parts: dict[Fit, list[LevelRow]] = {}
        for variant in row.variants:
            parts.setdefault(fit(row.product, variant.size), []).append(variant)
        for which, variants in parts.items():
            part = GridRow(product_id=row.product_id, product=row.product, variants=tuple(variants))
            found.setdefault(which, []).append(part)
    return {which: found[which] for which in Fit if which in found}


def page(connection: Connection, actor: Actor, *, filter: LevelFilter, offset: int, limit: int) -> GridPage:  # noqa: A002
    """Return the products with a variant that matches the filter, by name, each with all of its active variants."""
    require(connection, actor, Permission.VIEW)
    found = matching(filter).subquery()
    products = select(found.c.product_id, found.c.product).distinct()
    total = connection.execute(select(func.count()).select_from(products.subquery())).scalar_one()
    ordered = products.order_by(found.c.product, found.c.product_id).offset(max(offset, 0)).limit(limit)
    names = {row.product_id: row.product for row in connection.execute(ordered)}
    variants = _variants(connection, list(names))
    rows = (GridRow(product_id=id_, product=name, variants=tuple(variants.get(id_, ()))) for id_, name in names.items())
    return GridPage(rows=tuple(rows), total=total)


def _variants(connection: Connection, product_ids: list[UUID]) -> dict[UUID, list[LevelRow]]:
    active = matching(LevelFilter()).subquery()
    rows = connection.execute(select(active).where(active.c.product_id.in_(product_ids)).order_by(active.c.sku))
    found: dict[UUID, list[LevelRow]] = {}
    for row in rows:
        found.setdefault(row.product_id, []).append(LevelRow(**row._mapping))
    return found
