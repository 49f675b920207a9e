"""The operations that change stock by hand: adjust, receive, set, undo. Each is one SQL call, for one or many variants.

Each takes `connection` and `actor` first, never commits, is idempotent by `key`, checks session and role in its own
transaction, and changes all of its lines or none. Each rule has a test in tests/core/ledger.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from core.database.engine import array, call, one_statement
from core.foundation.errors import invalid
from core.foundation.model import MAX_LINES, MAX_NOTE, MAX_UNITS, Actor, LevelLine, Line, MovementType, Posting
from core.foundation.text import clean
from core.people.access import Permission, roles_for

_HIGHEST = 2_000_000_000  # the highest level of a variant, as in core/sql/20_ledger/2_posting.sql
_LARGEST_ID = 2**63 - 1
_POST_CHANGE = """
    select * from stockroom_api.post_change(%(key)s, %(kind)s, %(user_id)s, %(session_id)s, %(roles)s::text[], %(name)s,
        %(movement_type)s, %(reason)s, %(variants)s::uuid[], %(quantities)s::int[],
        %(reference_type)s, %(reference_id)s, %(note)s, %(costs)s::numeric[])"""
_POST_LEVELS = """
    select * from stockroom_api.post_levels(%(key)s, %(kind)s, %(user_id)s, %(session_id)s, %(roles)s::text[], %(name)s,
        %(movement_type)s, %(reason)s, %(variants)s::uuid[], %(targets)s::int[], %(seen)s::int[], %(note)s)"""
_POST_UNDO = """
    select * from stockroom_api.post_undo(%(key)s, %(user_id)s, %(session_id)s, %(roles)s::text[], %(name)s,
        %(movements)s::bigint[], %(note)s)"""


@one_statement
def adjust(
    connection: Connection, actor: Actor, *, lines: Sequence[Line], reason: str, key: str, note: str | None = None
) -> Posting:
    """Add `quantity` units to each variant, or take them away if negative, for a reason of type `adjustment`.

    Raises UnknownVariant, InsufficientStock, KeyReused, InvalidInput, Forbidden, SignInRequired; then nothing was
    changed.
    """
    return _change(
        connection,
        actor,
        Permission.ADJUST,
        lines=lines,
        movement_type=MovementType.ADJUSTMENT,
        reason=reason,
        key=key,
        note=note,
    )


@one_statement
def receive(
    connection: Connection,
    actor: Actor,
    *,
    lines: Sequence[Line],
    key: str,
    reason: str = "delivery",
    reference: str | None = None,
    note: str | None = None,
) -> Posting:
    """Post a receipt of bought goods; with the reason `supplier_return`, negative units go back to the supplier.

    `reference` is the number of the delivery note or purchase order. A line without a unit cost has that of the
    catalogue, else the present average. Raises the same errors as `adjust`.
    """
    return _change(
        connection,
        actor,
        Permission.RECEIVE,
        lines=lines,
        movement_type=MovementType.PURCHASE,
        reason=reason,
        key=key,
        note=note,
        reference_type="receipt" if reference else None,
        reference=reference,
    )


@one_statement
def set_level(
    connection: Connection,
    actor: Actor,
    *,
    lines: Sequence[LevelLine],
    key: str,
    movement_type: MovementType = MovementType.COUNT,
    reason: str = "cycle_count",
    note: str | None = None,
) -> Posting:
    """Set each variant to `target` units if its level is still `seen`; if one has changed meanwhile, none is set.

    Raises LevelChanged with the present level and the movements since, and the same errors as `adjust`.
    """
    if movement_type not in (MovementType.COUNT, MovementType.ADJUSTMENT):
        raise invalid("movement type", "must be a count or an adjustment")
    rows = _bounded(lines)
    values = _values(actor, Permission.SET_LEVEL, key=key, note=note) | {
        "kind": "set_level",
        "movement_type": movement_type.value,
        "reason": clean(reason, "reason", 40),
        "variants": array(line.variant_id for line in rows),
        "targets": array(units(line.target, "new level", lowest=0, line=n) for n, line in enumerate(rows, 1)),
        "seen": array(
            units(line.seen, "level seen", lowest=0, highest=_HIGHEST, line=n) for n, line in enumerate(rows, 1)
        ),
    }
    return _posting(connection, _POST_LEVELS, values)


@one_statement
def undo(connection: Connection, actor: Actor, *, movement_ids: Iterable[int], key: str, note: str) -> Posting:
    """Post the opposite of each movement, linked to it. A movement can be undone once.

    Raises AlreadyReversed, InsufficientStock, InvalidInput, Forbidden, SignInRequired; then nothing was changed.
    """
    ids = sorted({units(movement, "movement", lowest=1, highest=_LARGEST_ID) for movement in movement_ids})
    if not 1 <= len(ids) <= MAX_LINES:
        raise invalid("movements", f"must be 1 to {MAX_LINES:,}")
    return _posting(
        connection, _POST_UNDO, _values(actor, Permission.UNDO, key=key, note=note) | {"movements": array(ids)}
    )


def new_key() -> str:
    """Return an unused idempotency key. It begins with the time, so the index of keys grows at its end.

    Random keys would touch another page of the index for each operation, which is slow with a large ledger.
    """
    return f"{time.time_ns():016x}{secrets.token_hex(8)}"


def _change(
    connection: Connection,
    actor: Actor,
    permission: Permission,
    *,
    lines: Sequence[Line],
    movement_type: MovementType,
    reason: str,
    key: str,
    note: str | None,
    reference_type: str | None = None,
    reference: str | None = None,
) -> Posting:
    rows = _bounded(lines)
    values = _values(actor, permission, key=key, note=note) | {
        "kind": permission.value,
        "movement_type": movement_type.value,
        "reason": clean(reason, "reason", 40),
        "variants": array(line.variant_id for line in rows),
        "quantities": array(
            units(line.quantity, "quantity", lowest=-MAX_UNITS, line=n) for n, line in enumerate(rows, 1)
        ),
        "costs": costs_of(line.unit_cost for line in rows),
        "reference_type": reference_type,
        "reference_id": clean(reference, "reference", 200) if reference else None,
    }
    return _posting(connection, _POST_CHANGE, values)


def _posting(connection: Connection, statement: str, values: dict[str, Any]) -> Posting:
    return Posting.from_rows(call(connection, statement, values))


def _values(actor: Actor, permission: Permission, *, key: str, note: str | None) -> dict[str, Any]:
    return {
        "key": clean(key, "key", 200),
        "user_id": actor.user_id,
        "session_id": actor.session_id,
        "roles": array(roles_for(permission)),
        "name": actor.name,
        "note": clean(note, "note", MAX_NOTE, empty=True) if note else None,
    }


def _bounded(lines: Sequence[Any]) -> Sequence[Any]:
    if not 1 <= len(lines) <= MAX_LINES:
        raise invalid("lines", f"must be 1 to {MAX_LINES:,}", count=len(lines))
    for n, line in enumerate(lines, 1):
        if not isinstance(line.variant_id, UUID):
            raise invalid("variant", "is not a variant's id", line=n)
    return lines


def costs_of(costs: Iterable[Decimal | None]) -> str | None:
    """Return unit costs as SQL reads an array of them; None if no line has one. Raises InvalidInput for no number."""
    found = list(costs)
    for n, cost in enumerate(found, 1):
        if cost is not None and not cost.is_finite():
            raise invalid("unit cost", "must be an amount", given=_shown(cost), line=n)
    return (
        None
        if all(cost is None for cost in found)
        else array("NULL" if cost is None else f"{cost:f}" for cost in found)
    )


def units(value: Any, field: str, *, lowest: int, highest: int = MAX_UNITS, **facts: Any) -> int:
    """Return `value` as whole units between `lowest` and `highest`.

    Raises InvalidInput naming `field`, with `facts` such as the line. A fraction is refused, never rounded.
    """
    whole = (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, float) and value.is_integer()
    )
    if not whole:
        raise invalid(field, "must be a whole number", given=_shown(value), **facts)
    if not lowest <= value <= highest:
        raise invalid(field, f"must be between {lowest:,} and {highest:,}", given=_shown(value), **facts)
    return int(value)


def _shown(value: Any) -> str:
    try:
        return str(value)[:80]
    except ValueError:  # Python does not print an integer of thousands of digits
        return "a number of thousands of digits"
