"""Live pages: what one person posts, another sees within seconds, without a reload.

Each open page asks every few seconds whether anything moved since it was drawn, and is drawn again only then. All
tabs of this process share one answer for a moment, so a hundred tabs cost the database one small query in two seconds.
"""

from __future__ import annotations

import threading
import time

import streamlit as st

from core.foundation.errors import SignInRequired, StockError
from core.ledger import reports
from dashboard.door import session

EVERY_SECONDS = 4.0
_MOMENT = 2.0

_lock = threading.Lock()
_answer: tuple[float, int] = (0.0, 0)


def watch(latest: int) -> None:
    """Draw this page again when something moves after `latest`, the newest movement it shows."""
    _tick(latest)


@st.fragment(run_every=EVERY_SECONDS)
def _tick(latest: int) -> None:
    try:
        session.actor()  # the answer below may be another tab's; whose session ended must not go on looking
        moved = newest() > latest
    except SignInRequired:
        moved = True  # the whole page says so, with the way back
    except StockError:
        st.caption("The database cannot be reached; these numbers may be old. Trying again by itself.")
        return
    if moved:
        st.rerun()


def wait_for_database() -> None:
    """Draw this page again as soon as the database answers."""
    _try_again(time.monotonic())


@st.fragment(run_every=EVERY_SECONDS)
def _try_again(failed_at: float) -> None:
    if time.monotonic() - failed_at < _MOMENT:
        return  # this is the drawing that says so
    try:
        session.run(reports.latest_movement)
    except SignInRequired:
        st.rerun()
    except StockError:
        return
    st.rerun()


def newest() -> int:
    """Return the newest movement of the shop, at most a moment old."""
    global _answer
    at, latest = _answer
    if time.monotonic() - at < _MOMENT:
        return latest
    with _lock:  # one tab asks, the others wait for its answer
        if time.monotonic() - _answer[0] >= _MOMENT:
            _answer = (time.monotonic(), session.run(reports.latest_movement))
        return _answer[1]
