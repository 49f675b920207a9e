"""Applying a session as one operation, undoing it as one, and what became of its lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Connection

from core.counts.review import Variance
from core.database.engine import array, call, one_statement, rows_of
from core.foundation.model import MAX_NOTE, Actor, Posting
from core.foundation.text import clean
from core.people.access import Permission, roles_for
from core.people.guard import ask, require


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One line of an applied session. `recorded_later`: units of movements written after it, from before its second."""

    count_id: int
    variant_id: UUID
    sku: str
    product: str
    size: str | None
    color: str | None
    place: int
    is_extra: bool
    expected: int
    counted: int
    variance: int
    posted: int
    missing: int
    unit_value: Decimal | None
    valued_by: str | None
    counted_at: datetime
    counted_by: str
    decided_by: str | None
    approved_by: str | None
    recorded_later: int


@one_statement
def apply(
    connection: Connection, actor: Actor, *, count_id: int, seen: Sequence[Variance] | None = None, key: str
) -> Posting:
    """Apply a session in review: one movement for each counted line, all or none. Uncounted lines stay as they are.

    Levels never go below zero, and holds that no longer fit are given up (`core.ledger.given_up`). `seen`: the lines
    that the person was shown. Raises InvalidInput if something else is counted by now, for open questions, for
    variances over the limit without a second person, and if it was applied before; KeyReused, Forbidden,
    SignInRequired.
    """
    managers = array(roles_for(Permission.APPROVE_COUNT))
    rows = ask(
        connection, actor, Permission.COUNT, "apply_count", count_id=count_id, managers=managers,
        seen_ids=None if seen is None else array(line.variant_id for line in seen),
        seen_units=None if seen is None else array("NULL" if line.counted is None else line.counted for line in seen),
        key=clean(key, "key", 200),
    )  # fmt: skip
    return Posting.from_rows(rows)


@one_statement
def undo(connection: Connection, actor: Actor, *, count_id: int, note: str, key: str) -> Posting:
    """Undo an applied session as a whole. Holds that were given up stay so.

    Raises InsufficientStock naming variants that would fall below zero or below what is held, AlreadyReversed,
    InvalidInput, Forbidden, SignInRequired; then nothing was changed.
    """
    rows = ask(
        connection, actor, Permission.UNDO, "undo_count", count_id=count_id, note=clean(note, "note", MAX_NOTE),
        key=clean(key, "key", 200),
    )  # fmt: skip
    return Posting.from_rows(rows)


def results(connection: Connection, actor: Actor, *, count_id: int) -> tuple[Result, ...]:
    """Return the lines of an applied session as they were posted."""
    require(connection, actor, Permission.VIEW)
    statement = "select * from stockroom_api.count_results where count_id = %(id)s order by place, sku"
    return rows_of(Result, call(connection, statement, {"id": count_id}))
