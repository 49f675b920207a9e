"""Movements over time: bars of units or money in (up) and out (down) by group, with the period before as marks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import streamlit as st

from core.foundation.model import MovementType
from core.ledger.charts import Chart, Choice, Sums
from core.ledger.flows import Flow, Group, Step
from dashboard.frame import words
from dashboard.frame.charts.parts import GREY, Figure, colorway, colour, figure, literal, show_as_table, units_axis
from dashboard.language import formats
from dashboard.language.texts import inside, lazy, marked, noun, tr

MOST_NAMES = 8
"""The most groups with a colour of their own; the rest is one more."""
OTHER = marked("Other")
_MARK = "rgb(128, 144, 160)"
SOURCES = lazy(
    {
        "": "Without a reference",
        "order": "Orders",
        "refund": "Refunds",
        "receipt": "Receipts",
        "count": "Counts",
        "catalogue": "Catalogue files",
    }
)
GROUPS = lazy(
    {
        Group.TYPE: "Type",
        Group.REASON: "Reason",
        Group.PERSON: "Person",
        Group.BRAND: "Brand",
        Group.SOURCE: "Source",
    }
)
STEPS = lazy({Step.DAY: "Day", Step.WEEK: "Week", Step.MONTH: "Month"})
_HEADS = lazy({Step.DAY: "Day", Step.WEEK: "Week of", Step.MONTH: "Month of"})
_SHADES = (0, 1, 5, 3, 6, 7, 8, 9, 2)  # without red, which means trouble
_TITLES = lazy({Step.DAY: "%a, %-d %b %Y", Step.WEEK: "Week of %-d %b %Y", Step.MONTH: "%B %Y"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What the bars measure: units, or their value at cost in a currency."""

    currency: str | None = None

    def of(self, row: Flow | Sums) -> tuple[Decimal | int, Decimal | int]:
        """Return what came in and what went out."""
        return (row.value_in, row.value_out) if self.currency else (row.units_in, row.units_out)

    def said(self, amount: Decimal | int) -> str:
        """Return an amount with its sign."""
        if self.currency is None:
            return words.signed(int(amount))
        return f"{'+' if amount > 0 else ''}{words.money(Decimal(amount), self.currency)}"


def label(group: Group, name: str) -> str:
    """Return how a group's name is shown."""
    if group is Group.TYPE and name in list(MovementType):
        return words.TYPE_PLURALS[MovementType(name)]
    if group is Group.SOURCE:
        return SOURCES.get(name, name.capitalize())
    return name or tr("Without a brand")


def names(chart: Chart) -> list[str]:
    """Return the names of the groups: types in their order, others by how much moved."""
    if chart.group is Group.TYPE:
        found = {flow.name for flow in chart.flows}
        return [kind.value for kind in MovementType if kind in found]
    moved: dict[str, int] = {}
    for flow in chart.flows:
        moved[flow.name] = moved.get(flow.name, 0) + flow.units_in + flow.units_out
    return sorted(moved, key=lambda name: (-moved[name], name))


def flow_chart(
    chart: Chart, measure: Measure = Measure(), *, choice: Choice | None = None, height: int = 300
) -> Figure:  # fmt: skip
    """Return the bars of a chart. Those that were not chosen are pale."""
    found = names(chart)
    own = found if len(found) <= MOST_NAMES + 1 else found[:MOST_NAMES]
    series = [(label(chart.group, name), _shade(chart.group, name, place), {name}) for place, name in enumerate(own)]
    if rest := set(found) - set(own):
        series.append((tr(OTHER), GREY, rest))
    starts = chart.starts
    paleness = [1.0 if choice is None or _is_in(chart, start, choice) else 0.3 for start in starts]
    bars: list[dict[str, Any]] = []
    for name, shade, among in series:
        sums = _sums(chart.flows, among, measure)
        for out, shown in ((False, True), (True, not any(came for came, _ in sums.values()))):
            values = [sums.get(start, (0, 0))[out] for start in starts]
            if any(values):
                bars.append(_bars(name, shade, starts, values, measure, out=out, legend=shown, pale=paleness))
    if chart.before is not None:
        bars += _before(chart, measure)
    axis = (
        {"title": {"text": measure.currency}, "tickformat": ",~f"}
        if measure.currency
        else units_axis(
            noun(2, "unit", "units"), max((flow.units_in + flow.units_out for flow in chart.flows), default=0)
        )
    )
    return figure(bars, height=height, xaxis=_days(chart), yaxis=axis, hovermode="x unified")


def _shade(group: Group, name: str, place: int) -> str:
    return colour(MovementType(name)) if group is Group.TYPE else colorway()[_SHADES[place]]


def _is_in(chart: Chart, start: date, choice: Choice) -> bool:
    first, last = chart.days_of(start)
    return first <= choice.last and last >= choice.first


def _sums(flows: Iterable[Flow], among: set[str], measure: Measure) -> dict[date, tuple[Decimal | int, Decimal | int]]:
    sums: dict[date, tuple[Decimal | int, Decimal | int]] = {}
    for flow in flows:
        if flow.name in among:
            came, went = sums.get(flow.start, (0, 0))
            more = measure.of(flow)
            sums[flow.start] = (came + more[0], went + more[1])
    return sums


def _bars(
    name: str, shade: str, starts: list[date], values: Sequence[Decimal | int], measure: Measure, *, out: bool,
    legend: bool, pale: list[float],
) -> dict[str, Any]:  # fmt: skip
    return {
        "type": "bar",
        "x": starts,
        # No bar where nothing moved: one of no height would have a line without a number in the hover text.
        "y": [float(-value if out else value) if value else None for value in values],
        "name": literal(name),
        "legendgroup": name,
        "showlegend": legend,
        "marker": {"color": shade, "opacity": pale, "line": {"width": 0}},
        "selected": {"marker": {"opacity": 1}},
        "unselected": {"marker": {"opacity": 0.3}},
        "customdata": [
            [start.isoformat(), measure.said(-value if out else value)] if value else None
            for start, value in zip(starts, values, strict=True)
        ],
        "hovertemplate": "%{fullData.name} %{customdata[1]}<extra></extra>",
    }


def _before(chart: Chart, measure: Measure) -> list[dict[str, Any]]:
    """Return the sums of the period before as short lines across the bars: a shape, not only a colour."""
    sums, starts = chart.sums_before, chart.starts
    marks = []
    for out, name in ((False, tr("In, period before")), (True, tr("Out, period before"))):
        found = {start: measure.of(sums[start])[out] for start in starts if start in sums}
        shown = {start: -value if out else value for start, value in found.items() if value}
        if shown:
            marks.append({
                "type": "scatter",
                "mode": "markers",
                "x": list(shown),
                "y": [float(value) for value in shown.values()],
                "name": name,
                "marker": {"symbol": "line-ew-open", "size": 12, "color": tr(_MARK), "line": {"width": 2.5}},
                "customdata": [[start.isoformat(), measure.said(value)] for start, value in shown.items()],
                "hovertemplate": "%{fullData.name} %{customdata[1]}<extra></extra>",
            })  # fmt: skip
    return marks


def _days(chart: Chart) -> dict[str, Any]:
    starts = chart.starts
    half = {Step.DAY: timedelta(hours=14), Step.WEEK: timedelta(days=4), Step.MONTH: timedelta(days=16)}[chart.step]
    ends = [datetime.combine(starts[0], time()) - half, datetime.combine(starts[-1], time()) + half]
    ticks = {
        "tickformat": formats.chart_day("%b %Y" if chart.step is Step.MONTH else "%-d %b"),
        "hoverformat": formats.chart_day(_TITLES[chart.step]),
    }
    return {**ticks, "nticks": 8, "range": ends}


def describe(chart: Chart, measure: Measure = Measure()) -> str:
    """Return a chart as a sentence, for screen readers."""
    first, last = words.day(chart.since), words.day(chart.until - timedelta(days=1))
    if not chart.flows:
        return tr("Nothing moved from {first} to {last}.", first=first, last=last)
    what = tr("Value") if measure.currency else tr("Units")
    parts = []
    for name in names(chart)[: MOST_NAMES + 1]:
        pairs = [measure.of(flow) for flow in chart.flows if flow.name == name]
        came, went = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
        said = words.listing([measure.said(amount) for amount in (came, -went) if amount] or [measure.said(0)])
        parts.append(f"{label(chart.group, name)} {said}")
    return tr(
        "{what} in and out by {group} and {step} from {first} to {last}: {parts}.",
        what=what,
        group=inside(GROUPS[chart.group]),
        step=inside(STEPS[chart.step]),
        first=first,
        last=last,
        parts="; ".join(parts),
    )


def show_flow_table(chart: Chart, key: str, measure: Measure = Measure()) -> None:
    """Offer a chart of movements as a table."""
    day = st.column_config.DateColumn(format=formats.column_day())
    show_as_table(
        lambda: _table(chart, measure), key, tr("Units in and out over time"), {_HEADS[chart.step]: day}
    )  # fmt: skip


def _table(chart: Chart, measure: Measure) -> dict[str, list[Any]]:
    table: dict[str, list[Any]] = {
        _HEADS[chart.step]: [flow.start for flow in chart.flows],
        GROUPS[chart.group]: [label(chart.group, flow.name) for flow in chart.flows],
        tr("Units in"): [flow.units_in for flow in chart.flows],
        tr("Units out"): [flow.units_out for flow in chart.flows],
    }
    if measure.currency:
        table["Value in"] = [float(flow.value_in) for flow in chart.flows]
        table["Value out"] = [float(flow.value_out) for flow in chart.flows]
    return table
