"""Running the background jobs with procrastinate, whose queue is in the shop's own database.

This is the only module that imports procrastinate. At the time of a job (`core/jobs/chores.py`), one worker of all
processes runs it; the inbox is also applied as soon as a message arrives. A crashed worker is detected by its missing
heartbeat, and its job is restarted. Nothing depends on LISTEN or on session state, so a transaction pooler may be in
between. A single run is in `core/jobs/round.py`, the record of runs in `core/jobs/runs.py`.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from procrastinate import App, exceptions
from procrastinate.connector import BaseAsyncConnector
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from psycopg.types.json import Jsonb
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.database.engine import forget_plans, run, sqlstate
from core.foundation.errors import StockError, Unavailable
from core.inbox.messages import WORKER
from core.jobs import runs as job_runs
from core.jobs.chores import APPLY, CHORES, Say
from core.jobs.round import Lingering, Round, briefly, in_thread
from core.stripe.gateway import Found, Gateway

log = logging.getLogger("stockroom")

LOOK_SECONDS = 1.0
"""How often a worker polls for a requested job."""
BEAT_SECONDS, SILENCE_SECONDS, RESCUE_SECONDS = 10.0, 30.0, 15.0
"""The interval of heartbeats, the silence after which a worker counts as dead, and the interval of that check."""
AGAIN_SECONDS, LONGEST_SECONDS = 5.0, 30.0
"""The wait before a failed worker restarts: it backs off up to the longest."""
GRACE_SECONDS = 3.0
"""How long a job may continue when its worker is stopped; the next worker does the rest."""
KEEP_HOURS = 7 * 24
TRY = "try"
"""The queue of jobs that a worker takes to be killed. Living workers take jobs of every queue."""


# ---------------------------------------------------------------- asking for work


def wake(engine: Engine) -> None:
    """Ask for the inbox to be applied now; a worker does it within a second or two. Raises Unavailable."""
    try:
        _defer(_Queue(engine), APPLY)
    except exceptions.ConnectorException as error:
        raise Unavailable from error


def _defer(queue: _Queue, name: str) -> None:
    waiting = "select 1 from procrastinate_jobs where queueing_lock = %(name)s and status = 'todo' limit 1"
    try:
        if not queue.execute_query_all(waiting, name=name):
            App(connector=queue).configure_task(name, lock=name, queueing_lock=name).defer()
    except exceptions.AlreadyEnqueued:
        pass  # another process asked at the same moment


def take(engine: Engine, name: str) -> bool:
    """Queue a job and take it in one transaction, as a new worker that shows no sign of life afterwards.

    Returns False while the job runs or waits elsewhere. Only a try in the sample shop does this (core/jobs/killed.py).
    """
    try:
        with engine.begin() as connection:
            app = App(connector=_Queue(engine, connection))
            app.configure_task(name, lock=name, queueing_lock=name, queue=TRY).defer()
            worker_id = asyncio.run(app.job_manager.register_worker())
            if asyncio.run(app.job_manager.fetch_job([TRY], worker_id)) is None:
                raise exceptions.AlreadyEnqueued
    except exceptions.AlreadyEnqueued:
        return False
    except exceptions.ConnectorException as error:
        raise Unavailable from error
    return True


# ---------------------------------------------------------------- the queue


class _Queue(BaseAsyncConnector):
    """Runs procrastinate's statements as the app's role, in its schema, each in a short transaction or all in one."""

    def __init__(self, engine: Engine, one_transaction: Connection | None = None) -> None:
        self._engine = engine
        self._begin: Callable[[], AbstractContextManager[Connection]] = engine.begin
        if one_transaction is not None:
            self._begin = lambda: nullcontext(one_transaction)

    def get_sync_connector(self) -> _Queue:
        """Return this connector, which is synchronous and asynchronous."""
        return self

    def execute_query(self, query: str, **values: Any) -> None:
        """Run a statement."""
        self.execute_query_all(query, **values)

    def execute_query_one(self, query: str, **values: Any) -> dict[str, Any]:
        """Run a statement and return its first row."""
        rows = self.execute_query_all(query, **values)
        if not rows:
            raise exceptions.NoResult
        return rows[0]

    def execute_query_all(self, query: str, **values: Any) -> list[dict[str, Any]]:
        """Run a statement and return its rows."""
        try:
            with self._begin() as connection:
                connection.exec_driver_sql("set local search_path = procrastinate, pg_temp")
                result = connection.exec_driver_sql(query, {name: _value(value) for name, value in values.items()})
                return [dict(row) for row in result.mappings()] if result.returns_rows else []
        except DBAPIError as error:
            forget_plans(self._engine, error)
            raise _trouble(error) from error
        except PoolTimeout as error:
            raise exceptions.ConnectorException from error

    async def execute_query_async(self, query: str, **values: Any) -> None:
        """Run a statement without blocking the event loop."""
        await briefly(partial(self.execute_query_all, query, **values))

    async def execute_query_one_async(self, query: str, **values: Any) -> dict[str, Any]:
        """Run a statement without blocking the event loop and return its first row."""
        return await briefly(partial(self.execute_query_one, query, **values))

    async def execute_query_all_async(self, query: str, **values: Any) -> list[dict[str, Any]]:
        """Run a statement without blocking the event loop and return its rows."""
        return await briefly(partial(self.execute_query_all, query, **values))


def _value(value: Any) -> Any:
    match value:
        case dict():
            return Jsonb(value)
        case list():
            return [_value(part) for part in value]
        case tuple():
            return tuple(_value(part) for part in value)
    return value


def _trouble(error: DBAPIError) -> exceptions.ConnectorException:
    if sqlstate(error) == "23505":
        diagnosis = getattr(error.orig, "diag", None)
        name = getattr(diagnosis, "constraint_name", None)
        return exceptions.UniqueViolation(constraint_name=name, queueing_lock=None)
    return exceptions.ConnectorException(str(error.orig).strip())


# ---------------------------------------------------------------- the worker


class Worker:
    """A worker with its own thread and event loop, so that other loops neither slow it down nor stop it."""

    def __init__(self, engine: Engine, gateway: Gateway | Found | None, say: Say = lambda _: None) -> None:
        self._engine, self._gateway, self._say = engine, gateway, say
        self._stopping, self._rounds = threading.Event(), set[Round]()
        self._lingering = Lingering(engine)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._keep_working()), name="stockroom-worker")
        self._thread.daemon = True

    def start(self) -> None:
        """Start the worker."""
        self._thread.start()

    def stop(self) -> None:
        """Give running jobs a few seconds to finish, and stop."""
        self._stopping.set()
        for each in tuple(self._rounds):
            each.stop.set()
        if self._thread.is_alive():
            self._thread.join(GRACE_SECONDS * 3)

    async def _keep_working(self) -> None:
        """Work until stopped. Without the database this fails, so it restarts with back-off."""
        stopping, rest = asyncio.ensure_future(in_thread(self._stopping.wait)), AGAIN_SECONDS
        while not stopping.done():
            began = time.monotonic()
            why = await self._work(stopping)
            if stopping.done():
                return
            rest = AGAIN_SECONDS if time.monotonic() - began > LONGEST_SECONDS else min(rest * 2, LONGEST_SECONDS)
            log.warning("The worker failed and restarts in %.0f seconds: %s", rest, why)
            await asyncio.wait([stopping], timeout=rest)

    async def _work(self, stopping: asyncio.Future[bool]) -> str:
        app = self._app()
        try:
            await briefly(partial(run, self._engine, job_runs.plan, WORKER))
        except StockError as error:
            return error.message
        work: list[asyncio.Future[None]] = [
            asyncio.create_task(
                app.run_worker_async(
                    concurrency=len(CHORES),
                    delete_jobs="successful",
                    fetch_job_polling_interval=LOOK_SECONDS,
                    install_signal_handlers=False,
                    listen_notify=False,
                    shutdown_graceful_timeout=GRACE_SECONDS,
                    stalled_worker_timeout=SILENCE_SECONDS,
                    update_heartbeat_interval=BEAT_SECONDS,
                )
            ),
            asyncio.create_task(_look_after(app.job_manager)),
            asyncio.create_task(self._defer_due()),
            asyncio.create_task(self._watch()),
        ]
        everything: list[asyncio.Future[Any]] = [stopping, *work]
        await asyncio.wait(everything, return_when=asyncio.FIRST_COMPLETED)
        for task in work:
            task.cancel()
        ended = await asyncio.gather(*work, return_exceptions=True)
        why = next((str(end) for end in ended if isinstance(end, Exception)), "a part of it failed")
        return why.partition("\n")[0]

    def _app(self) -> App:
        app = App(connector=_Queue(self._engine))
        for name, chore in CHORES.items():
            task = app.task(name=name, lock=name, queueing_lock=name)(self._job(name))
            if not chore.daily:
                app.periodic(cron=chore.cron)(task)
        return app

    def _job(self, name: str) -> Callable[..., Awaitable[None]]:
        async def job(timestamp: int = 0) -> None:
            each = Round(
                name=name, engine=self._engine, gateway=self._gateway, say=self._say, lingering=self._lingering
            )
            self._rounds.add(each)
            if self._stopping.is_set():
                each.stop.set()
            try:
                if await each.go():
                    await briefly(partial(wake, self._engine))
            except StockError as error:  # its next run tries again
                log.warning("The job %s was not finished: %s", name, error.message)
            finally:
                self._rounds.discard(each)

        return job

    async def _defer_due(self) -> None:
        """Queue the jobs that cron does not: daily jobs at the shop's hour, and those that a person asked for."""
        queue = _Queue(self._engine)
        while True:
            for name in await briefly(partial(run, self._engine, job_runs.due, WORKER)):
                if name in CHORES:
                    await briefly(partial(_defer, queue, name))
            await asyncio.sleep(LOOK_SECONDS)

    async def _watch(self) -> None:
        """Watch the runs that continue past their limit, and the jobs that do not run."""
        looked = time.monotonic()
        while True:
            await self._lingering.tell()
            if time.monotonic() - looked >= job_runs.WATCH_SECONDS:
                looked = time.monotonic()
                await briefly(partial(run, self._engine, job_runs.watch, WORKER))
            await asyncio.sleep(RESCUE_SECONDS)


async def _look_after(manager: JobManager) -> None:
    """Restart the jobs of dead workers, and delete jobs that failed long ago."""
    while True:
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=SILENCE_SECONDS):
            await _take_up_again(manager, job)
        await manager.delete_old_jobs(
            nb_hours=KEEP_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
        )
        await asyncio.sleep(RESCUE_SECONDS)


async def _take_up_again(manager: JobManager, job: Job) -> None:
    log.warning("A worker died during the job %s, which is restarted", job.task_name)
    try:
        await manager.retry_job(job)
    except exceptions.UniqueViolation:
        # The same job is already queued behind this one.
        await manager.finish_job(job, Status.ABORTED, delete_job=True)
    except exceptions.ConnectorException:
        log.info("Another process restarted it first")
