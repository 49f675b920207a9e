"""Deciding refunds: Stripe reports the money, and a person decides what became of the goods.

Rules and locks: core/sql/50_orders/4_refunds.sql. A refund moves no stock until a person decides "back on the shelf".
Never more units go back than were sold: a constraint on the order line guarantees it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from core.database.engine import call
from core.foundation.errors import invalid
from core.foundation.model import MAX_NOTE, MAX_UNITS, Actor, Posted, Posting
from core.foundation.sales import Disposition
from core.foundation.text import clean
from core.people.access import Permission
from core.people.guard import ASKER, asker

_DECIDE = f"""
    select * from stockroom_api.decide_refund(%(key)s, {ASKER}, %(refund_id)s, %(decisions)s::jsonb, %(note)s, %(seen)s,
        %(is_confirmed)s)"""  # noqa: S608 - nothing of a caller is in it


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What became of `quantity` units of a line. An order without lines has one decision, with no line and 0 units."""

    line_id: int | None
    disposition: Disposition
    quantity: int


def decide(
    connection: Connection,
    actor: Actor,
    *,
    refund_id: int,
    decisions: Sequence[Decision],
    key: str,
    note: str | None = None,
    seen: str | None = None,
    is_confirmed: bool = False,
) -> tuple[Posted, ...]:
    """Decide what became of the goods of a refund, and return the movements back to the shelf.

    A refund can be decided in several steps. `seen` is what the page showed: `RefundRow.seen`, or None if it showed no
    decision about the order's goods. `is_confirmed`: the person confirmed more units than the refund's money is worth.

    Raises DecidedMeanwhile with the decisions that the page did not show, RestoresTooMuch, KeyReused, InvalidInput
    (unknown refund or line, order never imported, no decision, more units than the money is worth), Forbidden,
    SignInRequired; then nothing was changed.
    """
    for decision in decisions:
        least = 1 if decision.line_id is not None else 0
        if type(decision.quantity) is not int or not least <= decision.quantity <= MAX_UNITS:
            raise invalid("quantity", "must be a whole number above zero")
    rows = [{"line_id": d.line_id, "disposition": d.disposition, "quantity": d.quantity} for d in decisions]
    values = {
        "key": clean(key, "key", 200),
        "refund_id": refund_id,
        "decisions": json.dumps(rows),
        "note": clean(note, "note", MAX_NOTE, empty=True) or None if note else None,
        "seen": seen,
        "is_confirmed": bool(is_confirmed),
    }
    posted = call(connection, _DECIDE, asker(actor, Permission.DECIDE_REFUND) | values)
    return Posting.from_rows(posted).movements if posted else ()
