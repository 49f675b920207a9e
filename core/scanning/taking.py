"""One scan: find the variant of a code, check, post, and return the level before and after. One statement.

A scan that waited in a browser carries its age, not its time: the moment is the server's clock less the age, so a wrong
clock of a phone does no harm. The idempotency key of a scan is `scan:` and the id that the browser gave it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from core.counts import entering as counts
from core.counts.sessions import open_counts
from core.database.engine import array, one_statement
from core.deliveries import changes as deliveries
from core.foundation.barcodes import read_scan
from core.foundation.errors import invalid
from core.foundation.model import MAX_NOTE, MAX_UNITS, Actor, MovementType
from core.foundation.text import clean
from core.ledger.changes import units as whole_units
from core.people.access import Permission
from core.people.guard import ask

LONGEST_CODE = 400
_LONGEST_AGE = 366 * 86_400.0  # seconds; a count refuses much younger ones with a sentence
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
    delivery_id: int | None = None
    count_id: int | None = None
    of: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a scan meant and did. `scanned`: the quantity of the code; `units`: what was posted, counted or checked off.

    Without a movement, the levels before and after are the same. A blind count shows neither. `counted`: what the
    person has counted of the variant. `received` of `expected`: what has arrived of it in the delivery.
    """

    variant_id: UUID
    sku: str
    product: str
    brand: str | None
    size: str | None
    color: str | None
    is_active: bool
    scanned: int
    units: int
    level_before: int | None
    level_after: int | None
    reserved: int | None
    reorder_point: int | None
    movement_id: int | None
    replayed: bool
    counted: int | None = None
    received: int | None = None
    expected: int | None = None


def operation_of(scan: Scan) -> Callable[..., Taken]:
    """Return the operation that does what a scan is for."""
    if scan.mode is Mode.RECEIVE and scan.delivery_id is not None:
        return check_off
    return _BY_MODE[scan.mode]


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


def check_off(connection: Connection, actor: Actor, *, scan: Scan) -> Taken:
    """Add the units of a scan to what has arrived of an open delivery; stock moves when the delivery is posted.

    Raises as `post`, and InvalidInput if the delivery is closed.
    """
    if scan.delivery_id is None:
        raise invalid("delivery", "must be chosen")
    found = look_up(connection, actor, scan=scan)
    units = found.scanned * whole_units(scan.units, "units", lowest=-MAX_UNITS)
    line = deliveries.scan_in(
        connection, actor, delivery_id=scan.delivery_id, variant_id=found.variant_id, units=units, key=key_of(scan.id)
    )
    return replace(found, units=units, received=line.scanned, expected=line.expected, replayed=line.replayed)


def count(connection: Connection, actor: Actor, *, scan: Scan) -> Taken:
    """Add the units of a scan to what this person has counted in an open count, as of the moment of the scan.

    Raises as `post`, and InvalidInput if the count takes no entries now.
    """
    if scan.count_id is None:
        raise invalid("count", "must be chosen")
    found = look_up(connection, actor, scan=scan)
    units = found.scanned * whole_units(scan.units, "units", lowest=-MAX_UNITS)
    counted_at = datetime.now(UTC) - timedelta(seconds=min(max(scan.age, 0.0), _LONGEST_AGE))
    entry = counts.count_scan(
        connection, actor, count_id=scan.count_id, variant_id=found.variant_id, units=units, counted_at=counted_at,
        key=key_of(scan.id),
    )  # fmt: skip
    taken = replace(found, units=units, counted=entry.own, replayed=entry.is_repeat)
    is_open = any(each.count_id == scan.count_id and not each.is_blind for each in open_counts(connection, actor))
    return taken if is_open else replace(taken, level_before=None, level_after=None, reserved=None)


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
    """Return what names the variant: its id, or all that the code can mean, in the order in which to look it up."""
    if scan.variant_id is not None:
        return {"codes": None, "counts": None, "variant_id": scan.variant_id}
    text = (scan.text or "").replace("\0", "")
    if not text.strip() or len(text) > LONGEST_CODE:
        raise invalid("code", f"must have 1 to {LONGEST_CODE} characters")
    meanings = read_scan(text)
    codes, counts = [each.code for each in meanings], array(each.count for each in meanings)
    return {"codes": codes, "counts": counts, "variant_id": None}


def _taken(rows: list[tuple[Any, ...]]) -> Taken:
    return Taken(**dict(zip(Taken.__dataclass_fields__, rows[0], strict=False)))


_BY_MODE: dict[Mode, Callable[..., Taken]] = {
    Mode.LOOK: look_up,
    Mode.ADJUST: post,
    Mode.RECEIVE: post,
    Mode.COUNT: count,
    Mode.UNDO: undo,
}
