"""Readiness, timings and slowdowns of this installation.

Each process adds its measurements (`core/foundation/measure.py`) to the sums of the minute. The job `keep_health`, in
one of them, samples the database and compares the last hour with the week before.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from statistics import median

from sqlalchemy import Connection, Engine

from core.database.engine import call, rows_of, run
from core.database.migrate import current_release
from core.foundation.errors import StockError
from core.foundation.measure import METER, Kind, Meter, Outcome, Sums, Totals, percentile
from core.foundation.model import Actor
from core.inbox.messages import WORKER
from core.stripe.gateway import Gateway

log = logging.getLogger("stockroom")

READY_SECONDS = 2.0
"""How long an answer of /readyz is cached, so that frequent health checks do not load the database."""
WORKER_SILENCE, LONGEST_LAG = 60.0, 600.0
EACH_SECONDS = 60.0
SLOWER, LEAST_CALLS, LEAST_SECONDS, LEAST_DAYS = 2.0, 100, 0.02, 3
"""A function is slow if its p95 of the last hour is over 20 ms and more than twice the median of the same hour on the
seven days before, with at least a hundred calls now and on three of those days."""


# ---------------------------------------------------------------- is it ready


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of readiness, and a sentence about it."""

    name: str
    is_well: bool
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """The state of the database. `worker_age`: seconds since the last heartbeat of any worker, or None."""

    revision: str
    checksum: str
    inbox_waiting: int
    inbox_parked: int
    inbox_lag: float
    worker_age: float | None
    lock_waiters: int
    lock_wait: float


def signs(connection: Connection, _: Actor) -> Signs:
    """Return the state of the database; it contains no secrets."""
    statement = """select revision, checksum, inbox_waiting, inbox_parked, inbox_lag, worker_age, lock_waiters,
                          lock_wait
                     from stockroom_api.vital_signs"""
    return rows_of(Signs, call(connection, statement, {}))[0]


def readiness(engine: Engine) -> tuple[Part, ...]:
    """Check every part of readiness with one query."""
    try:
        found = run(engine, signs, WORKER)
    except Exception as error:
        if not isinstance(error, StockError):
            log.error("Readiness could not be checked", exc_info=error)
        away = "The database does not answer, or is not set up."
        return (Part(name="database", is_well=False, sentence=away),)
    return parts_of(found)


def parts_of(found: Signs) -> tuple[Part, ...]:
    """Return every part of readiness, given that the database answers."""
    return (
        Part(name="database", is_well=True, sentence="The database answers."),
        _migrations(found),
        _worker(found.worker_age),
        _inbox(found),
    )


@cache
def _own_release() -> tuple[str, str]:
    """Return the release of this program. Its files do not change while it runs."""
    return current_release()


def _migrations(found: Signs) -> Part:
    is_well = (found.revision, found.checksum) == _own_release()
    well, ill = (
        "The database and this program are of the same release.",
        "The database is of another release than this program.",
    )
    return Part(name="migrations", is_well=is_well, sentence=well if is_well else ill)


def _worker(age: float | None) -> Part:
    if age is None:
        return Part(name="worker", is_well=False, sentence="No worker has started yet.")
    is_well = age <= WORKER_SILENCE
    sentence = f"The last heartbeat of a worker was {max(age, 0):,.0f} seconds ago."
    return Part(name="worker", is_well=is_well, sentence=sentence if is_well else f"{sentence} No jobs are running.")


def _inbox(found: Signs) -> Part:
    if not found.inbox_waiting:
        return Part(name="inbox", is_well=True, sentence="No Stripe message waits.")
    sentence = f"Stripe messages waiting: {found.inbox_waiting:,}, the oldest for {found.inbox_lag:,.0f} seconds."
    return Part(name="inbox", is_well=found.inbox_lag <= LONGEST_LAG, sentence=sentence)


class Readiness:
    """The answer of /readyz, cached for a moment."""

    def __init__(self, engine: Callable[[], Engine], clock: Callable[[], float] = time.monotonic) -> None:
        self._engine, self._clock = engine, clock
        self._lock = threading.Lock()
        self._known: tuple[float, tuple[Part, ...]] | None = None

    def parts(self) -> tuple[Part, ...]:
        """Return every part, at most two seconds old."""
        with self._lock:  # one thread asks, the others wait for its answer
            if self._known is None or self._clock() - self._known[0] >= READY_SECONDS:
                self._known = (self._clock(), readiness(self._engine()))
            return self._known[1]


# ---------------------------------------------------------------- what each process measured


class Keeper:
    """Stores the measurements of this process in the database, each minute and when it stops."""

    def __init__(self, engine: Engine, meter: Meter = METER, seconds: float = EACH_SECONDS) -> None:
        self._engine, self._meter, self._seconds = engine, meter, seconds
        self._told: Totals = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="stockroom-health", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Store the rest and end the thread."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def tell(self) -> int:
        """Store what was measured since the last success, and return how many names."""
        now = self._meter.totals()
        new = {what: sums.less(self._told.get(what, Sums())) for what, sums in now.items()}
        rows = [_row(kind, name, sums) for (kind, name), sums in new.items() if any(sums.outcomes.values())]
        if rows:
            run(self._engine, keep_calls, WORKER, rows=rows)
        self._told = now
        return len(rows)

    def _go_on(self) -> None:
        while True:
            is_last = self._stopping.wait(self._seconds)
            try:
                self.tell()
            except StockError as error:
                log.info("Measurements are stored a minute later: %s", error.message)
            except Exception as error:
                log.error("Measurements could not be stored", exc_info=error)
            if is_last:
                return


def _row(kind: Kind, name: str, sums: Sums) -> dict[str, object]:
    counts: dict[str, object] = {outcome.value: sums.outcomes[outcome] for outcome in Outcome}
    return counts | {"kind": kind.value, "name": name, "seconds": max(sums.seconds, 0.0), "buckets": sums.buckets}


def keep_calls(connection: Connection, _: Actor, *, rows: list[dict[str, object]]) -> None:
    """Add measurements to the sums of this minute and this hour."""
    call(connection, "select stockroom_api.keep_calls(%(rows)s::jsonb)", {"rows": json.dumps(rows)})


def keep_sample(connection: Connection, _: Actor) -> None:
    """Store a sample of the database's state, and delete old ones."""
    call(connection, "select stockroom_api.keep_sample()", {})


# ---------------------------------------------------------------- has anything become slow


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The measurements of a name in one step of time."""

    at: datetime
    name: str
    ok: int
    refused: int
    failed: int
    retried: int
    seconds: float
    buckets: tuple[int, ...]

    @property
    def calls(self) -> int:
        """How many calls ended."""
        return sum(self.buckets)

    def percentile(self, share: float) -> float | None:
        """Return the time in seconds within which `share` of the calls ended."""
        return percentile(self.buckets, share)


def between(
    connection: Connection, _: Actor, *, kind: Kind, since: datetime, until: datetime, step: timedelta
) -> tuple[Measured, ...]:
    """Return the measurements of a kind, in steps of time from `since`. Without a check of rights: for jobs only."""
    rows = call(
        connection,
        """select at, name, ok, refused, failed, retried, seconds, buckets
             from stockroom_api.calls_between(%(kind)s, %(since)s, %(until)s, %(step)s)""",
        {"kind": kind.value, "since": since, "until": until, "step": step},
    )
    return rows_of(Measured, ((*row[:-1], tuple(row[-1])) for row in rows))


def judge_speed(connection: Connection, actor: Actor, *, now: datetime | None = None) -> int:
    """Compare the last hour of each function with the same hour on the seven days before; return how many are slow.

    A case opens after three slow checks in a row, and closes after three that are not slow.
    """
    until = (now or datetime.now(UTC)).replace(second=0, microsecond=0)
    minutes = timedelta(minutes=59)  # under an hour, so that it is summed from minutes, not from hours of the clock
    hours = [
        between(
            connection, actor, kind=Kind.OPERATION, since=until - minutes - timedelta(days=days),
            until=until - timedelta(days=days), step=minutes,
        )
        for days in range(8)
    ]  # fmt: skip
    earlier: dict[str, list[float]] = {}
    for measured in (each for hour in hours[1:] for each in hour if each.calls >= LEAST_CALLS):
        earlier.setdefault(measured.name, []).append(measured.percentile(0.95) or 0.0)
    found = [slow for each in hours[0] if (slow := _slow(each, earlier.get(each.name, [])))]
    values = {"found": json.dumps(found)}
    return int(call(connection, "select stockroom_api.judge_speed(%(found)s::jsonb)", values)[0][0])


def _slow(measured: Measured, earlier: list[float]) -> dict[str, object] | None:
    now = measured.percentile(0.95) or 0.0
    if measured.calls < LEAST_CALLS or len(earlier) < LEAST_DAYS or now < LEAST_SECONDS:
        return None
    usual = median(earlier)
    if now <= SLOWER * usual:
        return None
    sentence = (
        f"{measured.name} takes {now * 1000:,.0f} ms (p95 of the last hour, {measured.calls:,} calls); at this time of "
        f"day in the last week it took {usual * 1000:,.0f} ms."
    )
    facts = {"function": measured.name, "ms": round(now * 1000, 1), "usual_ms": round(usual * 1000, 1)}
    return {"name": measured.name, "sentence": sentence, "facts": facts | {"calls": measured.calls}}


def judge_in_time(connection: Connection, actor: Actor) -> bool:
    """Judge speed if any process did so last ten minutes ago or earlier; return whether it was judged.

    The interval is half a minute shorter, so that a job which starts a little early does not skip to the next minute.
    """
    is_time = "select stockroom_api.is_time('judge_speed', interval '9 minutes 30 seconds')"
    due: bool = call(connection, is_time, {})[0][0]
    if due:
        judge_speed(connection, actor)
    return due


def keep_health(engine: Engine, _: Gateway | None, __: Callable[[str], None], stopping: threading.Event) -> bool:
    """Sample the state of the database each minute, and every ten minutes judge whether anything has become slow."""
    if not stopping.is_set():
        run(engine, keep_sample, WORKER)
        run(engine, judge_in_time, WORKER)
    return False
