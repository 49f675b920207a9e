"""What a real shop needs before it opens: seven tasks, each done or not, as the facts say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Connection

from core.database.engine import rows_of
from core.foundation.model import Actor
from core.foundation.settings import Settings
from core.people.access import Permission
from core.people.guard import ask

FRESH = timedelta(hours=1)
"""A key works if Stripe has answered within this time; a worker polls it every minute."""


class Task(StrEnum):
    """What a shop needs, in the order in which people do it."""

    CATALOGUE = "catalogue"
    COUNT = "count"
    KEY = "key"
    WEBHOOK = "webhook"
    PEOPLE = "people"
    BACKUP = "backup"
    ALERTS = "alerts"


class Lack(StrEnum):
    """What a task still lacks."""

    SAMPLE = "sample"
    VARIANTS = "variants"
    MOVEMENTS = "movements"
    KEY = "key"
    ANSWER = "answer"
    SECRET = "secret"  # noqa: S105 - a word, not a secret
    EVENT = "event"
    PERSON = "person"
    PLACE = "place"
    PROOF = "proof"
    ADDRESS = "address"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A task and what it lacks; it is done without any. `count`: the variants, the uncounted ones, or the people."""

    task: Task
    lack: Lack | None
    count: int = 0

    @property
    def is_done(self) -> bool:
        """Whether the task is done."""
        return self.lack is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the database knows."""

    is_sample: bool
    variants: int
    uncounted: int
    has_count: bool
    polled_at: datetime | None
    has_webhook: bool
    people: int
    proven_at: datetime | None
    sent: frozenset[str]


def steps(connection: Connection, actor: Actor, *, settings: Settings) -> tuple[Step, ...]:
    """Return what a real shop needs, in order. Raises Forbidden, SignInRequired."""
    rows = ask(connection, actor, Permission.MANAGE_SHOP, "starting_facts")
    (facts,) = rows_of(Facts, rows, sent=frozenset)
    return (
        Step(task=Task.CATALOGUE, lack=_catalogue(facts), count=facts.variants),
        Step(task=Task.COUNT, lack=_count(facts), count=facts.uncounted),
        Step(task=Task.KEY, lack=_key(facts, settings)),
        Step(task=Task.WEBHOOK, lack=_webhook(facts, settings)),
        Step(task=Task.PEOPLE, lack=None if facts.people > 1 else Lack.PERSON, count=facts.people),
        Step(task=Task.BACKUP, lack=_backup(facts, settings)),
        Step(task=Task.ALERTS, lack=_alerts(facts, settings)),
    )


def _catalogue(facts: Facts) -> Lack | None:
    if facts.is_sample:
        return Lack.SAMPLE
    return None if facts.variants else Lack.VARIANTS


def _count(facts: Facts) -> Lack | None:
    if facts.is_sample:
        return Lack.SAMPLE
    return None if facts.has_count else Lack.MOVEMENTS


def _key(facts: Facts, settings: Settings) -> Lack | None:
    if settings.stripe_secret_key is None:
        return Lack.KEY
    answered = facts.polled_at is not None and datetime.now(UTC) - facts.polled_at < FRESH
    return None if answered else Lack.ANSWER


def _webhook(facts: Facts, settings: Settings) -> Lack | None:
    if not settings.stripe_webhook_secrets:
        return Lack.SECRET
    # Without a key, what the sample shop received came from its sandbox.
    from_stripe = facts.has_webhook and not (facts.is_sample and settings.stripe_secret_key is None)
    return None if from_stripe else Lack.EVENT


def _backup(facts: Facts, settings: Settings) -> Lack | None:
    """Return what backups lack: a place that is not lost with the data, or one that was restored on trial."""
    if settings.embedded and (settings.backups is None or _is_inside(settings.backups, settings.data_dir)):
        return Lack.PLACE
    if facts.is_sample:
        return Lack.SAMPLE
    return None if facts.proven_at else Lack.PROOF


def _is_inside(folder: Path, other: Path) -> bool:
    return folder.resolve().is_relative_to(other.resolve())


def _alerts(facts: Facts, settings: Settings) -> Lack | None:
    if not settings.destinations:
        return Lack.ADDRESS
    return None if facts.sent & settings.destinations.keys() else Lack.MESSAGE
