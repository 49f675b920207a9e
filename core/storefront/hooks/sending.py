"""The job that sends webhooks: it writes the events since its last run and sends what is due, one at a time.

Rules and locks: core/sql/71_levels/2_hooks.sql. Nothing is locked while a message is sent. A crash between sending and
marking sends a message twice, under the same id; it never loses it.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine

from core.database.engine import array, call, rows_of, run
from core.foundation.errors import DeliveryFailed
from core.foundation.model import Actor
from core.foundation.text import many
from core.inbox.messages import WORKER
from core.storefront.hooks import wire
from core.stripe.gateway import Gateway

MOST_A_RUN, MOST_FAILURES = 2_000, 3
KEEP_DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claimed:
    delivery_id: int
    endpoint_id: int
    url: str
    secrets: tuple[str, ...]
    message_id: str
    kind: str
    body: dict[str, Any]
    created_at: datetime


def deliver(engine: Engine, _: Gateway | None, say: Any, stopping: threading.Event) -> bool:
    """Write the events since the last run and send what is due."""
    run(engine, gather, WORKER)
    sent, failures = 0, Counter[int]()
    for _turn in range(MOST_A_RUN):
        tired = [endpoint for endpoint, times in failures.items() if times >= MOST_FAILURES]
        claimed = None if stopping.is_set() else run(engine, _claim, WORKER, tired=tired)
        if claimed is None:
            break
        is_sent, status, answer = _send(claimed)
        run(engine, _mark, WORKER, delivery_id=claimed.delivery_id, is_sent=is_sent, status=status, answer=answer)
        sent += is_sent
        failures[claimed.endpoint_id] += not is_sent
    run(engine, _forget, WORKER)
    if sent or failures.total():
        say(f"Sent {many(sent, 'webhook')}; {failures.total():,} could not be delivered yet.")
    return False


def gather(connection: Connection, _: Actor) -> int:
    """Write the events of what changed since the last time; return how many levels changed."""
    return int(call(connection, "select stockroom_api.gather_hooks()", {})[0][0])


def _send(claimed: _Claimed) -> tuple[bool, int | None, str]:
    written = {"type": claimed.kind, "timestamp": claimed.created_at.astimezone(UTC).isoformat(), "data": claimed.body}
    try:
        told = wire.send(
            claimed.url,
            secrets=claimed.secrets,
            message_id=claimed.message_id,
            at=datetime.now(UTC),
            body=json.dumps(written),
        )
    except DeliveryFailed as problem:
        return False, None, problem.message
    return 200 <= told.status < 300, told.status, told.text


def _claim(connection: Connection, _: Actor, *, tired: list[int]) -> _Claimed | None:
    rows = call(connection, "select * from stockroom_api.claim_hook(%(tired)s::bigint[])", {"tired": array(tired)})
    return next(iter(rows_of(_Claimed, rows, secrets=tuple)), None)


def _mark(
    connection: Connection, _: Actor, *, delivery_id: int, is_sent: bool, status: int | None, answer: str
) -> None:
    values = {"id": delivery_id, "is_sent": is_sent, "status": status, "answer": answer}
    call(connection, "select stockroom_api.mark_hook(%(id)s, %(is_sent)s, %(status)s, %(answer)s)", values)


def _forget(connection: Connection, _: Actor) -> None:
    if call(connection, "select stockroom_api.is_time('forget_hooks', interval '1 day')", {})[0][0]:
        call(connection, "select stockroom_api.forget_hooks(%(days)s)", {"days": KEEP_DAYS})
