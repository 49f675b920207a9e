"""The order of an everyday payment for a caller who waits: read without a question to Stripe or the catalogue.

The database stores the message, applies the order and returns it, in one statement. Every other payment goes through
the inbox.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine

from core.database.engine import call, one_statement, run
from core.foundation.errors import StockError
from core.foundation.model import Actor
from core.inbox import judging
from core.inbox import messages as inbox
from core.inbox.cart import Reader
from core.inbox.messages import WORKER, Claimed, Incoming
from core.payloads import reading as payloads

_connections: WeakKeyDictionary[Engine, dict[str, Any]] = WeakKeyDictionary()
# How carts are read, as it was when it was last looked up. The statement that applies an order compares it.


@dataclass(frozen=True, slots=True, kw_only=True)
class Everyday:
    """The message of a payment and its order, read; `facts` is how carts were read."""

    payment_id: str
    message: Incoming
    rows: Sequence[dict[str, Any]]
    facts: Mapping[str, Any]

    @property
    def codes(self) -> list[str]:
        """The codes of its lines, as its cart names them."""
        return [str(line["code"]) for row in self.rows for line in row.get("lines", ())]


def read(engine: Engine, message: Incoming, found: Mapping[str, Any], *, payment_id: str) -> Everyday | None:
    """Return a succeeded payment with its order, or None if its cart is not everyday, so the inbox has to take it.

    `found` is the payment as Stripe returned it. Raises StockError, DBAPIError.
    """
    facts = _connections.get(engine) or run(engine, _look_up, WORKER)
    _connections[engine] = facts
    rows = _orders_of(engine, facts, message, found)
    return None if rows is None else Everyday(payment_id=payment_id, message=message, rows=rows, facts=facts)


def record(engine: Engine, paid: Everyday) -> dict[str, Any] | None:
    """Record an order, unless it is known, and return it as `stockroom_api.paid_order` does.

    Returns None, with nothing changed, if somebody has changed how carts are read: the inbox has to take it. Raises
    StockError, DBAPIError.
    """
    known = run(engine, _record, WORKER, paid=paid)
    if known is None:
        _connections.pop(engine, None)
    return known


def _orders_of(
    engine: Engine, facts: Mapping[str, Any], message: Incoming, found: Mapping[str, Any]
) -> Sequence[dict[str, Any]] | None:
    event, reader = message.event, Reader(engine, None, inbox.link_of({"cursor": None, "polled_at": None, **facts}))
    claimed = Claimed(
        id=0, event_id=event.event_id, kind=event.kind, created_at=event.created_at, livemode=event.livemode,
        account=event.account, body=message.body, policy=message.policy, attempts=1,
    )  # fmt: skip
    try:
        work = reader.read(claimed, payloads.read_object(found, event.kind, event.created_at))
    except StockError:  # without a gateway the reader asks Stripe nothing
        return None
    if work.why is not None or work.sale is None or judging.plain_verdict(work.sale.sources) is None:
        return None
    return work.orders if not reader.judge([work]) and not work.item_code else None


@one_statement
def _look_up(connection: Connection, _: Actor) -> dict[str, Any]:
    found: dict[str, Any] = call(connection, "select stockroom_api.link_facts()", {})[0][0]
    return found


@one_statement
def _record(connection: Connection, _: Actor, *, paid: Everyday) -> dict[str, Any] | None:
    statement = """select stockroom_api.order_at_once(%(id)s, %(events)s::jsonb, %(rows)s::jsonb, %(facts)s::jsonb)"""
    values = {
        "id": paid.payment_id,
        "events": inbox.rows_to_store([paid.message]),
        "rows": json.dumps(paid.rows),
        "facts": json.dumps(paid.facts),
    }
    found: dict[str, Any] | None = call(connection, statement, values)[0][0]
    return found
