"""Choosing bars of a chart, one by a click or several by dragging, and keeping the choice in the address.

A choice is the days from one to another: `2026-11-03` or `2026-11-03_2026-11-09`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import streamlit as st

from core.ledger.reports import LONGEST_RANGE
from dashboard.frame import lists, words
from dashboard.frame.charts.parts import CONFIG, Figure
from dashboard.language.texts import marked, tr

Days = tuple[date, date]
"""The first and the last day of a choice."""
BAR, RANGE = marked("A bar"), marked("A range")


def read(param: str) -> Days | None:
    """Return the days that the address names, or None."""
    first, _, last = st.query_params.get(param, "").partition("_")
    try:
        days = (date.fromisoformat(first), date.fromisoformat(last or first))
    except ValueError:
        return None
    return days if timedelta(0) <= days[1] - days[0] < timedelta(days=LONGEST_RANGE) else None


def write(param: str, days: Days | None) -> None:
    """Put days into the address; None removes them."""
    text = None
    if days:
        text = days[0].isoformat() if days[0] == days[1] else f"{days[0].isoformat()}_{days[1].isoformat()}"
    lists.put(param, text)


def show(
    figure: Figure, *, key: str, alt: str, param: str, days_of: Callable[[date], Days], by_range: bool = False,
    then: Callable[[Days | None], None] | None = None,
) -> None:  # fmt: skip
    """Draw a figure whose points can be chosen. Their `customdata` begins with a day; `days_of` returns its bar's days.

    Choosing the same again takes it back. `then` is called with the days that were chosen, or None.
    """
    if by_range:
        figure = figure.changed(dragmode="select", selectdirection="h")
    now = read(param)
    # With the choice in its key, the chart of each choice begins without a selection of its own.
    name = f"{key}_{'range' if by_range else 'bar'}_{st.query_params.get(param, 'all')}"

    def choose() -> None:
        found = _chosen(st.session_state.get(name), days_of)
        days = None if found == now else found
        write(param, days)
        if then:
            then(days)

    st.plotly_chart(
        figure, key=name, alt=alt, config=CONFIG, on_select=choose,
        selection_mode=("box",) if by_range else ("points",),
    )  # fmt: skip


def _chosen(state: Any, days_of: Callable[[date], Days]) -> Days | None:
    """Return the days from the first to the last of the points that were selected."""
    points = state["selection"]["points"] if state else []
    days = [days_of(date.fromisoformat(point["customdata"][0])) for point in points if point.get("customdata")]
    return (min(first for first, _ in days), max(last for _, last in days)) if days else None


def show_choice(param: str) -> None:
    """Say which days were chosen, with the way back to all; without a choice, say nothing."""
    if days := read(param):
        with st.container(horizontal=True, vertical_alignment="center", key=f"chosen_{param}"):
            st.markdown(tr("Chosen: **{days}**", days=words.plain(said(days))), width="content")
            st.button(
                tr("Show all"), key=f"unchoose_{param}", icon=":material/close:", type="tertiary", on_click=write,
                args=(param, None),
            )  # fmt: skip


def said(days: Days) -> str:
    """Return days as text: 3 Nov 2026 to 9 Nov 2026."""
    return (
        words.day(days[0])
        if days[0] == days[1]
        else tr("{days} to {days_2}", days=words.day(days[0]), days_2=words.day(days[1]))
    )
