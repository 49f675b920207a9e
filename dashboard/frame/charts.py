"""Plotly figures made of plain rows, with one template, one colour for each movement type and a few hundred points.

The colours are the theme's categorical ones, so they follow light and dark. Every chart can be shown as a table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio
import streamlit as st

from core.foundation.model import DayFlow, MovementType
from core.ledger.reports import LevelPoint
from dashboard.frame import words

# Positions in theme.chartCategoricalColors. Streamlit's template has placeholders for them that the browser fills in.
_POSITIONS = {
    MovementType.PURCHASE: 0,
    MovementType.SALE: 1,
    MovementType.RESTORATION: 5,
    MovementType.ADJUSTMENT: 2,
    MovementType.COUNT: 3,
}
_GRID = "rgba(128, 144, 160, 0.22)"
_FILL = "rgba(26, 154, 142, 0.14)"  # a placeholder colour takes no opacity
_ZERO = "rgba(128, 144, 160, 0.7)"
_CONFIG = {"displayModeBar": False, "scrollZoom": False}
_AXIS = {"gridcolor": _GRID, "zerolinecolor": _ZERO, "zerolinewidth": 1, "automargin": True, "fixedrange": True}
_TEMPLATE = {
    "layout": {
        "margin": {"l": 0, "r": 0, "t": 8, "b": 0},
        "xaxis": {**_AXIS, "showgrid": False},
        "yaxis": {**_AXIS, "tickformat": ",d", "rangemode": "tozero"},
        "legend": {
            "orientation": "h",
            "yanchor": "bottom",
            "y": 1.02,
            "xanchor": "left",
            "x": 0,
            "title": {"text": ""},
        },
        "hovermode": "x unified",
        "barmode": "relative",
        "bargap": 0.25,
        "dragmode": False,
    }
}
LONGEST_DAILY = 400
"""The longest range with one bar a day; a longer one has one bar a month."""


def colour(kind: MovementType) -> str:
    """Return the colour of a movement type in the current theme."""
    return _colorway()[_POSITIONS[kind]]


@cache
def _colorway() -> tuple[str, ...]:
    return tuple(pio.templates["streamlit"].layout.colorway)


def flow_chart(flows: Sequence[DayFlow], since: date, until: date, *, height: int = 300) -> go.Figure:
    """Return units in (up) and out (down) by movement type for `since` <= day < `until`, by month if that is long."""
    monthly = (until - since).days > LONGEST_DAILY
    buckets = _buckets(since, until, monthly)
    bars: list[dict[str, Any]] = []
    for kind in MovementType:
        sums = _sums(flows, kind, monthly)
        for direction, shown in ((0, True), (1, not any(came for came, _ in sums.values()))):
            values = [sums.get(day, (0, 0))[direction] for day in buckets]
            if any(values):
                bars.append(_bars(kind, buckets, values, out=direction == 1, legend=shown))
    days = {"tickformat": "%b %Y" if monthly else "%-d %b", "nticks": 8, "range": _ends(buckets, monthly)}
    units = _units_axis("units", max((f.units_in + f.units_out for f in flows), default=0))
    return _figure(bars, height=height, xaxis=days, yaxis=units)


def level_chart(points: Sequence[LevelPoint], on_hand: int, reorder_point: int, zone: str) -> go.Figure:
    """Return a variant's level over time: a step at each movement, and its reorder point as a dotted line."""
    # Wall-clock times without an offset: the browser would otherwise convert them to its own time zone.
    times = [words.local(point.at, zone).replace(tzinfo=None) for point in points]
    steps = {
        "type": "scatter",
        "x": times,
        "y": [point.level for point in points],
        "mode": "lines+markers" if len(points) <= 60 else "lines",
        "line": {"shape": "hv", "width": 2, "color": colour(MovementType.PURCHASE)},
        "marker": {"size": 5},
        "fill": "tozeroy",
        "fillcolor": _FILL,
        "hovertemplate": "%{x|%-d %b %Y, %H:%M}<br><b>%{y:,d}</b> on hand<extra></extra>",
    }
    highest = max([on_hand, reorder_point, *(p.level for p in points)])
    return _figure(
        [steps],
        height=260,
        showlegend=False,
        hovermode="x",
        xaxis={"tickformat": "%-d %b" if _short(times) else "%b %Y", "nticks": 8},
        yaxis={**_units_axis("units on hand", highest), "range": [0, highest * 1.1 or 1]},
        shapes=[_across(reorder_point, colour(MovementType.SALE))] if reorder_point else [],
    )


def _figure(traces: list[dict[str, Any]], **layout: Any) -> go.Figure:
    # Built in one call: Plotly validates every later change of a figure, at more cost than the rest of a page.
    return go.Figure(data=traces, layout={"template": _TEMPLATE, **layout})


def _units_axis(title: str, highest: int) -> dict[str, Any]:
    # One tick per unit if there are few, or the axis would count in halves.
    return {"title": {"text": title}, **({"dtick": 1} if highest <= 5 else {})}


def _across(level: int, colour_: str) -> dict[str, Any]:
    line = {"dash": "dot", "width": 1.5, "color": colour_}
    return {"type": "line", "xref": "x domain", "x0": 0, "x1": 1, "y0": level, "y1": level, "line": line}


def show(figure: go.Figure, *, key: str, alt: str) -> None:
    """Draw a figure in the current theme; `alt` describes it for screen readers."""
    st.plotly_chart(figure, key=key, alt=alt, config=_CONFIG)


def show_flow_table(flows: Sequence[DayFlow], key: str) -> None:
    """Offer a chart of flows as a table."""
    table: dict[str, list[Any]] = {
        "Day": [flow.day for flow in flows],
        "Type": [words.TYPE_LABELS[flow.movement_type] for flow in flows],
        "Units in": [flow.units_in for flow in flows],
        "Units out": [flow.units_out for flow in flows],
    }
    day = st.column_config.DateColumn(format="D MMM YYYY")
    show_as_table(table, key, "Units in and out by day and movement type", {"Day": day})


def show_as_table(
    table: Mapping[str, Sequence[Any]], key: str, alt: str, config: dict[str, Any] | None = None,
    *, label: str = "Show as table",
) -> None:  # fmt: skip
    """Offer a table in an expander; it is drawn only while that is open."""
    box = st.expander(label, key=key, on_change="rerun")
    if box.open:
        box.dataframe(pd.DataFrame(dict(table)), column_config=config, hide_index=True, alt=alt)


def describe(flows: Sequence[DayFlow], since: date, until: date) -> str:
    """Return a chart of flows as a sentence, for screen readers."""
    period = f"from {words.day(since)} to {words.day(until - timedelta(days=1))}"
    totals = totals_by_type(flows)
    if not totals:
        return f"Nothing moved {period}."
    parts = [f"{words.TYPE_PLURALS[kind].lower()} {words.came_and_went(*units)}" for kind, units in totals.items()]
    return f"Units in and out by movement type {period}: {'; '.join(parts)}."


def totals_by_type(flows: Sequence[DayFlow]) -> dict[MovementType, tuple[int, int]]:
    """Return units in and out of each type that moved."""
    totals: dict[MovementType, tuple[int, int]] = {}
    for flow in flows:
        came, went = totals.get(flow.movement_type, (0, 0))
        totals[flow.movement_type] = (came + flow.units_in, went + flow.units_out)
    return {kind: totals[kind] for kind in MovementType if kind in totals}


def _sums(flows: Sequence[DayFlow], kind: MovementType, monthly: bool) -> dict[date, tuple[int, int]]:
    sums: dict[date, tuple[int, int]] = {}
    for flow in flows:
        if flow.movement_type is kind:
            bucket = flow.day.replace(day=1) if monthly else flow.day
            came, went = sums.get(bucket, (0, 0))
            sums[bucket] = (came + flow.units_in, went + flow.units_out)
    return sums


def _buckets(since: date, until: date, monthly: bool) -> list[date]:
    days = [since + timedelta(days=n) for n in range((until - since).days)]
    return sorted({day.replace(day=1) for day in days}) if monthly else days


def _ends(buckets: list[date], monthly: bool) -> list[datetime]:
    pad = timedelta(days=16) if monthly else timedelta(hours=14)
    return [datetime.combine(buckets[0], time()) - pad, datetime.combine(buckets[-1], time()) + pad]


def _short(times: list[datetime]) -> bool:
    return not times or times[-1] - times[0] < timedelta(days=LONGEST_DAILY)


def _bars(kind: MovementType, days: list[date], values: list[int], *, out: bool, legend: bool) -> dict[str, Any]:
    name = words.TYPE_PLURALS[kind]
    sign = words.MINUS if out else "+"
    return {
        "type": "bar",
        "x": days,
        "y": [-value for value in values] if out else values,
        "name": name,
        "legendgroup": kind.value,
        "showlegend": legend,
        "marker": {"color": colour(kind), "line": {"width": 0}},
        "customdata": [f"{sign}{value:,}" if value else None for value in values],
        "hovertemplate": f"{name} %{{customdata}}<extra></extra>",
    }


def time_chart(
    series: Mapping[str, Mapping[datetime, float | None]], ends: tuple[datetime, datetime], step: timedelta, unit: str,
    *, stacked: bool = False,
) -> go.Figure:  # fmt: skip
    """Return measurements over time as lines or stacked bars, each at the beginning of its step."""
    traces = [
        _measured(name, by_time, step if stacked else None, _colorway()[place])
        for place, (name, by_time) in enumerate(series.items())
    ]
    highest = max((value or 0 for by_time in series.values() for value in by_time.values()), default=0)
    axis = {"title": {"text": unit}, "tickformat": ",~f", "range": [0, highest * 1.1 or 1]}
    days = {"tickformat": "%-d %b\n%H:%M", "nticks": 7, "range": [ends[0] - step / 2, ends[1]]}
    return _figure(traces, height=240, showlegend=len(traces) > 1, xaxis=days, yaxis=_sum_axis(axis, stacked))


def ranking(values: Mapping[str, float], unit: str) -> go.Figure:
    """Return a horizontal bar for each name, the first at the top."""
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": list(values.values()),
        "y": list(values),
        "marker": {"color": _colorway()[0], "line": {"width": 0}},
        "hovertemplate": "%{y} %{x:,~f}<extra></extra>",
    }
    names = {"autorange": "reversed", "tickformat": None}
    amounts = {"title": {"text": unit}, "tickformat": ",~f", "rangemode": "tozero"}
    return _figure([bars], height=60 + 28 * len(values), hovermode="closest", xaxis=amounts, yaxis=names)


def pairs(names: Sequence[str], series: Mapping[str, Sequence[float | None]], unit: str) -> go.Figure:
    """Return horizontal bars for each name, one of each series, the first name at the top."""
    bars = [
        {
            "type": "bar",
            "orientation": "h",
            "x": list(values),
            "y": list(names),
            "name": name,
            "marker": {"color": _colorway()[place], "line": {"width": 0}},
            "hovertemplate": f"%{{y}}, {name.lower()}: %{{x:,~f}} {unit}<extra></extra>",
        }
        for place, (name, values) in enumerate(series.items())
    ]
    axis = {"autorange": "reversed", "tickformat": None}
    amounts = {"title": {"text": unit}, "tickformat": ",~f", "rangemode": "tozero"}
    height = 90 + 40 * len(names)
    return _figure(bars, height=height, barmode="group", hovermode="closest", xaxis=amounts, yaxis=axis)


def _measured(
    name: str, by_time: Mapping[datetime, float | None], step: timedelta | None, shade: str
) -> dict[str, Any]:
    times = sorted(by_time)
    line = {"type": "scatter", "mode": "lines+markers", "line": {"width": 2, "color": shade}, "marker": {"size": 5}}
    kind = (
        line
        if step is None
        else {
            "type": "bar",
            "width": 800 * step.total_seconds(),  # milliseconds: four fifths of a step, even if there is only one bar
            "marker": {"color": shade, "line": {"width": 0}},
        }
    )
    return {
        **kind,
        "x": times,
        "y": [by_time[at] for at in times],
        "name": name,
        "hovertemplate": f"{name} %{{y:,~f}}<extra></extra>",
    }


def _sum_axis(axis: dict[str, Any], stacked: bool) -> dict[str, Any]:
    # A stack is higher than its highest part, so Plotly chooses the range.
    return {name: value for name, value in axis.items() if not (stacked and name == "range")}
