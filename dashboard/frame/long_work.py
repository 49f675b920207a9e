"""Work that takes longer than a page may: imports and proofs.

A thread of its own does it, so that no click and no closed tab ends it half way. Of each kind there is one at a time in
this process, and everybody who may looks at the same one.
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

from core.foundation.errors import SignInRequired, StockError
from dashboard.door import session

EVERY_SECONDS = 1.0

log = logging.getLogger("stockroom")


@dataclass(slots=True, kw_only=True)
class LongWork:
    """Work under way, or done last. The thread writes, pages read; plain values, so neither waits."""

    who: str
    called: str
    """What people call it, as in: The import stopped."""
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    problem: StockError | None = None
    is_over: bool = False

    def work(self, do: Callable[[], None]) -> None:
        """Do it; whatever goes wrong is kept for the page."""
        try:
            do()
        except StockError as error:
            self.problem = error
        except Exception:
            reference = secrets.token_hex(4)
            log.exception("Reference %s", reference)
            self.problem = StockError(
                f"The {self.called} stopped because of a fault on our side, reference {reference}."
            )
        finally:
            self.is_over = True


Work = TypeVar("Work", bound=LongWork)


class OneAtATime(Generic[Work]):
    """The work of one kind: what is under way in this process, or was last."""

    def __init__(self) -> None:
        self.latest: Work | None = None
        self._lock = threading.Lock()

    def begin(self, work: Work, do: Callable[[], None]) -> None:
        """Begin, unless one is under way: two clicks, or two managers, are one."""
        with self._lock:
            if self.latest is not None and not self.latest.is_over:
                return
            self.latest = work
        start(work.work, do)


def start(work: Callable[..., None], *args: Any) -> None:
    """Do something in a thread of its own, which ends with the process."""
    threading.Thread(target=work, args=args, name="long-work", daemon=True).start()


def look(work: LongWork) -> None:
    """Draw the page anew when the work is over, or when whoever looks is signed out and must not go on looking."""
    try:
        session.actor()
    except SignInRequired:
        st.rerun()
    if work.is_over:
        st.rerun()
