"""How long cases wait for a person and until they are resolved, by kind: a chart with its table."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.alerts.ageing import DAYS, Times
from dashboard.frame import charts, words
from dashboard.language import sales
from dashboard.language.texts import marked, tr

HAND, END = marked("First action"), marked("Resolved")


def show(times: Sequence[Times]) -> None:
    """Show the times of each kind of case; nothing if there were no cases."""
    if not times:
        return
    times = sorted(times, key=lambda row: list(sales.KINDS).index(row.kind))
    with st.container(border=True, key="alr_times"):
        st.subheader(tr("How long cases take"), anchor=False)
        st.caption(
            tr(
                "Cases of the last {days} days, by kind: half of them had a person's first action, "
                "and were resolved, within this time.",
                days=DAYS,
            )
        )
        shown = [row for row in times if row.first_hand is not None or row.resolution is not None]
        if shown:
            series = {HAND: [_hours(row.first_hand) for row in shown], END: [_hours(row.resolution) for row in shown]}
            chart = charts.pairs(
                [sales.KINDS[row.kind] for row in shown],
                {tr(name): hours for name, hours in series.items()},
                tr("hours"),
            )
            charts.show(chart, key="alr_times_chart", alt=_describe(shown))
        else:
            st.caption(tr("Nobody has acted on a case yet, and none was resolved."))
        table: dict[str, Sequence[object]] = {
            tr("Case"): [sales.KINDS[row.kind] for row in times],
            tr("Cases"): [row.cases for row in times],
            tr(HAND): [lasting(row.first_hand) for row in times],
            tr(END): [lasting(row.resolution) for row in times],
            tr("Nobody yet"): [row.waiting for row in times],
        }
        charts.show_as_table(
            lambda: table, "alr_times_table", tr("Time to the first action and until resolved, by kind of case")
        )


def lasting(seconds: float | None) -> str:
    """Return a time in words: 12 minutes, 3.5 hours, 2 days."""
    if seconds is None:
        return words.NOTHING
    for below, unit, size in ((5_400, "minute", 60), (48 * 3_600, "hour", 3_600), (float("inf"), "day", 86_400)):
        if seconds < below:
            return words.plural(round(seconds / size), unit)
    raise AssertionError


def _hours(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / 3_600, 2)


def _describe(times: Sequence[Times]) -> str:
    told = (
        tr(
            "{kinds}: first action after {first_hand}, resolved after {resolution}",
            kinds=sales.KINDS[row.kind],
            first_hand=lasting(row.first_hand),
            resolution=lasting(row.resolution),
        )
        for row in times
    )
    return f"{'; '.join(told)}."
