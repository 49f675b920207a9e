"""Reads of deliveries: the list, one with its lines and steps, and what Stock expects. Nothing here changes data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Connection, Select, func, select

from core.foundation.model import Actor
from core.ledger.query import has_words, view
from core.people.access import Permission
from core.people.guard import require

T = TypeVar("T")
MOST_ROWS = 200
MOST_STEPS = 100


class DeliveryState(StrEnum):
    """The state of a delivery."""

    EXPECTED = "expected"
    IN_PROGRESS = "in_progress"
    RECEIVED = "received"
    CANCELLED = "cancelled"


class Done(StrEnum):
    """What was done in a step."""

    CREATED = "created"
    ADDED = "added"
    SCANNED = "scanned"
    CHANGED = "changed"
    ATTACHED = "attached"
    POSTED = "posted"
    UNDONE = "undone"
    CANCELLED = "cancelled"
    REOPENED = "reopened"


OPEN = (DeliveryState.EXPECTED, DeliveryState.IN_PROGRESS)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """A delivery with its sums, in units. `unknown`, `short` and `over` count lines.

    `scanned` units are counted and not posted yet; `received` ones are posted.
    """

    delivery_id: int
    reference: str
    supplier: str | None
    expected_on: date | None
    is_announced: bool
    state: DeliveryState
    revision: int
    created_by: str
    created_at: datetime
    closed_by: str | None
    closed_at: datetime | None
    lines: int
    expected: int
    scanned: int
    received: int
    unknown: int
    short: int
    over: int
    is_overdue: bool

    @property
    def is_open(self) -> bool:
        """Whether it can be scanned into and posted."""
        return self.state in OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryLine:
    """A line of a delivery. `sku` is None if no variant has the code. `problem` says what could not be read."""

    line_id: int
    delivery_id: int
    code: str
    variant_id: UUID | None
    sku: str | None
    product: str | None
    size: str | None
    color: str | None
    expected: int
    scanned: int
    received: int
    unit_cost: Decimal | None
    original: str | None
    problem: str | None

    @property
    def arrived(self) -> int:
        """All units that arrived: counted, or posted before."""
        return self.scanned + self.received

    @property
    def is_unknown(self) -> bool:
        """Whether a person must say what this line is."""
        return self.variant_id is None or self.problem is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that was done with a delivery. `detail` is in words."""

    step_id: int
    step: Done
    code: str | None
    units: int | None
    detail: str | None
    done_by: str
    done_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A posting of a delivery: its movements, and how many of them were undone."""

    operation_id: int
    units: int
    posted_by: str
    posted_at: datetime
    movement_ids: tuple[int, ...]
    undone: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A delivery with its lines in their order, its latest steps, its receipts and the text it was read from."""

    row: DeliveryRow
    lines: tuple[DeliveryLine, ...]
    steps: tuple[Step, ...]
    receipts: tuple[Receipt, ...]
    original: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What open deliveries still bring of a variant, and when the next one is due."""

    variant_id: UUID
    units: int
    next_on: date | None
    deliveries: int
    delivery_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many deliveries are in each state, and how many are overdue."""

    by_state: dict[DeliveryState, int]
    overdue: int


def _of(name: str, kind: type, *more: str) -> Any:
    return view(name, *kind.__dataclass_fields__, *more)  # type: ignore[attr-defined]


_DELIVERIES = _of("goods_deliveries", DeliveryRow)
_LINES = _of("goods_lines", DeliveryLine)
_STEPS = _of("goods_steps", Step, "delivery_id")
_ORIGINALS = view("goods_originals", "delivery_id", "original")
_MOVEMENTS = view(
    "goods_movements", "movement_id", "delivery_id", "reference", "operation_id", "quantity", "performed_by",
    "posted_at", "is_undone",
)  # fmt: skip
_EXPECTED = _of("expected_stock", Expected)


def open_deliveries(connection: Connection, actor: Actor) -> tuple[DeliveryRow, ...]:
    """Return the deliveries that can be scanned into, those in progress first, then the next due."""
    return page(connection, actor, states=OPEN)


def page(
    connection: Connection,
    actor: Actor,
    *,
    states: Iterable[DeliveryState] = (),
    search: str = "",
    limit: int = MOST_ROWS,
) -> tuple[DeliveryRow, ...]:
    """Return deliveries in these states (none: all) whose reference or supplier has the words of `search`.

    Those in progress come first, then expected ones by their day, then the others, newest first.
    """
    require(connection, actor, Permission.VIEW)
    wanted = select(_DELIVERIES).where(*has_words(search, (_DELIVERIES.c.reference, _DELIVERIES.c.supplier)))
    if chosen := [state.value for state in states]:
        wanted = wanted.where(_DELIVERIES.c.state.in_(chosen))
    is_open = _DELIVERIES.c.state.in_([state.value for state in OPEN])
    wanted = wanted.order_by(
        (_DELIVERIES.c.state == DeliveryState.IN_PROGRESS.value).desc(),
        is_open.desc(),
        func.coalesce(_DELIVERIES.c.expected_on, date.max) if chosen == [DeliveryState.EXPECTED.value] else is_open,
        _DELIVERIES.c.delivery_id.desc(),
    )
    return _read(connection, wanted.limit(min(max(limit, 1), MOST_ROWS)), DeliveryRow, state=DeliveryState)


def counts(connection: Connection, actor: Actor) -> Counts:
    """Return how many deliveries are in each state."""
    require(connection, actor, Permission.VIEW)
    late = func.count().filter(_DELIVERIES.c.is_overdue)
    found = connection.execute(select(_DELIVERIES.c.state, func.count(), late).group_by(_DELIVERIES.c.state)).all()
    by_state = {DeliveryState(state): count for state, count, _ in found}
    return Counts(by_state=by_state, overdue=sum(row[2] for row in found))


def delivery(connection: Connection, actor: Actor, *, delivery_id: int) -> Delivery | None:
    """Return a delivery with its lines, or None."""
    require(connection, actor, Permission.VIEW)
    found = _read(
        connection,
        select(_DELIVERIES).where(_DELIVERIES.c.delivery_id == delivery_id),
        DeliveryRow,
        state=DeliveryState,
    )
    if not found:
        return None
    lines = select(_LINES).where(_LINES.c.delivery_id == delivery_id).order_by(_LINES.c.line_id)
    kept = [column for column in _STEPS.c if column.name != "delivery_id"]
    steps = select(*kept).where(_STEPS.c.delivery_id == delivery_id).order_by(_STEPS.c.step_id.desc()).limit(MOST_STEPS)
    original = select(_ORIGINALS.c.original).where(_ORIGINALS.c.delivery_id == delivery_id)
    return Delivery(
        row=found[0],
        lines=_read(connection, lines, DeliveryLine),
        steps=_read(connection, steps, Step, step=Done),
        receipts=_receipts(connection, delivery_id),
        original=connection.execute(original).scalar(),
    )


def _receipts(connection: Connection, delivery_id: int) -> tuple[Receipt, ...]:
    of = _MOVEMENTS.c
    wanted = (
        select(
            of.operation_id, func.sum(of.quantity), func.min(of.performed_by), func.min(of.posted_at),
            func.array_agg(of.movement_id), func.count().filter(of.is_undone),
        )
        .where(of.delivery_id == delivery_id)
        .group_by(of.operation_id)
        .order_by(of.operation_id.desc())
    )  # fmt: skip
    return tuple(
        Receipt(operation_id=row[0], units=int(row[1]), posted_by=row[2], posted_at=row[3],
                movement_ids=tuple(sorted(row[4])), undone=row[5])
        for row in connection.execute(wanted)
    )  # fmt: skip


def of_movement(connection: Connection, actor: Actor, *, movement_ids: Sequence[int]) -> tuple[int, str] | None:
    """Return the id and reference of the delivery that one of these movements was posted of, or None."""
    require(connection, actor, Permission.VIEW)
    wanted = select(_MOVEMENTS.c.delivery_id, _MOVEMENTS.c.reference)
    found = connection.execute(wanted.where(_MOVEMENTS.c.movement_id.in_(list(movement_ids)))).first()
    return (found[0], found[1]) if found else None


def expected(connection: Connection, actor: Actor, *, variant_ids: Sequence[UUID]) -> dict[UUID, Expected]:
    """Return what open deliveries still bring of these variants, by variant; none where nothing is expected."""
    require(connection, actor, Permission.VIEW)
    rows = _read(connection, select(_EXPECTED).where(_EXPECTED.c.variant_id.in_(list(variant_ids))), Expected)
    return {row.variant_id: row for row in rows}


def with_reference(connection: Connection, actor: Actor, *, reference: str) -> tuple[DeliveryRow, ...]:
    """Return the deliveries with this reference that are not cancelled, newest first, at most five."""
    require(connection, actor, Permission.VIEW)
    of = _DELIVERIES.c
    wanted = select(_DELIVERIES).where(
        func.lower(of.reference) == reference.strip().lower(), of.state != DeliveryState.CANCELLED.value
    )
    return _read(connection, wanted.order_by(of.delivery_id.desc()).limit(5), DeliveryRow, state=DeliveryState)


def revision(connection: Connection, actor: Actor, *, delivery_id: int) -> int:
    """Return the number that grows with each change of a delivery; 0 if there is none."""
    require(connection, actor, Permission.VIEW)
    wanted = select(_DELIVERIES.c.revision).where(_DELIVERIES.c.delivery_id == delivery_id)
    return int(connection.execute(wanted).scalar() or 0)


def _read(connection: Connection, wanted: Select[Any], kind: type[T], **change: Any) -> tuple[T, ...]:
    rows = (dict(row._mapping) for row in connection.execute(wanted))
    return tuple(kind(**row | {name: to(row[name]) for name, to in change.items()}) for row in rows)
