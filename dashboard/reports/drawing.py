"""The chart of a report."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from itertools import islice, pairwise
from textwrap import wrap
from typing import Any

from core.reports.model import Chart, Kind
from dashboard.frame import charts, words
from dashboard.language.said import label, translated
from dashboard.language.texts import tr
from dashboard.reports import cells

_SPOKEN = 15
_LONGEST = 24


def show(chart: Chart, currency: str) -> None:
    """Draw the chart, with what it shows as a sentence for screen readers."""
    charts.show(_figure(chart, currency), key="rep_chart", alt=_alt(chart, currency))


def _figure(chart: Chart, currency: str) -> Any:
    unit = {Kind.PERCENT: "%", Kind.MONEY: currency, Kind.DAYS: tr("days"), Kind.UNITS: tr("units")}.get(chart.kind, "")
    if chart.is_over_time:
        days = [day for day in chart.names if isinstance(day, date)]
        times = [datetime(day.year, day.month, day.day) for day in days]  # noqa: DTZ001 - drawn, no moments
        series = {translated(name): dict(zip(times, values, strict=True)) for name, values in chart.series.items()}
        step = min((after - before for before, after in pairwise(times)), default=timedelta(days=1))
        return charts.time_chart(series, (times[0], times[-1] + step), step, unit)
    names = _once(chart)
    if len(chart.series) == 1:
        (values,) = chart.series.values()
        return charts.ranking({name: value or 0 for name, value in zip(names, values, strict=True)}, unit)
    return charts.pairs(names, {translated(name): values for name, values in chart.series.items()}, unit)


def _once(chart: Chart) -> list[str]:
    """Return the names, each once: bars of the same name would lie on each other."""
    seen: Counter[str] = Counter()
    names = []
    for name in map(_wrapped, chart.names):
        seen[name] += 1
        names.append(f"{name} ({seen[name]})" if seen[name] > 1 else name)
    return names


def _wrapped(name: object) -> str:
    """Return a name in at most two lines, so that it leaves room for the bars on a phone."""
    lines = wrap(label(str(name)), _LONGEST) or [""]
    return "\n".join([lines[0], lines[1] + "\N{HORIZONTAL ELLIPSIS}"] if len(lines) > 2 else lines)


def _alt(chart: Chart, currency: str) -> str:
    parts = []
    for name, values in chart.series.items():
        pairs = islice(zip(chart.names, values, strict=True), _SPOKEN)
        named = ((words.day(each) if isinstance(each, date) else label(str(each)), value) for each, value in pairs)
        said = ", ".join(f"{each} {cells.said(value, chart.kind, currency)}" for each, value in named)
        parts.append(f"{translated(name)}: {said}")
    return f"{translated(chart.title)}. {'; '.join(parts)}."
