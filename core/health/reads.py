"""Reads for the Health page of Settings: readiness, and the measurements of a day or week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection

from core.database.engine import call, rows_of
from core.foundation.measure import Kind
from core.foundation.model import Actor
from core.health.measures import Measured, Part, between, parts_of, signs
from core.people.access import Permission
from core.people.guard import require

MOST_STATEMENTS = 10
STOCK_FUNCTIONS = (
    "ledger.adjust",
    "ledger.receive",
    "ledger.set_level",
    "ledger.undo",
    "storefront.check_cart",
    "reservations.hold",
    "reservations.extend",
    "reservations.release",
    "reservations.expire",
    "checkout._begin",
    "orders.apply",
    "cases.retry_order",
    "cases.ship_what_is_there",
    "refunds.decide",
    "refunds.decide_all",
    "returns.take_in",
    "returns.exchange",
    "waiting.send",
    "returns.take_back",
)
"""The functions that check, hold or move stock, in the order of a shop's day, by the names they are measured under."""


class Period(StrEnum):
    """The period that the page shows."""

    DAY = "day"
    WEEK = "week"


_STEPS = {Period.DAY: (24, timedelta(hours=1)), Period.WEEK: (28, timedelta(hours=6))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The state of the database in one step of time: its size at the end, and the highest value of everything else."""

    at: datetime
    database_bytes: int
    inbox_waiting: int
    inbox_lag: float
    lock_waiters: int
    lock_wait: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The health of the installation. Fields named `..._whole` are sums over the period, all others are by step."""

    parts: tuple[Part, ...]
    since: datetime
    until: datetime
    step: timedelta
    operations: tuple[Measured, ...]
    functions_whole: tuple[Measured, ...]
    statements_whole: tuple[Measured, ...]
    lost: tuple[Measured, ...]
    samples: tuple[Sample, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was measured in the period."""
        return not (self.operations or self.samples)


def look(connection: Connection, actor: Actor, *, period: Period, now: datetime | None = None) -> Health:
    """Return the health in a period; its last step is not over yet. Raises Forbidden, SignInRequired."""
    require(connection, actor, Permission.SEE_HEALTH)
    count, step = _STEPS[period]
    until = (now or datetime.now(UTC)).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    since = until - count * step
    operations, statements, lost = (
        between(connection, actor, kind=kind, since=since, until=until, step=each)
        for kind, each in ((Kind.OPERATION, step), (Kind.STATEMENT, until - since), (Kind.LOCK, step))
    )
    slowest = sorted(statements, key=lambda each: each.percentile(0.95) or 0.0, reverse=True)
    return Health(
        parts=parts_of(signs(connection, actor)),
        since=since,
        until=until,
        step=step,
        operations=operations,
        functions_whole=_whole([each for each in operations if each.name in STOCK_FUNCTIONS]),
        statements_whole=tuple(slowest[:MOST_STATEMENTS]),
        lost=lost,
        samples=_samples(connection, since, until, step),
    )


def _whole(measured: Sequence[Measured]) -> tuple[Measured, ...]:
    """Return each function summed over all steps, in the order of `STOCK_FUNCTIONS`."""
    steps: dict[str, list[Measured]] = {}
    for each in measured:
        steps.setdefault(each.name, []).append(each)
    return tuple(_sum(steps[name]) for name in STOCK_FUNCTIONS if name in steps)


def _sum(steps: Sequence[Measured]) -> Measured:
    return Measured(
        at=steps[0].at,
        name=steps[0].name,
        ok=sum(each.ok for each in steps),
        refused=sum(each.refused for each in steps),
        failed=sum(each.failed for each in steps),
        retried=sum(each.retried for each in steps),
        seconds=sum(each.seconds for each in steps),
        buckets=tuple(map(sum, zip(*(each.buckets for each in steps), strict=True))),
    )


def _samples(connection: Connection, since: datetime, until: datetime, step: timedelta) -> tuple[Sample, ...]:
    rows = call(
        connection,
        """select date_bin(%(step)s, at, %(since)s) as since, (array_agg(database_bytes order by at desc))[1],
                  max(inbox_waiting), max(inbox_lag), max(lock_waiters), max(lock_wait)
             from stockroom_api.health_samples
            where span = 'hour' and at >= %(since)s and at < %(until)s
            group by 1 order by 1""",
        {"step": step, "since": since, "until": until},
    )
    return rows_of(Sample, rows)
