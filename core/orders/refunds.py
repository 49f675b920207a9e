"""Deciding refunds: Stripe reports the money, and a person decides what became of the goods.

Rules and locks: core/sql/50_orders/4_refunds.sql. A refund moves no stock until a person decides "back on the shelf".
Never more units go back than were sold: a constraint on the order line guarantees it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from core.catalog.pictures import written_anew
from core.database.engine import call
from core.foundation.errors import invalid
from core.foundation.model import MAX_NOTE, MAX_UNITS, Actor, Posted, Posting
from core.foundation.sales import Disposition
from core.foundation.text import clean
from core.people.access import Permission
from core.people.guard import ASKER, asker

_DECIDE = f"""
    select * from stockroom_api.decide_refunds(%(key)s, {ASKER}, %(refunds)s::jsonb, %(note)s, %(picture)s, %(seen)s,
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
    """Decide what became of the goods of one refund, as `decide_all` does."""
    about = {refund_id: decisions}
    return decide_all(connection, actor, about=about, key=key, note=note, seen=seen, is_confirmed=is_confirmed)


def decide_all(
    connection: Connection,
    actor: Actor,
    *,
    about: Mapping[int, Sequence[Decision]],
    key: str,
    note: str | None = None,
    seen: str | None = None,
    is_confirmed: bool = False,
    picture: bytes | None = None,
) -> tuple[Posted, ...]:
    """Decide what became of the goods of refunds of one order, as one operation; return the movements to the shelf.

    `about` has the decisions by refund. A refund can be decided in several steps. `seen` is what the page showed:
    `RefundRow.seen`, or None if it showed no decision about the order's goods. `is_confirmed`: the person confirmed
    more units than a refund's money is worth. `picture` shows the goods; it is decoded and written again.

    Raises DecidedMeanwhile with the decisions that the page did not show, RestoresTooMuch, KeyReused, InvalidInput
    (unknown refund or line, refunds of two orders, order never imported, no decision, more units than the money is
    worth, no picture), Forbidden, SignInRequired; then nothing was changed.
    """
    for decision in (each for decisions in about.values() for each in decisions):
        least = 1 if decision.line_id is not None else 0
        if type(decision.quantity) is not int or not least <= decision.quantity <= MAX_UNITS:
            raise invalid("quantity", "must be a whole number above zero")
    values = {
        "key": clean(key, "key", 200),
        "refunds": json.dumps([_said(refund_id, decisions) for refund_id, decisions in sorted(about.items())]),
        "note": clean(note, "note", MAX_NOTE, empty=True) or None if note else None,
        "picture": written_anew(picture) if picture else None,
        "seen": seen,
        "is_confirmed": bool(is_confirmed),
    }
    posted = call(connection, _DECIDE, asker(actor, Permission.DECIDE_REFUND) | values)
    return Posting.from_rows(posted).movements if posted else ()


def _said(refund_id: int, decisions: Sequence[Decision]) -> dict[str, object]:
    said = [{"line_id": d.line_id, "disposition": d.disposition, "quantity": d.quantity} for d in decisions]
    return {"refund_id": refund_id, "decisions": said}
