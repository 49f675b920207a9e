"""Live pages: a change by one person appears on other people's pages within seconds, without a reload.

One thread of the process, the herald, asks for news every two seconds and runs a small part of the tabs that it
concerns, which draws the page again. Where no herald runs, each tab looks by itself every few seconds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import streamlit as st

from core.database import pool
from core.foundation.errors import SignInRequired, StockError
from core.ledger import reports
from core.people import accounts
from core.people.accounts import News
from dashboard.door import session, tabs
from dashboard.door.news import Herald
from dashboard.language.texts import tr

EVERY_SECONDS = 4.0
_MOMENT = 2.0

_lock = threading.Lock()
_answer: tuple[float, int] = (0.0, 0)


def _ask(tokens: Sequence[str]) -> News:
    return accounts.at_the_door(pool.engine(), accounts.news, tokens=tokens)


def _heard(latest: int) -> None:
    global _answer
    _answer = (time.monotonic(), latest)


herald = Herald(_ask, tell=_heard)


def watch(latest: int) -> None:
    """Draw this page again when there is a movement newer than `latest`."""
    _begin(_tick, latest)


def watch_shop() -> None:
    """Draw this page again when the shop was replaced. For pages that show no movements."""
    _begin(_look)


def unwatch() -> None:
    """Forget what this tab showed; each page begins with that."""
    if tab := tabs.this_tab():
        herald.forget(tab)


def _begin(look: Callable[..., None], *shown: int) -> None:
    def part() -> None:
        if (here := tabs.here()) and herald.runs:
            latest = shown[0] if shown else None
            herald.watch(here, token=session.presented_token(), shop_since=session.shop_since(), latest=latest)
        look(*shown)

    st.fragment(part, run_every=None if herald.runs else EVERY_SECONDS)()


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
