"""What people do with a delivery. Each operation is one SQL call, never commits, and is idempotent by `key`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from core.catalog import codes
from core.database.engine import one_statement, rows_of
from core.deliveries.note import HIGHEST_COST, LONGEST_CODE, MOST_LINES, NoteLine
from core.foundation.errors import invalid
from core.foundation.model import MAX_NOTE, MAX_UNITS, Actor, Posting
from core.foundation.text import clean, clean_line, folded
from core.ledger.changes import units as whole
from core.people.access import Permission
from core.people.guard import ask

LONGEST_REFERENCE = 200
LONGEST_SUPPLIER = 200
LONGEST_ORIGINAL = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A delivery. `is_known`: it was there before, with this reference and these lines; nothing was added."""

    delivery_id: int
    is_known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a scan did. `sku` is None if no variant has the code. `units` were added to those counted and not posted."""

    line_id: int
    code: str
    variant_id: UUID | None
    sku: str | None
    units: int
    counted: int
    received: int
    expected: int
    revision: int
    replayed: bool

    @property
    def scanned(self) -> int:
        """All units that arrived: counted, or posted before."""
        return self.counted + self.received


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """The values that a line of a delivery is to have."""

    line_id: int
    expected: int
    counted: int
    unit_cost: Decimal | None = None


def announce(
    connection: Connection,
    actor: Actor,
    *,
    lines: Sequence[NoteLine],
    key: str,
    reference: str = "",
    supplier: str = "",
    expected_on: date | None = None,
    original: str = "",
) -> Created:
    """Record what a supplier says is coming. The same reference with the same lines again is the same delivery.

    Raises InvalidInput, KeyReused, Forbidden, SignInRequired; then nothing was saved.
    """
    if not lines:
        raise invalid("lines", "are missing. Nothing was saved")
    return _create(connection, actor, lines, key, reference, supplier, expected_on, original, is_announced=True)


def begin(
    connection: Connection,
    actor: Actor,
    *,
    key: str,
    lines: Sequence[NoteLine] = (),
    reference: str = "",
    supplier: str = "",
    original: str = "",
) -> Created:
    """Begin a delivery that nobody announced; `lines` have arrived. Raises the same errors as `announce`."""
    return _create(connection, actor, lines, key, reference, supplier, None, original, is_announced=False)


def _create(
    connection: Connection,
    actor: Actor,
    lines: Sequence[NoteLine],
    key: str,
    reference: str,
    supplier: str,
    expected_on: date | None,
    original: str,
    *,
    is_announced: bool,
) -> Created:
    if expected_on is not None and not isinstance(expected_on, date):
        raise invalid("expected day", "must be a day")
    rows = ask(
        connection, actor, Permission.RECEIVE, "create_goods",
        key=clean(key, "key", 200),
        reference=clean_line(reference, "reference", LONGEST_REFERENCE) if reference.strip() else None,
        supplier=clean_line(supplier, "supplier", LONGEST_SUPPLIER) if supplier.strip() else None,
        expected_on=expected_on, is_announced=is_announced, lines=as_json(lines), original=_text(original),
    )  # fmt: skip
    return rows_of(Created, rows)[0]


@one_statement
def scan_in(connection: Connection, actor: Actor, *, delivery_id: int, variant_id: UUID, units: int, key: str) -> Scan:
    """Add units of a variant to what was counted of an open delivery. Scans of several people add up.

    Raises UnknownVariant, InvalidInput if the delivery is closed, KeyReused, Forbidden, SignInRequired.
    """
    if not isinstance(variant_id, UUID):
        raise invalid("variant", "is not a variant's id")
    return _scan(connection, actor, delivery_id, variant_id, None, units, key)


def scan(connection: Connection, actor: Actor, *, delivery_id: int, code: str, units: int = 1, key: str) -> Scan:
    """Add what was scanned or typed. The code of a carton counts its units. An unknown code becomes a line of its own.

    Units below zero take counted ones back. Raises as `scan_in`, and InvalidInput if several variants have the code.
    """
    units = whole(units, "units", lowest=-MAX_UNITS)
    found = codes.find(connection, actor, text=code)
    if found:
        return _scan(connection, actor, delivery_id, found.variant_id, None, units * found.units, key)
    return _scan(connection, actor, delivery_id, None, clean_line(folded(code), "code", LONGEST_CODE), units, key)


def _scan(
    connection: Connection,
    actor: Actor,
    delivery_id: int,
    variant_id: UUID | None,
    code: str | None,
    units: int,
    key: str,
) -> Scan:
    if units == 0:
        raise invalid("units", "must not be zero")
    rows = ask(
        connection, actor, Permission.RECEIVE, "scan_goods", key=clean(key, "key", 200), delivery_id=delivery_id,
        variant_id=variant_id, code=code, units=whole(units, "units", lowest=-MAX_UNITS),
    )  # fmt: skip
    return rows_of(Scan, rows)[0]


def add(
    connection: Connection, actor: Actor, *, delivery_id: int, lines: Sequence[NoteLine], key: str, original: str = ""
) -> int:
    """Add pasted or uploaded lines to an open delivery, as counted. Returns its new revision. Raises as `scan_in`."""
    if not lines:
        raise invalid("lines", "are missing. Nothing was saved")
    return _one(
        connection, actor, "add_goods", key=clean(key, "key", 200), delivery_id=delivery_id, lines=as_json(lines),
        original=_text(original),
    )  # fmt: skip


def change(
    connection: Connection, actor: Actor, *, delivery_id: int, seen: int, changes: Sequence[Correction], key: str
) -> int:
    """Correct lines of an open delivery whose revision is still `seen`. Returns its new revision.

    Raises InvalidInput if somebody changed it meanwhile, KeyReused, Forbidden, SignInRequired.
    """
    if not 1 <= len(changes) <= MOST_LINES:
        raise invalid("lines", f"must be 1 to {MOST_LINES:,}")
    values = [
        {
            "line_id": line.line_id,
            "expected": whole(line.expected, "expected units", lowest=0, line=line.line_id),
            "scanned": whole(line.counted, "counted units", lowest=0, line=line.line_id),
            "unit_cost": _cost(line.unit_cost),
        }
        for line in changes
    ]
    return _one(
        connection, actor, "change_goods", key=clean(key, "key", 200), delivery_id=delivery_id, seen=seen,
        changes=json.dumps(values),
    )  # fmt: skip


def attach(connection: Connection, actor: Actor, *, delivery_id: int, line_id: int, variant_id: UUID, key: str) -> int:
    """Say which variant an unknown line is; returns the line that now has its units. Raises as `scan_in`."""
    return _one(
        connection, actor, "attach_goods", key=clean(key, "key", 200), delivery_id=delivery_id, line_id=line_id,
        variant_id=variant_id,
    )  # fmt: skip


def post(
    connection: Connection,
    actor: Actor,
    *,
    delivery_id: int,
    seen: int,
    key: str,
    closes: bool = False,
    note: str | None = None,
) -> Posting | None:
    """Post what was counted as one receipt with the delivery's reference, if its revision is still `seen`.

    With `closes` the rest is short and no longer expected; else it stays expected. Returns None if it only closed.
    Raises InvalidInput if somebody changed it meanwhile, KeyReused, Forbidden, SignInRequired.
    """
    rows = ask(
        connection, actor, Permission.RECEIVE, "post_goods", key=clean(key, "key", 200), delivery_id=delivery_id,
        seen=seen, closes=closes, note=clean(note, "note", MAX_NOTE, empty=True) or None if note else None,
    )  # fmt: skip
    return Posting.from_rows(rows) if rows else None


def cancel(connection: Connection, actor: Actor, *, delivery_id: int, key: str) -> None:
    """Cancel an open delivery of which nothing was received. Raises as `scan_in`."""
    _turn(connection, actor, delivery_id, key, is_cancelled=True)


def reopen(connection: Connection, actor: Actor, *, delivery_id: int, key: str) -> None:
    """Open a received or cancelled delivery again. Raises InvalidInput if it is open, and the errors of `scan_in`."""
    _turn(connection, actor, delivery_id, key, is_cancelled=False)


def _turn(connection: Connection, actor: Actor, delivery_id: int, key: str, *, is_cancelled: bool) -> None:
    values = {"key": clean(key, "key", 200), "delivery_id": delivery_id, "is_cancelled": is_cancelled}
    ask(connection, actor, Permission.RECEIVE, "turn_goods", **values)


def as_json(lines: Sequence[NoteLine]) -> str:
    """Return lines as the SQL functions expect them."""
    if len(lines) > MOST_LINES:
        raise invalid("lines", f"must be at most {MOST_LINES:,}")
    return json.dumps([
        {
            "code": clean_line(line.code, "code", LONGEST_CODE),
            "units": whole(line.units, "quantity", lowest=0, line=line.line),
            "unit_cost": _cost(line.unit_cost),
            "original": _text(line.original),
            "problem": line.problem,
        }
        for line in lines
    ])  # fmt: skip


def _cost(cost: Decimal | None) -> str | None:
    if cost is None:
        return None
    if not (cost.is_finite() and 0 <= cost <= HIGHEST_COST):
        raise invalid("unit cost", "must be an amount of money")
    return str(cost)


def _text(original: str) -> str | None:
    """Return the original text without the characters that PostgreSQL cannot store."""
    kept = original[:LONGEST_ORIGINAL].replace("\0", "").encode("utf-8", "replace").decode()
    return kept or None


def _one(connection: Connection, actor: Actor, function: str, **values: Any) -> int:
    return int(ask(connection, actor, Permission.RECEIVE, function, **values)[0][0])
