"""Which variants a report is about, and how their numbers are summed into its rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, FromClause, Row, Select, func, select

from core.ledger.level_filter import LEVELS
from core.ledger.query import has_words
from core.reports.model import Column, Filter, Grain, Kind, Link

NO_BRAND = "No brand"
_NAMES = (LEVELS.c.product, LEVELS.c.sku, LEVELS.c.brand)


def variants(connection: Connection, wanted: Filter) -> list[UUID] | None:
    """Return the variants under a filter, also inactive ones, or None for all of the shop."""
    if not wanted.brand and not wanted.product.strip():
        return None
    query = select(LEVELS.c.variant_id).where(*has_words(wanted.product, _NAMES))
    if wanted.brand:
        query = query.where(LEVELS.c.brand == wanted.brand)
    return list(connection.execute(query).scalars())


_KEYS: Mapping[Grain, tuple[ColumnElement[Any], ...]] = {
    Grain.PRODUCT: (LEVELS.c.product_id, LEVELS.c.product, LEVELS.c.brand),
    Grain.VARIANT: (LEVELS.c.sku, LEVELS.c.product, LEVELS.c.size, LEVELS.c.color, LEVELS.c.brand),
    Grain.BRAND: (LEVELS.c.brand,),
}
_COLUMNS: Mapping[Grain, tuple[Column, ...]] = {
    Grain.PRODUCT: (Column(name="product", title="Product"), Column(name="brand", title="Brand")),
    Grain.VARIANT: (
        Column(name="sku", title="SKU"), Column(name="product", title="Product"), Column(name="size", title="Size"),
        Column(name="color", title="Color"), Column(name="brand", title="Brand"),
    ),
    Grain.BRAND: (Column(name="brand", title="Brand"),),
}  # fmt: skip


def names(by: Grain) -> tuple[Column, ...]:
    """Return the columns that name a row."""
    return _COLUMNS[by]


def summed(
    numbers: FromClause, by: Grain, *, also: FromClause | None = None, **sums: ColumnElement[Any]
) -> Select[Any]:
    """Return the query that sums numbers of variants into rows: what names a row, then `sums`.

    `numbers` has a column `variant_id`, and so has `also`, which need not have every variant.
    """
    joined = LEVELS.join(numbers, LEVELS.c.variant_id == numbers.c.variant_id)
    if also is not None:
        joined = joined.outerjoin(also, also.c.variant_id == LEVELS.c.variant_id)
    return (
        select(*_KEYS[by], *(value.label(name) for name, value in sums.items()))
        .select_from(joined)
        .group_by(*_KEYS[by])
    )


def named(row: Row[Any], by: Grain) -> tuple[Any, ...]:
    """Return the cells that name a row."""
    if by is Grain.BRAND:
        return (row.brand or NO_BRAND,)
    return tuple(getattr(row, column.name) for column in _COLUMNS[by])


def sorted_by(row: Row[Any], by: Grain) -> tuple[str, ...]:
    """Return what rows of the same number are sorted by."""
    return tuple(str(cell or "") for cell in named(row, by))


def label(row: Row[Any], by: Grain) -> str:
    """Return the name of a row in a chart."""
    if by is Grain.BRAND:
        return str(row.brand or NO_BRAND)
    return str(row.product) if by is Grain.PRODUCT else str(row.sku)


def link(row: Row[Any], by: Grain) -> Link | None:
    """Return where one acts on a row: the variant, or the list of the product's or the brand's variants."""
    if by is Grain.VARIANT:
        return Link(page="stock", query={"sku": row.sku})
    if by is Grain.PRODUCT:
        return Link(page="stock", query={"stk_q": row.product})
    return Link(page="stock", query={"stk_brand": row.brand}) if row.brand else None


def total(rows: Sequence[tuple[Any, ...]], columns: Sequence[Column]) -> tuple[Any, ...]:
    """Return the sums of the columns of units, counts and money; None for all others."""
    added = (Kind.UNITS, Kind.COUNT, Kind.MONEY)
    return tuple(
        sum(row[place] or 0 for row in rows) if column.kind in added else None for place, column in enumerate(columns)
    )


def whole(name: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the sum of a column, 0 without rows."""
    return func.coalesce(func.sum(name), 0)


def largest(parts: Iterable[tuple[str, float]], most: int | None = None) -> list[tuple[str, float]]:
    """Return the sums of parts by name, the largest first, and of many the first `most`."""
    sums: dict[str, float] = {}
    for name, part in parts:
        sums[name] = sums.get(name, 0) + part
    return sorted(sums.items(), key=lambda each: -each[1])[:most]
