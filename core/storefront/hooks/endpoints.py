"""The endpoints of webhooks: created by an admin with a secret that is shown once, switched, replayed and read."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from core.database.engine import array, call, rows_of
from core.foundation.errors import invalid
from core.foundation.model import Actor
from core.foundation.text import clean
from core.people.access import Permission
from core.people.guard import ask, require
from core.storefront.hooks.wire import check_url

MOST_LISTED = 100


class Event(StrEnum):
    """What a webhook says. Levels are units that a buyer can have."""

    LEVEL_CHANGED = "level.changed"
    OUT = "stock.out"
    BACK = "stock.back"
    ORDER_FAILED = "order.failed"


class Switch(StrEnum):
    """What a person does to an endpoint."""

    ON = "on"
    OFF = "off"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An endpoint as Settings shows it, without its secret."""

    hook_id: int
    name: str
    url: str
    events: tuple[Event, ...]
    failing_since: datetime | None
    off_at: datetime | None
    off_why: str | None
    waiting: int
    failed: int
    sent_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message to one endpoint. `state`: waiting, sent or failed."""

    delivery_id: int
    hook_id: int
    message_id: str
    kind: str
    sku: str | None
    state: str
    attempts: int
    status: int | None
    answer: str | None
    created_at: datetime
    next_at: datetime | None
    finished_at: datetime | None


def make(connection: Connection, actor: Actor, *, name: str, url: str, events: Sequence[Event]) -> str:
    """Create an endpoint and return its secret, the only time it can be read. Raises InvalidInput, Forbidden."""
    if not events:
        raise invalid("events", "must be at least one")
    secret = _new_secret()
    values = {
        "called": clean(name, "name", 80),
        "url": check_url(url),
        "events": array(Event(event) for event in events),
        "secret": secret,
    }
    ask(connection, actor, Permission.MANAGE_KEYS, "make_hook", **values)
    return secret


def rotate(connection: Connection, actor: Actor, *, hook_id: int) -> str:
    """Return a new secret. The one before is valid for 24 hours more. Raises InvalidInput, Forbidden."""
    secret = _new_secret()
    ask(connection, actor, Permission.MANAGE_KEYS, "rotate_hook", id=hook_id, secret=secret)
    return secret


def switch(connection: Connection, actor: Actor, *, hook_id: int, to: Switch) -> None:
    """Switch an endpoint on or off, or remove it. Raises InvalidInput, Forbidden, SignInRequired."""
    ask(connection, actor, Permission.MANAGE_KEYS, "switch_hook", id=hook_id, to=Switch(to))


def replay(connection: Connection, actor: Actor, *, hook_id: int, delivery_id: int | None = None) -> int:
    """Send a delivery again, or all failed ones, under the same message ids. Return how many."""
    rows = ask(connection, actor, Permission.MANAGE_KEYS, "replay_hook", id=hook_id, delivery_id=delivery_id)
    return int(rows[0][0])


def endpoints(connection: Connection, actor: Actor) -> tuple[Endpoint, ...]:
    """Return the endpoints, oldest first. Raises Forbidden, SignInRequired."""
    require(connection, actor, Permission.MANAGE_KEYS)
    fields = ", ".join(Endpoint.__dataclass_fields__)
    rows = call(connection, f"select {fields} from stockroom_api.hooks order by hook_id", {})  # noqa: S608
    return rows_of(Endpoint, rows, events=lambda events: tuple(map(Event, events)))


def deliveries(connection: Connection, actor: Actor) -> tuple[Delivery, ...]:
    """Return the latest deliveries, newest first. Raises Forbidden, SignInRequired."""
    require(connection, actor, Permission.MANAGE_KEYS)
    fields = ", ".join(Delivery.__dataclass_fields__)
    statement = f"select {fields} from stockroom_api.hook_deliveries order by delivery_id desc limit %(most)s"  # noqa: S608
    return rows_of(Delivery, call(connection, statement, {"most": MOST_LISTED}))


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
