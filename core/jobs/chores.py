"""What the shop does by itself, and when. Each may be begun at any time, twice even, and be left off anywhere.

A chore says in a line what it did, if it did anything, and answers whether something came into the inbox.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from croniter import croniter
from sqlalchemy import Engine

from core.alerts import deliveries
from core.backups import routine as backups
from core.database.engine import run
from core.health import measures as health
from core.inbox import applying, polling
from core.inbox.messages import WORKER
from core.inbox.range_import import many
from core.ledger import holds
from core.proof import runs as proof
from core.stripe.gateway import Gateway

APPLY = "apply_inbox"
EACH_MINUTE, EACH_HOUR = "* * * * *", "17 * * * *"
DAY = 24 * 60 * 60
MOST_HOLDS = 500

Say = Callable[[str], None]
Work = Callable[[Engine, Gateway | None, Say, threading.Event], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """Something to do, and when: `cron` in the five fields of cron, UTC, or `daily` at the shop's hour.

    `title`: what it does, in plain words. `limit_seconds`: when it is told to stop. `attempts`: how often it is tried.
    """

    work: Work
    cron: str = EACH_MINUTE
    daily: bool = False
    title: str = ""
    limit_seconds: int = 300
    attempts: int = 3

    @property
    def period(self) -> int:
        """How many seconds lie between two of its times."""
        if self.daily:
            return DAY
        times = croniter(self.cron, 0.0)
        first: float = times.get_next(float)
        return int(times.get_next(float) - first)

    def next_at(self, after: datetime) -> datetime | None:
        """Return its next time; None where the shop's clock decides."""
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
            f"Applied {many(messages, 'message')} of Stripe: {many(recorded, 'new order')}, "
            f"{many(lines, 'line')} taken off the shelf, {put_off:,} put off."
        )
    return False


def poll_stripe(engine: Engine, gateway: Gateway | None, say: Say, stopping: threading.Event) -> bool:
    """Ask Stripe what happened since; without a key there is nobody to ask."""
    if gateway is None or stopping.is_set():
        return False
    return _told(polling.poll(engine, gateway), say)


def look_back(engine: Engine, gateway: Gateway | None, say: Say, stopping: threading.Event) -> bool:
    """Ask Stripe for what became readable only after the poll had passed its place."""
    if gateway is None or stopping.is_set():
        return False
    return _told(polling.look_back(engine, gateway), say)


def expire_holds(engine: Engine, _: Gateway | None, say: Say, stopping: threading.Event) -> bool:
    """Give back what is held for checkouts past its time."""
    ended = 0
    while not stopping.is_set() and (some := run(engine, holds.expire, WORKER, limit=MOST_HOLDS)):
        ended += some
    if ended:
        say(f"Gave back what {many(ended, 'checkout')} held past its time.")
    return False


def _told(stored: int, say: Say) -> bool:
    if stored:
        say(f"Stripe told {many(stored, 'new message')}.")
    return bool(stored)


CHORES = {
    APPLY: Chore(work=apply_inbox, cron=EACH_MINUTE, title="Take paid orders off the shelf", limit_seconds=600),
    "poll_stripe": Chore(work=poll_stripe, cron=EACH_MINUTE, title="Ask Stripe what happened", limit_seconds=600),
    "look_back": Chore(work=look_back, cron=EACH_HOUR, title="Ask Stripe for what came late", limit_seconds=900),
    "expire_holds": Chore(work=expire_holds, cron=EACH_MINUTE, title="Give back what checkouts held too long"),
    "deliver_alerts": Chore(work=deliveries.deliver, cron=EACH_MINUTE, title="Send messages", limit_seconds=600),
    "reconcile": Chore(work=proof.reconcile_daily, daily=True, title="Prove the books", limit_seconds=60 * 60),
    "backup": Chore(work=backups.nightly, daily=True, title="Make a backup and prove it", limit_seconds=6 * 60 * 60),
    "keep_health": Chore(work=health.keep_health, cron=EACH_MINUTE, title="Measure how the shop fares"),
}
