"""Sending cases to people: each destination gets messages about its cases, and every failure is recorded.

Rules and locks: core/sql/40_alerts/2_deliveries.sql. Nothing is locked while a message is sent. A message is marked as
sent right afterwards. A crash between sending and marking sends it twice; it never loses it.
"""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, time
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine

from core.alerts import ageing, notifier, places
from core.alerts.notifier import Message
from core.carts.values import money
from core.database.engine import array, call, rows_of, run
from core.foundation.errors import DeliveryFailed
from core.foundation.model import Actor
from core.foundation.settings import load_settings
from core.foundation.text import many
from core.inbox.messages import WORKER
from core.people.access import Permission
from core.people.guard import ASKER, asker, require
from core.stripe.gateway import Gateway

ORDERS = "orders"
CLAIM_SECONDS = 120
MOST_TRIES, MOST_FAILURES, MOST_A_RUN = 12, 3, 500
KEEP_DAYS = 90
MOST_LISTED = 20
_MAIL = re.compile(r"[^\s@<>\"(),;:]+@[^\s@<>\"(),;:]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """The settings of a destination. Quiet hours are in the shop's zone and can pass midnight.

    `place` is its place in the order in which cases are sent on. With `min_severity` 'waited' it receives only those.
    """

    is_on: bool = True
    min_severity: str = "warning"
    quiet_from: time | None = None
    quiet_until: time | None = None
    urgent_passes: bool = True
    digest: str = "each"
    digest_at: time = time(8)
    daily_proof: bool = True
    place: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The state of a destination: its last success and last failure, messages that wait and messages that failed."""

    sent_at: datetime | None = None
    failed_at: datetime | None = None
    why: str | None = None
    waiting: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A destination as Settings shows it: the kind of service, never the address."""

    name: str
    service: str
    wishes: Wishes
    health: Health
    postponed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A message about a case. `state`: postponed, waiting, sent or failed."""

    destination: str
    state: str
    attempts: int
    due_at: datetime
    at: datetime
    finished_at: datetime | None
    why: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """A case as a message describes it."""

    alert_id: int
    severity: str
    sentence: str
    units: int
    money: int
    currency: str | None
    first_at: datetime
    is_late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claimed:
    id: int
    destination: str
    recipient: str | None
    title: str
    body: str


# ---------------------------------------------------------------- the job


def deliver(engine: Engine, _: Gateway | None, say: Any, stopping: threading.Event) -> bool:
    """Create the messages that are due, and send the outbox."""
    settings = load_settings()
    found = run(engine, places.destinations, WORKER, settings=settings)
    addresses = dict(found) | ({ORDERS: settings.mail_url} if settings.mail_url else {})
    run(engine, bundle, WORKER, names=list(found), public_url=settings.public_url)
    sent, failed = send_due(engine, addresses, stopping)
    run(engine, forget, WORKER)
    if sent or failed:
        say(f"Sent {many(sent, 'message')}; {failed:,} could not be delivered yet.")
    return False


def bundle(connection: Connection, actor: Actor, *, names: list[str], public_url: str | None = None) -> int:
    """Create one message for each destination from all its due cases, and return how many messages."""
    call(connection, "select stockroom_api.spread_news(%(names)s)", {"names": names})
    ageing.escalate(connection, actor, names=names)
    rows = call(connection, "select * from stockroom_api.take_waits(%(names)s)", {"names": names})
    shop, zone = call(connection, "select name, zone from stockroom_api.shop", {})[0] if rows else ("", "")
    made = 0
    for (destination, digest), group in groupby(rows, key=lambda row: (row[0], row[1])):
        cases = rows_of(_Case, (row[2:] for row in group))
        message = _about(cases, shop=shop, zone=zone, public_url=public_url)
        values = {
            "key": f"alert:{destination}:{uuid.uuid4().hex}",
            "kind": "alert" if digest == "each" else "digest",
            "destination": destination,
            "title": message.title,
            "body": message.body,
            "ids": array(case.alert_id for case in cases),
        }
        statement = """select stockroom_api.enqueue_bundle(%(key)s, %(kind)s, %(destination)s, %(title)s, %(body)s,
                                                           %(ids)s::bigint[])"""
        call(connection, statement, values)
        made += 1
    return made


def _about(cases: Sequence[_Case], *, shop: str, zone: str, public_url: str | None) -> Message:
    """Return one message about these cases, the most urgent first; it lists at most `MOST_LISTED`.

    It has the sentence, units, money, age and link of a case, but nothing about the buyer.
    """
    first = cases[0]
    subject = _without_mail(first.sentence) if len(cases) == 1 else f"{len(cases):,} cases need a person"
    listed = [_case(case, zone, public_url) for case in cases[:MOST_LISTED]]
    if len(cases) > MOST_LISTED:
        more = f"And {len(cases) - MOST_LISTED:,} more."
        listed.append(f"{more} {public_url}/alerts" if public_url else more)
    mark = "Urgent: " if first.severity == "urgent" else ""
    mark += "Still waiting: " if any(case.is_late for case in cases) else ""
    return Message(title=f"{shop}: {mark}{subject}"[:180], body="\n\n".join(listed))


def _case(case: _Case, zone: str, public_url: str | None) -> str:
    facts = []
    if case.units:
        facts.append(many(case.units, "unit"))
    if case.money and case.currency:
        facts.append(money(case.money, case.currency))
    if case.is_late:
        facts.append("nobody has acted on it")
    facts.append(f"since {case.first_at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}")
    lines = [_without_mail(case.sentence), ", ".join(facts)]
    if public_url:
        lines.append(f"{public_url}/alerts?alert={case.alert_id}")
    return "\n".join(lines)


def _without_mail(text: str) -> str:
    return _MAIL.sub("(an address)", text)


def send_due(engine: Engine, addresses: Mapping[str, str], stopping: threading.Event) -> tuple[int, int]:
    """Send due messages one by one and return how many were sent and how many failed.

    Each is marked before the next is claimed. A destination that fails several times is skipped until the next run, so
    that it does not delay the others.
    """
    sent, failures = 0, Counter[str]()
    for _ in range(MOST_A_RUN):
        tired = [name for name, times in failures.items() if times >= MOST_FAILURES]
        claimed = None if stopping.is_set() else run(engine, _claim, WORKER, tired=tired)
        if claimed is None:
            break
        try:
            _send(addresses, claimed)
        except DeliveryFailed as problem:
            failures[claimed.destination] += 1
            run(engine, _put_off, WORKER, delivery_id=claimed.id, problem=problem)
        else:
            run(engine, _finish, WORKER, delivery_id=claimed.id)
            sent += 1
    return sent, failures.total()


def _send(addresses: Mapping[str, str], claimed: _Claimed) -> None:
    if claimed.destination not in addresses:
        raise DeliveryFailed("No address is set for it in the environment of Stockroom.")
    message = Message(title=claimed.title, body=claimed.body)
    notifier.send(addresses[claimed.destination], message, recipient=claimed.recipient)


def _claim(connection: Connection, _: Actor, *, tired: list[str]) -> _Claimed | None:
    statement = """select id, destination, recipient, title, body
                     from stockroom_api.claim_deliveries(1, %(seconds)s, %(tired)s)"""
    rows = call(connection, statement, {"seconds": CLAIM_SECONDS, "tired": tired})
    return rows_of(_Claimed, rows)[0] if rows else None


def _finish(connection: Connection, _: Actor, *, delivery_id: int) -> None:
    call(connection, "select stockroom_api.finish_delivery(%(id)s)", {"id": delivery_id})


def _put_off(connection: Connection, _: Actor, *, delivery_id: int, problem: DeliveryFailed) -> None:
    values = {"id": delivery_id, "why": problem.message, "most": MOST_TRIES, "lasting": problem.permanent}
    call(connection, "select stockroom_api.put_off_delivery(%(id)s, %(why)s, %(most)s, %(lasting)s)", values)


def forget(connection: Connection, _: Actor) -> None:
    """Delete, once a day, what was sent more than `KEEP_DAYS` ago, including the addresses of buyers."""
    if call(connection, "select stockroom_api.is_time('forget_deliveries', interval '1 day')", {})[0][0]:
        call(connection, "select stockroom_api.forget_deliveries(%(days)s)", {"days": KEEP_DAYS})


# ---------------------------------------------------------------- for people


def destinations(connection: Connection, actor: Actor, *, addresses: Mapping[str, str]) -> tuple[Destination, ...]:
    """Return the destinations that have an address, in their order. Raises Forbidden, SignInRequired."""
    require(connection, actor, Permission.MANAGE_NOTIFICATIONS)
    fields = ", ".join(Wishes.__dataclass_fields__)
    wished = call(connection, f"select name, waiting, {fields} from stockroom_api.destinations", {})  # noqa: S608
    wishes = {row[0]: (row[1], rows_of(Wishes, [row[2:]])[0]) for row in wished}
    fields = ", ".join(Health.__dataclass_fields__)
    rows = call(connection, f"select name, {fields} from stockroom_api.destination_health", {})  # noqa: S608
    health = {row[0]: rows_of(Health, [row[1:]])[0] for row in rows}
    return tuple(
        Destination(
            name=name,
            service=notifier.describe(address),
            wishes=wishes.get(name, (0, Wishes()))[1],
            postponed=wishes.get(name, (0, Wishes()))[0],
            health=health.get(name, Health()),
        )
        for name, address in sorted(
            addresses.items(), key=lambda item: (wishes.get(item[0], (0, Wishes()))[1].place, item[0])
        )
    )


def save(connection: Connection, actor: Actor, *, name: str, wishes: Wishes) -> None:
    """Save the settings of a destination. Raises InvalidInput, Forbidden, SignInRequired."""
    values = asker(actor, Permission.MANAGE_NOTIFICATIONS)
    values |= {"destination": name, "wishes": json.dumps(asdict(wishes), default=str)}
    call(connection, f"select stockroom_api.save_destination({ASKER}, %(destination)s, %(wishes)s::jsonb)", values)


def may_test(connection: Connection, actor: Actor) -> None:
    """Raise Forbidden or SignInRequired unless this person may send a test message."""
    require(connection, actor, Permission.MANAGE_NOTIFICATIONS)


def note_test(connection: Connection, actor: Actor, *, name: str, why: str | None) -> None:
    """Record the result of a test message: `why` it failed, or None. Raises Forbidden, SignInRequired."""
    values = asker(actor, Permission.MANAGE_NOTIFICATIONS)
    values |= {"destination": name, "title": "A test", "why": why}
    call(connection, f"select stockroom_api.note_test({ASKER}, %(destination)s, %(title)s, %(why)s)", values)


def of_alert(connection: Connection, actor: Actor, *, alert_id: int) -> tuple[Sent, ...]:
    """Return the messages about a case, oldest first. Raises Forbidden, SignInRequired."""
    require(connection, actor, Permission.VIEW)
    statement = """select destination, state, attempts, due_at, created_at, finished_at, why
                     from stockroom_api.alert_deliveries
                    where alert_id = %(alert_id)s order by created_at, destination"""
    rows = call(connection, statement, {"alert_id": alert_id})
    return rows_of(Sent, rows)
