"""The unit cost of variants: what a person sets, and every step of the average so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from core.database.engine import array, call
from core.foundation.errors import invalid
from core.foundation.model import MAX_LINES, MAX_NOTE, Actor
from core.foundation.text import clean
from core.ledger.changes import costs_of
from core.people.access import Permission
from core.people.guard import asker, require

_SET = """
    select * from stockroom_api.set_costs(%(key)s, %(user_id)s, %(session_id)s, %(roles)s::text[], %(name)s,
        %(variants)s::uuid[], %(costs)s::numeric[], %(seen)s::numeric[], %(note)s)"""


class StepKind(StrEnum):
    """What a step of an average is: a receipt, the undo of one, or a cost that was set."""

    RECEIVED = "received"
    UNDONE = "undone"
    SET = "set"


class CostSource(StrEnum):
    """Where the cost of a step is from: a person or a file, the catalogue, the average itself, or earlier steps."""

    GIVEN = "given"
    CATALOGUE = "catalogue"
    AVERAGE = "average"
    EARLIER = "earlier"


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """One variant to give a unit cost, provided that its average cost is still `seen`; None is not known."""

    variant_id: UUID
    unit_cost: Decimal
    seen: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CostSet:
    """A cost that was set, and what it changed in the value of the units on hand."""

    operation_id: int
    replayed: bool
    variant_id: UUID
    sku: str
    unit_cost: Decimal
    value_change: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CostStep:
    """One step of a variant's average cost: a receipt, the undo of one, or a cost that was set.

    `unit_cost` is what one unit of the receipt cost, or what was set; None is the average itself.
    """

    kind: StepKind
    source: CostSource
    unit_cost: Decimal | None
    average: Decimal | None
    on_hand: int
    movement_id: int | None
    quantity: int | None
    performed_by: str
    note: str | None
    at: datetime


def set_costs(
    connection: Connection, actor: Actor, *, lines: Sequence[CostLine], key: str, note: str | None = None
) -> tuple[CostSet, ...]:
    """Set the unit cost of variants, all or none: units on hand take it from now on. Nothing posted is changed.

    Raises EditedMeanwhile if another cost applies by now, UnknownVariant, KeyReused, InvalidInput, Forbidden,
    SignInRequired; then nothing was changed.
    """
    if not 1 <= len(lines) <= MAX_LINES:
        raise invalid("lines", f"must be 1 to {MAX_LINES:,}", count=len(lines))
    values: dict[str, Any] = {
        "key": clean(key, "key", 200),
        "variants": array(line.variant_id for line in lines),
        "costs": costs_of(line.unit_cost for line in lines),
        "seen": "{" + ",".join("NULL" if line.seen is None else f"{line.seen:f}" for line in lines) + "}",
        "note": clean(note, "note", MAX_NOTE, empty=True) if note else None,
    }
    rows = call(connection, _SET, values | asker(actor, Permission.SET_COST))
    names = tuple(CostSet.__dataclass_fields__)
    return tuple(CostSet(**dict(zip(names, row, strict=True))) for row in rows)


def average(connection: Connection, actor: Actor, *, variant_id: UUID) -> Decimal | None:
    """Return the present average cost of one unit, or None if it is not known."""
    require(connection, actor, Permission.VIEW)
    statement = text("select average from stockroom_api.variant_costs where variant_id = :id")
    found: Decimal | None = connection.execute(statement, {"id": variant_id}).scalar()
    return found


def history(connection: Connection, actor: Actor, *, variant_id: UUID, limit: int = 50) -> tuple[CostStep, ...]:
    """Return the steps of a variant's average cost, newest first."""
    require(connection, actor, Permission.VIEW)
    columns = ", ".join(CostStep.__dataclass_fields__)
    statement = text(
        f"select {columns} from stockroom_api.cost_history where variant_id = :id "  # noqa: S608 - names of our own fields
        "order by sequence desc, place desc limit :limit"
    )
    rows = connection.execute(statement, {"id": variant_id, "limit": limit})
    return tuple(
        CostStep(**{**row._mapping, "kind": StepKind(row.kind), "source": CostSource(row.source)}) for row in rows
    )
