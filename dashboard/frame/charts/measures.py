"""Measurements over time, and bars for names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from dashboard.frame.charts.parts import Figure, colorway, figure, literal
from dashboard.language import formats
from dashboard.language.texts import inside


def time_chart(
    series: Mapping[str, Mapping[datetime, float | None]], ends: tuple[datetime, datetime], step: timedelta, unit: str,
    *, stacked: bool = False,
) -> Figure:  # fmt: skip
    """Return measurements over time as lines or stacked bars, each at the beginning of its step."""
    traces = [
        _measured(name, by_time, step if stacked else None, colorway()[place])
        for place, (name, by_time) in enumerate(series.items())
    ]
    highest = max((value or 0 for by_time in series.values() for value in by_time.values()), default=0)
    axis = {"title": {"text": unit}, "tickformat": ",~f", "range": [0, highest * 1.1 or 1]}
    ticks = formats.chart_day("%-d %b" if step >= timedelta(days=1) else "%-d %b\n%H:%M")
    days = {"tickformat": ticks, "nticks": 7, "range": [ends[0] - step / 2, ends[1]]}
    return figure(traces, height=240, showlegend=len(traces) > 1, xaxis=days, yaxis=_sum_axis(axis, stacked))


def ranking(values: Mapping[str, float], unit: str) -> Figure:
    """Return a horizontal bar for each name, the first at the top."""
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": list(values.values()),
        "y": [literal(name) for name in values],
        "marker": {"color": colorway()[0], "line": {"width": 0}},
        "hovertemplate": "%{y} %{x:,~f}<extra></extra>",
    }
    names = {"autorange": "reversed", "type": "category"}
    amounts = {"title": {"text": unit}, "tickformat": ",~f", "rangemode": "tozero"}
    return figure([bars], height=60 + 28 * len(values), hovermode="closest", xaxis=amounts, yaxis=names)


def pairs(names: Sequence[str], series: Mapping[str, Sequence[float | None]], unit: str) -> Figure:
    """Return horizontal bars for each name, one of each series, the first name at the top."""
    bars = [
        {
            "type": "bar",
            "orientation": "h",
            "x": list(values),
            "y": [literal(name) for name in names],
            "name": literal(name),
            "marker": {"color": colorway()[place], "line": {"width": 0}},
            "hovertemplate": f"%{{y}}, {literal(inside(name))}: %{{x:,~f}} {unit}<extra></extra>",
        }
        for place, (name, values) in enumerate(series.items())
    ]
    axis = {"autorange": "reversed", "type": "category"}
    amounts = {"title": {"text": unit}, "tickformat": ",~f", "rangemode": "tozero"}
    height = 90 + 40 * len(names)
    return figure(bars, height=height, barmode="group", hovermode="closest", xaxis=amounts, yaxis=axis)


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
        "name": literal(name),
        "hovertemplate": f"{literal(name)} %{{y:,~f}}<extra></extra>",
    }


def _sum_axis(axis: dict[str, Any], stacked: bool) -> dict[str, Any]:
    # A stack is higher than its highest part, so Plotly chooses the range.
    return {name: value for name, value in axis.items() if not (stacked and name == "range")}
