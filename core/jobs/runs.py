"""The record of the jobs: their times, their runs, and which are switched off.

Rules and locks: core/sql/90_jobs/1_runs.sql. Every run starts there or not at all. A run that a dead worker left open
is closed when the job starts next.
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
"""How long a run is stored."""
SHOWN = 20


class Outcome(StrEnum):
    """How a run ended. Idle: there was nothing to do. Lost: its worker died during the run."""

    DONE = "done"
    IDLE = "idle"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """A job as Settings shows it: its last run, its next time, and the person who switched it off."""

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
    """A run of a job: its times, its worker, its outcome, and the lines that it reported."""

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
    """Store the list of jobs and their times."""
    now = datetime.now(UTC)
    is_sample = call(connection, "select is_sample from stockroom_api.shop", {})[0][0]
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
        if is_sample or not chore.is_of_sample
    ]
    call(connection, "select stockroom_api.plan_jobs(%(jobs)s::jsonb)", {"jobs": json.dumps(rows)})
    others = [name for name, chore in CHORES.items() if chore.is_of_sample and not is_sample]
    call(connection, "select stockroom_api.forget_jobs(%(names)s::text[])", {"names": others})


def due(connection: Connection, _: Actor) -> tuple[str, ...]:
    """Return the jobs to start now that are not started by cron."""
    return tuple(name for (name,) in call(connection, "select name from stockroom_api.jobs_due order by name", {}))


def begin(connection: Connection, _: Actor, *, name: str, worker: str) -> int | None:
    """Start a run and return its id, or None if the job may not start now: it is switched off or already done."""
    values = {"name": name, "worker": worker, "next_at": CHORES[name].next_at(datetime.now(UTC))}
    found = call(connection, "select stockroom_api.begin_job(%(name)s, %(worker)s, %(next_at)s)", values)[0][0]
    return None if found is None else int(found)


def end(
    connection: Connection, _: Actor, *, run_id: int, outcome: Outcome, said: Sequence[str], lingers: bool = False
) -> None:
    """End a run. `lingers`: its thread still continues, so the job may not start again."""
    values = {"id": run_id, "outcome": outcome.value, "said": list(said), "lingers": lingers, "days": KEEP_DAYS}
    call(
        connection,
        "select stockroom_api.end_job(%(id)s, %(outcome)s, %(said)s::text[], %(lingers)s, %(days)s)",
        values,
    )


def linger(connection: Connection, _: Actor, *, run_ids: Iterable[int], is_over: bool = False) -> None:
    """Record that runs past their limit still continue, or that they are over."""
    values = {"ids": array(run_ids), "is_over": is_over}
    call(connection, "select stockroom_api.linger(%(ids)s::bigint[], %(is_over)s)", values)


def watch(connection: Connection, actor: Actor) -> int:
    """Open a case for each job that missed its time twice or keeps failing, and return the number of new cases."""
    plan(connection, actor)
    return int(call(connection, "select stockroom_api.watch_jobs()", {})[0][0])


class Watch:
    """A thread that calls `watch` each minute, for a process that leaves the jobs to others.

    Workers do the same. If all of them are dead, this thread still opens the cases.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine, self._stopping = engine, threading.Event()
        self._thread = threading.Thread(target=self._keep_watching, name="stockroom-watch", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(WATCH_SECONDS)

    def _keep_watching(self) -> None:
        while not self._stopping.is_set():
            try:
                run(self._engine, watch, WORKER)
            except StockError as error:  # without the database no job runs, and /readyz says so
                log.warning("The jobs cannot be watched: %s", error.message)
            self._stopping.wait(WATCH_SECONDS)


# ---------------------------------------------------------------- for people


def jobs(connection: Connection, actor: Actor) -> tuple[JobState, ...]:
    """Return every job. Raises Forbidden, SignInRequired."""
    require(connection, actor, Permission.MANAGE_JOBS)
    found = rows_of(JobState, call(connection, _STATES, {}))
    return tuple(replace(job, last_said=tuple(job.last_said), last_outcome=_ended(job.last_outcome)) for job in found)


def runs(connection: Connection, actor: Actor, *, name: str) -> tuple[JobRun, ...]:
    """Return the last runs of a job, newest first. Raises Forbidden, SignInRequired."""
    require(connection, actor, Permission.MANAGE_JOBS)
    found = rows_of(JobRun, call(connection, _RUNS, {"name": name, "shown": SHOWN}))
    return tuple(replace(each, said=tuple(each.said), outcome=_ended(each.outcome)) for each in found)


def switch(connection: Connection, actor: Actor, *, name: str, is_on: bool) -> None:
    """Switch a job off or on; recorded in the audit. Raises InvalidInput, Forbidden, SignInRequired."""
    values = asker(actor, Permission.MANAGE_JOBS) | {"job": name, "is_on": is_on}
    call(connection, f"select stockroom_api.switch_job({ASKER}, %(job)s, %(is_on)s)", values)


def ask(connection: Connection, actor: Actor, *, name: str) -> None:
    """Ask for a job to run now; a worker starts it within seconds. Raises InvalidInput, Forbidden, SignInRequired."""
    values = asker(actor, Permission.MANAGE_JOBS) | {"job": name}
    call(connection, f"select stockroom_api.ask_job({ASKER}, %(job)s)", values)


def daily_at(connection: Connection, actor: Actor) -> time:
    """Return the time of the daily jobs, in the shop's zone. Raises Forbidden, SignInRequired."""
    require(connection, actor, Permission.MANAGE_JOBS)
    found: time = call(connection, "select daily_at from stockroom_api.job_hour", {})[0][0]
    return found


def change_hour(connection: Connection, actor: Actor, *, at: time) -> None:
    """Change the time of the daily jobs. Raises Forbidden, SignInRequired."""
    values = asker(actor, Permission.MANAGE_JOBS) | {"at": at.replace(tzinfo=None, microsecond=0)}
    call(connection, f"select stockroom_api.change_job_hour({ASKER}, %(at)s)", values)


def _ended(outcome: str | None) -> Outcome | None:
    return Outcome(outcome) if outcome else None
