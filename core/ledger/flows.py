"""Units in and out under any filter, by day, week or month and by type, reason, person, brand or source.

They come from a rollup where the filter allows: of the shop by day, of variants by day, of past days by all groups.
Else they are summed from the movements.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    TIMESTAMP,
    ColumnElement,
    Connection,
    Date,
    FromClause,
    TableValuedAlias,
    Uuid,
    and_,
    case,
    cast,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.sql.expression import SelectBase

from core.foundation.errors import invalid
from core.foundation.model import Actor, MovementType
from core.ledger import movements, reports
from core.ledger.level_filter import LEVELS
from core.ledger.movements import KEYS, MovementFilter
from core.ledger.query import day_of, starts, view
from core.people.access import Permission
from core.people.guard import require

KEPT_PARTS, _DAYS_OF_PART = 10, 40
"""Four hundred days, in parts as short as those that SQL keeps at once."""
_UNITS = ("units_in", "units_out")
_MONEY = ("value_in", "value_out", "uncosted")
_WAYS = [f"{kind}_{way}" for kind in MovementType for way in ("in", "out")]
_DAYS = view("variant_days", "variant_id", "day", *_WAYS)
_REASONS = view("reasons", "movement_type", "reason", "label")
_BRANDS = select(LEVELS.c.variant_id, func.coalesce(LEVELS.c.brand, "").label("brand")).subquery("brands")
_CLOSED = (
    "day", "split", "brand", "movement_type", "reason", "performed_by", "source", "units_in", "units_out",
    "value_in", "value_out", "uncosted",
)  # fmt: skip


class Group(StrEnum):
    """What the units of a chart are grouped by."""

    TYPE = "type"
    REASON = "reason"
    PERSON = "person"
    BRAND = "brand"
    SOURCE = "source"


class Step(StrEnum):
    """The time that one bar covers. Weeks begin on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


_OF_MOVEMENT = (Group.REASON, Group.PERSON, Group.SOURCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Units in and out of one group in the day, week or month that begins on `start`.

    `name` is a movement type, the label of a reason, a person, a brand, or the type of a reference; the last two may
    be empty. The value is at cost, zero if it was not asked for; `uncosted` units moved without a known cost.
    """

    start: date
    name: str
    units_in: int
    units_out: int
    value_in: Decimal = Decimal(0)
    value_out: Decimal = Decimal(0)
    uncosted: int = 0


def flows(
    connection: Connection,
    actor: Actor,
    *,
    filter: MovementFilter = MovementFilter(),  # noqa: A002, B008 - the word of the page; frozen, so safe to share
    since: date,
    until: date,
    group: Group = Group.TYPE,
    step: Step = Step.DAY,
    money: bool = False,
) -> tuple[Flow, ...]:
    """Return units in and out under a filter for `since` <= day < `until`, by step and group, sorted by both.

    A step without units is left out. `money` asks for their value too. Raises InvalidInput for a range of more than
    ten years; Forbidden.
    """
    require(connection, actor, Permission.SEE_MONEY if money else Permission.VIEW)
    if (until - since).days > reports.LONGEST_RANGE:
        raise invalid("range", "must be at most ten years")
    first, last = max(since, filter.since or since), min(until - timedelta(days=1), filter.until or until)
    if last < first:
        return ()
    rows = _rows(connection, filter, first, last, group, money).subquery("found")
    sums = _UNITS + (_MONEY if money else ())
    start, name = _start(rows.c.day, step).label("start"), _name(rows, group).label("name")
    named = (
        select(start, name, *(rows.c[each] for each in sums))
        .select_from(_with_labels(rows) if group is Group.REASON else rows)
        .subquery("named")
    ).c
    query = (
        select(named.start, named.name, *(func.sum(named[each]).label(each) for each in sums))
        .group_by(named.start, named.name)
        .having(func.sum(named.units_in) + func.sum(named.units_out) > 0)
        .order_by(named.start, named.name)
    )
    return tuple(Flow(**row._mapping) for row in connection.execute(query))


def _rows(
    connection: Connection, wanted: MovementFilter, first: date, last: date, group: Group, money: bool
) -> SelectBase:
    """Return the query for what moved, from the smallest table that knows the filter and the group."""
    by_variant = wanted.variant_id is not None or bool(wanted.search.strip())
    by_movement = bool(wanted.reasons or wanted.kinds or wanted.performed_by or wanted.source is not None)
    by_movement = by_movement or group in (Group.REASON, Group.PERSON, Group.SOURCE)
    if wanted.reference.strip() or (by_variant and (by_movement or money)) or (by_movement and group is Group.BRAND):
        return _of_movements(connection, wanted, first, last, group, money)
    if by_variant:
        return _of_days(connection, wanted, first, last, group, of_shop=False)
    if by_movement and wanted.brand is not None:
        return _of_closed_days(connection, wanted, first, last, "all", money)
    if group is Group.BRAND or wanted.brand is not None:
        return _of_closed_days(connection, wanted, first, last, "brands", money)
    if by_movement or money:
        return _of_closed_days(connection, wanted, first, last, "shop", money)
    return _of_days(connection, wanted, first, last, group, of_shop=True)


def _of_days(
    connection: Connection, wanted: MovementFilter, first: date, last: date, group: Group, *, of_shop: bool
) -> SelectBase:
    days: FromClause = _DAYS
    if of_shop:
        days = func.stockroom_api.shop_flows(first, last).table_valued("day", *_WAYS)
    by = [days.c.day]
    query = select(*by, *(func.sum(days.c[way]).label(way) for way in _WAYS)).where(days.c.day.between(first, last))
    if group is Group.BRAND:
        by.append(_BRANDS.c.brand)
        query = query.add_columns(_BRANDS.c.brand).join_from(days, _BRANDS, _same_variant(days))
    if not of_shop:
        query = query.where(*movements.of_variant(connection, wanted, days.c))
    wide = query.group_by(*by).cte("wide")
    return union_all(
        *(
            select(
                *(wide.c[each] for each in ("day", "brand") if each in wide.c),
                literal(kind.value).label("movement_type"),
                wide.c[f"{kind}_in"].label("units_in"),
                wide.c[f"{kind}_out"].label("units_out"),
            )
            for kind in wanted.types or MovementType
        )
    )


def keep(connection: Connection, actor: Actor, *, part: int) -> None:
    """Keep the sums of forty past days of the charts, unless they are kept; part 0 is the newest of `KEPT_PARTS`."""
    last = reports.shop(connection, actor).today - timedelta(days=part * _DAYS_OF_PART)
    first = last - timedelta(days=_DAYS_OF_PART - 1)
    connection.execute(select(func.count()).select_from(func.stockroom_api.day_flows(first, last, "", None, True)))


def _of_closed_days(
    connection: Connection, wanted: MovementFilter, first: date, last: date, split: str, money: bool
) -> SelectBase:
    days = func.stockroom_api.day_flows(first, last, split, wanted.brand, money).table_valued(*_CLOSED)
    return select(days).where(*movements.of_movement(connection, wanted, days.c, days.c.source))


def _of_movements(
    connection: Connection, wanted: MovementFilter, first: date, last: date, group: Group, money: bool
) -> SelectBase:
    zone = reports.zone(connection)
    day, (begin, end) = day_of(KEYS.c.occurred_at, zone), starts(connection, first, last + timedelta(days=1))
    rows: FromClause = KEYS
    columns: list[ColumnElement[Any]] = [
        day.label("day"),
        KEYS.c.movement_type,
        KEYS.c.reason,
        KEYS.c.performed_by,
        func.coalesce(KEYS.c.reference_type, "").label("source"),
        func.greatest(KEYS.c.quantity, 0).label("units_in"),
        func.greatest(-KEYS.c.quantity, 0).label("units_out"),
    ]
    if money:
        values = _values(begin, end, movements.ids(connection, wanted))
        rows = rows.join(values, values.c.movement_id == KEYS.c.movement_id)
        columns += [
            func.greatest(values.c.value_change, 0).label("value_in"),
            func.greatest(-values.c.value_change, 0).label("value_out"),
            case((values.c.is_costed, 0), else_=func.abs(KEYS.c.quantity)).label("uncosted"),
        ]
    if group is Group.BRAND:
        rows = rows.join(_BRANDS, _same_variant(KEYS))
        columns.append(_BRANDS.c.brand)
    return (
        select(*columns)
        .select_from(rows)
        .where(*movements.conditions(connection, wanted, KEYS.c), KEYS.c.occurred_at >= begin, KEYS.c.occurred_at < end)
    )


def _values(begin: datetime | None, end: datetime | None, variants: list[UUID] | None) -> TableValuedAlias:
    among = cast(literal(variants), ARRAY(Uuid))
    return func.stockroom_api.movement_values(begin, end, among).table_valued(
        "movement_id", "value_change", "is_costed"
    )


def _same_variant(rows: FromClause) -> ColumnElement[bool]:
    return _BRANDS.c.variant_id == rows.c.variant_id


def _with_labels(rows: FromClause) -> FromClause:
    same = and_(_REASONS.c.movement_type == rows.c.movement_type, _REASONS.c.reason == rows.c.reason)
    return rows.outerjoin(_REASONS, same)


def _name(rows: FromClause, group: Group) -> ColumnElement[str]:
    if group is Group.REASON:
        return func.coalesce(_REASONS.c.label, rows.c.reason)
    column = {Group.TYPE: "movement_type", Group.PERSON: "performed_by", Group.BRAND: "brand", Group.SOURCE: "source"}
    named: ColumnElement[str] = rows.c[column[group]]
    return named


def _start(day: ColumnElement[Any], step: Step) -> ColumnElement[date]:
    return day if step is Step.DAY else cast(func.date_trunc(step.value, cast(day, TIMESTAMP)), Date)
