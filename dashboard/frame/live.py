"""Live pages: a change by one person appears on other people's pages within seconds, without a reload.

Each open page polls for new movements every few seconds and is drawn again only when there are some. All tabs of this
process share one answer for two seconds, so a hundred tabs cost the database one small query in that time.
"""

from __future__ import annotations

import threading
import time

import streamlit as st

from core.foundation.errors import SignInRequired, StockError
from core.ledger import reports
from dashboard.door import session
from dashboard.language.texts import tr

EVERY_SECONDS = 4.0
_MOMENT = 2.0

_lock = threading.Lock()
_answer: tuple[float, int] = (0.0, 0)


def watch(latest: int) -> None:
    """Draw this page again when there is a movement newer than `latest`."""
    _tick(latest)


def watch_shop() -> None:
    """Draw this page again when the shop was replaced. For pages that show no movements."""
    _look()


@st.fragment(run_every=EVERY_SECONDS)
def _look() -> None:
    try:
        session.actor()
        is_over = session.is_outdated()
    except SignInRequired:
        is_over = True
    except StockError:
        return
    if is_over:
        st.rerun()


@st.fragment(run_every=EVERY_SECONDS)
def _tick(latest: int) -> None:
    try:
        session.actor()  # checked here: the answer below may come from another tab with another session
        moved = session.is_outdated() or newest() > latest
    except SignInRequired:
        moved = True  # the redrawn page offers to sign in again
    except StockError:
        st.caption(tr("The database cannot be reached, so these numbers may be out of date. Retrying automatically."))
        return
    if moved:
        st.rerun()


def wait_for_database() -> None:
    """Draw this page again as soon as the database answers."""
    _try_again(time.monotonic())


@st.fragment(run_every=EVERY_SECONDS)
def _try_again(failed_at: float) -> None:
    if time.monotonic() - failed_at < _MOMENT:
        return  # the failure has just been drawn
    try:
        session.run(reports.latest_movement)
    except SignInRequired:
        st.rerun()
    except StockError:
        return
    st.rerun()


def forget() -> None:
    """Ask the database again: the shop was replaced, and its movements have other numbers."""
    global _answer
    _answer = (0.0, 0)


def newest() -> int:
    """Return the newest movement of the shop. The answer may be two seconds old."""
    global _answer
    at, latest = _answer
    if time.monotonic() - at < _MOMENT:
        return latest
    with _lock:  # one tab queries, the others wait for its answer
        if time.monotonic() - _answer[0] >= _MOMENT:
            _answer = (time.monotonic(), session.run(reports.latest_movement))
        return _answer[1]
