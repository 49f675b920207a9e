"""One run of a job: recorded when it starts, retried after errors, asked to stop at its limit, and recorded at its end.

A thread cannot be killed. If it continues past its limit, its run is recorded as timed out and its place in the worker
is freed, but the job does not start again until the thread or its process ends.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection, Engine, event

from core.database.engine import run
from core.foundation.errors import StockError
from core.inbox.messages import WORKER
from core.jobs import runs as job_runs
from core.jobs.chores import CHORES, Chore, Say
from core.jobs.runs import Outcome
from core.stripe.gateway import Found, Gateway, current

log = logging.getLogger("stockroom")

RETRY_SECONDS = 5.0
"""The wait before the first retry after an error; each further wait is four times longer."""
HEED_SECONDS = 3.0
"""How long a run may continue after it was asked to stop."""
MOST_LINES, LONGEST_LINE = 200, 500
_T = TypeVar("_T")
WORKER_NAME = f"{socket.gethostname()}, process {os.getpid()}"


class Lingering:
    """The runs of this process that continue past their limit, until their threads end."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._runs = engine, dict[int, asyncio.Future[bool]]()

    def add(self, run_id: int, work: asyncio.Future[bool]) -> None:
        """Add a run whose thread continues."""
        self._runs[run_id] = work

    async def tell(self) -> None:
        """Record which runs still continue and which have ended, so that their jobs can start again."""
        over = [run_id for run_id, work in self._runs.items() if work.done()]
        for run_ids, is_over in ((over, True), (self._runs.keys() - over, False)):
            if run_ids:
                await briefly(
                    partial(run, self._engine, job_runs.linger, WORKER, run_ids=tuple(run_ids), is_over=is_over)
                )
        for run_id in over:
            work = self._runs.pop(run_id)
            work.cancelled() or work.exception()


@dataclass(slots=True, kw_only=True, eq=False)
class Round:
    """A run in progress. Its work checks `stop`; `said` has the lines that it has reported so far."""

    name: str
    engine: Engine
    gateway: Gateway | Found | None
    say: Say
    lingering: Lingering
    stop: threading.Event = field(default_factory=threading.Event)
    said: list[str] = field(default_factory=list)

    @property
    def chore(self) -> Chore:
        """The job to run."""
        return CHORES[self.name]

    async def go(self) -> bool:
        """Run the job if it may start; returns whether the inbox got new messages. Raises the error of the last try."""
        run_id = await in_thread(partial(run, self.engine, job_runs.begin, WORKER, name=self.name, worker=WORKER_NAME))
        if run_id is None:
            return False
        began, failed, came = time.monotonic(), None, False
        work = asyncio.ensure_future(self._try(began))
        done, _ = await asyncio.wait([work], timeout=self.chore.limit_seconds)
        outcome = Outcome.TIMED_OUT
        if not done:
            self.stop.set()
            await asyncio.wait([work], timeout=HEED_SECONDS)
            self._note(f"It was asked to stop at its limit of {self.chore.limit_seconds:,} seconds.")
        elif failed := work.exception():
            outcome = Outcome.FAILED
        else:
            came, outcome = work.result(), Outcome.DONE if self.said else Outcome.IDLE
        await self._end(run_id, outcome, work)
        if failed:
            raise failed
        return came

    async def _end(self, run_id: int, outcome: Outcome, work: asyncio.Future[bool]) -> None:
        lingers = not work.done()
        if lingers:
            self._note("It has not stopped. It does not start again until it ends or its process ends.")
            self.lingering.add(run_id, work)
        elif outcome is Outcome.TIMED_OUT:
            work.exception()  # an error after it was asked to stop is not reported
        if outcome is Outcome.TIMED_OUT:
            log.warning("The job %s did not end within its limit of %s seconds", self.name, self.chore.limit_seconds)
        said = tuple(self.said)
        await in_thread(
            partial(run, self.engine, job_runs.end, WORKER, run_id=run_id, outcome=outcome, said=said, lingers=lingers)
        )

    async def _try(self, began: float) -> bool:
        """Do the work. After an error, back off and retry, unless its next time or its limit comes first."""
        engine, patience = self._limited(), min(self.chore.period, self.chore.limit_seconds)
        for attempt in range(1, self.chore.attempts + 1):
            try:
                return await in_thread(partial(self._work, engine))
            except Exception as error:
                rest = RETRY_SECONDS * 4 ** (attempt - 1)
                self._note(error.message if isinstance(error, StockError) else f"A fault: {type(error).__name__}.")
                is_last = attempt == self.chore.attempts or time.monotonic() - began + rest > patience
                if is_last or self.stop.is_set() or await in_thread(partial(self.stop.wait, rest)):
                    raise
        raise AssertionError("unreachable")  # pragma: no cover

    def _work(self, engine: Engine) -> bool:
        return self.chore.work(engine, current(self.gateway), self._tell, self.stop)

    def _limited(self) -> Engine:
        """Return the engine with a statement timeout, because a waiting statement cannot be asked to stop."""
        limited = self.engine.execution_options()
        milliseconds = self.chore.limit_seconds * 1000

        def limit(connection: Connection) -> None:
            connection.exec_driver_sql(f"set local statement_timeout = {milliseconds}")

        event.listen(limited, "begin", limit)
        return limited

    def _tell(self, line: str) -> None:
        self._note(line)
        self.say(line)

    def _note(self, line: str) -> None:
        if len(self.said) < MOST_LINES:
            self.said.append(line[:LONGEST_LINE])


async def briefly(work: Callable[[], _T]) -> _T:
    """Run short blocking work to its end even if the caller is cancelled, so that it returns its connection."""
    going = asyncio.ensure_future(in_thread(work))
    try:
        return await asyncio.shield(going)
    except asyncio.CancelledError:
        await asyncio.wait([going], timeout=HEED_SECONDS)
        raise


async def in_thread(work: Callable[[], _T]) -> _T:
    """Run blocking work in a thread that no shutdown waits for: a request to Stripe can take minutes."""
    done: Future[_T] = Future()
    done.set_running_or_notify_cancel()

    def go() -> None:
        try:
            done.set_result(work())
        except Exception as error:
            done.set_exception(error)

    threading.Thread(target=go, name="stockroom-job", daemon=True).start()
    return await asyncio.wrap_future(done)
