"""Reads about stock: levels, trends, the explanation of a level, flows by day. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, select, text

from core.database.engine import array, call
from core.database.reading import read_only, shared
from core.foundation.barcodes import read_scan
from core.foundation.errors import UnknownVariant, invalid
from core.foundation.model import Actor, DayFlow, LevelRow, MovementType, Reason, Shop
from core.ledger.level_filter import LEVELS, LevelFilter, LevelSort, coded, matching, order
from core.ledger.query import LONGEST_SEARCH
from core.people.access import Permission
from core.people.guard import require

TREND_DAYS = 30
LONGEST_RANGE = 3_700
MOST_PLACES = 1_000
_SHOP = text("select name, zone, currency, is_sample, today from stockroom_api.shop")
_REASONS = text("select * from stockroom_api.reasons order by movement_type, by_hand desc, label")
_TRENDS = """select t.variant_id, i.sold, t.trend, i.days_in_stock
                from stockroom_api.shop s
               cross join lateral stockroom_api.trends(cast(%(variants)s as uuid[]), s.today, %(days)s) t
                join lateral stockroom_api.in_stock(cast(%(variants)s as uuid[]), s.today - %(days)s + 1, s.today + 1) i
                     on i.variant_id = t.variant_id"""
_CODED = """select w.code, f.variant_id
               from unnest(cast(%(codes)s as text[])) w (code)
              cross join lateral stockroom_api.find_code(w.code) f
              where f.units = 1"""


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
    def total(self) -> int:
        """What the terms add up to."""
        return self.opening + sum(came - went for came, went in self.flows.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelPoint:
    """The level of a variant after a movement, or at the end of a day."""

    at: datetime
    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The numbers at the top of the Overview, for active variants. Money is in the shop's currency.

    `uncosted` variants have units whose cost is not known; they are not in the value at cost.
    """

    variants: int
    units: int
    low: int
    out_of_stock: int
    value_at_price: Decimal
    value_at_cost: Decimal
    uncosted: int


@shared
def shop(connection: Connection, actor: Actor) -> Shop:
    """Return the shop: name, zone, currency, today's date there."""
    require(connection, actor, Permission.VIEW)
    return Shop(**connection.execute(_SHOP).one()._mapping)


def zone(connection: Connection) -> str:
    """Return the time zone of the shop, for another read that has checked who asks."""
    return str(connection.execute(_SHOP).one().zone)


def day_of(connection: Connection, moment: datetime) -> date:
    """Return the day of the shop of a moment, for another read that has checked who asks."""
    statement = "select stockroom_api.day_at(%(moment)s, zone) from stockroom_api.shop"
    day: date = call(connection, statement, {"moment": moment})[0][0]
    return day


def reasons(connection: Connection, actor: Actor) -> tuple[Reason, ...]:
    """Return every reason, those offered by hand first."""
    require(connection, actor, Permission.VIEW)
    rows = connection.execute(_REASONS)
    return tuple(Reason(**{**row._mapping, "movement_type": MovementType(row.movement_type)}) for row in rows)


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
    part = wanted.order_by(*order(sort)).offset(max(offset, 0)).limit(min(max(limit, 1), 1_000))
    return LevelPage(rows=_with_trends(connection, connection.execute(part).all()), total=total)


def level(connection: Connection, actor: Actor, *, variant_id: UUID) -> LevelRow:
    """Return one variant with its trend. Raises UnknownVariant."""
    require(connection, actor, Permission.VIEW)
    rows = connection.execute(select(LEVELS).where(LEVELS.c.variant_id == variant_id)).all()
    if not rows:
        raise UnknownVariant("This variant is not in the catalogue.", variants=[str(variant_id)])
    return _with_trends(connection, rows)[0]


@shared
def find(connection: Connection, actor: Actor, *, code: str) -> LevelRow | None:
    """Return the variant that has this code, or None if no variant or several have it. A scanner sends any code.

    A SKU, in any letter case, a barcode, a code that people gave a variant, or a GS1 element string.
    """
    rows = _having(connection, actor, code)
    return _with_trends(connection, rows)[0] if len(rows) == 1 else None


def named(connection: Connection, actor: Actor, *, sku: str) -> LevelRow | None:
    """Return the variant with exactly this SKU, as a link names it, else the one that has it as a code, or None."""
    rows = _having(connection, actor, sku)
    exact = [row for row in rows if row.sku == sku.strip()]
    rows = exact or rows
    return _with_trends(connection, rows)[0] if len(rows) == 1 else None


@shared
def sharing(connection: Connection, actor: Actor, *, code: str) -> tuple[LevelRow, ...]:
    """Return the variants that share this code, at most ten, without trends; none if it is of one variant."""
    rows = _having(connection, actor, code)
    return tuple(LevelRow(**row._mapping) for row in rows) if len(rows) > 1 else ()


def _having(connection: Connection, actor: Actor, code: str) -> Sequence[Row[Any]]:
    require(connection, actor, Permission.VIEW)
    for scanned in read_scan(code.replace("\0", "")[:LONGEST_SEARCH]):
        if not scanned.code:
            continue
        query = select(LEVELS).where(LEVELS.c.variant_id.in_(coded(scanned.code))).order_by(LEVELS.c.sku)
        if rows := connection.execute(query).all():
            return rows
    return ()


def find_many(connection: Connection, actor: Actor, *, skus: Sequence[str]) -> dict[str, LevelRow]:
    """Return the variants that the SKUs of a file mean, by SKU as written, without trends; unknown ones are missing.

    Each is exactly a SKU, else a code that one variant has and that counts one unit.
    """
    require(connection, actor, Permission.VIEW)
    rows = connection.execute(select(LEVELS).where(LEVELS.c.sku == func.any(list(skus)))).all()
    known = {row.sku: LevelRow(**row._mapping) for row in rows}
    others = sorted({sku for sku in skus if sku not in known and sku.strip()})
    if others:
        codes = dict(call(connection, _CODED, {"codes": others}))
        rows = connection.execute(select(LEVELS).where(LEVELS.c.variant_id == func.any(list(codes.values())))).all()
        of_id = {row.variant_id: LevelRow(**row._mapping) for row in rows}
        known |= {code: of_id[variant] for code, variant in codes.items()}
    return known


@shared
def brands(connection: Connection, actor: Actor) -> tuple[str, ...]:
    """Return the brands in the catalogue, sorted."""
    require(connection, actor, Permission.VIEW)
    brand = LEVELS.c.brand
    found = select(brand).where(brand.is_not(None)).distinct().order_by(brand)
    return tuple(connection.execute(found).scalars())


@shared
def shelf_places(connection: Connection, actor: Actor) -> tuple[str, ...]:
    """Return the shelf places of variants, sorted, at most `MOST_PLACES`."""
    require(connection, actor, Permission.VIEW)
    place = LEVELS.c.shelf_place
    found = select(place).where(place.is_not(None)).distinct().order_by(place).limit(MOST_PLACES)
    return tuple(connection.execute(found).scalars())


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

    There is a point after each movement, or, if these are more than `points`, at the end of each day or n-th day.
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


@read_only
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
    values = {"variants": array(row.variant_id for row in rows), "days": TREND_DAYS}
    trends = {variant: (sold, trend, days) for variant, sold, trend, days in call(connection, _TRENDS, values)}
    return tuple(
        LevelRow(**row._mapping, sold=sold, trend=tuple(trend), days_in_stock=int(days))
        for row in rows
        for sold, trend, days in (trends[row.variant_id],)
    )
