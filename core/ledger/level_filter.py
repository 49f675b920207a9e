"""Which variants a list shows and in which order: conditions over the view of levels."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select

from core.foundation.barcodes import read_scan
from core.foundation.model import LevelRow, LevelState
from core.foundation.text import folded
from core.ledger.query import LONGEST_SEARCH, has_words, view

_RATES = ("sold", "trend", "days_in_stock")
LEVELS = view("levels", *(name for name in LevelRow.__dataclass_fields__ if name not in _RATES))
"""Every variant with its level, without its trend."""


class LevelStatus(StrEnum):
    """Which variants to list: by their `LevelState`, with reserved units, inactive, or all."""

    ALL = "all"
    HEALTHY = "healthy"
    LOW = "low"
    OUT = "out"
    RESERVED = "reserved"
    INACTIVE = "inactive"


class LevelSort(StrEnum):
    """How to sort them."""

    PRODUCT = "product"
    SKU = "sku"
    LEAST = "least"
    MOST = "most"
    MOVED = "moved"
    COUNTED = "counted"
    SHELF = "shelf"


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelFilter:
    """The filter of the list. `search` looks in codes, names, size, color and shelf place, in any letter case.

    `shelf`: what the shelf place begins with, in any letter case.
    """

    search: str = ""
    status: LevelStatus = LevelStatus.ALL
    brand: str | None = None
    shelf: str | None = None
    product_id: UUID | None = None


def matching(wanted: LevelFilter) -> Select[Any]:
    """Return the query for the variants under a filter, without trends and in no order; other reads build on it."""
    rows = LEVELS.c
    columns = (rows.sku, rows.barcode, rows.product, rows.brand, rows.size, rows.color, rows.shelf_place)
    query = select(LEVELS).where(_status_condition(wanted.status))
    if wanted.search.strip():
        words = and_(*has_words(wanted.search, columns))
        query = query.where(or_(words, *(rows.variant_id.in_(coded(each.code)) for each in read_scan(wanted.search))))
    if wanted.brand:
        query = query.where(rows.brand == wanted.brand)
    if wanted.shelf:
        query = query.where(rows.shelf_place.istartswith(wanted.shelf[:LONGEST_SEARCH], autoescape=True))
    if wanted.product_id:
        query = query.where(rows.product_id == wanted.product_id)
    return query


def meant(search: str, brand: str | None = None) -> Select[Any]:
    """Return the query for the ids of variants that a search means, also inactive ones, of one brand if it is not None.

    An empty brand means variants without one.

    A search that is the whole name of a product or a brand means only that one, in any letter case and folded.
    """
    rows = LEVELS.c
    query = select(rows.variant_id)
    if brand is not None:
        query = query.where(func.coalesce(rows.brand, "") == brand)
    if not search.strip():
        return query
    whole = folded(search[:LONGEST_SEARCH]).lower()
    named = or_(*(func.lower(func.stockroom_api.searched(each)) == whole for each in (rows.product, rows.brand)))
    texts = (rows.sku, rows.barcode, rows.product, rows.brand, rows.size, rows.color)
    worded = and_(*has_words(search, texts), ~exists(select(rows.variant_id).where(named)))
    return query.where(or_(named, worded))


def coded(code: str) -> Select[Any]:
    """Return the query for the variants that have a code, in any way to write it: normally one or none."""
    return select(func.stockroom_api.code_choices(code[:LONGEST_SEARCH]).table_valued("variant_id").c.variant_id)


def _status_condition(status: LevelStatus) -> ColumnElement[bool]:
    rows = LEVELS.c
    if status is LevelStatus.INACTIVE:
        return ~rows.is_active
    narrower: dict[LevelStatus, ColumnElement[bool]] = {
        **{LevelStatus(state): rows.state == state for state in LevelState},
        LevelStatus.RESERVED: rows.reserved > 0,
    }
    return rows.is_active & narrower[status] if status in narrower else rows.is_active


def order(sort: LevelSort) -> tuple[ColumnElement[Any], ...]:
    """Return the columns to sort by, the SKU last, so that the order of a page never varies."""
    rows = LEVELS.c
    orders: dict[LevelSort, tuple[ColumnElement[Any], ...]] = {
        LevelSort.PRODUCT: (rows.product, rows.sku),
        LevelSort.SKU: (rows.sku,),
        LevelSort.LEAST: (rows.available, rows.sku),
        LevelSort.MOST: (rows.available.desc(), rows.sku),
        LevelSort.MOVED: (rows.last_moved_at.desc().nulls_last(), rows.sku),
        LevelSort.COUNTED: (rows.last_counted_at.nulls_first(), rows.sku),
        LevelSort.SHELF: (rows.shelf_place.nulls_last(), rows.sku),
    }
    return orders[sort]
