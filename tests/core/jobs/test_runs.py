"""The record of the jobs: run on time, retried, stopped at their limit, switched off, and reported if missed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from core.foundation.errors import Forbidden, InvalidInput, StripeRefused
from core.jobs import round as job_round
from core.jobs import runs as job_runs
from core.jobs import worker as jobs
from core.jobs.chores import APPLY, CHORES, Chore
from core.jobs.round import Lingering, Round
from core.jobs.runs import Outcome, Watch
from core.people import audit
from tests.stripe.shop import Stripe
from tests.support.builders import Shop
from tests.support.working import queue, until, waiting, working

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
NAP = "nap"


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOOK", "BEAT", "RESCUE", "AGAIN"):
        monkeypatch.setattr(jobs, f"{name}_SECONDS", 0.1)
    monkeypatch.setattr(job_round, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(job_round, "HEED_SECONDS", 0.3)


class Job:
    """A job for tests: its work, and one run of it."""

    def __init__(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shop, self.patch = shop, monkeypatch
        self.lingering = Lingering(shop.engine)

    def does(self, work: Any, **chore: Any) -> None:
        self.patch.setitem(CHORES, NAP, Chore(work=work, title="Take a nap", **chore))
        self.shop.run(job_runs.plan)

    def goes(self) -> bool:
        each = Round(name=NAP, engine=self.shop.engine, gateway=None, say=lambda _: None, lingering=self.lingering)
        return asyncio.run(each.go())

    @property
    def runs(self) -> list[tuple[Outcome | None, tuple[str, ...]]]:
        return [(run.outcome, run.said) for run in self.shop.run(job_runs.runs, "Ada", name=NAP)]

    @property
    def state(self) -> job_runs.JobState:
        found: tuple[job_runs.JobState, ...] = self.shop.run(job_runs.jobs, "Ada")
        return next(state for state in found if state.name == NAP)


@pytest.fixture
def job(fresh_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Job:
    return Job(fresh_shop, monkeypatch)


def idle(*_: Any) -> bool:
    return False


# ---------------------------------------------------------------- its time


@pytest.mark.parametrize(
    ("after", "begins"),
    [
        ("2026-03-28 12:00+00", "2026-03-29 01:30+00"),  # 02:30 does not exist that night: an hour on
        ("2026-03-29 12:00+00", "2026-03-30 00:30+00"),  # summer time
        ("2026-10-24 12:00+00", "2026-10-25 01:30+00"),  # 02:30 comes twice: once is enough
        ("2026-10-25 01:30+00", "2026-10-26 01:30+00"),
    ],
)
def test_a_daily_job_begins_once_on_each_day_of_the_shop_whatever_the_clocks_do(
    fresh_shop: Shop, after: str, begins: str
) -> None:
    fresh_shop.sql("update stockroom.shop set zone = 'Europe/Berlin'")
    fresh_shop.run(job_runs.change_hour, "Ada", at=time(2, 30))
    found = fresh_shop.sql("select stockroom_api.next_daily(cast(:at as timestamptz))", at=after)
    assert found == datetime.fromisoformat(begins + ":00")


def test_two_workers_do_a_daily_job_once_at_its_hour(job: Job) -> None:
    job.does(idle, daily=True)
    job.shop.sql("update stockroom.jobs set done_until = now() - interval '1 day' where name = 'nap'")
    with working(job.shop.engine), working(job.shop.engine):
        until(lambda: job.state.last_outcome is Outcome.IDLE)
        until(lambda: queue(job.shop) == [])
    assert job.shop.sql("select count(*) from stockroom.job_runs where name = 'nap'") == 1
    assert job.state.next_at is not None
    assert job.state.next_at > datetime.now(UTC)


def test_a_job_that_ada_asks_for_starts_at_once_and_names_her(job: Job) -> None:
    job.does(idle, daily=True)
    job.shop.run(job_runs.ask, "Ada", name=NAP)
    with working(job.shop.engine):
        until(lambda: job.state.last_outcome is not None)
    (run,) = job.shop.run(job_runs.runs, "Ada", name=NAP)
    assert run.asked_by == "Ada"


# ---------------------------------------------------------------- how it ends


def test_runs_that_found_nothing_to_do_leave_one_line(job: Job) -> None:
    job.does(idle)
    for _ in range(4):
        job.goes()
    assert job.runs == [(Outcome.IDLE, ())]


def test_the_lines_of_a_job_are_stored_with_its_run(job: Job) -> None:
    job.does(lambda _engine, _gateway, say, _stop: bool(say("Slept well.")))
    job.goes()
    assert job.runs == [(Outcome.DONE, ("Slept well.",))]


def test_a_job_is_tried_three_times_and_has_failed_then(job: Job) -> None:
    def refused(*_: Any) -> bool:
        raise StripeRefused("The key may not read Events.")

    job.does(refused)
    with pytest.raises(StripeRefused):
        job.goes()
    assert job.runs == [(Outcome.FAILED, ("The key may not read Events.",) * 3)]


def test_a_job_over_its_limit_is_asked_to_stop_and_its_place_is_free(job: Job) -> None:
    job.does(lambda _engine, _gateway, _say, stop: bool(stop.wait(20)), limit_seconds=1)
    job.goes()
    assert job.runs == [(Outcome.TIMED_OUT, ("It was asked to stop at its limit of 1 seconds.",))]
    assert not job.state.lingers


def test_a_job_that_does_not_stop_blocks_no_other_and_is_not_started_twice(job: Job) -> None:
    end = threading.Event()
    job.does(lambda *_: end.wait(20) and False, limit_seconds=1)
    job.goes()
    job.goes()
    assert [outcome for outcome, _ in job.runs] == [Outcome.TIMED_OUT]
    assert job.state.lingers
    end.set()
    run_ids = [run.id for run in job.shop.run(job_runs.runs, "Ada", name=NAP)]
    job.shop.run(job_runs.linger, run_ids=run_ids, is_over=True)
    job.does(idle)
    job.goes()
    assert [outcome for outcome, _ in job.runs] == [Outcome.IDLE, Outcome.TIMED_OUT]


def test_a_statement_that_waits_for_ever_ends_at_the_limit(job: Job) -> None:
    def wait(engine: Any, *_: Any) -> bool:
        with engine.begin() as connection:
            connection.exec_driver_sql("select pg_sleep(20)")
        return False

    job.does(wait, limit_seconds=1, attempts=1)
    with suppress(DBAPIError):  # where it ended just before its run was asked to stop
        job.goes()
    assert job.runs[0][0] in (Outcome.TIMED_OUT, Outcome.FAILED)
    assert not job.state.lingers


# ---------------------------------------------------------------- switched off


def test_a_job_that_ada_switched_off_is_not_begun_and_its_work_waits(job: Job) -> None:
    job.does(idle)
    job.shop.run(job_runs.switch, "Ada", name=NAP, is_on=False)
    job.goes()
    assert job.runs == []
    assert (job.state.off_by, job.state.next_at, job.state.overdue) == ("Ada", None, False)
    with pytest.raises(InvalidInput):
        job.shop.run(job_runs.ask, "Ada", name=NAP)
    job.shop.run(job_runs.switch, "Ada", name=NAP, is_on=True)
    job.goes()
    assert job.runs == [(Outcome.IDLE, ())]
    latest = [
        (change.performed_by, change.what, change.subject) for change in job.shop.run(audit.recent_changes, "Ada")
    ]
    assert latest[:2] == [
        ("Ada", audit.What.JOB_SWITCHED_ON, "Take a nap"), ("Ada", audit.What.JOB_SWITCHED_OFF, "Take a nap"),
    ]  # fmt: skip


def test_only_an_admin_looks_at_jobs_and_switches_them(job: Job) -> None:
    job.does(idle)
    for operation, values in (
        (job_runs.jobs, {}), (job_runs.runs, {"name": NAP}), (job_runs.daily_at, {}), (job_runs.ask, {"name": NAP}),
        (job_runs.switch, {"name": NAP, "is_on": False}), (job_runs.change_hour, {"at": time(4)}),
    ):  # fmt: skip
        with pytest.raises(Forbidden):
            job.shop.run(operation, "Mia", **values)


# ---------------------------------------------------------------- missed


def test_a_job_that_missed_its_time_twice_opens_one_case_which_its_next_run_resolves(job: Job) -> None:
    job.does(idle)
    assert job.shop.run(job_runs.watch) == 0
    job.shop.sql("update stockroom.jobs set expected_at = now() - interval '4 minutes' where name = 'nap'")
    assert [job.shop.run(job_runs.watch) for _ in range(2)] == [1, 0]
    assert job.shop.sql("select overdue from stockroom_api.job_pulse where name = 'nap'")
    states = "select state from stockroom.alerts where kind = 'job_stalled' and cause = 'job:nap'"
    assert job.shop.sql(states) == "open"
    job.goes()
    assert job.shop.sql(states) == "resolved"


def test_a_job_that_failed_three_times_running_opens_one_case_which_a_good_run_resolves(job: Job) -> None:
    def refused(*_: Any) -> bool:
        raise StripeRefused("The key may not read Events.")

    job.does(refused, attempts=1)
    opened = []
    for _ in range(4):
        with pytest.raises(StripeRefused):
            job.goes()
        opened.append(job.shop.run(job_runs.watch))
    assert opened == [0, 0, 1, 0]
    assert job.state.failing
    case = "select state from stockroom.alerts where kind = 'job_stalled' and cause = 'job_fails:nap'"
    said = job.shop.sql("select sentence from stockroom.alerts where cause = 'job_fails:nap'")
    assert said == 'The job "Take a nap" fails repeatedly: The key may not read Events.'
    assert job.shop.sql(case) == "open"
    job.does(idle)
    job.goes()
    assert job.shop.sql(case) == "resolved"
    assert not job.state.failing


def test_a_daily_job_that_failed_once_opens_a_case_and_switching_it_off_ends_it(job: Job) -> None:
    def refused(*_: Any) -> bool:
        raise StripeRefused("No.")

    job.does(refused, attempts=1, daily=True)
    job.shop.run(job_runs.ask, "Ada", name=NAP)
    with pytest.raises(StripeRefused):
        job.goes()
    assert job.shop.run(job_runs.watch) == 1
    job.shop.run(job_runs.switch, "Ada", name=NAP, is_on=False)
    assert job.shop.sql("select state from stockroom.alerts where cause = 'job_fails:nap'") == "resolved"
    assert job.shop.run(job_runs.watch) == 0


def test_a_process_without_a_worker_notices_that_no_worker_runs_the_jobs(job: Job) -> None:
    job.does(idle)
    job.shop.sql("update stockroom.jobs set expected_at = now() - interval '4 minutes' where name = 'nap'")
    watch = Watch(job.shop.engine)
    watch.start()
    try:
        until(lambda: job.shop.sql("select count(*) from stockroom.alerts where cause = 'job:nap'") == 1)
    finally:
        watch.stop()


# ---------------------------------------------------------------- processes


WORK = """
import os, sys, time
from core.database import engine as database
from core.jobs import chores, worker as jobs
jobs.LOOK_SECONDS = 0.05
jobs.BEAT_SECONDS, jobs.RESCUE_SECONDS, jobs.SILENCE_SECONDS = 0.3, 0.3, 2.0
def nap(engine, gateway, say, stopping):
    with open(sys.argv[2], "a") as log:
        log.write(f"begin {os.getpid()}\\n")
    stopping.wait(float(sys.argv[3]))
    with open(sys.argv[2], "a") as log:
        log.write(f"end {os.getpid()}\\n")
    return False
chores.CHORES["nap"] = chores.Chore(work=nap, daily=True, title="Take a nap")
worker = jobs.Worker(database.create_engine(sys.argv[1]), None)
worker.start()
print("ready", flush=True)
time.sleep(60)
"""


def start(shop: Shop, log: Path, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WORK, shop.app_url, str(log), str(seconds)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ.copy())
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def end(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


def test_two_processes_never_run_the_same_job_at_once_and_a_killed_ones_is_taken_up(job: Job, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    job.does(idle, daily=True)
    job.shop.sql("update stockroom.jobs set done_until = now() - interval '1 day' where name = 'nap'")
    first, second = start(job.shop, log, 30), start(job.shop, log, 30)
    try:
        until(lambda: log.read_text())
        until(lambda: job.state.is_running)
        (line,) = log.read_text().splitlines()
        busy = first if line == f"begin {first.pid}" else second
        busy.kill()
        until(lambda: len(log.read_text().splitlines()) == 2)
        other = second if busy is first else first
        assert log.read_text().splitlines()[1] == f"begin {other.pid}"
    finally:
        end(first, second)
    assert [outcome for outcome, _ in job.runs] == [None, Outcome.LOST]


def test_while_the_inbox_is_switched_off_messages_stay_and_leave_when_it_is_on_again(fresh_shop: Shop) -> None:
    stripe, shoe = Stripe(fresh_shop), fresh_shop.variant(5, sku="TEE-M")
    fresh_shop.run(job_runs.plan)
    fresh_shop.run(job_runs.switch, "Ada", name=APPLY, is_on=False)
    stripe.pay("TEE-M")
    stripe.webhook()
    with working(fresh_shop.engine, stripe.gateway):
        jobs.wake(fresh_shop.engine)
        until(lambda: queue(fresh_shop) == [])
        assert (fresh_shop.on_hand(shoe), waiting(fresh_shop) > 0) == (5, True)
        fresh_shop.run(job_runs.switch, "Ada", name=APPLY, is_on=True)
        fresh_shop.run(job_runs.ask, "Ada", name=APPLY)
        until(lambda: fresh_shop.on_hand(shoe) == 4)
