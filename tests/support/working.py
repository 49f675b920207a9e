"""Workers for tests, and the state of the job queue while they run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.pool import QueuePool

from core.jobs.chores import CHORES, EACH_MINUTE
from core.jobs.worker import Worker
from tests.support.builders import Shop

PATIENCE = 20.0
MINUTELY = [name for name, chore in CHORES.items() if chore.cron == EACH_MINUTE and not chore.daily]
"""The jobs of every minute."""


@contextmanager
def working(engine: Engine, gateway: Any = None, say: Callable[[str], None] = lambda _: None) -> Iterator[Worker]:
    """A worker at work."""
    worker = Worker(engine, gateway, say)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()
        _wait_for_what_goes_on(engine)


def _wait_for_what_goes_on(engine: Engine) -> None:
    """A job outlives its worker for a moment; its connection must be back before the engine is done with."""
    end, pool = time.monotonic() + PATIENCE, engine.pool
    while isinstance(pool, QueuePool) and pool.checkedout() and time.monotonic() < end:
        time.sleep(0.02)


def until(holds: Callable[[], Any]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def waiting(shop: Shop) -> int:
    """How many messages of Stripe wait to be applied."""
    return int(shop.sql("select count(*) from stockroom.stripe_events where state = 'new'"))


def queue(shop: Shop) -> list[tuple[str, str]]:
    """The jobs in the queue, oldest first: name and status."""
    rows = shop.rows("select task_name, status::text as status from procrastinate.procrastinate_jobs order by id")
    return [(row.task_name, row.status) for row in rows]


def workers(shop: Shop) -> int:
    """How many workers have signed on and not off."""
    return int(shop.sql("select count(*) from procrastinate.procrastinate_workers"))


def idle(shop: Shop) -> bool:
    """Whether a worker is there and has done the jobs of this minute."""
    done = shop.sql(
        """select count(*) from procrastinate.procrastinate_periodic_defers
            where job_id is null and task_name = any(:names)""",
        names=MINUTELY,
    )
    return workers(shop) > 0 and done == len(MINUTELY) and queue(shop) == []
