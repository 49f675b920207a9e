"""Applying the inbox: Stripe's messages become paid orders, refunds and cases, a whole batch in one transaction.

What a message lacks is fetched from Stripe first, while nothing is locked. If one message fails, only that one is
retried later. The same payment can arrive several times and at once; the database makes sure that it is one order.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from core.database.engine import array, call, one_statement, run
from core.foundation.errors import StockError, Unavailable, Unreadable
from core.foundation.model import Actor
from core.foundation.sales import Reading
from core.inbox import messages as inbox
from core.inbox import settling
from core.inbox.cart import Reader, Work, paid_by, reservation_of
from core.inbox.messages import CLAIM_SECONDS, WORKER, Claimed
from core.ledger import holds
from core.payloads import reading as payloads
from core.stripe.gateway import Gateway

log = logging.getLogger("stockroom")

BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The result of a run: messages claimed, orders recorded, lines taken off the shelf, messages to retry later."""

    messages: int = 0
    orders: int = 0
    lines: int = 0
    put_off: int = 0


def apply_due(
    engine: Engine, gateway: Gateway | None, *, limit: int = BATCH, seconds: float = CLAIM_SECONDS / 2
) -> Applied:
    """Apply up to `limit` due messages; if the batch as a whole fails, apply each by itself.

    Messages not read within `seconds`, because Stripe is slow to answer, are given back before their claim expires.
    With nothing due, Stripe is asked for the states about which messages disagree, and the latest orders are compared.
    Safe to run in many processes at once, and again after a crash at any moment.
    """
    claimed = run(engine, inbox.claim, WORKER, limit=limit)
    done = _apply_claimed(engine, gateway, claimed, seconds)
    if not claimed:
        settling.settle(engine, gateway)
        run(engine, settling.review_doubles, WORKER)
        run(engine, settling.read_cards, WORKER)
    return done


def apply_payment(engine: Engine, gateway: Gateway, *, payment_id: str) -> Applied:
    """Apply the waiting messages about one payment now, even if another worker has claimed them: it is one order."""
    claimed = run(engine, inbox.claim_payment, WORKER, payment_id=payment_id)
    return _apply_claimed(engine, gateway, claimed, CLAIM_SECONDS / 2)


def _apply_claimed(engine: Engine, gateway: Gateway | None, claimed: Sequence[Claimed], seconds: float) -> Applied:
    end = time.monotonic() + seconds
    if not claimed:
        return Applied()
    reader = Reader(engine, gateway, claimed[0].link or run(engine, inbox.link, WORKER))
    readings: list[tuple[Claimed, Reading]] = []
    works: list[Work] = []
    put_off = 0
    for message in claimed:
        try:
            readings.append((message, payloads.read(json.loads(message.body))[1]))
        except Exception as error:
            put_off += _put_off(engine, message, error)
    reader.whole = _whole(engine, readings)
    for n, (message, reading) in enumerate(readings):
        if works and time.monotonic() > end:
            run(engine, inbox.give_back, WORKER, ids=[late.id for late, _ in readings[n:]])
            break
        try:
            works.append(reader.read(message, reading))
        except Exception as error:
            put_off += _put_off(engine, message, error)
    for work, fault in reader.judge(works):
        works.remove(work)
        put_off += _put_off(engine, work.message, fault)
    orders, lines, failed = _apply_all(engine, works)
    return Applied(messages=len(claimed), orders=orders, lines=lines, put_off=put_off + failed)


def _whole(engine: Engine, readings: Sequence[tuple[Claimed, Reading]]) -> frozenset[str]:
    """Return which of their payments have an order with its cart. The claim has answered it for nearly all."""
    known = frozenset(message.payment_id for message, _ in readings if message.payment_id and message.is_whole)
    named = ((message.payment_id, paid_by(reading)) for message, reading in readings)
    others = [payment for stored, payment in named if payment and payment != stored]
    return known | run(engine, whole_orders, WORKER, payment_ids=others) if others else known


@one_statement
def whole_orders(connection: Connection, _: Actor, *, payment_ids: Sequence[str]) -> frozenset[str]:
    """Return which of these payments already have an order with its cart."""
    statement = """select o.payment_id from stockroom_api.whole_orders(%(ids)s) o (payment_id)"""
    return frozenset(row[0] for row in call(connection, statement, {"ids": list(payment_ids)}))


def _apply_all(engine: Engine, works: Sequence[Work]) -> tuple[int, int, int]:
    try:
        return *run(engine, apply_sales if all(map(_is_sale, works)) else apply, WORKER, works=works), 0
    except Unavailable as error:  # trying them one by one would only wait once for each
        return 0, 0, sum(_put_off(engine, work.message, error) for work in works)
    except Exception as error:
        if len(works) == 1:
            return 0, 0, _put_off(engine, works[0].message, error)
    # One message made the batch fail. Each by itself, the others succeed.
    orders = lines = failed = 0
    for work in works:
        done = _apply_all(engine, [work])
        orders, lines, failed = orders + done[0], lines + done[1], failed + done[2]
    return orders, lines, failed


def _put_off(engine: Engine, message: Claimed, error: Exception) -> int:
    if not isinstance(error, StockError):
        # A database error can quote a row, and so a buyer's name: it is not logged.
        shown = None if isinstance(error, DBAPIError) else error
        log.error("Stripe message %s failed: %s", message.event_id, type(error).__name__, exc_info=shown)
    is_lasting = isinstance(error, Unreadable) and not isinstance(error, Unavailable)
    why = error.message if isinstance(error, StockError) else f"A fault on our side: {type(error).__name__}"
    run(engine, inbox.put_off, WORKER, id=message.id, why=why, is_lasting=is_lasting)
    return 1


def _is_sale(work: Work) -> bool:
    """Whether a message is only about a sale, as nearly all are."""
    more = (work.refunds, work.disputes, work.given_up, work.item_code, work.why)
    return bool(work.orders) and not any(more)


@one_statement
def apply_sales(connection: Connection, _: Actor, *, works: Sequence[Work]) -> tuple[int, int]:
    """Do what `apply` does with messages about sales, in one statement."""
    rows = [order for work in works for order in work.orders]
    statement = "select recorded, taken from stockroom_api.apply_orders(%(rows)s::jsonb, %(ids)s::bigint[])"
    values = {"rows": json.dumps(rows), "ids": array(work.message.id for work in works)}
    recorded, taken = call(connection, statement, values)[0]
    return recorded, taken


def apply(connection: Connection, actor: Actor, *, works: Sequence[Work]) -> tuple[int, int]:
    """Apply what was read in one transaction and mark its messages. Returns the new orders and the lines taken."""
    orders = [order for work in works for order in work.orders]
    refunds = [refund for work in works for refund in work.refunds]
    disputes = [dispute for work in works for dispute in work.disputes]
    recorded = taken = 0
    if refunds or disputes:
        call(connection, "select stockroom_api.apply_alone()", {})
    # Before the orders: deciding a refund locks it first and the variants last.
    settling.record_refunds(connection, actor, rows=refunds)
    if orders:
        statement = "select recorded, taken from stockroom_api.apply_orders(%(rows)s::jsonb)"
        recorded, taken = call(connection, statement, {"rows": json.dumps(orders)})[0]
    settling.record_disputes(connection, actor, rows=disputes)
    for name in sorted({work.item_code for work in works if work.item_code}):
        call(connection, "select stockroom_api.remember_item_code(%(name)s)", {"name": name})
    if given_up := [payment for work in works for payment in work.given_up]:
        held = [(payment.payment_id, reservation_of(payment)) for payment in given_up]
        holds.release_payments(connection, actor, payments=held)
        settling.release(connection, actor, payment_ids=[payment.payment_id for payment in given_up])
    inbox.finish(connection, actor, ids=[work.message.id for work in works if work.why is None])
    for why in sorted({work.why for work in works if work.why is not None}):
        inbox.finish(connection, actor, ids=[work.message.id for work in works if work.why == why], why=why)
    return recorded, taken
