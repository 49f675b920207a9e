"""The background jobs and their times. Each can be started at any time, even twice, and stopped at any point.

A chore reports in one line what it did, if it did anything, and returns whether the inbox got new messages.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from croniter import croniter
from sqlalchemy import Engine

from core.alerts import deliveries, system
from core.backups import routine as backups
from core.database.engine import run
from core.foundation.settings import load_settings
from core.foundation.text import many
from core.health import measures as health
from core.inbox import applying, polling
from core.inbox.messages import WORKER
from core.ledger import flows, holds
from core.proof import runs as proof
from core.sample import today as sample
from core.sandbox import connection as sandbox
from core.storefront import paid_orders
from core.storefront.guard import working as guard
from core.storefront.hooks import sending as hooks
from core.stripe.gateway import Gateway
from core.valuation import values
from core.views import mailing

APPLY = "apply_inbox"
EACH_MINUTE, EACH_HOUR = "* * * * *", "17 * * * *"
DAY = 24 * 60 * 60
MOST_HOLDS = 500

Say = Callable[[str], None]
Work = Callable[[Engine, Gateway | None, Say, threading.Event], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """A background job and its time: `cron` (five fields, UTC), or `daily` at the shop's hour.

    After `limit_seconds` it is asked to stop. A failed run is tried up to `attempts` times. `is_of_sample`: other shops
    do not have it.
    """

    work: Work
    cron: str = EACH_MINUTE
    daily: bool = False
    title: str = ""
    limit_seconds: int = 300
    attempts: int = 3
    is_of_sample: bool = False

    @property
    def period(self) -> int:
        """The seconds between two runs."""
        if self.daily:
            return DAY
        times = croniter(self.cron, 0.0)
        first: float = times.get_next(float)
        return int(times.get_next(float) - first)

    def next_at(self, after: datetime) -> datetime | None:
        """Return its next time, or None for a daily job, whose time depends on the shop's zone."""
        if self.daily:
            return None
        following: datetime = croniter(self.cron, after).get_next(datetime)
        return following


def apply_inbox(engine: Engine, gateway: Gateway | None, say: Say, stopping: threading.Event) -> bool:
    """Apply the inbox until nothing is due."""
    messages = recorded = lines = put_off = 0
    while not stopping.is_set():
        done = applying.apply_due(engine, gateway)
        if not done.messages:
            break
        messages, recorded = messages + done.messages, recorded + done.orders
        lines, put_off = lines + done.lines, put_off + done.put_off
    if messages:
        say(
            f"Applied {many(messages, 'Stripe message')}: {many(recorded, 'new order')}, "
            f"{many(lines, 'line')} taken off the shelf, {put_off:,} to retry later."
        )
    return False


def poll_stripe(engine: Engine, gateway: Gateway | None, say: Say, stopping: threading.Event) -> bool:
    """Poll Stripe for new events; without a key this does nothing."""
    if gateway is None or stopping.is_set():
        return False
    return _stored(polling.poll(engine, gateway), say)


def look_back(engine: Engine, gateway: Gateway | None, say: Say, stopping: threading.Event) -> bool:
    """Read the events that Stripe listed only after the poll had passed their place."""
    if gateway is None or stopping.is_set():
        return False
    return _stored(polling.look_back(engine, gateway), say)


def guard_stripe(engine: Engine, gateway: Gateway | None, say: Say, stopping: threading.Event) -> bool:
    """Close at Stripe what sells units that are out, and open what is back, with the guard's own key."""
    return guard.watch(engine, gateway, sandbox.guard(load_settings(), engine), say, stopping)


def expire_holds(engine: Engine, _: Gateway | None, say: Say, stopping: threading.Event) -> bool:
    """Release the holds that are past their time."""
    ended = 0
    while not stopping.is_set() and (some := run(engine, holds.expire, WORKER, limit=MOST_HOLDS)):
        ended += some
    if ended:
        say(f"Released {many(ended, 'expired hold')}.")
    return False


def verify_books(engine: Engine, gateway: Gateway | None, say: Say, stopping: threading.Event) -> bool:
    """Keep the money of months that are over, then run the checks."""
    while not stopping.is_set() and (month := run(engine, values.keep_month, WORKER)):
        say(f"Summed the money of {month:%Y-%m}.")
    if load_settings().read_urls:  # charts are read from replicas, which keep nothing
        for part in range(flows.KEPT_PARTS):
            run(engine, flows.keep, WORKER, part=part)
    return proof.reconcile_daily(engine, gateway, say, stopping)


def send_messages(engine: Engine, gateway: Gateway | None, say: Say, stopping: threading.Event) -> bool:
    """Confirm the orders that waited for their cart or address, then send the outbox."""
    run(engine, system.judge_codes, WORKER)
    if confirmed := paid_orders.confirm_waiting(engine):
        say(f"Confirmed {many(confirmed, 'order')} whose cart or address was unknown before.")
    return deliveries.deliver(engine, gateway, say, stopping)


def _stored(stored: int, say: Say) -> bool:
    if stored:
        say(f"Received {many(stored, 'new message')} from Stripe.")
    return bool(stored)


CHORES = {
    APPLY: Chore(work=apply_inbox, cron=EACH_MINUTE, title="Take paid orders off the shelf", limit_seconds=600),
    "poll_stripe": Chore(work=poll_stripe, cron=EACH_MINUTE, title="Poll Stripe for new events", limit_seconds=600),
    "look_back": Chore(work=look_back, cron=EACH_HOUR, title="Poll Stripe for late events", limit_seconds=900),
    "expire_holds": Chore(work=expire_holds, cron=EACH_MINUTE, title="Release expired holds"),
    "deliver_alerts": Chore(work=send_messages, cron=EACH_MINUTE, title="Send messages", limit_seconds=600),
    "send_webhooks": Chore(work=hooks.deliver, cron=EACH_MINUTE, title="Send webhooks", limit_seconds=600),
    "guard_stripe": Chore(work=guard_stripe, cron=EACH_MINUTE, title="Guard Payment Links", limit_seconds=600),
    "mail_views": Chore(work=mailing.deliver, cron=EACH_MINUTE, title="Mail the views of people", limit_seconds=900),
    "reconcile": Chore(work=verify_books, daily=True, title="Verify the books", limit_seconds=60 * 60),
    "backup": Chore(work=backups.nightly, daily=True, title="Create a backup and verify it", limit_seconds=6 * 60 * 60),
    "play_sample": Chore(
        work=sample.go_on, cron=EACH_MINUTE, title="Play the sample shop", limit_seconds=1800, is_of_sample=True
    ),
    "keep_health": Chore(work=health.keep_health, cron=EACH_MINUTE, title="Measure speed and health"),
}
