"""Charts are sent as they are written, without Plotly's own check on every page: that is made here, once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import plotly.io
import pytest

from core.ledger.charts import Chart, Choice, LevelMark, MarkKind
from core.ledger.flows import Flow, Group, Step
from core.ledger.reports import LevelPoint
from dashboard.frame import charts
from dashboard.frame.charts.parts import Figure

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = date(2026, 3, 1)


def _flows(group: Group, currency: str | None = None, choice: Choice | None = None) -> Figure:
    names = ("sale", "purchase") if group is Group.TYPE else ("", "Vans")
    flows = tuple(
        Flow(
            start=DAY + timedelta(days=n), name=name, units_in=n, units_out=3, value_in=Decimal(n), value_out=Decimal(9)
        )
        for name in names
        for n in range(5)
    )
    shown = Chart(since=DAY, until=DAY + timedelta(days=7), group=group, step=Step.DAY, flows=flows, before=flows)
    return charts.flow_chart(shown, charts.Measure(currency=currency), choice=choice)


def _levels() -> Figure:
    points = [LevelPoint(at=NOON + timedelta(days=n), level=n) for n in range(5)]
    marks = [LevelMark(at=NOON, kind=kind, quantity=-2, level=0) for kind in MarkKind]
    return charts.level_chart(points, 5, 3, "Europe/Berlin", marks)


def _measured(stacked: bool) -> Figure:
    by_time = {NOON + timedelta(hours=hour): float(hour) for hour in range(4)}
    ends = (NOON, NOON + timedelta(days=1))
    return charts.time_chart({"Pages": by_time, "Jobs": by_time}, ends, timedelta(hours=1), "ms", stacked=stacked)


FIGURES = {
    "types": lambda: _flows(Group.TYPE, choice=Choice(first=DAY, last=DAY)),
    "brands in money": lambda: _flows(Group.BRAND, "EUR"),
    "levels": _levels,
    "lines": lambda: _measured(False),
    "stacked": lambda: _measured(True),
    "ranking": lambda: charts.ranking({"Vans": 3, "Nike": 1.5}, "units"),
    "pairs": lambda: charts.pairs(["Vans", "Nike"], {"Sold": [1, None], "Bought": [2, 3]}, "units"),
    "chosen by a range": lambda: _flows(Group.TYPE).changed(dragmode="select", selectdirection="h"),
}


@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)
def test_plotly_knows_every_property_of_a_chart_and_would_send_the_same(figure: Callable[[], Figure]) -> None:
    drawn = figure()
    sent, checked = (json.loads(plotly.io.to_json(each, validate=False)) for each in (drawn, drawn.checked()))
    assert sent["data"]
    assert sent["data"] == checked["data"]
    assert {**sent["layout"], "template": None} == {**checked["layout"], "template": None}
    with pytest.raises(ValueError, match="Invalid property"):
        drawn.changed(colour="red").checked()


def test_where_nothing_moved_there_is_no_bar_and_so_no_line_without_a_number_in_the_hover_text() -> None:
    bars = [trace for trace in _flows(Group.TYPE).to_dict()["data"] if trace["type"] == "bar"]
    points = [pair for trace in bars for pair in zip(trace["y"], trace["customdata"], strict=True)]
    assert any(said is None for _, said in points)
    assert all((height is None) == (said is None) for height, said in points)
