"""/metrics in Prometheus' text format: the measurements of this process, and those of the shop's database.

This is the only module that imports prometheus_client. Numbers are read at each request; nothing is stored for it.
Names beginning with `stockroom_process_` are about the answering process, all others about the shop's database.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry
from sqlalchemy import Connection, Engine
from sqlalchemy.pool import QueuePool

from core.database import pool, replicas
from core.database.engine import call, run
from core.foundation.errors import StockError
from core.foundation.measure import BOUNDS, METER, Kind, Meter, Outcome, Sums
from core.foundation.model import Actor
from core.health import measures as health
from core.health.measures import Signs
from core.inbox.messages import WORKER

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


def exposition(engine: Engine, meter: Meter = METER) -> bytes:
    """Return all metrics, read now."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Everything(engine, meter))
    return generate_latest(registry)


class _Everything(Collector):
    def __init__(self, engine: Engine, meter: Meter) -> None:
        self._engine, self._meter = engine, meter

    def describe(self) -> list[Metric]:
        """Return nothing, so that registering does not query the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Read all metrics."""
        yield from _of_process(self._meter)
        yield _pool(self._engine)
        yield from _replicas(self._engine)
        yield from _of_database(self._engine)


def _of_process(meter: Meter) -> Iterator[Metric]:
    totals = meter.totals()
    operations = [(name, sums) for (kind, name), sums in sorted(totals.items()) if kind is Kind.OPERATION]
    counter = CounterMetricFamily(
        "stockroom_process_operations", "Operations by name and outcome", labels=["operation", "outcome"]
    )
    for name, sums in operations:
        for outcome in Outcome:
            counter.add_metric([name, outcome.value], sums.outcomes[outcome])
    yield counter
    durations = HistogramMetricFamily(
        "stockroom_process_operation_seconds", "How long operations took", labels=["operation"]
    )
    for name, sums in operations:
        durations.add_metric([name], _buckets(sums), sums.seconds)
    yield durations
    lost = CounterMetricFamily("stockroom_process_lock_losses", "Attempts that failed at a lock", labels=["why"])
    waited = CounterMetricFamily("stockroom_process_lock_loss_seconds", "Time of those attempts", labels=["why"])
    for (kind, name), sums in sorted(totals.items()):
        if kind is Kind.LOCK:
            lost.add_metric([name], sums.calls)
            waited.add_metric([name], sums.seconds)
    yield from (lost, waited)


def _buckets(sums: Sums) -> list[tuple[str, float]]:
    """Return cumulative buckets, as Prometheus needs them."""
    passed, buckets = 0, []
    for bound, count in zip((*map(str, BOUNDS), "+Inf"), sums.buckets, strict=True):
        passed += count
        buckets.append((bound, float(passed)))
    return buckets


def _pool(engine: Engine) -> Metric:
    """Return the connections of all kinds of work of this process."""
    gauge = GaugeMetricFamily("stockroom_process_pool_connections", "Connections by state", labels=["state"])
    pools = [each.pool for each in {engine, *pool.engines()} if isinstance(each.pool, QueuePool)]
    gauge.add_metric(["in use"], sum(each.checkedout() for each in pools))
    gauge.add_metric(["idle"], sum(each.checkedin() for each in pools))
    return gauge


def _replicas(engine: Engine) -> Iterator[Metric]:
    """Yield how each replica stands. Their names are numbers, without hosts."""
    found = replicas.standings(engine)
    gauges = (
        (
            "stockroom_process_replica_up",
            "Whether reads go to the replica",
            [float(each.why_not is None) for each in found],
        ),
        (
            "stockroom_process_replica_lag_bytes",
            "Written at the primary and not replayed",
            [each.lag_bytes for each in found],
        ),
        (
            "stockroom_process_replica_lag_seconds",
            "Age of what was replayed last, while behind",
            [each.lag_seconds for each in found],
        ),
    )
    counters = (
        ("stockroom_process_replica_reads", "Reads that the replica answered", [each.reads for each in found]),
        (
            "stockroom_process_replica_conflicts",
            "Reads that the replica ended in order to replay",
            [each.conflicts for each in found],
        ),
        ("stockroom_process_replica_losses", "Times that the replica was lost", [each.losses for each in found]),
    )
    kinds = ((GaugeMetricFamily, gauges), (CounterMetricFamily, counters))
    for family, name, text, values in ((kind, *each) for kind, several in kinds for each in several if found):
        metric = family(name, text, labels=["replica"])
        for each, value in zip(found, values, strict=True):
            if value is not None:
                metric.add_metric([each.name], float(value))
        yield metric


def _of_database(engine: Engine) -> Iterator[Metric]:
    up = GaugeMetricFamily("stockroom_up", "Whether the database answers")
    try:
        found, alerts, times, jobs, size = run(engine, _look, WORKER)
    except StockError:
        up.add_metric([], 0)
        yield up
        return
    up.add_metric([], 1)
    yield up
    yield GaugeMetricFamily("stockroom_inbox_messages", "Stripe messages waiting", value=found.inbox_waiting)
    yield GaugeMetricFamily("stockroom_inbox_parked", "Stripe messages parked", value=found.inbox_parked)
    yield GaugeMetricFamily("stockroom_inbox_lag_seconds", "Age of the oldest waiting message", value=found.inbox_lag)
    yield GaugeMetricFamily("stockroom_lock_waiters", "Sessions waiting for a lock", value=found.lock_waiters)
    yield GaugeMetricFamily("stockroom_database_bytes", "Size of the database", value=size)
    if found.worker_age is not None:
        yield GaugeMetricFamily("stockroom_worker_age_seconds", "Since a worker's heartbeat", value=found.worker_age)
    by_kind = GaugeMetricFamily("stockroom_alerts_open", "Unresolved cases by kind", labels=["kind"])
    for kind, count in alerts:
        by_kind.add_metric([kind], count)
    yield by_kind
    yield from _of_cases(times)
    ages = GaugeMetricFamily("stockroom_job_age_seconds", "Since a job last ended", labels=["job"])
    for name, age in jobs:
        ages.add_metric([name], age)
    yield ages


def _of_cases(times: _Times) -> Iterator[Metric]:
    untouched = GaugeMetricFamily("stockroom_cases_untouched", "Open cases nobody acted on", labels=["kind"])
    hand = GaugeMetricFamily("stockroom_case_first_hand_seconds", "Median until a person acted", labels=["kind"])
    end = GaugeMetricFamily("stockroom_case_resolution_seconds", "Median until a case was resolved", labels=["kind"])
    for kind, waiting, first_hand, resolution in times:
        untouched.add_metric([kind], waiting)
        if first_hand is not None:
            hand.add_metric([kind], first_hand)
        if resolution is not None:
            end.add_metric([kind], resolution)
    yield from (untouched, hand, end)


_Times = list[tuple[str, int, float | None, float | None]]
_Look = tuple[Signs, list[tuple[str, int]], _Times, list[tuple[str, float]], int]


def _look(connection: Connection, actor: Actor) -> _Look:
    alerts = call(
        connection,
        """select a.kind, count(*) from stockroom_api.alerts a where a.state <> 'resolved'
            group by a.kind order by a.kind""",
        {},
    )
    times = call(
        connection,
        """select kind, waiting, first_hand, resolution from stockroom_api.case_times(now() - interval '90 days')""",
        {},
    )
    jobs = call(
        connection,
        """select name, extract(epoch from now() - last_ended_at)::float8 from stockroom_api.job_pulse
            where last_ended_at is not null order by name""",
        {},
    )
    ((size,),) = call(connection, "select pg_database_size(current_database())", {})
    return (
        health.signs(connection, actor),
        [(kind, count) for kind, count in alerts],
        [(kind, waiting, first_hand, resolution) for kind, waiting, first_hand, resolution in times],
        [(name, age) for name, age in jobs],
        int(size),
    )
