"""Refunds: money as Stripe tells it, and what a person says became of the goods.

Rules and locks: core/sql/50_orders/4_refunds.sql. A refund moves no stock until somebody says "back on the shelf",
and never more goes back than was sold: the line of the order holds that itself.
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
    select * from stockroom_api.decide_refund(%(key)s, {ASKER}, %(refund_id)s, %(decisions)s::jsonb, %(note)s)"""  # noqa: S608 - nothing of a caller is in it


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What became of `quantity` units of a line; of an order without lines, as a whole: no line, and no units."""

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
) -> tuple[Posted, ...]:
    """Say what became of the goods of a refund and return what went back on the shelf; later decisions add to earlier.

    Raises RestoresTooMuch, KeyReused, InvalidInput (unknown refund or line, order never imported, nothing said),
    Forbidden, SignInRequired; nothing was changed then.
    """
    for decision in decisions:
        least = 1 if decision.line_id is not None else 0
        if type(decision.quantity) is not int or not least <= decision.quantity <= MAX_UNITS:
            raise invalid("quantity", "must be a whole number above zero")
    said = [{"line_id": d.line_id, "disposition": d.disposition, "quantity": d.quantity} for d in decisions]
    values = {
        "key": clean(key, "key", 200),
        "refund_id": refund_id,
        "decisions": json.dumps(said),
        "note": clean(note, "note", MAX_NOTE, empty=True) or None if note else None,
    }
    rows = call(connection, _DECIDE, asker(actor, Permission.DECIDE_REFUND) | values)
    return Posting.from_rows(rows).movements if rows else ()
