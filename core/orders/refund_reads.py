"""Reads of refunds: those that wait for a decision, oldest first, and those of one order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, select

from core.database.engine import call
from core.foundation import paging
from core.foundation.model import Actor
from core.foundation.paging import Page
from core.foundation.sales import Disposition, RefundKind
from core.ledger.query import view
from core.orders import reads as order_reads
from core.orders.reads import OrderLine
from core.people.access import Permission
from core.people.guard import require

UNDECIDED = ("waiting", "inspecting")


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRow:
    """A refund or a lost dispute. `id` is ours, `refund_id` is Stripe's. `order_id` is None until its order is known.

    `paid` is the amount of the order. `seen` says which decisions about the order's goods were there to be shown.
    """

    id: int
    refund_id: str
    order_id: int | None
    payment_id: str | None
    number: str | None
    order_name: str | None
    email: str | None
    cart_state: str | None
    kind: RefundKind
    amount: int
    currency: str
    status: str
    reason: str | None
    failure_reason: str | None
    refunded_at: datetime
    state: str
    decided_at: datetime | None
    decided_by: str | None
    paid: int | None = None
    seen: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision about the goods of a line. `refund_id` is our id of the refund; None: goods came back without one.

    `decided` is the key of its operation, by which it can be taken back, and `user_id` is who made it. `picture` is the
    address of a picture of the goods.
    """

    refund_id: int | None
    code: str | None
    disposition: Disposition
    quantity: int
    note: str | None
    decided_by: str
    decided_at: datetime
    decided: str
    user_id: int | None
    stands: bool
    taken_back_by: str | None
    taken_back_at: datetime | None
    picture: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """Units of a variant that came back for a refund and wait for an inspection, with the decision to inspect them."""

    refund_id: int
    order_id: int
    title: str
    line_id: int
    units: int
    note: str | None
    decided_by: str
    decided_at: datetime
    picture: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRefund:
    """A refund to decide, with the lines of its order and the decisions so far."""

    refund: RefundRow
    lines: tuple[OrderLine, ...]
    decided: tuple[Decided, ...]


_REFUNDS = view("refund_rows", *RefundRow.__dataclass_fields__)
_DECISIONS = view("decision_rows", *Decided.__dataclass_fields__, "decision_id", "order_id")
_INSPECTIONS = view("inspection_rows", *Inspection.__dataclass_fields__, "variant_id", "decision_id")


def inbox(connection: Connection, actor: Actor, *, cursor: str | None = None, limit: int = 10) -> Page[OpenRefund]:
    """Return the refunds that wait for a decision or an inspection, oldest first.

    Raises InvalidInput for a cursor of another list.
    """
    require(connection, actor, Permission.VIEW)
    query = select(_REFUNDS).where(_REFUNDS.c.state.in_(UNDECIDED))
    part = paging.read(connection, query, (_REFUNDS.c.refunded_at, _REFUNDS.c.id), cursor=cursor, limit=limit)
    found = [RefundRow(**row._mapping) for row in part.rows]
    lines = order_reads.lines_of(
        connection, actor, order_ids=[row.order_id for row in found if row.order_id is not None]
    )
    decided = decided_of(connection, actor, ids=[row.id for row in found])
    return part.of(
        OpenRefund(
            refund=row,
            lines=tuple(line for line in lines if line.order_id == row.order_id),
            decided=tuple(each for each in decided if each.refund_id == row.id),
        )
        for row in found
    )


def of_order(connection: Connection, actor: Actor, *, order_id: int) -> tuple[RefundRow, ...]:
    """Return the refunds of an order, oldest first."""
    require(connection, actor, Permission.VIEW)
    query = select(_REFUNDS).where(_REFUNDS.c.order_id == order_id).order_by(_REFUNDS.c.refunded_at, _REFUNDS.c.id)
    return tuple(RefundRow(**row._mapping) for row in connection.execute(query))


def decided_of(connection: Connection, actor: Actor, *, ids: Sequence[int]) -> tuple[Decided, ...]:
    """Return the decisions about these refunds, oldest first."""
    require(connection, actor, Permission.VIEW)
    return _decided(connection, _DECISIONS.c.refund_id.in_(ids)) if ids else ()


def decided_about(connection: Connection, actor: Actor, *, order_id: int) -> tuple[Decided, ...]:
    """Return the decisions about the goods of an order, oldest first, also those without a refund."""
    require(connection, actor, Permission.VIEW)
    return _decided(connection, _DECISIONS.c.order_id == order_id)


def inspections(
    connection: Connection, actor: Actor, *, variant_id: UUID | None = None, order_id: int | None = None
) -> tuple[Inspection, ...]:
    """Return the units in inspection of a variant or of an order, those that wait longest first."""
    require(connection, actor, Permission.VIEW)
    fields = [_INSPECTIONS.c[name] for name in Inspection.__dataclass_fields__]
    wanted = select(*fields).order_by(_INSPECTIONS.c.decision_id)
    if variant_id:
        wanted = wanted.where(_INSPECTIONS.c.variant_id == variant_id)
    if order_id is not None:
        wanted = wanted.where(_INSPECTIONS.c.order_id == order_id)
    return tuple(Inspection(**row._mapping) for row in connection.execute(wanted))


def seen_of(connection: Connection, actor: Actor, *, order_id: int) -> str:
    """Return which decisions about the goods of an order are there to be shown, for `decide` and `take_in`."""
    require(connection, actor, Permission.VIEW)
    found = call(connection, "select stockroom_api.decided_until(%(order_id)s)", {"order_id": order_id})
    return str(found[0][0])


def _decided(connection: Connection, condition: ColumnElement[bool]) -> tuple[Decided, ...]:
    fields = [_DECISIONS.c[name] for name in Decided.__dataclass_fields__]
    wanted = select(*fields).where(condition).order_by(_DECISIONS.c.decision_id)
    return tuple(
        Decided(**dict(row._mapping) | {"disposition": Disposition(row.disposition)})
        for row in connection.execute(wanted)
    )
