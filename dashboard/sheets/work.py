"""Reading and posting a large file: a thread of its own, a bar, and Cancel, which also stops the database."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import psycopg
import streamlit as st
from sqlalchemy import Connection

from core.database import engine as database
from core.database import pool
from core.foundation.errors import StockError
from core.foundation.model import Actor
from dashboard.frame import long_work, words
from dashboard.frame.long_work import LongWork
from dashboard.language.texts import marked, tr

LARGE = 5_000
"""Rows from which a file is read in a thread of its own."""

T = TypeVar("T")


class Stopped(StockError):
    """Cancelled. Nothing was changed."""


@dataclass(slots=True, kw_only=True)
class FileWork(LongWork):
    """Work on a file that is running, or has ended. `doing` is a step, `done` and `total` its rows."""

    called: str = marked("work on the file")
    person: Actor
    doing: str = marked("Reading")
    done: int = 0
    total: int = 0
    is_stopped: bool = False
    driver: Any = None
    cancelling: threading.Lock = field(default_factory=threading.Lock)

    def step(self, doing: str) -> None:
        """Begin another step."""
        self.doing, self.done, self.total = doing, 0, 0
        self._refuse_stopped()

    def tell(self, done: int, total: int) -> None:
        """Record how far it is. Raises Stopped after Cancel."""
        self.done, self.total = done, total
        self._refuse_stopped()

    def run(self, operation: Callable[..., T], **values: Any) -> T:
        """Run an operation of core as the person who started this; Cancel stops its statement."""

        def watched(connection: Connection, actor: Actor, /, **kwargs: Any) -> T:
            self._refuse_stopped()
            self.driver = connection.connection.driver_connection
            try:
                return operation(connection, actor, **kwargs)
            finally:
                with self.cancelling:  # a cancel under way must not reach the connection's next statement
                    self.driver = None

        functools.update_wrapper(watched, operation)
        found: T = database.run(pool.engine(), watched, self.person, **values)
        return found

    def stop(self) -> None:
        """Stop at the next row, or in the middle of a statement, which is then undone."""
        self.is_stopped = True
        long_work.start(self._cancel)

    def _cancel(self) -> None:
        while not self.is_over:  # a cancel between two statements does nothing
            with self.cancelling, suppress(psycopg.Error):
                if self.driver is not None:
                    self.driver.cancel_safe(timeout=5)
            time.sleep(0.2)

    def _refuse_stopped(self) -> None:
        if self.is_stopped:
            raise Stopped


@st.fragment(run_every=long_work.EVERY_SECONDS)
def watch(work: FileWork, key: str) -> None:
    """Show the bar and Cancel until the work is over."""
    long_work.look(work)
    of = (
        tr(" {done} of {total} rows", done=words.number(work.done), total=words.number(work.total))
        if work.total
        else ""
    )
    st.progress(min(work.done / work.total, 1.0) if work.total else 0.0, text=f"{work.doing}{of}")
    st.button(
        tr("Stopping ...") if work.is_stopped else tr("Cancel"), key=f"{key}_stop", disabled=work.is_stopped,
        on_click=work.stop,
    )  # fmt: skip


def show_problem(work: FileWork) -> None:
    """Say why the work ended without a result."""
    if work.is_stopped:
        st.info(tr("Cancelled. Nothing was changed."), icon=":material/cancel:")
    elif work.problem is not None:
        long_work.show_problem(work, work.problem)
