"""What is on record of the jobs: their times, their runs, and which are switched off.

Rules and locks: core/sql/90_jobs/1_runs.sql. A run is begun there or not at all, whoever asks; what a dead worker
left open is closed by the next to begin.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from sqlalchemy import Connection, Engine

from core.database.engine import array, call, rows_of, run
from core.foundation.errors import StockError
from core.foundation.model import Actor
from core.inbox.messages import WORKER
from core.jobs.chores import CHORES
from core.people.access import Permission
from core.people.guard import ASKER, asker, require

log = logging.getLogger("stockroom")

WATCH_SECONDS = 60.0
"""How often a process looks for jobs that have missed their time."""
KEEP_DAYS = 14
"""How long a run is kept."""
SHOWN = 20


class Outcome(StrEnum):
    """How a run ended; idle: there was nothing to do; lost: its worker ended in the middle."""

    DONE = "done"
    IDLE = "idle"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """A job as Settings shows it: its last run, its next time, and who switched it off."""

    name: str
    title: str
    period: int
    is_daily: bool
    limit_seconds: int
    asked_at: datetime | None
    asked_by: str | None
    off_at: datetime | None
    off_by: str | None
    last_began_at: datetime | None
    last_outcome: Outcome | None
    last_said: tuple[str, ...]
    last_took: timedelta | None
    is_running: bool
    lingers: bool
    next_at: datetime | None
    overdue: bool
    failing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRun:
    """A run: when, by which worker, how it ended and what it said."""

    id: int
    began_at: datetime
    ended_at: datetime | None
    outcome: Outcome | None
    said: tuple[str, ...]
    worker: str
    asked_by: str | None


_STATES = """
    select name, title, period, is_daily, limit_seconds, asked_at, asked_by, off_at, off_by, last_began_at,
           last_outcome, coalesce(last_said, '{}'), last_took, is_running, coalesce(lingers, false), next_at, overdue,
           failing
      from stockroom_api.job_states
     order by period, title"""
_RUNS = """
    select id, began_at, ended_at, outcome, said, worker, asked_by
      from stockroom_api.job_runs where name = %(name)s order by id desc limit %(shown)s"""


# ---------------------------------------------------------------- for workers


def plan(connection: Connection, _: Actor) -> None:
    """Say which jobs there are, and when."""
    now = datetime.now(UTC)
    rows = [
        {
            "name": name,
            "title": chore.title or name.replace("_", " ").capitalize(),
            "period": chore.period,
            "is_daily": chore.daily,
            "limit_seconds": chore.limit_seconds,
            "next_at": at.isoformat() if (at := chore.next_at(now)) else None,
        }
        for name, chore in CHORES.items()
    ]
    call(connection, "select stockroom_api.plan_jobs(%(jobs)s::jsonb)", {"jobs": json.dumps(rows)})


def due(connection: Connection, _: Actor) -> tuple[str, ...]:
    """Return the jobs to begin now that no cron begins."""
    return tuple(name for (name,) in call(connection, "select name from stockroom_api.jobs_due order by name", {}))


def begin(connection: Connection, _: Actor, *, name: str, worker: str) -> int | None:
    """Begin a run; None where it may not begin now, because it is switched off or has been done."""
    values = {"name": name, "worker": worker, "next_at": CHORES[name].next_at(datetime.now(UTC))}
    found = call(connection, "select stockroom_api.begin_job(%(name)s, %(worker)s, %(next_at)s)", values)[0][0]
    return None if found is None else int(found)


def end(
    connection: Connection, _: Actor, *, run_id: int, outcome: Outcome, said: Sequence[str], lingers: bool = False
) -> None:
    """End a run; `lingers`: its thread does not end, and nobody may begin beside it."""
    values = {"id": run_id, "outcome": outcome.value, "said": list(said), "lingers": lingers, "days": KEEP_DAYS}
    call(
        connection,
        "select stockroom_api.end_job(%(id)s, %(outcome)s, %(said)s::text[], %(lingers)s, %(days)s)",
        values,
    )


def linger(connection: Connection, _: Actor, *, run_ids: Iterable[int], is_over: bool = False) -> None:
    """Say of runs past their limit that they go on still, or that they are over."""
    values = {"ids": array(run_ids), "is_over": is_over}
    call(connection, "select stockroom_api.linger(%(ids)s::bigint[], %(is_over)s)", values)


def watch(connection: Connection, actor: Actor) -> int:
    """Open a case for each job that missed its time twice or keeps failing; returns how many new ones there are."""
    plan(connection, actor)
    return int(call(connection, "select stockroom_api.watch_jobs()", {})[0][0])


class Watch:
    """Opens a case for each job that has missed its time twice, as a worker does; when all are dead, this alone."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._stopping = engine, threading.Event()
        self._thread = threading.Thread(target=self._keep_watching, name="stockroom-watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(WATCH_SECONDS)

    def _keep_watching(self) -> None:
        while not self._stopping.is_set():
            try:
                run(self._engine, watch, WORKER)
            except StockError as error:  # without the database nobody works, and health says so
                log.warning("Nobody can look after the jobs: %s", error.message)
            self._stopping.wait(WATCH_SECONDS)


# ---------------------------------------------------------------- for people


def jobs(connection: Connection, actor: Actor) -> tuple[JobState, ...]:
    """Return every job. Raises Forbidden, SignInRequired."""
    require(connection, actor, Permission.MANAGE_JOBS)
    found = rows_of(JobState, call(connection, _STATES, {}))
    return tuple(replace(job, last_said=tuple(job.last_said), last_outcome=_ended(job.last_outcome)) for job in found)


def runs(connection: Connection, actor: Actor, *, name: str) -> tuple[JobRun, ...]:
    """Return the last runs of a job, the newest first. Raises Forbidden, SignInRequired."""
    require(connection, actor, Permission.MANAGE_JOBS)
    found = rows_of(JobRun, call(connection, _RUNS, {"name": name, "shown": SHOWN}))
    return tuple(replace(each, said=tuple(each.said), outcome=_ended(each.outcome)) for each in found)


def switch(connection: Connection, actor: Actor, *, name: str, is_on: bool) -> None:
    """Switch a job off, or on again, on record. Raises InvalidInput, Forbidden, SignInRequired."""
    values = asker(actor, Permission.MANAGE_JOBS) | {"job": name, "is_on": is_on}
    call(connection, f"select stockroom_api.switch_job({ASKER}, %(job)s, %(is_on)s)", values)


def ask(connection: Connection, actor: Actor, *, name: str) -> None:
    """Have a job begun now; some worker does within seconds. Raises InvalidInput, Forbidden, SignInRequired."""
    values = asker(actor, Permission.MANAGE_JOBS) | {"job": name}
    call(connection, f"select stockroom_api.ask_job({ASKER}, %(job)s)", values)


def daily_at(connection: Connection, actor: Actor) -> time:
    """Return the hour of the daily jobs, on the shop's clock. Raises Forbidden, SignInRequired."""
    require(connection, actor, Permission.MANAGE_JOBS)
    found: time = call(connection, "select daily_at from stockroom_api.job_hour", {})[0][0]
    return found


def change_hour(connection: Connection, actor: Actor, *, at: time) -> None:
    """Change the hour of the daily jobs. Raises Forbidden, SignInRequired."""
    values = asker(actor, Permission.MANAGE_JOBS) | {"at": at.replace(tzinfo=None, microsecond=0)}
    call(connection, f"select stockroom_api.change_job_hour({ASKER}, %(at)s)", values)


def _ended(outcome: str | None) -> Outcome | None:
    return Outcome(outcome) if outcome else None
