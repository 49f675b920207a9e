"""The job that sends webhooks: it writes the events since its last run and sends what is due, one at a time to each.

Each endpoint has a thread and some seconds of a run, so that a slow one does not delay the others.
Rules and locks: core/sql/71_levels/2_hooks.sql. Nothing is locked while a message is sent. A crash between sending and
marking sends a message twice, under the same id; it never loses it.
"""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine

from core.database.engine import call, rows_of, run
from core.foundation.errors import DeliveryFailed
from core.foundation.model import Actor
from core.foundation.text import many
from core.inbox.messages import WORKER
from core.storefront.hooks import wire
from core.stripe.gateway import Gateway

MOST_AT_ONCE, MOST_A_RUN, MOST_FAILURES = 8, 2_000, 3
SECONDS_EACH = 20.0
"""After so many seconds an endpoint waits for the next run."""
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
    if due := run(engine, _due, WORKER):
        with ThreadPoolExecutor(min(len(due), MOST_AT_ONCE), thread_name_prefix="stockroom-hook") as threads:
            each = list(threads.map(lambda endpoint_id: _deliver_to(engine, endpoint_id, stopping), due))
        sent, failed = sum(done for done, _ in each), sum(failures for _, failures in each)
        say(f"Sent {many(sent, 'webhook')}; {failed:,} could not be delivered yet.")
    run(engine, _forget, WORKER)
    return False


def _deliver_to(engine: Engine, endpoint_id: int, stopping: threading.Event) -> tuple[int, int]:
    """Send what is due to an endpoint; return how many were sent and how many failed."""
    sent = failed = 0
    ends_at = time.monotonic() + SECONDS_EACH
    while sent < MOST_A_RUN and failed < MOST_FAILURES and time.monotonic() < ends_at and not stopping.is_set():
        claimed = run(engine, _claim, WORKER, endpoint_id=endpoint_id)
        if claimed is None:
            break
        is_sent, status, answer = _send(claimed)
        run(engine, _mark, WORKER, delivery_id=claimed.delivery_id, is_sent=is_sent, status=status, answer=answer)
        sent, failed = sent + is_sent, failed + (not is_sent)
    return sent, failed


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


def _due(connection: Connection, _: Actor) -> list[int]:
    return [endpoint_id for (endpoint_id,) in call(connection, "select endpoint_id from stockroom_api.due_hooks()", {})]


def _claim(connection: Connection, _: Actor, *, endpoint_id: int) -> _Claimed | None:
    rows = call(connection, "select * from stockroom_api.claim_hook(%(endpoint_id)s)", {"endpoint_id": endpoint_id})
    return next(iter(rows_of(_Claimed, rows, secrets=tuple)), None)


def _mark(
    connection: Connection, _: Actor, *, delivery_id: int, is_sent: bool, status: int | None, answer: str
) -> None:
    values = {"id": delivery_id, "is_sent": is_sent, "status": status, "answer": answer}
    call(connection, "select stockroom_api.mark_hook(%(id)s, %(is_sent)s, %(status)s, %(answer)s)", values)


def _forget(connection: Connection, _: Actor) -> None:
    if call(connection, "select stockroom_api.is_time('forget_hooks', interval '1 day')", {})[0][0]:
        call(connection, "select stockroom_api.forget_hooks(%(days)s)", {"days": KEEP_DAYS})
