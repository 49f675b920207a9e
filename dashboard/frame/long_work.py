"""Work that takes longer than drawing a page: imports and proofs.

It runs in its own thread, so neither a click nor closing the tab interrupts it. At most one of each kind runs in this
process, and everybody with permission sees its progress.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import streamlit as st

from core.foundation.errors import SignInRequired, StockError, Unavailable
from dashboard.door import session
from dashboard.frame import feedback, words
from dashboard.language.said import translated
from dashboard.language.texts import tr

EVERY_SECONDS = 1.0

log = logging.getLogger("stockroom")


@dataclass(slots=True, kw_only=True)
class LongWork:
    """Work in progress, or the last one that ended. Its thread writes and pages read plain values, so neither waits."""

    who: str
    called: str
    """Its name in a sentence, as in: The import stopped."""
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    problem: StockError | None = None
    is_over: bool = False

    def work(self, do: Callable[[], None]) -> None:
        """Run it and keep any error for the page."""
        try:
            do()
        except StockError as error:
            self.problem = error
        except Exception:
            reference = secrets.token_hex(4)
            log.exception("Reference %s", reference)
            self.problem = StockError(
                tr(
                    "The {called} stopped because of a fault on our side, reference {reference}.",
                    called=self.called,
                    reference=reference,
                )
            )
        finally:
            self.is_over = True


Work = TypeVar("Work", bound=LongWork)


class OneAtATime(Generic[Work]):
    """The latest work of one kind in this process, running or ended."""

    def __init__(self) -> None:
        self.latest: Work | None = None
        self._lock = threading.Lock()

    def begin(self, work: Work, do: Callable[[], None]) -> None:
        """Start the work, unless one is running already, so two clicks start it once."""
        with self._lock:
            if self.latest is not None and not self.latest.is_over:
                return
            self.latest = work
        start(work.work, do)


def start(work: Callable[..., None], *args: Any) -> None:
    """Run a function in its own thread, which ends with the process."""
    threading.Thread(target=work, args=args, name="long-work", daemon=True).start()


def look(work: LongWork) -> None:
    """Draw the page again when the work is over, or when the viewer's session has ended."""
    try:
        session.actor()
    except SignInRequired:
        st.rerun()
    if work.is_over:
        st.rerun()


def show_problem(work: LongWork, problem: StockError) -> None:
    """Say why the work stopped."""
    if isinstance(problem, SignInRequired):  # the session of the person who started it, not of the viewer
        st.error(
            tr("The {called} stopped because {who} was signed out.", called=work.called, who=words.plain(work.who))
        )
    elif isinstance(problem, Unavailable):
        st.error(words.plain(translated(problem.message)), icon=":material/error:")
    else:
        feedback.show(problem)
