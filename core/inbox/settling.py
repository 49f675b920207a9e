"""Refunds and disputes as rows, and asking Stripe where its messages do not say which of two states is later.

Messages of the same second can name different states. The database then takes the state that has come further
(core/sql/50_orders/1_disputes.sql) and marks it as unclear; `settle` asks Stripe.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine

from core.database.engine import call, rows_of, run
from core.foundation.errors import StripeRefused, Unavailable, Unreadable
from core.foundation.model import Actor
from core.foundation.sales import Dispute, Refund
from core.inbox.messages import WORKER
from core.payloads import reading as payloads
from core.stripe.gateway import Gateway

CARDS_AT_ONCE = 2_000
AT_ONCE = 20
"""The most states that are asked for in one round."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclear:
    """A refund or dispute, by its id at Stripe, with messages of the same second that name different states."""

    id: str
    kind: str
    told_at: datetime


def refund_row(refund: Refund, told_at: datetime, asked_at: datetime | None = None) -> Row:
    """Return the row of a refund from a message of `told_at`; `asked_at` is set if Stripe was asked for it then."""
    return {
        "refund_id": refund.refund_id,
        "payment_id": refund.payment_id,
        "charge_id": refund.charge_id,
        "amount": refund.amount,
        "currency": refund.currency,
        "status": refund.status,
        "reason": refund.reason,
        "failure_reason": refund.failure_reason,
        "refunded_at": refund.created_at.isoformat(),
    } | _moments(told_at, asked_at)


def dispute_row(dispute: Dispute, told_at: datetime, asked_at: datetime | None = None) -> Row:
    """Return the row of a dispute, with the moments as for a refund."""
    return {
        "dispute_id": dispute.dispute_id,
        "payment_id": dispute.payment_id,
        "charge_id": dispute.charge_id,
        "amount": dispute.amount,
        "currency": dispute.currency,
        "status": dispute.status,
        "reason": dispute.reason,
        "due_by": dispute.due_by.isoformat() if dispute.due_by else None,
        "disputed_at": dispute.created_at.isoformat(),
    } | _moments(told_at, asked_at)


def _moments(told_at: datetime, asked_at: datetime | None) -> Row:
    # The answer is at least as new as the message, whatever the clock of this machine says.
    return {"told_at": told_at.isoformat(), "asked_at": max(asked_at, told_at).isoformat() if asked_at else None}


def record_refunds(connection: Connection, _: Actor, *, rows: Sequence[Row]) -> None:
    """Record refunds. No other transaction may apply orders meanwhile: call `apply_alone` first."""
    if rows:
        call(connection, "select stockroom_api.record_refunds(%(rows)s::jsonb)", {"rows": json.dumps(rows)})


def record_disputes(connection: Connection, _: Actor, *, rows: Sequence[Row]) -> None:
    """Record disputes, as `record_refunds` does."""
    if rows:
        call(connection, "select stockroom_api.record_disputes(%(rows)s::jsonb)", {"rows": json.dumps(rows)})


def release(connection: Connection, _: Actor, *, payment_ids: Sequence[str]) -> None:
    """Mark the refunds of payments that were given up: they released money that was never captured."""
    call(connection, "select stockroom_api.release_refunds(%(ids)s::text[])", {"ids": list(payment_ids)})


def unclear_states(connection: Connection, _: Actor) -> tuple[Unclear, ...]:
    """Return the refunds and disputes whose state Stripe has to be asked for, oldest first, at most `AT_ONCE`."""
    statement = "select id, kind, told_at from stockroom_api.unclear_states order by told_at, id limit %(most)s"
    return rows_of(Unclear, call(connection, statement, {"most": AT_ONCE}))


def settle(engine: Engine, gateway: Gateway | None) -> int:
    """Ask Stripe for the unclear states and record its answers; returns how many became clear.

    Nothing is locked while Stripe is asked. What gets no answer is asked for in the next round.
    """
    refunds: list[Row] = []
    disputes: list[Row] = []
    gone: list[str] = []
    for each in run(engine, unclear_states, WORKER) if gateway else ():
        asked_at = datetime.now(UTC)
        try:
            found = gateway.refund(each.id) if each.kind == "refund" else gateway.dispute(each.id)  # type: ignore[union-attr]
            reading = None if found is None else payloads.read_object(found)
        except Unreadable:
            reading = None
        except (Unavailable, StripeRefused):
            continue
        if isinstance(reading, Refund):
            refunds.append(refund_row(reading, each.told_at, asked_at))
        elif isinstance(reading, Dispute):
            disputes.append(dispute_row(reading, each.told_at, asked_at))
        else:
            gone.append(each.id)
    if refunds or disputes or gone:
        run(engine, _record_answers, WORKER, refunds=refunds, disputes=disputes, gone=gone)
    return len(refunds) + len(disputes) + len(gone)


def review_doubles(connection: Connection, _: Actor) -> None:
    """Look for double payments among the orders of the last minutes, which two workers may have recorded at once."""
    call(connection, "select stockroom_api.review_doubles()", {})


def read_cards(connection: Connection, _: Actor) -> int:
    """Store the last four digits of the cards that the next messages name; returns how many messages were read."""
    return int(call(connection, "select stockroom_api.read_cards(%(most)s)", {"most": CARDS_AT_ONCE})[0][0])


def _record_answers(
    connection: Connection, actor: Actor, *, refunds: Sequence[Row], disputes: Sequence[Row], gone: Sequence[str]
) -> None:
    call(connection, "select stockroom_api.apply_alone()", {})
    record_refunds(connection, actor, rows=refunds)
    record_disputes(connection, actor, rows=disputes)
    call(connection, "select stockroom_api.stop_asking(%(ids)s::text[])", {"ids": list(gone)})
