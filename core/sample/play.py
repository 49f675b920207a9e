"""Plays the story of the sample shop forward, part by part, from where it stopped.

A part is one transaction: movements by people, what happens at Stripe, and Stripe's messages in the inbox. It deletes
its steps, so a crash at any moment repeats nothing. Then the inbox is applied, as always, before the next part begins.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine

from core.alerts import handling
from core.database.engine import call, rows_of, run
from core.foundation.model import Actor
from core.inbox import applying, polling
from core.inbox import messages as inbox
from core.inbox.messages import WORKER, Incoming
from core.payloads import reading as payloads
from core.sample.stage import DISPUTE, REFUND, Stage
from core.sample.story import AT_STRIPE, Kind
from core.sandbox.account import StripeAccount
from core.sandbox.objects import Json
from core.sandbox.stored import Stored
from core.stripe.gateway import Gateway

_SAID_TWICE = ("charge.succeeded", "charge.refunded")
"""Events that say what another says. Stripe is not asked about them: its answer would be of today."""
MOST_STEPS = 120
"""The most steps of one part."""
WAIT_SECONDS, MOST_WAITS = 0.1, 1_300
"""How long and how often to wait for another worker that applies a part: longer than its claims last."""
_DECIDE = """
    select stockroom_api.decide_in_sample(%(key)s, %(who)s, %(payment)s, %(refund)s, %(goods)s::jsonb, %(disposition)s,
                                          %(reason)s, %(at)s)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the story is played: its steps, those that were played, and the moment it has reached.

    `played_at` is when it was complete, None before.
    """

    opened_at: datetime
    steps: int
    played: int
    played_until: datetime | None
    played_at: datetime | None

    @property
    def share(self) -> float:
        """The share that was played, from 0 to 1."""
        return self.played / self.steps if self.steps else 1.0


class Told(Stored):
    """The account's store for the story: it collects the events, which are delivered with the part that they belong to.

    Of a paid sale only the event with its cart is delivered, because 1,500 sales should be there soon.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, lose_events=True)
        self.last = ""
        self._told: dict[str, Json] = {}

    def keep(self, found: Json) -> None:
        """Store a new object."""
        super().keep(found)
        if found["object"] == "event":
            self.last = found["id"]
            if found["type"] in payloads.KINDS and found["type"] not in _SAID_TWICE:
                self._told[found["id"]] = found

    def messages(self) -> list[Incoming]:
        """Return the messages of the events."""
        sessions = [event["data"]["object"] for event in self._told.values()
                    if event["type"] == "checkout.session.completed"]  # fmt: skip
        sold = {session["payment_intent"] for session in sessions}
        return [
            incoming(event, "webhook")
            for event in self._told.values()
            if event["type"] != "payment_intent.succeeded" or event["data"]["object"]["id"] not in sold
        ]


def progress(connection: Connection, _: Actor) -> Progress | None:
    """Return how far the story is played; None if this is not a sample shop."""
    names = ", ".join(Progress.__dataclass_fields__)
    found = rows_of(Progress, call(connection, f"select {names} from stockroom_api.sample_progress", {}))  # noqa: S608 - our own names
    return found[0] if found else None


def play(
    engine: Engine, gateway: Gateway | None, stopping: threading.Event | None = None, seconds: float = float("inf")
) -> int:
    """Play the story on, for at most so many seconds or until it is complete. Returns how many steps were played."""
    end, played, waits = time.monotonic() + seconds, 0, 0
    run(engine, _free, WORKER)
    while time.monotonic() < end and not (stopping and stopping.is_set()):
        _apply(engine, gateway)
        done = run(engine, _play_part, WORKER, engine=engine, is_patient=waits < MOST_WAITS)
        if done == 0:
            break
        if done is None:
            waits += 1
            time.sleep(WAIT_SECONDS)
        else:
            played, waits = played + done, 0
    return played


def _free(connection: Connection, actor: Actor) -> None:
    """Give back what a killed worker had claimed. If it still works, each payment is one order all the same."""
    statement = "select id from stockroom_api.stripe_events where state = 'new' and due_at > clock_timestamp()"
    inbox.give_back(connection, actor, ids=[claimed for (claimed,) in call(connection, statement, {})])


def _apply(engine: Engine, gateway: Gateway | None) -> None:
    while applying.apply_due(engine, gateway).messages:
        pass


def _play_part(connection: Connection, actor: Actor, *, engine: Engine, is_patient: bool = True) -> int | None:
    """Play the next part and return how many steps it had; None if orders of the part before it are not applied yet.

    Another worker may be applying them. Without patience that does not count.
    """
    found = call(connection, "select n, step from stockroom_api.next_sample_steps(%(most)s)", {"most": MOST_STEPS})
    if found and is_patient and not call(connection, "select stockroom_api.is_sample_applied()", {})[0][0]:
        return None
    part = [step for _, step in found[: _length([step for _, step in found])]]
    if not part:
        return 0
    people = [step for step in part if step["kind"] not in AT_STRIPE]
    names = _names(connection, part)
    _post(connection, [step["operation"] for step in people if step["kind"] == Kind.STOCK])
    for step in people:
        if step["kind"] == Kind.RETURN:
            _decide(connection, step, names)
        elif step["kind"] == Kind.RESOLVE:
            _resolve(connection, step, names)
    new = _perform(connection, actor, [step for step in part if step["kind"] in AT_STRIPE], names, engine)
    statement = "select stockroom_api.finish_sample_steps(%(n)s, %(names)s::jsonb)"
    call(connection, statement, {"n": found[len(part) - 1][0], "names": json.dumps(new)})
    return len(part)


def _length(steps: Sequence[Mapping[str, Any]]) -> int:
    """Return how many of these steps are the next part: people first, then Stripe; people wait for its orders."""
    for n in range(1, len(steps)):
        if steps[n]["kind"] not in AT_STRIPE and steps[n - 1]["kind"] in AT_STRIPE:
            return n
    return len(steps)


def _names(connection: Connection, steps: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    asked = [step["name"] + end for step in steps if step["name"] for end in ("", REFUND, DISPUTE)]
    statement = "select name, object_id from stockroom_api.named_in_sample(%(names)s::text[])"
    return {str(name): str(object_id) for name, object_id in call(connection, statement, {"names": asked})}


def _post(connection: Connection, operations: Sequence[Mapping[str, Any]]) -> None:
    if operations:
        values = {"operations": json.dumps(operations)}
        call(connection, "select stockroom_api.post_sample(%(operations)s::jsonb)", values)


def _decide(connection: Connection, step: Mapping[str, Any], names: Mapping[str, str]) -> None:
    values = {
        "key": f"sample:return:{step['name']}",
        "who": step["who"],
        "payment": names.get(step["name"]),
        "refund": names.get(step["name"] + REFUND) if step["has_refund"] else None,
        "goods": json.dumps(step["goods"]),
        "disposition": step["disposition"],
        "reason": step["reason"],
        "at": datetime.fromisoformat(step["at"]),
    }
    call(connection, _DECIDE, values)


def _resolve(connection: Connection, step: Mapping[str, Any], names: Mapping[str, str]) -> None:
    cause = f"order:{names.get(step['name'])}"
    statement = "select id from stockroom_api.alerts where cause = %(cause)s and state <> 'resolved'"
    ids = [alert_id for (alert_id,) in call(connection, statement, {"cause": cause})]
    if ids:
        handling.resolve(connection, Actor(name=step["who"]), alert_ids=ids, reason=step["reason"])


def _perform(
    connection: Connection, actor: Actor, steps: Sequence[Mapping[str, Any]], names: dict[str, str], engine: Engine
) -> dict[str, str]:
    """Perform what happens at Stripe and store its messages. Returns the names of what later steps need.

    The poll begins after these events, as if it had run all the time.
    """
    if not steps:
        return {}
    store = Told(engine)
    stage = Stage(StripeAccount(store=store), names)
    with store.within(connection):
        for step in steps:
            stage.perform(step)
    inbox.receive(connection, actor, messages=store.messages())
    inbox.move_cursor(connection, actor, cursor=store.last)
    return stage.new


def incoming(event: Json, source: str) -> Incoming:
    """Return an event as the inbox stores it."""
    envelope = payloads.read_event(event)[0]
    return Incoming(event=envelope, body=json.dumps(event), source=source, payment_id=polling.about(event))
