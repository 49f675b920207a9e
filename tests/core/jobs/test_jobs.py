"""The jobs: messages are applied within seconds, by one worker at a time, and survive a dead worker."""

from __future__ import annotations

import hashlib
import importlib
import logging
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from core.database import engine as database
from core.foundation.errors import StripeRefused, Unavailable
from core.inbox import applying, polling
from core.inbox.applying import Applied
from core.jobs import round as job_round
from core.jobs import worker as jobs
from core.jobs.chores import APPLY, CHORES
from core.ledger import holds
from tests.stripe.shop import Stripe
from tests.support.builders import Shop, key
from tests.support.servers import DOORS, Server, start_pgbouncer
from tests.support.working import MINUTELY, PATIENCE, idle, queue, until, waiting, workers, working

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the intervals of workers, so that tests do not wait."""
    for name, seconds in {"LOOK": 0.05, "BEAT": 0.2, "RESCUE": 0.1, "AGAIN": 0.1, "GRACE": 1.0}.items():
        monkeypatch.setattr(jobs, f"{name}_SECONDS", seconds)
    monkeypatch.setattr(job_round, "RETRY_SECONDS", 0.01)


# ---------------------------------------------------------------- at work


@pytest.fixture(params=DOORS)
def reached(fresh_shop: Shop, server: Server, request: pytest.FixtureRequest) -> Iterator[Shop]:
    """A shop, straight or through a transaction pooler."""
    if request.param == "straight":
        yield fresh_shop
        return
    pooler = start_pgbouncer(server)
    name = fresh_shop.engine.url.database
    shop = Shop.open(pooler.url(str(name), "stockroom_app"), fresh_shop.owner_url)
    yield shop
    shop.close()
    pooler.stop()


def test_what_came_in_leaves_the_shelf_within_seconds_of_the_wake(reached: Shop) -> None:
    stripe, said = Stripe(reached), list[str]()
    shoe = reached.variant(5, sku="TEE-M")
    with working(reached.engine, stripe.gateway, said.append):
        until(lambda: idle(reached))
        stripe.pay("TEE-M", 2)
        stripe.webhook()
        began = time.monotonic()
        jobs.wake(reached.engine)
        until(lambda: reached.on_hand(shoe) == 3 and queue(reached) == [])
        assert time.monotonic() - began < 5
    assert [line for line in said if "1 new order, 1 line taken off the shelf" in line]
    assert (waiting(reached), workers(reached)) == (0, 0)


def test_what_only_the_poll_sees_leaves_the_shelf_without_waiting_for_the_next_minute(
    fresh_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    stripe, said = Stripe(fresh_shop), list[str]()
    shoe = fresh_shop.variant(5, sku="TEE-M")
    stripe.pay("TEE-M")
    poll = polling.poll

    def poll_when_the_inbox_was_seen_empty(*shop: Any) -> int:
        until(lambda: queue(fresh_shop) == [("poll_stripe", "doing")])
        return poll(*shop)

    monkeypatch.setattr(polling, "poll", poll_when_the_inbox_was_seen_empty)
    with working(fresh_shop.engine, stripe.gateway, said.append):
        until(lambda: fresh_shop.on_hand(shoe) == 4 and idle(fresh_shop))
    assert re.fullmatch(r"Received [0-9]+ new messages? from Stripe\.", said[0])


def test_without_a_key_stripe_is_not_asked_and_the_rest_works(
    fresh_shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(polling, "poll", lambda *_: pytest.fail("there is nobody to ask"))
    with working(fresh_shop.engine):
        until(lambda: idle(fresh_shop))
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_an_account_of_another_name_works_as_the_apps_role(fresh_shop: Shop) -> None:
    engine = database.create_engine(fresh_shop.owner_url)
    with working(engine):
        until(lambda: idle(fresh_shop))
    engine.dispose()


def test_waking_twice_asks_once(fresh_shop: Shop) -> None:
    for _ in range(3):
        jobs.wake(fresh_shop.engine)
    assert queue(fresh_shop) == [("apply_inbox", "todo")]


def test_what_stripe_refuses_is_one_sentence_and_the_next_minute_tries_again(
    fresh_shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(*_: Any) -> int:
        raise StripeRefused("The key may not read Events.")

    stripe = Stripe(fresh_shop)
    monkeypatch.setattr(polling, "poll", refused)
    with working(fresh_shop.engine, stripe.gateway):
        until(lambda: idle(fresh_shop))
    said = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.getMessage() for record in said] == [
        "The job poll_stripe was not finished: The key may not read Events."
    ]


def test_a_fault_in_a_job_is_logged_and_recorded_and_stops_no_other(
    fresh_shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    faults = iter([ZeroDivisionError("by nought")] * CHORES[APPLY].attempts)

    def stumble(*_: Any, **__: Any) -> Applied:
        for fault in faults:
            raise fault
        return Applied()

    monkeypatch.setattr(applying, "apply_due", stumble)
    with working(fresh_shop.engine):
        until(lambda: queue(fresh_shop) == [("apply_inbox", "failed")])
        jobs.wake(fresh_shop.engine)
        until(lambda: queue(fresh_shop) == [("apply_inbox", "failed")])
    assert "by nought" in caplog.text


# ---------------------------------------------------------------- never twice at once


def test_many_workers_never_run_the_same_job_at_once(fresh_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    busy, most, rounds, lock = 0, 0, 0, threading.Lock()

    def slow(*_: Any, **__: Any) -> Applied:
        nonlocal busy, most, rounds
        with lock:
            busy, rounds = busy + 1, rounds + 1
            most = max(most, busy)
        time.sleep(0.1)
        with lock:
            busy -= 1
        return Applied()

    monkeypatch.setattr(applying, "apply_due", slow)
    with working(fresh_shop.engine), working(fresh_shop.engine), working(fresh_shop.engine):
        until(lambda: workers(fresh_shop) == 3)
        end = time.monotonic() + 1
        while time.monotonic() < end:
            jobs.wake(fresh_shop.engine)
            time.sleep(0.01)
    assert rounds > 3
    assert most == 1


def test_the_job_of_a_minute_is_done_once_however_many_workers_there_are(
    fresh_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[float] = []

    def counted(*_: Any, **__: Any) -> Applied:
        rounds.append(time.time() // 60)
        return Applied()

    monkeypatch.setattr(applying, "apply_due", counted)
    with working(fresh_shop.engine), working(fresh_shop.engine), working(fresh_shop.engine):
        until(lambda: workers(fresh_shop) == 3 and idle(fresh_shop))
    minutes = fresh_shop.sql(
        "select count(*) from procrastinate.procrastinate_periodic_defers where task_name = any(:names)", names=MINUTELY
    )
    assert minutes == len(MINUTELY)
    assert len(rounds) in (1, 2)  # two where a minute ended meanwhile


# ---------------------------------------------------------------- after a crash


CUT = """select count(pg_terminate_backend(pid)) from pg_stat_activity
          where usename = 'stockroom_app' and datname = :name"""
DIE = """
import sys, time
from core.database import engine as database
from core.inbox import applying
from core.jobs import worker as jobs
jobs.LOOK_SECONDS = 0.05
def die(*context, **values):
    print("now", flush=True)
    time.sleep(60)
applying.apply = die
worker = jobs.Worker(database.create_engine(sys.argv[1]), None)
worker.start()
time.sleep(60)
"""


def kill_in_the_middle(shop: Shop) -> None:
    """A worker in another process takes the job and is killed before it can commit."""
    process = subprocess.Popen([sys.executable, "-c", DIE, shop.app_url], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        assert process.stdout.readline() == "now\n"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_the_work_of_a_killed_worker_is_taken_up_again(fresh_shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    stripe = Stripe(fresh_shop)
    shoe = fresh_shop.variant(5, sku="TEE-M")
    stripe.pay("TEE-M")
    stripe.webhook()
    kill_in_the_middle(fresh_shop)
    assert ("apply_inbox", "doing") in queue(fresh_shop)
    assert fresh_shop.on_hand(shoe) == 5
    time_passes(fresh_shop)
    with working(fresh_shop.engine, stripe.gateway):
        until(lambda: fresh_shop.on_hand(shoe) == 4 and idle(fresh_shop))
    assert "died during the job apply_inbox" in caplog.text


def test_a_job_that_waits_behind_a_dead_one_takes_its_place(fresh_shop: Shop) -> None:
    stripe = Stripe(fresh_shop)
    fresh_shop.variant(5, sku="TEE-M")
    stripe.pay("TEE-M")
    stripe.webhook()
    kill_in_the_middle(fresh_shop)
    jobs.wake(fresh_shop.engine)
    assert {("apply_inbox", "doing"), ("apply_inbox", "todo")} <= set(queue(fresh_shop))
    time_passes(fresh_shop)
    with working(fresh_shop.engine, stripe.gateway):
        until(lambda: waiting(fresh_shop) == 0 and queue(fresh_shop) == [])


def time_passes(shop: Shop) -> None:
    """Let the heartbeat become old, and expire the claim on messages from the inbox."""
    shop.sql("update procrastinate.procrastinate_workers set last_heartbeat = now() - interval '1 hour'")
    shop.sql("update stockroom.stripe_events set due_at = now() where state = 'new'")


def test_what_failed_long_ago_is_forgotten(fresh_shop: Shop) -> None:
    jobs.wake(fresh_shop.engine)
    fresh_shop.sql("update procrastinate.procrastinate_jobs set status = 'failed'")
    fresh_shop.sql("update procrastinate.procrastinate_events set at = now() - interval '8 days'")
    with working(fresh_shop.engine):
        until(lambda: idle(fresh_shop))


def test_a_worker_that_loses_the_database_goes_on_when_it_is_back(fresh_shop: Shop) -> None:
    name = fresh_shop.engine.url.database
    with working(fresh_shop.engine):
        until(lambda: idle(fresh_shop))
        limit_connections(fresh_shop, name, 0)
        for _ in range(5):
            fresh_shop.sql(CUT, name=name)
            time.sleep(0.1)
        limit_connections(fresh_shop, name, -1)
        fresh_shop.sql("delete from procrastinate.procrastinate_workers")
        until(lambda: workers(fresh_shop) == 1)
        jobs.wake(fresh_shop.engine)
        until(lambda: idle(fresh_shop))


def limit_connections(shop: Shop, name: str | None, most: int) -> None:
    shop.sql(f'alter database "{name}" connection limit {most}')


def test_a_worker_stops_at_once_when_idle_and_leaves_no_trace(fresh_shop: Shop) -> None:
    with working(fresh_shop.engine) as worker:
        until(lambda: idle(fresh_shop))
        began = time.monotonic()
        worker.stop()
        assert time.monotonic() - began < 1
    assert workers(fresh_shop) == 0
    # A thread that has handed over what its job returned ends a moment later.
    until(lambda: not any(thread.name.startswith("stockroom") for thread in threading.enumerate()))


def test_a_job_that_takes_too_long_does_not_hold_up_the_end(fresh_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "GRACE_SECONDS", 0.2)
    begun, over = threading.Event(), threading.Event()

    def endless(*_: Any, **__: Any) -> Applied:
        begun.set()
        over.wait(PATIENCE)
        return Applied()

    monkeypatch.setattr(applying, "apply_due", endless)
    with working(fresh_shop.engine) as worker:
        assert begun.wait(PATIENCE)
        began = time.monotonic()
        worker.stop()
        assert time.monotonic() - began < 2
    over.set()
    assert ("apply_inbox", "aborted") in queue(fresh_shop)


# ---------------------------------------------------------------- the queue


def test_the_tables_of_the_queue_are_those_of_the_library_that_is_installed() -> None:
    """Another schema needs its own revision, for new databases and for those with the old one."""
    revision = importlib.import_module("core.migrations.versions.0004_jobs")
    schema = (resources.files("procrastinate.sql") / "schema.sql").read_bytes()
    assert hashlib.sha256(schema).hexdigest() == revision.SCHEMA_SHA256


def test_only_the_apps_role_may_touch_the_queue(shop: Shop) -> None:
    """No function of the queue is public, and only our two roles have rights on it."""
    for_everybody = """select count(*) from pg_proc p
                        cross join aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                        where p.pronamespace = 'procrastinate'::regnamespace and a.grantee = 0"""
    assert shop.sql(for_everybody) == 0
    holders = """select distinct a.grantee::regrole::text as who
                   from pg_class c cross join aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a
                  where c.relnamespace = 'procrastinate'::regnamespace and c.relkind = 'r'"""
    assert {row.who for row in shop.rows(holders)} == {"stockroom_owner", "stockroom_app"}
    assert not shop.sql("select has_schema_privilege('stockroom_app', 'procrastinate', 'create')")


def test_a_queue_out_of_reach_is_unavailable_and_nothing_else() -> None:
    engine = database.create_engine("postgresql+psycopg://stockroom_app@/shop?host=/nowhere")
    with pytest.raises(Unavailable):
        jobs.wake(engine)
    engine.dispose()


def test_what_is_held_past_its_time_is_given_back_without_anybody_asking(fresh_shop: Shop) -> None:
    shoe = fresh_shop.variant(2)
    wanted = [holds.Wanted(variant_id=shoe, quantity=2)]
    fresh_shop.run(holds.hold, items=wanted, key=key())
    fresh_shop.sql("update stockroom.reservations set expires_at = now() - interval '1 second'")
    with working(fresh_shop.engine):
        until(
            lambda: fresh_shop.sql("select reserved_quantity = 0 from public.product_variants where id = :id", id=shoe)
        )
