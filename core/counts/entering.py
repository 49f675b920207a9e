"""Entering what is counted: one unit a scan, a typed number, or a whole list. Each entry has its own second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Connection

from core.catalog import codes
from core.database.engine import array, call, one_statement, rows_of
from core.foundation import days
from core.foundation.errors import UnknownVariant, invalid
from core.foundation.model import MAX_LINES, MAX_UNITS, Actor
from core.foundation.text import clean
from core.ledger import reports
from core.ledger.changes import units as whole
from core.people.access import Permission
from core.people.guard import ask, require

RECENT = 8


class EntryKind(StrEnum):
    """How units were entered. A scan is added, a typed number replaces; a line nobody counted is zero on request."""

    SCAN = "scan"
    TYPED = "typed"
    ZERO = "zero"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What is counted of a variant after an entry: by this person, and by everybody. `is_repeat`: it was known before.

    `is_extra`: the variant is not in the scope of the session.
    """

    variant_id: UUID
    sku: str
    product: str
    size: str | None
    color: str | None
    is_extra: bool
    own: int
    total: int
    is_repeat: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a session. `is_current`: it counts, because the line has not been started again since."""

    entry_id: int
    count_id: int
    variant_id: UUID
    sku: str
    product: str
    size: str | None
    color: str | None
    kind: str
    units: int
    user_id: int | None
    performed_by: str
    counted_at: datetime
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncounted:
    """A line that nobody has counted. `on_hand` is None in a blind session."""

    variant_id: UUID
    sku: str
    product: str
    size: str | None
    color: str | None
    shelf_place: str | None
    on_hand: int | None
    is_recount: bool
    last_counted_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListLine:
    """A line of a pasted or uploaded list: what the code names, how many were counted, and when if it says so."""

    code: str
    units: int
    counted_at: datetime | None = None


def list_line(code: str, units: int, at: str | None, zone: str) -> ListLine:
    """Return a line of a file; a moment without an offset is one on the shop's clock. Raises InvalidInput."""
    try:
        moment = datetime.fromisoformat(at.strip()) if at and at.strip() else None
    except ValueError:
        raise invalid("counted at", f'"{(at or "")[:40]}" is not a date and time such as 2026-03-01 14:05') from None
    if moment is not None and moment.tzinfo is None:
        moment = days.moment(moment, zone)
    return ListLine(code=code, units=units, counted_at=moment)


@one_statement
def count_scan(
    connection: Connection,
    actor: Actor,
    *,
    count_id: int,
    variant_id: UUID,
    units: int,
    counted_at: datetime | None,
    key: str,
) -> Counted:
    """Add `units` to what this person has counted of the variant in this session; negative units take some back.

    `counted_at` is the second of the scan, None for now. Raises InvalidInput if the session takes no entries,
    UnknownVariant, KeyReused, Forbidden, SignInRequired.
    """
    added = whole(units, "units", lowest=-MAX_UNITS)
    if added == 0:
        raise invalid("units", "must not be zero")
    return _enter(connection, actor, count_id, variant_id, EntryKind.SCAN, added, counted_at, key)


@one_statement
def count_typed(
    connection: Connection,
    actor: Actor,
    *,
    count_id: int,
    variant_id: UUID,
    units: int,
    counted_at: datetime | None = None,
    key: str,
) -> Counted:
    """Set what this person has counted of the variant in this session to `units`. Raises the errors of `count_scan`."""
    return _enter(
        connection, actor, count_id, variant_id, EntryKind.TYPED, whole(units, "units", lowest=0), counted_at, key
    )


def _enter(
    connection: Connection,
    actor: Actor,
    count_id: int,
    variant_id: UUID,
    kind: EntryKind,
    units: int,
    counted_at: datetime | None,
    key: str,
) -> Counted:
    if counted_at is not None and counted_at.tzinfo is None:
        raise invalid("counted at", "needs a time zone")
    found = ask(
        connection,
        actor,
        Permission.COUNT,
        "enter_count",
        count_id=count_id,
        variant_id=variant_id,
        kind=kind.value,
        units=units,
        counted_at=counted_at,
        key=clean(key, "key", 200),
    )
    return rows_of(Counted, found)[0]


def count_code(
    connection: Connection, actor: Actor, *, count_id: int, code: str, number: int | None, key: str
) -> Counted:
    """Count the variant that a scan or a typed SKU means: a number sets it, without one each scan adds its units.

    Raises UnknownVariant if no variant has the code, and the errors of `count_scan`.
    """
    found = find(connection, actor, code=code)
    if found is None:
        raise UnknownVariant(f"No variant has the code {code.strip()[:80]}.")
    if number is None:
        return count_scan(
            connection, actor, count_id=count_id, variant_id=found[0], units=found[1], counted_at=None, key=key
        )
    return count_typed(connection, actor, count_id=count_id, variant_id=found[0], units=number, key=key)


def find(connection: Connection, actor: Actor, *, code: str) -> tuple[UUID, int] | None:
    """Return the variant that a scan or a typed SKU means, and the units of its code; or None."""
    found = codes.find(connection, actor, text=clean(code, "code", 200))
    return (found.variant_id, found.units) if found else None


def count_list(connection: Connection, actor: Actor, *, count_id: int, lines: Sequence[ListLine], key: str) -> int:
    """Enter a whole list of typed numbers, all lines or none, and return how many are new.

    Raises UnknownVariant naming codes that no variant has, and the errors of `count_scan`.
    """
    if not 1 <= len(lines) <= MAX_LINES:
        raise invalid("list", f"must have 1 to {MAX_LINES:,} lines")
    ids = find_all(connection, actor, names=[line.code for line in lines])
    met: set[UUID] = set()
    for line, variant in zip(lines, ids, strict=True):
        if variant in met:
            raise invalid("list", f"names {line.code} twice; add its numbers up", code=line.code)
        met.add(variant)
    numbers = [whole(line.units, "units", lowest=0, line=n) for n, line in enumerate(lines, 1)]
    found = ask(
        connection,
        actor,
        Permission.COUNT,
        "enter_many",
        count_id=count_id,
        variant_ids=array(ids),
        units=array(numbers),
        moments=[line.counted_at for line in lines],
        key=clean(key, "key", 150),
    )
    return int(found[0][0])


def find_all(connection: Connection, actor: Actor, *, names: Sequence[str]) -> list[UUID]:
    """Return the variants that these SKUs and codes mean, in their order. Raises UnknownVariant naming the others."""
    require(connection, actor, Permission.VIEW)
    distinct = list(dict.fromkeys(names))
    known = {sku: row.variant_id for sku, row in reports.find_many(connection, actor, skus=distinct).items()}
    for name in distinct:
        if name not in known and (found := find(connection, actor, code=name)):
            known[name] = found[0]
    unknown = [name for name in distinct if name not in known]
    if unknown:
        named = ", ".join(unknown[:10]) + (f" and {len(unknown) - 10} more" if len(unknown) > 10 else "")
        raise UnknownVariant(f"No variant has these codes: {named}.", codes=unknown[:100])
    return [known[name] for name in names]


def recent(connection: Connection, actor: Actor, *, count_id: int, limit: int = RECENT) -> tuple[Entry, ...]:
    """Return the latest entries of a session, newest first."""
    require(connection, actor, Permission.VIEW)
    statement = """select * from stockroom_api.count_entries where count_id = %(id)s
                    order by entry_id desc limit %(limit)s"""
    return rows_of(Entry, call(connection, statement, {"id": count_id, "limit": limit}))


def uncounted(connection: Connection, actor: Actor, *, count_id: int, limit: int) -> tuple[Uncounted, ...]:
    """Return the lines that nobody has counted: those to recount first, then as people walk past them."""
    return rows_of(
        Uncounted, ask(connection, actor, Permission.VIEW, "uncounted_lines", count_id=count_id, limit=limit)
    )
