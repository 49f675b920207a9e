"""How accurate past counts were: lines, units and money over time, as a chart and as a table."""

from __future__ import annotations

from datetime import datetime, timedelta

import streamlit as st
from streamlit.column_config import NumberColumn, TextColumn

from core.counts.past import Accuracy
from core.screens.counts import CountPast
from dashboard.counts import parts
from dashboard.frame import charts, columns, words
from dashboard.frame import page as frame
from dashboard.language.texts import tr


def show(seen: CountPast) -> None:
    """Show the accuracy of past sessions."""
    valid = [row for row in seen.rows if not row.is_undone]
    if not seen.rows:
        frame.empty(
            tr("No count was applied yet"),
            tr("Each applied count is listed here with its accuracy."),
            icon=":material/monitoring:",
        )
        return
    if valid:
        _show_chart(valid, seen.shop.zone)
    _show_rows(seen)


def _show_chart(rows: list[Accuracy], zone: str) -> None:
    times = {row.count_id: words.local(row.ended_at, zone).replace(tzinfo=None) for row in rows}
    series: dict[str, dict[datetime, float | None]] = {
        tr("Lines"): {times[row.count_id]: row.lines_right for row in rows},
        tr("Units"): {times[row.count_id]: row.units_right for row in rows},
        tr("Money"): {times[row.count_id]: row.money_right for row in rows},
    }
    ends = (min(times.values()) - timedelta(days=1), max(times.values()) + timedelta(days=1))
    alt = tr(
        "Accuracy of {counts} in percent: lines, units and money that were right.",
        counts=words.plural(len(rows), "count"),
    )
    with st.container(border=True, key="cnt_past_chart"):
        st.subheader(tr("Accuracy"), anchor=False)
        charts.show(charts.time_chart(series, ends, timedelta(0), tr("% right")), key="cnt_accuracy", alt=alt)
        charts.show_as_table(
            lambda: {
                tr("When"): [words.short_moment(row.ended_at, zone) for row in rows],
                tr("Lines"): [parts.percent(row.lines_right) for row in rows],
                tr("Units"): [parts.percent(row.units_right) for row in rows],
                tr("Money"): [parts.percent(row.money_right) for row in rows],
            },
            "cnt_accuracy_table",
            tr("Accuracy of each count, the latest first"),
        )


def _show_rows(seen: CountPast) -> None:
    rows = seen.rows
    ids, names = [row.count_id for row in rows], [row.name for row in rows]
    at = [words.short_moment(row.ended_at, seen.shop.zone) for row in rows]
    share = [parts.percent(row.lines_right) for row in rows]
    columns.show(
        {
            "name": (names, columns.opener(tr("Count"), 200, ids, parts.open_count)),
            "at": (at, TextColumn(tr("Applied"), width=110)),
            "lines": ([row.lines for row in rows], NumberColumn(tr("Lines"), width=60)),
            "right": (share, TextColumn(tr("Lines right"), width=84, alignment="right")),
            "units": (
                [parts.percent(row.units_right) for row in rows],
                TextColumn(tr("Units right"), width=84, alignment="right"),
            ),
            "money": (
                [parts.percent(row.money_right) for row in rows],
                TextColumn(tr("Money right"), width=90, alignment="right"),
            ),
            "net": (
                [words.signed(row.net) for row in rows],
                TextColumn(tr("Units"), width=70, alignment="right", help=tr("Net variance")),
            ),
            "value": (
                [parts.money(row.net_money, seen.shop) for row in rows],
                TextColumn(tr("Value"), width=104, alignment="right"),
            ),
            "undone": ([tr("Undone") if row.is_undone else "" for row in rows], TextColumn("", width=70)),
        },
        {
            "name": (names, columns.opener(tr("Count"), 130, ids, parts.open_count)),
            "at": (at, TextColumn(tr("Applied"), width=104)),
            "right": (share, TextColumn(tr("Lines right"), width=90, alignment="right")),
        },
        key=columns.key_of("cnt_past", ids),
        alt=tr("Applied counts, the latest first"),
    )
