"""The next step of a case: its name on the row of a list, and the tab of the case that takes it."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from core.alerts.reads import Alert
from core.foundation.sales import AlertKind, AlertState
from core.people.access import Permission, may
from dashboard.door import session
from dashboard.language.texts import lazy, marked

PARAM = "alr_step"
TRY, WHAT, ENTER, CHOOSE, SHIP, BOTH, RESOLVE = (
    marked("Try again"),
    marked("What is it?"),
    marked("Enter lines"),
    marked("Choose a reading"),
    marked("Ship what is there"),
    marked("Both are right"),
    marked("Resolve"),
)
_BY_LACK = {
    "code": WHAT,
    "nothing": TRY,
    "part": SHIP,
    "stock": TRY,
    "choice": CHOOSE,
    "lines": ENTER,
    "amount": RESOLVE,
}
_NEEDS = {
    WHAT: Permission.MAP_CODE,
    ENTER: Permission.SET_LINES,
    CHOOSE: Permission.MAP_CODE,
    SHIP: Permission.FORCE_ORDER,
    BOTH: Permission.RESOLVE_ALERT,
    RESOLVE: Permission.RESOLVE_ALERT,
}
_BY_KIND = {AlertKind.IMPORT_ERROR: TRY, AlertKind.DOUBLE_PAYMENT: BOTH}
_TABS = lazy(
    {
        ENTER: ("Read again",),
        CHOOSE: (ENTER, "Read again"),
        SHIP: ("Ship what is in stock",),
    }
)
"""Tabs that take a step under another name, in this order, where the case has no tab of its name."""


def of(alert: Alert) -> str:
    """Return the next step of a case; empty if it is resolved, or if the step is not for the signed-in person."""
    if alert.state is AlertState.RESOLVED:
        return ""
    step = _BY_LACK.get(alert.lacks or "") or _BY_KIND.get(alert.kind, RESOLVE)
    role = session.actor().role
    if step == SHIP and not may(role, Permission.FORCE_ORDER):
        return TRY
    return "" if step in _NEEDS and not may(role, _NEEDS[step]) else step


def opened(tabs: Iterable[str]) -> str | None:
    """Return the tab of a case that the address asks for, or None if there is no such tab."""
    step, offered = st.query_params.get(PARAM, ""), set(tabs)
    return next((name for name in (step, *_TABS.get(step, ())) if name in offered), None)
