"""Importing the orders of some days from Stripe: read the range into the inbox, apply it, and say what came of it.

The page and the command line do the same. Stopped at any moment it does no harm, and run again it goes on: what is
known is left alone. Whatever is stored when it stops is applied by the worker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine

from core.database.engine import call, run
from core.foundation.errors import SetupError, StripeRefused, invalid
from core.foundation.model import Actor
from core.foundation.sales import Policy
from core.inbox import applying, polling
from core.inbox import messages as inbox
from core.inbox.messages import WORKER
from core.inbox.polling import Progress
from core.ledger import reports
from core.people.access import Permission
from core.people.guard import require
from core.stripe.gateway import Gateway

READING = 0.7
"""The share of an import that is reading; the rest is applying."""
AT_ONCE = 100
"""How many messages are applied before the next word: carts of Checkout are asked of Stripe one by one."""


class NotConnected(SetupError):
    """Stripe is not connected: set STRIPE_SECRET_KEY to a restricted key, see docs/stripe.md."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The days of an import, in the shop's zone, the last one included, and what it does to stock.

    Without a policy the go-live instant decides: what was paid before is recorded only.
    """

    since: date
    until: date | None = None
    policy: Policy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an import came to so far: messages that are new, those that wait or are parked, and what became of them."""

    messages: int = 0
    waiting: int = 0
    parked: int = 0
    orders: int = 0
    lines: int = 0
    cases: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """How far an import is: what it does now, counts for people, and the share that is done, from 0 to 1."""

    doing: str
    seen: int
    stored: int
    applied: int = 0
    share: float = 0.0


Tell = Callable[[Stage], bool]
"""Told of each stage; answers whether to go on."""


def import_orders(
    engine: Engine, gateway: Gateway | None, actor: Actor, *, days: Range, tell: Tell = lambda _: True
) -> Outcome:
    """Import what was paid, refunded and disputed in these days, and apply it until nothing is due.

    Raises NotConnected without a gateway, InvalidInput, Unavailable, StripeRefused, Forbidden, SignInRequired.
    """
    if gateway is None:
        raise NotConnected
    since, until, began = run(engine, _begin, actor, days=days)
    same_mode(run(engine, inbox.go_live, WORKER, livemode=gateway.livemode), gateway)
    last = Stage(doing="", seen=0, stored=0)

    def reading(found: Progress) -> bool:
        nonlocal last
        run(engine, may_import, actor)  # whoever is signed out or loses the role meanwhile imports no further
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
    """Return what an import that began at `since` came to, whoever applied it. Raises Forbidden, SignInRequired."""
    may_import(connection, actor)
    statement = """select messages, waiting, parked, orders, lines, cases
                     from stockroom_api.import_outcome(%(since)s)"""
    messages, waiting, parked, new, lines, cases = call(connection, statement, {"since": since})[0]
    return Outcome(messages=messages, waiting=waiting, parked=parked, orders=new, lines=lines, cases=cases)


def told(done: Outcome) -> str:
    """Return what an import did, in sentences."""
    if not done.messages:
        return "Nothing new: everything Stripe has of these days is known already."
    cases = many(done.cases, "case") if done.cases else "no case"
    sentences = [
        f"Imported {many(done.messages, 'new message')}: {many(done.orders, 'order')} recorded, "
        f"{many(done.lines, 'line') if done.lines else 'no line'} taken off the shelf, {cases} opened."
    ]
    if done.parked:
        sentences.append(f"{many(done.parked, 'message')} could not be worked on; see the cases.")
    if done.waiting:
        sentences.append(f"{many(done.waiting, 'message')} will be tried again later by the worker.")
    return "\n".join(sentences)


def many(number: int, noun: str) -> str:
    """Return a number with its noun: 1 order, 1,200 orders."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _begin(connection: Connection, actor: Actor, *, days: Range) -> tuple[datetime, datetime | None, datetime]:
    """The range as moments, and the database's clock now."""
    may_import(connection, actor)
    zone = ZoneInfo(reports.shop(connection, actor).zone)
    now: datetime = call(connection, "select clock_timestamp()", {})[0][0]
    if days.since > now.astimezone(zone).date():
        raise invalid("since", "must not be in the future")
    if days.until is not None and days.until < days.since:
        raise invalid("until", "must not be before the first day")
    until = None if days.until is None else _midnight(days.until + timedelta(days=1), zone)
    return _midnight(days.since, zone), until, now


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def same_mode(livemode: bool, gateway: Gateway) -> None:
    """Raise StripeRefused where the shop is tied to the other mode than the key's."""
    if livemode != gateway.livemode:
        tied, given = ("live", "test") if livemode else ("test", "live")
        raise StripeRefused(
            f"This shop is tied to Stripe's {tied} mode and the key is one of {given} mode: all it reads would be "
            "ignored. Set the right key, or change the mode under Settings, Stripe."
        )
