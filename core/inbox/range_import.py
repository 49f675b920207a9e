"""Importing the orders of some days from Stripe: read the range into the inbox, apply it, and report the result.

The page and the command line use the same function. It can be stopped at any moment and run again: known messages stay
as they are, and the worker applies what was stored before the stop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, Engine

from core.database.engine import call, rows_of, run
from core.foundation.days import of as day_of
from core.foundation.errors import SetupError, StripeRefused, invalid
from core.foundation.model import Actor
from core.foundation.sales import Policy
from core.foundation.text import many
from core.inbox import applying, polling
from core.inbox import messages as inbox
from core.inbox.messages import WORKER
from core.inbox.polling import Progress
from core.ledger import reports
from core.ledger.query import starts
from core.people.access import Permission
from core.people.guard import require
from core.stripe.gateway import Gateway

READING = 0.7
"""The share of an import that is reading; the rest is applying."""
AT_ONCE = 100
"""How many messages are applied between two reports: carts of Checkout are fetched from Stripe one by one."""


class NotConnected(SetupError):
    """Stripe is not connected: set STRIPE_SECRET_KEY to a restricted key, see docs/stripe.md."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The days of an import, in the shop's zone and both included, and what it does to stock.

    Without a policy the go-live moment decides: earlier payments are only recorded.
    """

    since: date
    until: date | None = None
    policy: Policy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of an import so far: new messages, those that wait or are parked, and what they became."""

    messages: int = 0
    waiting: int = 0
    parked: int = 0
    orders: int = 0
    lines: int = 0
    cases: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The progress of an import: its present step, counts to show, and the share that is done, from 0 to 1."""

    doing: str
    seen: int
    stored: int
    applied: int = 0
    share: float = 0.0


Tell = Callable[[Stage], bool]
"""Called at each stage; returns whether to continue."""


def import_orders(
    engine: Engine, gateway: Gateway | None, actor: Actor, *, days: Range, tell: Tell = lambda _: True
) -> Outcome:
    """Import the payments, refunds and disputes of these days, and apply them until nothing is due.

    Raises NotConnected without a gateway, InvalidInput, Unavailable, StripeRefused, Forbidden, SignInRequired.
    """
    if gateway is None:
        raise NotConnected
    since, until, began = run(engine, _begin, actor, days=days)
    same_mode(run(engine, inbox.go_live, WORKER, livemode=gateway.livemode), gateway)
    last = Stage(doing="", seen=0, stored=0)

    def reading(found: Progress) -> bool:
        nonlocal last
        run(engine, may_import, actor)  # stops the import of a person who signs out or loses the role meanwhile
        share = READING * found.share
        last = Stage(doing=f"Reading {found.reading}", seen=found.seen, stored=found.stored, share=share)
        return tell(last)

    read = polling.import_range(engine, gateway, actor, since=since, until=until, policy=days.policy, tell=reading)
    if not read.reading:
        _apply(engine, gateway, read, tell)
    return run(engine, outcome, actor, since=began)


def _apply(engine: Engine, gateway: Gateway, read: Progress, tell: Tell) -> None:
    done = 0
    while True:
        share = READING + (1 - READING) * min(done / max(read.stored, 1), 1)
        if not tell(Stage(doing="Applying", seen=read.seen, stored=read.stored, applied=done, share=share)):
            return
        applied = applying.apply_due(engine, gateway, limit=AT_ONCE).messages
        if not applied:
            return
        done += applied


def may_import(connection: Connection, actor: Actor) -> None:
    """Raise Forbidden or SignInRequired unless this person may import orders."""
    require(connection, actor, Permission.IMPORT_ORDERS)


def outcome(connection: Connection, actor: Actor, *, since: datetime) -> Outcome:
    """Return the result of an import that began at `since`. Raises Forbidden, SignInRequired."""
    may_import(connection, actor)
    statement = """select messages, waiting, parked, orders, lines, cases
                     from stockroom_api.import_outcome(%(since)s)"""
    return rows_of(Outcome, call(connection, statement, {"since": since}))[0]


def told(done: Outcome) -> str:
    """Return the result of an import in sentences."""
    if not done.messages:
        return "Nothing new: everything that Stripe has for these days was imported before."
    cases = many(done.cases, "case") if done.cases else "no case"
    sentences = [
        f"Imported {many(done.messages, 'new message')}: {many(done.orders, 'order')} recorded, "
        f"{many(done.lines, 'line') if done.lines else 'no line'} taken off the shelf, {cases} opened."
    ]
    if done.parked:
        sentences.append(f"{many(done.parked, 'message')} could not be processed; see the cases.")
    if done.waiting:
        sentences.append(f"The worker will retry {many(done.waiting, 'message')} later.")
    return "\n".join(sentences)


def _begin(connection: Connection, actor: Actor, *, days: Range) -> tuple[datetime, datetime | None, datetime]:
    """Return the range as moments, and the present moment of the database."""
    may_import(connection, actor)
    zone = reports.shop(connection, actor).zone
    now: datetime = call(connection, "select clock_timestamp()", {})[0][0]
    if days.since > day_of(now, zone):
        raise invalid("since", "must not be in the future")
    if days.until is not None and days.until < days.since:
        raise invalid("until", "must not be before the first day")
    last = None if days.until is None else days.until + timedelta(days=1)
    since, until = starts(connection, days.since, last)
    assert since is not None
    return since, until, now


def same_mode(livemode: bool, gateway: Gateway) -> None:
    """Raise StripeRefused if the shop is tied to another mode (live or test) than the key."""
    if livemode != gateway.livemode:
        tied, given = ("live", "test") if livemode else ("test", "live")
        raise StripeRefused(
            f"This shop is tied to Stripe's {tied} mode, but the key is of {given} mode, so everything it reads would "
            "be ignored. Set the right key, or change the mode under Settings, Stripe."
        )
