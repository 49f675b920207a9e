"""The inbox of Stripe's messages: webhook, poll and import store them, and a worker applies them in batches.

Rules and locks: core/sql/45_inbox/1_messages.sql, core/sql/50_orders. Storing moves no stock. Applying is one
transaction for a whole batch. A message that fails is retried later and never blocks the next one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from core.carts.amounts import Tolerance
from core.database.engine import array, call, one_statement, rows_of
from core.foundation.model import Actor
from core.foundation.sales import Policy, StripeEvent
from core.people.access import Permission
from core.people.guard import ASKER, asker, require

WORKER = Actor(name="Stockroom")
"""The actor of background work: the shop itself."""

MOST_TRIES = 12
CLAIM_SECONDS = 120
MOST_SHOWN = 100
_CLAIMED = "id, event_id, kind, created_at, livemode, account, body, policy, attempts, payment_id, is_whole, link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A message that a worker has claimed for a while.

    `is_whole`: `payment_id` already has an order with its cart. `link`: the connection at that moment.
    """

    id: int
    event_id: str
    kind: str
    created_at: datetime
    livemode: bool
    account: str | None
    body: str
    policy: Policy | None
    attempts: int
    payment_id: str | None = None
    is_whole: bool = False
    link: Link | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The connection to Stripe. Payments from before `live_since` are recorded and move no stock.

    `unread_confirmation`: what the confirmation mail of an order with an unread cart does, `wait` or `without_lines`.
    `item_code`: the key of a Stripe product's metadata in which this shop writes its codes.
    """

    live_since: datetime | None
    livemode: bool | None
    cursor: str | None
    polled_at: datetime | None
    cart_mapping: Mapping[str, Any] | None
    order_lookup: Mapping[str, Any] | None
    unread_confirmation: str = "wait"
    tolerance: Tolerance = Tolerance()  # noqa: RUF009 - frozen
    item_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxState:
    """How many messages wait, how many are parked, and when the oldest waiting one was received."""

    waiting: int
    parked: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """A message that failed and waits for a person, and why."""

    id: int
    event_id: str
    kind: str
    created_at: datetime
    attempts: int
    why: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A message to store in the inbox: its envelope, its original body, and its source."""

    event: StripeEvent
    body: str
    source: str
    payment_id: str | None = None
    policy: Policy | None = None


_ENVELOPE = tuple(field.name for field in fields(StripeEvent))


@one_statement
def receive(connection: Connection, _: Actor, *, messages: Iterable[Incoming]) -> int:
    """Store messages unchanged and return how many are new. Known ones stay as they are."""
    statement = "select stockroom_api.receive_events(%(rows)s::jsonb)"
    return int(call(connection, statement, {"rows": rows_to_store(messages)})[0][0])


def rows_to_store(messages: Iterable[Incoming]) -> str:
    """Return messages as `stockroom_api.receive_events` takes them."""
    return json.dumps(
        [
            {
                **{name: getattr(message.event, name) for name in _ENVELOPE},
                "created_at": message.event.created_at.isoformat(),
                "source": message.source,
                "body": message.body,
                "payment_id": message.payment_id,
                "policy": message.policy,
            }
            for message in messages
        ]
    )


@one_statement
def claim(connection: Connection, _: Actor, *, limit: int) -> tuple[Claimed, ...]:
    """Claim due messages, first created first. After a crash the claim expires, and another worker takes them."""
    values = {"limit": limit, "seconds": CLAIM_SECONDS}
    statement = f"select {_CLAIMED} from stockroom_api.claim_work(%(limit)s, %(seconds)s)"  # noqa: S608 - our own names
    return _claimed(call(connection, statement, values))


@one_statement
def claim_payment(connection: Connection, _: Actor, *, payment_id: str) -> tuple[Claimed, ...]:
    """Claim the waiting messages about one payment, even from another worker: applying them twice is one order."""
    values = {"payment_id": payment_id, "seconds": CLAIM_SECONDS}
    statement = f"select {_CLAIMED} from stockroom_api.claim_work_of(%(payment_id)s, %(seconds)s)"  # noqa: S608 - ours
    return _claimed(call(connection, statement, values))


def _claimed(rows: Iterable[tuple[Any, ...]]) -> tuple[Claimed, ...]:
    found, links = list(rows), dict[str, Link]()
    for *_, facts in found[:1]:
        links["now"] = link_of(facts)
    return rows_of(
        Claimed, found, policy=lambda policy: Policy(policy) if policy else None, link=lambda _: links["now"]
    )


def link_of(facts: Mapping[str, Any]) -> Link:
    """Return the connection in the row of `stockroom_api.stripe_link`, as JSON."""
    names = ("livemode", "cursor", "cart_mapping", "order_lookup", "unread_confirmation", "item_code")
    moments: dict[str, Any] = {
        name: facts[name] and datetime.fromisoformat(facts[name]) for name in ("live_since", "polled_at")
    }
    tolerance = Tolerance(less=facts["paid_less"], more=facts["paid_more"], amount=facts["paid_more_amount"])
    return Link(**moments, **{name: facts[name] for name in names}, tolerance=tolerance)


def finish(connection: Connection, _: Actor, *, ids: Iterable[int], why: str | None = None) -> None:
    """Mark messages as done, or, with the reason `why`, as ignored."""
    values = {"ids": array(ids), "state": "ignored" if why else "done", "why": why}
    call(connection, "select stockroom_api.finish_events(%(ids)s::bigint[], %(state)s, %(why)s)", values)


def give_back(connection: Connection, _: Actor, *, ids: Iterable[int]) -> None:
    """Give claimed messages back unchanged, so that the next worker can claim them at once."""
    call(connection, "select stockroom_api.give_back_events(%(ids)s::bigint[])", {"ids": array(ids)})


def put_off(connection: Connection, _: Actor, *, id: int, why: str, is_lasting: bool) -> str:  # noqa: A002
    """Schedule a retry of a failed message. It is parked as a case after many tries, or if a retry cannot help."""
    values = {"id": id, "why": why, "most": MOST_TRIES, "is_lasting": is_lasting}
    statement = "select stockroom_api.put_off_event(%(id)s, %(why)s, %(most)s, %(is_lasting)s)"
    return str(call(connection, statement, values)[0][0])


def retry(connection: Connection, actor: Actor, *, ids: Iterable[int]) -> int:
    """Retry parked messages now and return how many. Raises Forbidden, SignInRequired."""
    values = asker(actor, Permission.RETRY_ORDER) | {"ids": array(ids)}
    return int(call(connection, f"select stockroom_api.retry_events({ASKER}, %(ids)s::bigint[])", values)[0][0])


def parked(connection: Connection, actor: Actor) -> tuple[Parked, ...]:
    """Return the parked messages, oldest first, at most `MOST_SHOWN`. Raises Forbidden, SignInRequired."""
    require(connection, actor, Permission.MANAGE_JOBS)
    statement = """select id, event_id, kind, created_at, attempts, why
                     from stockroom_api.parked_events order by created_at, id limit %(most)s"""
    return rows_of(Parked, call(connection, statement, {"most": MOST_SHOWN}))


def link(connection: Connection, actor: Actor) -> Link:
    """Return the connection to Stripe."""
    require(connection, actor, Permission.VIEW)
    return link_of(call(connection, "select to_jsonb(l) from stockroom_api.stripe_link l", {})[0][0])


def save_link(connection: Connection, actor: Actor, *, changes: Mapping[str, Any]) -> None:
    """Change `live_since` (ISO 8601 or None), `cart_mapping`, `order_lookup`, `unread_confirmation` or the tolerance.

    For admins.
    """
    values = asker(actor, Permission.MANAGE_STRIPE) | {"changes": json.dumps(dict(changes))}
    call(connection, f"select stockroom_api.save_stripe_link({ASKER}, %(changes)s::jsonb)", values)


def move_cursor(connection: Connection, _: Actor, *, cursor: str | None) -> None:
    """Store the position of the poll, in the same transaction as the events it has read."""
    call(connection, "select stockroom_api.move_cursor(%(cursor)s)", {"cursor": cursor})


def go_live(connection: Connection, _: Actor, *, livemode: bool) -> bool:
    """Tie the shop to the mode (live or test) of the first key it is used with, and return its mode."""
    return bool(call(connection, "select stockroom_api.go_live(%(livemode)s)", {"livemode": livemode})[0][0])


def state(connection: Connection, actor: Actor) -> InboxState:
    """Return how many messages wait in the inbox."""
    require(connection, actor, Permission.VIEW)
    found = call(connection, "select waiting, parked, oldest from stockroom_api.inbox_state", {})
    return rows_of(InboxState, found)[0]
