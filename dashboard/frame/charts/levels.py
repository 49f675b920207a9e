"""The level of a variant over time, with its counts, receipts and stock-outs as marks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from core.foundation.model import MovementType
from core.ledger.charts import LevelMark, MarkKind
from core.ledger.reports import LevelPoint
from dashboard.frame import words
from dashboard.frame.charts.parts import FILL, Figure, across, colorway, colour, figure, units_axis
from dashboard.language import formats
from dashboard.language.texts import inside, lazy, tr

MARKS = lazy({MarkKind.RECEIPT: "Receipts", MarkKind.COUNT: "Counts", MarkKind.OUT: "Stock-outs"})
_SYMBOLS = {MarkKind.RECEIPT: "triangle-up", MarkKind.COUNT: "diamond", MarkKind.OUT: "x"}
_YEAR = timedelta(days=400)


def level_chart(
    points: Sequence[LevelPoint], on_hand: int, reorder_point: int, zone: str, marks: Sequence[LevelMark] = ()
) -> Figure:
    """Return a variant's level over time: a step at each movement, marks, and its reorder point as a dotted line."""
    # Wall-clock times without an offset: the browser would otherwise convert them to its own time zone.
    times = [words.local(point.at, zone).replace(tzinfo=None) for point in points]
    steps = {
        "type": "scatter",
        "x": times,
        "y": [point.level for point in points],
        "mode": "lines+markers",
        "line": {"shape": "hv", "width": 2, "color": colour(MovementType.PURCHASE)},
        "marker": {"size": 5, "opacity": 1 if len(points) <= 60 else 0},  # a line without markers cannot be chosen
        "fill": "tozeroy",
        "fillcolor": FILL,
        "name": tr("On hand"),
        "showlegend": False,
        "customdata": [[at.date().isoformat()] for at in times],
        "selected": {"marker": {"opacity": 1}},
        "unselected": {"marker": {"opacity": 0}},
        "hovertemplate": tr(
            "%{{x|{day}, %H:%M}}<br><b>%{{y:,d}}</b> on hand<extra></extra>", day=formats.chart_day("%-d %b %Y")
        ),
    }
    highest = max([on_hand, reorder_point, *(p.level for p in points), *(m.level for m in marks)])
    short = not times or times[-1] - times[0] < _YEAR
    return figure(
        [steps, *(_marked(kind, marks, zone) for kind in MarkKind if any(mark.kind is kind for mark in marks))],
        height=280,
        showlegend=bool(marks),
        hovermode="closest" if marks else "x",
        xaxis={"tickformat": formats.chart_day("%-d %b" if short else "%b %Y"), "nticks": 8},
        yaxis={**units_axis(tr("units on hand"), highest), "range": [-highest * 0.06, highest * 1.12 or 1]},
        shapes=[across(reorder_point, colour(MovementType.SALE))] if reorder_point else [],
    )


def _marked(kind: MarkKind, marks: Sequence[LevelMark], zone: str) -> dict[str, Any]:
    among = [mark for mark in marks if mark.kind is kind]
    times: list[datetime] = [words.local(mark.at, zone).replace(tzinfo=None) for mark in among]
    shades = {MarkKind.RECEIPT: colour(MovementType.RESTORATION), MarkKind.COUNT: colour(MovementType.COUNT)}
    return {
        "type": "scatter",
        "mode": "markers",
        "x": times,
        "y": [mark.level for mark in among],
        "name": MARKS[kind],
        "marker": {
            "symbol": _SYMBOLS[kind],
            "size": 10,
            "color": shades.get(kind, colorway()[4]),
            "line": {"width": 0},
        },
        "selected": {"marker": {"opacity": 1}},
        "unselected": {"marker": {"opacity": 1}},
        "customdata": [
            [at.date().isoformat(), words.moment(mark.at, zone), words.signed(mark.quantity)]
            for at, mark in zip(times, among, strict=True)
        ],
        "hovertemplate": "%{fullData.name}, %{customdata[1]}<br>%{customdata[2]}, <b>%{y:,d}</b> on hand"
        "<extra></extra>",
    }


def spoken(marks: Sequence[LevelMark]) -> str:
    """Return how many marks of each kind there are, for screen readers."""
    counts = {kind: sum(mark.kind is kind for mark in marks) for kind in MarkKind}
    return ", ".join(f"{inside(MARKS[kind])}: {words.number(count)}" for kind, count in counts.items() if count)
