"""The value of the shelf now and at any moment, and what added to it or took from it in between."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Connection, text

from core.foundation.model import Actor
from core.people.access import Permission
from core.people.guard import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """The units of a variant, and their value at average cost; None if no cost was known."""

    units: int
    value: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Units and money of a variant on a day or in a month, by movement type and reason.

    `bucket` is the day, or the first day of the month. The type `cost` has what changed in value without units. An undo
    counts for the reason that it reverses. `uncosted` units moved without a known cost.
    """

    bucket: date
    variant_id: UUID
    movement_type: str
    reason: str
    units_in: int
    units_out: int
    value: Decimal
    uncosted: int


def shelf_at(connection: Connection, actor: Actor, *, at: datetime) -> dict[UUID, Shelf]:
    """Return what every variant had and was worth just before a moment, by variant."""
    require(connection, actor, Permission.VIEW)
    rows = connection.execute(text("select variant_id, units, value from stockroom_api.values_at(:at)"), {"at": at})
    return {row.variant_id: Shelf(units=row.units, value=row.value) for row in rows}


def flows(
    connection: Connection, actor: Actor, *, since: datetime, until: datetime, by_day: bool = False
) -> tuple[Flow, ...]:
    """Return units and money from one moment to another, by month or by day."""
    require(connection, actor, Permission.VIEW)
    columns = ", ".join(Flow.__dataclass_fields__)
    rows = connection.execute(
        text(f"select {columns} from stockroom_api.value_flows(:since, :until, :by_day)"),  # noqa: S608 - our own fields
        {"since": since, "until": until, "by_day": by_day},
    )
    return tuple(Flow(**row._mapping) for row in rows)


def keep_month(connection: Connection, actor: Actor) -> date | None:
    """Sum the oldest month that is over and not kept yet, and return it; None if there is none or it must wait."""
    require(connection, actor, Permission.VIEW)
    month: date | None = connection.execute(text("select stockroom_api.month_to_close()")).scalar()
    if month is None:
        return None
    kept = connection.execute(text("select stockroom_api.close_month(:month)"), {"month": month}).scalar_one()
    return month if kept else None
