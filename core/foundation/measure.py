"""Counts and times each operation and statement of this process, in memory.

Counting an operation and its one statement costs 3 microseconds, the median of a loop in one process on a busy machine.
The operation itself takes half a millisecond or more. A line of the log, if enabled, costs 45 microseconds more.
`core/health/measures.py` saves the sums in the database each minute; /metrics reads the totals here.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

BOUNDS = (
    0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0,
    10.0,
)  # fmt: skip
"""Upper ends of the histogram's buckets in seconds; the last bucket has none."""
MOST_NAMES = 400
"""Names are names of functions, about a hundred. Beyond this many, all others share one sum."""
OTHERS = "others"


class Kind(StrEnum):
    """What is measured: an operation of core, a statement by its label, an attempt that failed on a lock."""

    OPERATION = "operation"
    STATEMENT = "statement"
    LOCK = "lock"


class Span(StrEnum):
    """The length of time that one row in the database sums up."""

    MINUTE = "minute"
    HOUR = "hour"


class Outcome(StrEnum):
    """The result of a call. `retried` counts attempts that were repeated, in addition to the final result."""

    OK = "ok"
    REFUSED = "refused"
    FAILED = "failed"
    RETRIED = "retried"


@dataclass(slots=True)
class Sums:
    """The sums of one name: calls by outcome, seconds in total, and calls by bucket."""

    outcomes: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    seconds: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))

    @property
    def calls(self) -> int:
        """The number of calls that ended, whatever the outcome."""
        return sum(self.buckets)

    def less(self, earlier: Sums) -> Sums:
        """Return what was added since `earlier`."""
        return Sums(
            outcomes={outcome: count - earlier.outcomes[outcome] for outcome, count in self.outcomes.items()},
            seconds=self.seconds - earlier.seconds,
            buckets=[now - then for now, then in zip(self.buckets, earlier.buckets, strict=True)],
        )

    def copy(self) -> Sums:
        """Return a copy that does not change any more."""
        return Sums(outcomes=dict(self.outcomes), seconds=self.seconds, buckets=list(self.buckets))


Totals = dict[tuple[Kind, str], Sums]


class Meter:
    """The sums of one process. The lock is held for a few additions, never across a wait."""

    def __init__(self) -> None:
        self._totals: Totals = {}
        self._lock = threading.Lock()

    def note(self, kind: Kind, name: str, outcome: Outcome, seconds: float) -> None:
        """Count a call and its time."""
        place = bisect_left(BOUNDS, seconds)
        with self._lock:
            sums = self._sums(kind, name)
            sums.outcomes[outcome] += 1
            sums.seconds += seconds
            sums.buckets[place] += 1

    def note_retry(self, name: str) -> None:
        """Count an attempt of an operation that is repeated. Its time is part of the operation's time."""
        with self._lock:
            self._sums(Kind.OPERATION, name).outcomes[Outcome.RETRIED] += 1

    def totals(self) -> Totals:
        """Return the sums since the process began."""
        with self._lock:
            return {what: sums.copy() for what, sums in self._totals.items()}

    def _sums(self, kind: Kind, name: str) -> Sums:
        sums = self._totals.get((kind, name))
        if sums is None:
            known = name if len(self._totals) < MOST_NAMES else OTHERS
            sums = self._totals.setdefault((kind, known), Sums())
        return sums


METER = Meter()
"""The meter of this process."""


_KNOWN_AS = {
    "alerts.reads": "alerts",
    "alerts.system": "system_alerts",
    "backups.record": "backup_record",
    "backups.routine": "backups",
    "catalog.imports": "catalog",
    "health.measures": "health",
    "health.reads": "health_reads",
    "inbox.applying": "orders",
    "inbox.cart": "order_reader",
    "inbox.messages": "inbox",
    "inbox.range_import": "order_import",
    "jobs.runs": "job_runs",
    "ledger.changes": "ledger",
    "ledger.holds": "reservations",
    "orders.filter": "order_filter",
    "orders.reads": "order_reads",
    "people.administration": "people",
    "proof.checks": "reconciliation",
    "proof.notice": "proof_notice",
    "proof.reads": "proof_reads",
    "proof.runs": "proof",
    "proof.shelf": "shelf_proof",
    "sample.load": "sample",
    "screens.orders": "order_screens",
    "screens.stock": "screens",
    "shop.profile": "shop",
    "storefront.checkout.check_cart": "storefront",
    "storefront.paid_orders._queue": "order_mail",
}
"""Names in logs, metrics and saved measurements. They stay when a module moves: a new name would break graphs."""


def name_of(operation: Callable[..., Any]) -> str:
    """Return the name of an operation in logs and metrics, such as `ledger.adjust`: a module of core and a function."""
    inner = getattr(operation, "func", operation)  # the function inside a partial
    module = str(getattr(inner, "__module__", "")).removeprefix("core.")
    name = getattr(inner, "__name__", "operation")
    known = _KNOWN_AS.get(f"{module}.{name}") or _KNOWN_AS.get(module, module.rpartition(".")[2])
    return f"{known}.{name}"


def percentile(buckets: Sequence[int], share: float) -> float | None:
    """Return the time within which `share` of the calls ended, in seconds; None without calls.

    Calls are assumed to be spread evenly within a bucket, so the result is as exact as the buckets are narrow.
    """
    wanted, passed = share * sum(buckets), 0
    if not wanted:
        return None
    for place, count in enumerate(buckets):
        if count and passed + count >= wanted:
            low = BOUNDS[place - 1] if place else 0.0
            high = BOUNDS[place] if place < len(BOUNDS) else low
            return low + (high - low) * (wanted - passed) / count
        passed += count
    return BOUNDS[-1]
