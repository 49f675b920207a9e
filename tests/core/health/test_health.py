"""Readiness, measurements and slowdowns of the installation."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import Engine
from starlette.applications import Starlette

from core.alerts import handling
from core.database import engine as database
from core.foundation import measure
from core.foundation.errors import InsufficientStock
from core.foundation.measure import BOUNDS, Kind, Meter, Outcome, percentile
from core.foundation.sales import AlertKind
from core.health import measures as health
from core.health import metrics
from core.health.measures import Keeper, Readiness
from core.inbox.messages import WORKER
from core.people import api_keys
from core.people.api_keys import Scope
from dashboard.door.health import HealthDoor
from tests.support.asking import Visitor
from tests.support.builders import Shop

NOW = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def meter(monkeypatch: pytest.MonkeyPatch) -> Meter:
    """A meter that knows of nothing yet."""
    fresh = Meter()
    monkeypatch.setattr(database, "METER", fresh)
    return fresh


def sums(meter: Meter, name: str) -> measure.Sums:
    return meter.totals()[Kind.OPERATION, name]


def visitor(engine: Engine) -> Visitor:
    return Visitor(Starlette(routes=[*HealthDoor(lambda: engine).routes()]))


def parts(answer: httpx.Response) -> dict[str, bool]:
    return {name: part["ok"] for name, part in answer.json()["parts"].items()}


def give_a_sign(shop: Shop) -> None:
    shop.sql("insert into procrastinate.procrastinate_workers default values")


# ---------------------------------------------------------------- measuring


def test_each_operation_is_counted_by_name_and_outcome(shop: Shop, meter: Meter) -> None:
    variant = shop.variant(3)
    shop.adjust(variant, -1)
    with pytest.raises(InsufficientStock):
        shop.adjust(variant, -5)
    found = sums(meter, "ledger.adjust")
    assert found.outcomes == {Outcome.OK: 1, Outcome.REFUSED: 1, Outcome.FAILED: 0, Outcome.RETRIED: 0}
    assert found.calls == 2
    assert meter.totals()[Kind.STATEMENT, "post_change"].calls == 3, "the receipt, too; by its label, without values"


def test_a_try_that_lost_against_a_lock_is_counted_beside_the_operation(shop: Shop, meter: Meter) -> None:
    tries: list[int] = []

    def sometimes(connection: object, actor: object) -> str:
        tries.append(1)
        if len(tries) == 1:
            shop_error = "do $$ begin raise exception using errcode = '40P01'; end $$"
            connection.exec_driver_sql(shop_error)  # type: ignore[attr-defined]
        return "done"

    assert database.run(shop.engine, sometimes, WORKER) == "done"
    (found,) = [each for (kind, name), each in meter.totals().items() if name.endswith("sometimes")]
    assert found.outcomes == {Outcome.OK: 1, Outcome.REFUSED: 0, Outcome.FAILED: 0, Outcome.RETRIED: 1}
    assert meter.totals()[Kind.LOCK, "deadlock"].calls == 1


def test_no_count_is_lost_between_threads_and_none_is_stored_twice(fresh_shop: Shop) -> None:
    meter = Meter()
    keepers = [Keeper(fresh_shop.engine, meter) for _ in range(1)]

    def note(_: int) -> None:
        for _ in range(500):
            meter.note(Kind.OPERATION, "ledger.adjust", Outcome.OK, 0.004)

    with ThreadPoolExecutor(8) as crowd:
        list(crowd.map(note, range(8)))
    assert [keeper.tell() for keeper in keepers for _ in range(2)] == [1, 0]
    other = Meter()
    other.note(Kind.OPERATION, "ledger.adjust", Outcome.REFUSED, 0.004)
    Keeper(fresh_shop.engine, other).tell()
    rows = fresh_shop.rows("select span, ok, refused, buckets from stockroom.health_calls where span = 'hour'")
    assert [(row.ok, row.refused) for row in rows] == [(4_000, 1)], "two processes add to one sum"
    assert sum(rows[0].buckets) == 4_001


def test_measurements_that_could_not_be_stored_are_stored_with_the_next(
    fresh_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter = Meter()
    keeper = Keeper(fresh_shop.engine, meter)
    meter.note(Kind.OPERATION, "ledger.adjust", Outcome.OK, 0.004)
    with monkeypatch.context() as broken:
        broken.setattr(health, "keep_calls", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            keeper.tell()
    assert keeper.tell() == 1


def test_a_percentile_lies_within_its_bucket() -> None:
    buckets = [0] * (len(BOUNDS) + 1)
    assert percentile(buckets, 0.5) is None
    buckets[4], buckets[10] = 90, 10
    assert BOUNDS[3] < (percentile(buckets, 0.5) or 0) <= BOUNDS[4]
    assert BOUNDS[9] < (percentile(buckets, 0.95) or 0) <= BOUNDS[10]
    assert percentile([0] * len(BOUNDS) + [1], 0.99) == BOUNDS[-1], "the last bucket has no upper end"


# ---------------------------------------------------------------- the doors


def test_healthz_answers_without_the_database_and_readyz_says_what_is_missing() -> None:
    nowhere = database.create_engine("postgresql://stockroom_app@127.0.0.1:1/none")
    door = visitor(nowhere)
    assert door.get("/healthz").json() == {"status": "ok"}
    answer = door.get("/readyz")
    assert answer.status_code == 503
    assert parts(answer) == {"database": False}
    assert "127.0.0.1" not in answer.text, "strangers learn no addresses"


def test_readyz_looks_at_database_migrations_worker_and_inbox(fresh_shop: Shop) -> None:
    answer = visitor(fresh_shop.engine).get("/readyz")
    assert (answer.status_code, parts(answer)["worker"]) == (503, False), "no worker has started"
    give_a_sign(fresh_shop)
    answer = visitor(fresh_shop.engine).get("/readyz")
    assert answer.status_code == 200
    assert parts(answer) == {"database": True, "migrations": True, "worker": True, "inbox": True}
    fresh_shop.sql("update stockroom.sql_text set checksum = 'of another release'")
    fresh_shop.sql("""insert into stockroom.stripe_events (event_id, kind, created_at, received_at, source, livemode,
                          body) values ('evt_1', 'x', now(), now() - interval '1 hour', 'poll', false, '{}')""")
    answer = visitor(fresh_shop.engine).get("/readyz")
    assert parts(answer) == {"database": True, "migrations": False, "worker": True, "inbox": False}


def test_a_crowd_of_strangers_asks_the_database_once(shop: Shop, meter: Meter) -> None:
    clock = [0.0]
    ready = Readiness(lambda: shop.engine, clock=lambda: clock[0])
    with ThreadPoolExecutor(20) as crowd:
        list(crowd.map(lambda _: ready.parts(), range(200)))
    assert sums(meter, "health.signs").calls == 1
    clock[0] = 2.5
    ready.parts()
    assert sums(meter, "health.signs").calls == 2


def test_metrics_need_a_key_with_their_scope(fresh_shop: Shop, meter: Meter) -> None:
    key = fresh_shop.run(api_keys.make, "Ada", name="Prometheus", scopes=(Scope.METRICS,))
    other = fresh_shop.run(api_keys.make, "Ada", name="Web shop", scopes=(Scope.VALIDATE,))
    door = visitor(fresh_shop.engine)
    assert door.get("/metrics").status_code == 401, "not even from this machine: a proxy in front comes from here, too"
    assert door.get("/metrics", headers={"Authorization": f"Bearer {other}"}).status_code == 403
    answer = door.get("/metrics", headers={"Authorization": f"Bearer {key}"})
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    text = metrics.exposition(fresh_shop.engine, meter).decode()
    assert 'stockroom_process_operations_total{operation="api_keys.make",outcome="ok"} 2.0' in text
    assert 'stockroom_process_operation_seconds_bucket{le="+Inf",operation="api_keys.make"} 2.0' in text
    names = ("stockroom_up 1.0", "stockroom_inbox_lag_seconds 0.0", "stockroom_database_bytes")
    for name in (*names, "stockroom_process_pool_connections", "stockroom_alerts_open", "stockroom_job_age_seconds"):
        assert name in text
    assert key not in text


def test_metrics_say_how_long_cases_wait_and_take(fresh_shop: Shop, meter: Meter) -> None:
    fresh_shop.adjust(fresh_shop.variant(4, reorder_point=5), -4)
    number = fresh_shop.sql("update stockroom.alerts set first_at = now() - interval '2 hours' returning id")
    text = metrics.exposition(fresh_shop.engine, meter).decode()
    assert 'stockroom_cases_untouched{kind="out_of_stock"} 1.0' in text
    assert "stockroom_case_first_hand_seconds{" not in text
    fresh_shop.run(handling.resolve, "Sam", alert_ids=[number], reason="Ordered 40")
    text = metrics.exposition(fresh_shop.engine, meter).decode()
    for name in ("first_hand", "resolution"):
        assert f'stockroom_case_{name}_seconds{{kind="out_of_stock"}} 7200' in text


def test_metrics_say_that_the_database_is_away() -> None:
    nowhere = database.create_engine("postgresql://stockroom_app@127.0.0.1:1/none")
    text = metrics.exposition(nowhere, Meter()).decode()
    assert "stockroom_up 0.0" in text
    assert "stockroom_inbox" not in text


# ---------------------------------------------------------------- keeping and judging


def past(shop: Shop, days: int, seconds: float, calls: int = 200) -> None:
    """An operation that took `seconds` each time, half an hour before NOW, some days before."""
    meter = Meter()
    for _ in range(calls):
        meter.note(Kind.OPERATION, "ledger.adjust", Outcome.OK, seconds)
    Keeper(shop.engine, meter).tell()
    shop.sql(
        "update stockroom.health_calls set at = :at where at > now() - interval '1 day' and span = 'minute'",
        at=NOW - timedelta(days=days, minutes=30),
    )
    shop.sql("delete from stockroom.health_calls where span = 'hour'")


def check(shop: Shop, times: int = 1) -> list[tuple[str, str]]:
    for _ in range(times):
        shop.run(health.judge_speed, WORKER, now=NOW)
    rows = shop.rows("select cause, state from stockroom.alerts where kind = :kind", kind=AlertKind.SLOWDOWN)
    return [(row.cause, row.state) for row in rows]


def test_a_function_that_stays_slow_is_a_case_and_closes_by_itself(fresh_shop: Shop) -> None:
    for days in (1, 2, 3, 4):
        past(fresh_shop, days, 0.03)
    past(fresh_shop, 0, 0.2)
    assert check(fresh_shop, 2) == [], "twice may be chance"
    assert check(fresh_shop) == [("slow:ledger.adjust", "open")]
    assert check(fresh_shop, 5) == [("slow:ledger.adjust", "open")], "one case, however often it is found"
    fresh_shop.sql("delete from stockroom.health_calls where at > :at", at=NOW - timedelta(hours=1))
    past(fresh_shop, 0, 0.03)
    assert check(fresh_shop, 2) == [("slow:ledger.adjust", "open")]
    assert check(fresh_shop) == [("slow:ledger.adjust", "resolved")]


@pytest.mark.parametrize(
    ("days", "usual", "now", "calls"),
    [(2, 0.03, 0.2, 200), (4, 0.03, 0.2, 50), (4, 0.03, 0.04, 200), (4, 0.001, 0.012, 200)],
    ids=["too new a shop", "too few calls", "hardly slower", "still fast"],
)
def test_what_is_no_slowdown_opens_nothing(fresh_shop: Shop, days: int, usual: float, now: float, calls: int) -> None:
    for day in range(1, days + 1):
        past(fresh_shop, day, usual)
    past(fresh_shop, 0, now, calls)
    assert check(fresh_shop, 4) == []


def test_measurements_end_by_themselves(fresh_shop: Shop) -> None:
    fresh_shop.sql(
        """insert into stockroom.health_samples
           select s, date_trunc(s, now(), 'UTC') - make_interval(hours => 24 * d - 12), 1, 0, 0, 0, 0
             from unnest(array['minute', 'hour']) s, generate_series(1, 60) d"""
    )
    assert health.keep_health(fresh_shop.engine, None, print, threading.Event()) is False
    rows = fresh_shop.rows(
        "select span, count(*) as n, max(database_bytes) as size from stockroom.health_samples group by span"
    )
    assert {row.span: row.n for row in rows} == {"minute": 8 + 1, "hour": 35 + 1}, "and the one of just now"
    assert min(row.size for row in rows) > 1_000_000
