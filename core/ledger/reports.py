"""Reads about stock: levels, trends, the explanation of a level, flows by day. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, func, or_, select, text

from core.database.engine import array, call
from core.foundation.errors import UnknownVariant, invalid
from core.foundation.model import Actor, DayFlow, LevelRow, MovementType, Reason, Shop
from core.ledger.level_filter import LEVELS, LevelFilter, LevelSort, matching, order
from core.people.access import Permission
from core.people.guard import require

TREND_DAYS = 30
LONGEST_RANGE = 3_700
_SHOP = text("select name, zone, currency, is_sample, today from stockroom_api.shop")
_REASONS = text("select * from stockroom_api.reasons order by movement_type, by_hand desc, label")
_TRENDS = """select t.variant_id, t.sold, t.trend
                from stockroom_api.shop s
               cross join lateral stockroom_api.trends(cast(%(variants)s as uuid[]), s.today, %(days)s) t"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelPage:
    """Some rows of a list, and how many rows it has in all."""

    rows: tuple[LevelRow, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Opening + units in - units out = closing, over a half-open range of days. `flows` is (in, out) by type."""

    opening: int
    closing: int
    movements: int
    flows: dict[MovementType, tuple[int, int]]

    @property
    def holds(self) -> bool:
        """Whether the terms add up."""
        return self.opening + sum(came - went for came, went in self.flows.values()) == self.closing


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelPoint:
    """The level of a variant after a movement, or at the end of a day."""

    at: datetime
    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The numbers at the top of the Overview, for active variants. Money is in the shop's currency."""

    variants: int
    units: int
    low: int
    out_of_stock: int
    value_at_price: Decimal
    value_at_cost: Decimal


def shop(connection: Connection, actor: Actor) -> Shop:
    """Return the shop: name, zone, currency, today's date there."""
    require(connection, actor, Permission.VIEW)
    return Shop(**connection.execute(_SHOP).one()._mapping)


def reasons(connection: Connection, actor: Actor) -> tuple[Reason, ...]:
    """Return every reason, those offered by hand first."""
    require(connection, actor, Permission.VIEW)
    return tuple(
        Reason(**{**row._mapping, "movement_type": MovementType(row.movement_type)})
        for row in connection.execute(_REASONS)
    )


def levels(
    connection: Connection,
    actor: Actor,
    *,
    filter: LevelFilter = LevelFilter(),  # noqa: A002, B008 - the word of the page; frozen, so safe to share
    sort: LevelSort = LevelSort.PRODUCT,
    offset: int = 0,
    limit: int = 50,
) -> LevelPage:
    """Return `limit` variants starting at `offset`, each with its trend, and the number of all that match.

    These pages use offsets: a shop has thousands of variants, not millions, and people ask for page 7 by its number.
    """
    require(connection, actor, Permission.VIEW)
    wanted = matching(filter)
    total = connection.execute(select(func.count()).select_from(wanted.subquery())).scalar_one()
    rows = connection.execute(
        wanted.order_by(*order(sort)).offset(max(offset, 0)).limit(min(max(limit, 1), 1_000))
    ).all()
    return LevelPage(rows=_with_trends(connection, rows), total=total)


def level(connection: Connection, actor: Actor, *, variant_id: UUID) -> LevelRow:
    """Return one variant with its trend. Raises UnknownVariant."""
    require(connection, actor, Permission.VIEW)
    rows = connection.execute(select(LEVELS).where(LEVELS.c.variant_id == variant_id)).all()
    if not rows:
        raise UnknownVariant("This variant is not in the catalogue.", variants=[str(variant_id)])
    return _with_trends(connection, rows)[0]


def find(connection: Connection, actor: Actor, *, code: str) -> LevelRow | None:
    """Return the variant with this SKU, in any letter case, or this barcode, or None. A scanner sends either."""
    require(connection, actor, Permission.VIEW)
    wanted = code.strip()[:200]
    exact = _has_code(wanted)
    best_first = ((LEVELS.c.sku == wanted).desc(), (func.lower(LEVELS.c.sku) == wanted.lower()).desc(), LEVELS.c.sku)
    rows = connection.execute(select(LEVELS).where(exact).order_by(*best_first).limit(1)).all()
    return _with_trends(connection, rows)[0] if rows else None


def _has_code(code: str) -> ColumnElement[bool]:
    return or_(LEVELS.c.sku == code, func.lower(LEVELS.c.sku) == code.lower(), LEVELS.c.barcode == code)


def sharing(connection: Connection, actor: Actor, *, code: str) -> tuple[str, ...]:
    """Return the SKUs of the variants that share this SKU or barcode, at most five; none if it is of one variant."""
    require(connection, actor, Permission.VIEW)
    wanted = code.strip()[:200]
    found = tuple(
        connection.execute(select(LEVELS.c.sku).where(_has_code(wanted)).order_by(LEVELS.c.sku).limit(5)).scalars()
    )
    return found if len(found) > 1 else ()


def find_many(connection: Connection, actor: Actor, *, skus: Sequence[str]) -> dict[str, LevelRow]:
    """Return the variants with exactly these SKUs, by SKU, without trends; unknown ones are missing."""
    require(connection, actor, Permission.VIEW)
    rows = connection.execute(select(LEVELS).where(LEVELS.c.sku == func.any(list(skus)))).all()
    return {row.sku: LevelRow(**row._mapping) for row in rows}


def brands(connection: Connection, actor: Actor) -> tuple[str, ...]:
    """Return the brands in the catalogue, sorted."""
    require(connection, actor, Permission.VIEW)
    return tuple(
        connection.execute(
            select(LEVELS.c.brand).where(LEVELS.c.brand.is_not(None)).distinct().order_by(LEVELS.c.brand)
        ).scalars()
    )


def explain(
    connection: Connection, actor: Actor, *, variant_id: UUID, since: date | None = None, until: date | None = None
) -> Explanation:
    """Explain a variant's level for `since` <= day < `until`, days of the shop; None: no limit on that side."""
    require(connection, actor, Permission.VIEW)
    row = connection.execute(
        text("select * from stockroom_api.explain_level(:variant_id, :since, :until)"),
        {"variant_id": variant_id, "since": since, "until": until},
    ).one()
    flows = {kind: (row._mapping[f"{kind}_in"], row._mapping[f"{kind}_out"]) for kind in MovementType}
    return Explanation(opening=row.opening, closing=row.closing, movements=row.movements, flows=flows)


def running_level(
    connection: Connection, actor: Actor, *, variant_id: UUID, since: date | None = None, points: int = 500
) -> tuple[LevelPoint, ...]:
    """Return the level of a variant over time, since a day of the shop.

    There is a point after each movement. If these are more than `points`, there is one at the end of each day, or of
    every n-th day.
    """
    require(connection, actor, Permission.VIEW)
    rows = connection.execute(
        text("select at, level from stockroom_api.running_level(:variant_id, :since, :points) order by at, step"),
        {"variant_id": variant_id, "since": since, "points": points},
    )
    return tuple(LevelPoint(at=row.at, level=row.level) for row in rows)


def levels_at(connection: Connection, actor: Actor, *, at: datetime) -> dict[str, int]:
    """Return the level of every variant, by SKU, just before the moment `at`."""
    require(connection, actor, Permission.VIEW)
    rows = connection.execute(text("select sku, level from stockroom_api.levels_at(:at)"), {"at": at})
    return {row.sku: row.level for row in rows}


def summary(connection: Connection, actor: Actor) -> Summary:
    """Return the numbers at the top of the Overview."""
    require(connection, actor, Permission.VIEW)
    return Summary(**connection.execute(text("select * from stockroom_api.stock_summary()")).one()._mapping)


def flows(
    connection: Connection, actor: Actor, *, since: date, until: date, variant_id: UUID | None = None
) -> tuple[DayFlow, ...]:
    """Return units in and out by day and movement type, of the shop or of one variant, for `since` <= day < `until`.

    Days without a movement are left out. Raises InvalidInput for a range of more than ten years.
    """
    require(connection, actor, Permission.VIEW)
    last = until - timedelta(days=1)
    if (last - since).days > LONGEST_RANGE:
        raise invalid("range", "must be at most ten years")
    values: dict[str, Any] = {"first": since, "last": last}
    query = "select * from stockroom_api.shop_flows(:first, :last) order by day"
    if variant_id is not None:
        query = """select * from stockroom_api.variant_days
                    where variant_id = :variant_id and day between :first and :last order by day"""
        values["variant_id"] = variant_id
    return unpivot(connection.execute(text(query), values).all())


def latest_movement(connection: Connection, actor: Actor) -> int:
    """Return a number that grows with every change; live pages poll it."""
    require(connection, actor, Permission.VIEW)
    return int(call(connection, "select stockroom_api.latest_movement()", {})[0][0])


def unpivot(rows: Sequence[Row[Any]]) -> tuple[DayFlow, ...]:
    """Return wide rows of a rollup (`sale_in`, `sale_out`, ...) as one DayFlow for each day and type that moved."""
    found = (
        DayFlow(
            day=row.day, movement_type=kind, units_in=row._mapping[f"{kind}_in"], units_out=row._mapping[f"{kind}_out"]
        )
        for row in rows
        for kind in MovementType
    )
    return tuple(flow for flow in found if flow.units_in or flow.units_out)


def _with_trends(connection: Connection, rows: Sequence[Row[Any]]) -> tuple[LevelRow, ...]:
    found = [LevelRow(**row._mapping) for row in rows]
    values = {"variants": array(row.variant_id for row in found), "days": TREND_DAYS}
    trends = {variant: (sold, trend) for variant, sold, trend in call(connection, _TRENDS, values)}
    return tuple(
        replace(row, sold=max(int(trends[row.variant_id][0]), 0), trend=tuple(trends[row.variant_id][1]))
        for row in found
    )
