"""The sample's past is played part by part: killed at any moment and started again, it is the same past, once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from core.database.engine import run
from core.inbox import messages as inbox
from core.inbox.messages import WORKER
from core.jobs import runs as jobs
from core.sample import load, play, today
from tests.conftest import SAMPLE_AT, SAMPLE_DAYS, open_fresh, open_sample
from tests.support.builders import Shop
from tests.support.servers import Server

pytestmark = pytest.mark.slow

MOVEMENTS = """select sku, movement_type, reason, quantity, quantity_after, performed_by, reference_type, occurred_at
                 from stock_movements order by sku, variant_sequence"""
ORDERS = """select o.number, o.email, o.amount, o.paid_at, o.cart_state, o.policy, o.dispute,
                   array_agg(l.state || l.taken || l.restored order by l.position) as lines
              from stockroom.orders o left join stockroom.order_lines l on l.order_id = o.id
             group by o.id order by o.paid_at, o.payment_id"""
MONEY = "select kind, state, amount, refunded_at from stockroom.refunds order by refunded_at, amount"


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture(scope="module")
def whole(server: Server) -> Iterator[Shop]:
    """The sample shop that was played in one go."""
    yield from open_sample(server)


@pytest.fixture(scope="module")
def begun(server: Server) -> Iterator[Shop]:
    """A sample shop of the same moment whose past is still to be played."""
    for shop in open_fresh(server):
        load.load_sample(shop.engine, SAMPLE_AT, seconds=0, days=SAMPLE_DAYS)
        yield shop


def progress(shop: Shop) -> play.Progress:
    """How far it is."""
    found = run(shop.engine, play.progress, WORKER)
    assert found is not None
    return found


def test_before_its_first_step_it_has_a_catalogue_and_its_job_is_asked_for(begun: Shop) -> None:
    assert begun.sql("select count(*) from product_variants") > 350
    at = progress(begun)
    assert (at.played, at.share, at.played_at) == (0, 0.0, None)
    begun.run(jobs.plan)
    assert begun.run(jobs.due) == ("play_sample",)


def test_a_kill_within_a_part_leaves_nothing_of_it(begun: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    play.play(begun.engine, today.sandbox_gateway(begun.engine), seconds=0.2)
    before = progress(begun), begun.sql("select made from stockroom.sandbox_account")

    def die(*_: Any, **__: Any) -> int:
        raise Killed

    monkeypatch.setattr(inbox, "receive", die)
    with pytest.raises(Killed):
        play.play(begun.engine, today.sandbox_gateway(begun.engine))
    assert (progress(begun), begun.sql("select made from stockroom.sandbox_account")) == before


def test_killed_between_storing_and_applying_and_played_by_two_it_is_the_same_past(whole: Shop, begun: Shop) -> None:
    run(begun.engine, play._play_part, WORKER, engine=begun.engine)
    assert begun.run(inbox.claim, limit=5), "a worker had claimed some when it was killed"
    gateway, ready = today.sandbox_gateway(begun.engine), threading.Barrier(2)

    def go_on() -> int:
        ready.wait()
        return play.play(begun.engine, gateway)

    with ThreadPoolExecutor(2) as crowd:
        played = [done.result() for done in [crowd.submit(go_on) for _ in range(2)]]
    at = progress(begun)
    assert (at.share, at.played_at is None) == (1.0, False)
    assert sum(played) <= at.steps
    for query in (ORDERS, MONEY):
        assert begun.rows(query) == whole.rows(query)
    assert begun.sql("select count(*) from stockroom.sandbox_objects") == whole.sql(
        "select count(*) from stockroom.sandbox_objects"
    )


def test_then_the_first_backup_and_the_first_proof_are_asked_for_one_after_the_other(begun: Shop) -> None:
    stopping, said = threading.Event(), list[str]()
    begun.run(jobs.plan)
    begun.sql("update stockroom.jobs set asked_at = null")
    for name in ("backup", "reconcile"):
        today.go_on(begun.engine, None, said.append, stopping)
        assert begun.run(jobs.due) == (name,)
        run_id = begun.run(jobs.begin, name=name, worker="w")
        begun.run(jobs.end, run_id=run_id, outcome=jobs.Outcome.DONE, said=["Done"])
    today.go_on(begun.engine, None, said.append, stopping)
    assert begun.run(jobs.due) == ()
    assert len([line for line in said if "was paid" in line]) == 1, "the next order comes some minutes later"


def test_a_shop_that_is_no_sample_anymore_neither_lists_nor_misses_the_job(begun: Shop) -> None:
    begun.sql("update stockroom.shop set is_sample = false")
    begun.sql("update stockroom.jobs set expected_at = now() - interval '1 day', done_until = now(), next_at = now()")
    begun.run(jobs.watch)
    assert "play_sample" not in {job.name for job in begun.run(jobs.jobs, "Ada")}
    assert begun.sql("select count(*) from stockroom.alerts where cause = 'job:play_sample'") == 0
    begun.sql("update stockroom.shop set is_sample = true")
    begun.run(jobs.plan)
    assert "play_sample" in {job.name for job in begun.run(jobs.jobs, "Ada")}


def test_other_shops_have_no_such_job(shop: Shop) -> None:
    shop.run(jobs.plan)
    assert "play_sample" not in {job.name for job in shop.run(jobs.jobs, "Ada")}
    assert run(shop.engine, play.progress, WORKER) is None
    assert today.go_on(shop.engine, None, print, threading.Event()) is False
