"""Who notices that nobody works: a process that leaves the jobs to others looks each minute whether they are done."""

from __future__ import annotations

import logging
import threading

from sqlalchemy import Engine

from core.database.engine import run
from core.foundation.errors import StockError
from core.inbox.messages import WORKER
from core.jobs import runs as job_runs

log = logging.getLogger("stockroom")

WATCH_SECONDS = 60.0
"""How often it is looked whether a job has missed its time."""


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
                run(self._engine, job_runs.watch, WORKER)
            except StockError as error:  # without the database nobody works, and health says so
                log.warning("Nobody can look after the jobs: %s", error.message)
            self._stopping.wait(WATCH_SECONDS)
