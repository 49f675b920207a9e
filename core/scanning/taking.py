"""One scan: find the variant of a code, check, post, and return the level before and after. One statement.

A scan that waited in a browser carries its age, not its time: the moment is the server's clock less the age, so a wrong
clock of a phone does no harm. The idempotency key of a scan is `scan:` and the id that the browser gave it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from core.database.engine import one_statement, rows_of
from core.foundation.errors import invalid
from core.foundation.model import MAX_NOTE, MAX_UNITS, Actor, MovementType
from core.foundation.text import clean
from core.ledger.changes import units as whole_units
from core.people.access import Permission
from core.people.guard import ask

LONGEST_CODE = 200
UNDO_NOTE = "Undone at the scan station"


class Mode(StrEnum):
    """What a scan is for."""

    LOOK = "look"
    ADJUST = "adjust"
    RECEIVE = "receive"
    COUNT = "count"
    UNDO = "undo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One scan as a browser sends it. `text` is the code; instead, `variant_id` was chosen from a list.

    `age` is the number of seconds since the scan. `of` is the id of the scan that an undo takes back.
    """

    id: UUID
    mode: Mode
    age: float
    text: str | None = None
    variant_id: UUID | None = None
    units: int = 1
    reason: str | None = None
    note: str | None = None
    reference: str | None = None
    of: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a scan meant and did. `scanned` is the quantity of the code, `units` what was posted. No movement: a look-up."""

    variant_id: UUID
    sku: str
    product: str
    brand: str | None
    size: str | None
    color: str | None
    is_active: bool
    scanned: int
    units: int
    level_before: int
    level_after: int
    reserved: int
    reorder_point: int | None
    movement_id: int | None
    replayed: bool


@one_statement
def look_up(connection: Connection, actor: Actor, *, scan: Scan) -> Taken:
    """Return the variant of a code and its level. Raises UnknownVariant, InvalidInput, Forbidden, SignInRequired."""
    return _taken(ask(connection, actor, Permission.VIEW, "look_up_scan", **_named(scan)))


@one_statement
def post(connection: Connection, actor: Actor, *, scan: Scan) -> Taken:
    """Post an adjustment or a receipt of one scan. The same scan again returns the first answer.

    Raises UnknownVariant with the code, InsufficientStock, KeyReused, InvalidInput, Forbidden, SignInRequired; then
    nothing was changed.
    """
    kind, movement_type, reason = _intent(scan)
    lowest = 1 if scan.mode is Mode.RECEIVE else -MAX_UNITS
    values = {
        "key": key_of(scan.id),
        "kind": kind.value,
        "movement_type": movement_type.value,
        "reason": clean(reason, "reason", 40),
        **_named(scan),
        "units": whole_units(scan.units, "units", lowest=lowest),
        "age": float(scan.age),
        "reference": clean(scan.reference, "reference", 200) if scan.reference else None,
        "note": clean(scan.note, "note", MAX_NOTE) if scan.note else None,
    }
    return _taken(ask(connection, actor, kind, "post_scan", **values))


@one_statement
def undo(connection: Connection, actor: Actor, *, scan: Scan) -> Taken:
    """Undo what the scan `of` posted, once. Raises AlreadyReversed, InsufficientStock, InvalidInput and as `post`."""
    if scan.of is None:
        raise invalid("scan", "to undo is missing")
    values = {"key": key_of(scan.id), "of": key_of(scan.of), "note": UNDO_NOTE}
    return _taken(ask(connection, actor, Permission.UNDO, "undo_scan", **values))


def key_of(scan_id: UUID) -> str:
    """Return the idempotency key of a scan."""
    return f"scan:{scan_id}"


def _intent(scan: Scan) -> tuple[Permission, MovementType, str]:
    if scan.mode is Mode.RECEIVE:
        return Permission.RECEIVE, MovementType.PURCHASE, scan.reason or "delivery"
    if scan.mode is not Mode.ADJUST:
        raise invalid("mode", "must be adjust or receive")
    if scan.reason is None:
        raise invalid("reason", "must be chosen")
    return Permission.ADJUST, MovementType.ADJUSTMENT, scan.reason


def _named(scan: Scan) -> dict[str, Any]:
    if scan.variant_id is not None:
        return {"text": None, "variant_id": scan.variant_id}
    return {"text": clean(scan.text or "", "code", LONGEST_CODE), "variant_id": None}


def _taken(rows: list[tuple[Any, ...]]) -> Taken:
    return rows_of(Taken, rows)[0]
