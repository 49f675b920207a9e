"""Holding units for a checkout: all of a cart or nothing, until the hold is consumed, released or expired.

Rules and locks: core/sql/20_ledger/7_holds.sql. The caller is a program that has authenticated itself (by an API key,
or as the storefront's database role), so these operations take its name, not a person's session.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from core.database.engine import array, call, rows_of
from core.foundation.errors import ReservationGone
from core.foundation.model import Actor
from core.foundation.text import clean
from core.people.access import Permission
from core.people.guard import require

DEFAULT_TTL = 1_800
_FIELDS = "id, reference, payment_id, held_by, created_at, expires_at, ended_at, state, lines"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Units of a variant that a cart asks for, by its id or its SKU."""

    quantity: int
    variant_id: UUID | None = None
    sku: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLine:
    """Units of one variant in a hold."""

    variant_id: UUID
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A hold. `state`: active, consumed by its order, released or expired."""

    reservation_id: UUID
    reference: str | None
    payment_id: str | None
    held_by: str
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    state: str
    lines: tuple[HeldLine, ...]


def hold(
    connection: Connection,
    actor: Actor,
    *,
    items: Sequence[Wanted],
    key: str,
    reference: str | None = None,
    ttl_seconds: int = DEFAULT_TTL,
) -> Reservation:
    """Hold every unit of a cart, or none, for `ttl_seconds` (10 to 86,400). The same key returns the same hold.

    Raises InsufficientStock naming every short variant, InvalidInput, KeyReused.
    """
    values = {
        "key": clean(key, "key", 200),
        "items": as_json(items),
        "reference": clean(reference, "reference", 200) if reference else None,
        "ttl": ttl_seconds,
        "held_by": clean(actor.name, "actor", 80),
    }
    statement = "select stockroom_api.hold(%(key)s, %(items)s::jsonb, %(reference)s, %(ttl)s, %(held_by)s)"
    found = call(connection, statement, values)[0][0]
    return _get(connection, found)


def as_json(items: Sequence[Wanted]) -> str:
    """Return the items of a cart as JSON for the database."""
    return json.dumps(
        [
            {"variant_id": str(w.variant_id) if w.variant_id else None, "sku": w.sku, "quantity": w.quantity}
            for w in items
        ]
    )


def release(connection: Connection, _: Actor, *, reservation_id: UUID) -> Reservation:
    """Release a hold; one that has ended already stays as it is. Raises ReservationGone if there is no such hold."""
    call(connection, "select stockroom_api.release_hold(%(id)s)", {"id": reservation_id})
    return _get(connection, reservation_id)


def extend(connection: Connection, _: Actor, *, reservation_id: UUID, ttl_seconds: int) -> Reservation:
    """Extend a hold to `ttl_seconds` from now. Raises ReservationGone if it has ended, InvalidInput."""
    values = {"id": reservation_id, "ttl": ttl_seconds}
    call(connection, "select stockroom_api.extend_hold(%(id)s, %(ttl)s)", values)
    return _get(connection, reservation_id)


def expire(connection: Connection, _: Actor, *, limit: int = 500) -> int:
    """Release holds past their time and return how many. A job calls it; nothing else waits for it."""
    return int(call(connection, "select stockroom_api.expire_holds(%(limit)s)", {"limit": limit})[0][0])


def get(connection: Connection, _: Actor, *, reservation_id: UUID) -> Reservation:
    """Return a hold in its present state. Raises ReservationGone if there is no such hold."""
    return _get(connection, reservation_id)


def release_payments(connection: Connection, _: Actor, *, payments: Sequence[tuple[str, str | None]]) -> int:
    """Release the holds of cancelled payments; each payment is its id and the hold that its metadata names."""
    named = array(hold for _, hold in payments if hold)
    values = {"payments": [payment for payment, _ in payments], "holds": named}
    return int(call(connection, "select stockroom_api.release_payments(%(payments)s, %(holds)s::uuid[])", values)[0][0])


def active_on(connection: Connection, actor: Actor, *, variant_id: UUID) -> tuple[Reservation, ...]:
    """Return the active holds on a variant, the next to expire first."""
    require(connection, actor, Permission.VIEW)
    statement = f"""select {_FIELDS} from stockroom_api.reservations
                     where state = 'active' and id in (select stockroom_api.holds_on(%(variant_id)s))
                     order by expires_at"""  # noqa: S608 - a list of our own names
    return _reservations(call(connection, statement, {"variant_id": variant_id}))


def of_order(connection: Connection, actor: Actor, *, order_id: int) -> tuple[Reservation, ...]:
    """Return the holds made for an order's payment, oldest first: consumed by it, or ended before it."""
    require(connection, actor, Permission.VIEW)
    statement = f"""select {_FIELDS} from stockroom_api.reservations
                     where id in (select h.id from stockroom_api.order_holds h where h.order_id = %(order_id)s)
                     order by created_at"""  # noqa: S608 - a list of our own names
    return _reservations(call(connection, statement, {"order_id": order_id}))


def _get(connection: Connection, reservation_id: UUID) -> Reservation:
    statement = f"select {_FIELDS} from stockroom_api.reservations where id = %(id)s"  # noqa: S608 - our own names
    found = _reservations(call(connection, statement, {"id": reservation_id}))
    if not found:
        raise ReservationGone("There is no such reservation.", reservation=str(reservation_id))
    return found[0]


def _reservations(rows: Iterable[tuple[Any, ...]]) -> tuple[Reservation, ...]:
    return rows_of(Reservation, ((*row[:-1], tuple(map(_line, row[-1]))) for row in rows))


def _line(line: Mapping[str, Any]) -> HeldLine:
    return HeldLine(variant_id=UUID(line["variant_id"]), sku=line["sku"], quantity=line["quantity"])
