"""Goods that come back without a refund or later, exchanges, and decisions that are taken back.

Rules and locks: core/sql/55_cases/7_returns.sql, 8_exchange.sql. Never more units come back than left the
shelf for the line.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from core.database.engine import array, call
from core.foundation.errors import invalid
from core.foundation.model import MAX_NOTE, Actor, Posted, Posting
from core.foundation.sales import Disposition
from core.foundation.text import clean
from core.ledger.changes import units
from core.people.access import Permission, roles_for
from core.people.guard import ASKER, asker

CONDITIONS = (Disposition.RESTOCK, Disposition.DAMAGED)
"""The condition in which goods come back: to the shelf, or damaged."""
_NOTE = "Decision taken back"
_TAKE_IN = f"""
    select * from stockroom_api.take_in(%(key)s, {ASKER}, %(order_id)s, %(goods)s::jsonb, %(reason)s, %(note)s,
        %(seen)s)"""  # noqa: S608 - nothing of a caller is in it
_EXCHANGE = f"""
    select * from stockroom_api.exchange(%(key)s, {ASKER}, %(order_id)s, %(line_id)s, %(condition)s, %(units)s,
        %(variant_id)s, %(note)s, %(seen)s)"""  # noqa: S608 - nothing of a caller is in it
_TAKE_BACK = f"""
    select * from stockroom_api.take_back(%(key)s, {ASKER}, %(anybodys)s::text[], %(decided)s, %(note)s)"""  # noqa: S608 - nothing of a caller is in it


@dataclass(frozen=True, slots=True, kw_only=True)
class CameBack:
    """Units of a line that came back, and in which condition: one of `CONDITIONS`."""

    line_id: int
    condition: Disposition
    quantity: int


def take_in(
    connection: Connection,
    actor: Actor,
    *,
    order_id: int,
    goods: Sequence[CameBack],
    reason: str,
    key: str,
    note: str | None = None,
    seen: str | None = None,
) -> tuple[Posted, ...]:
    """Take in goods of an order that came back, and return the movements back to the shelf.

    `reason` is one of restorations. `seen` is what the page showed: `refund_reads.seen_of`, or None if it showed no
    decision. Raises DecidedMeanwhile, RestoresTooMuch, KeyReused, InvalidInput, Forbidden, SignInRequired; then nothing
    was changed.
    """
    if any(each.condition not in CONDITIONS for each in goods):
        raise invalid("condition", "must be back on the shelf or damaged")
    rows = [
        {"line_id": each.line_id, "disposition": each.condition, "quantity": units(each.quantity, "units", lowest=1)}
        for each in goods
    ]
    values = {
        "key": clean(key, "key", 200),
        "order_id": order_id,
        "goods": json.dumps(rows),
        "reason": clean(reason, "reason", 40),
        "note": clean(note, "note", MAX_NOTE, empty=True) or None if note else None,
        "seen": seen,
    }
    return _posted(call(connection, _TAKE_IN, asker(actor, Permission.DECIDE_REFUND) | values))


def exchange(
    connection: Connection,
    actor: Actor,
    *,
    order_id: int,
    came_back: CameBack,
    variant_id: UUID,
    key: str,
    note: str | None = None,
    seen: str | None = None,
) -> tuple[Posted, ...]:
    """Exchange units of an order: they come back, and as many units of a variant go out. Return both movements.

    It is one operation, which `take_back` and an undo of one of its movements undo as a whole. `seen` is as in
    `take_in`. Raises InsufficientStock, DecidedMeanwhile, RestoresTooMuch, UnknownVariant, KeyReused, InvalidInput,
    Forbidden, SignInRequired; then nothing was changed.
    """
    values = {
        "key": clean(key, "key", 200),
        "order_id": order_id,
        "line_id": came_back.line_id,
        "condition": came_back.condition,
        "units": units(came_back.quantity, "units", lowest=1),
        "variant_id": variant_id,
        "note": clean(note, "note", MAX_NOTE, empty=True) or None if note else None,
        "seen": seen,
    }
    return _posted(call(connection, _EXCHANGE, asker(actor, Permission.DECIDE_REFUND) | values))


def take_back(connection: Connection, actor: Actor, *, decided: str, key: str, note: str = _NOTE) -> tuple[Posted, ...]:
    """Take back the decision with the key `decided`, and return the movements off the shelf.

    Its refund waits for a decision again. People take back their own decisions, managers all. Raises AlreadyReversed,
    InsufficientStock (the units were sold since), KeyReused, InvalidInput, Forbidden, SignInRequired; then nothing was
    changed.
    """
    values = {
        "key": clean(key, "key", 200),
        "anybodys": array(roles_for(Permission.TAKE_BACK_ANY)),
        "decided": clean(decided, "decision", 200),
        "note": clean(note, "note", MAX_NOTE),
    }
    return _posted(call(connection, _TAKE_BACK, asker(actor, Permission.TAKE_BACK_OWN) | values))


def _posted(rows: Sequence[object]) -> tuple[Posted, ...]:
    return Posting.from_rows(rows).movements if rows else ()
