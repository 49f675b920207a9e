"""Draws a chart as a PNG for a mail. This is the only module that imports Matplotlib, and only when it draws."""

from __future__ import annotations

import io
import threading
from typing import Any

from core.views.sections import Chart

COLOURS = (
    "#0F766E", "#E39A2D", "#64748B", "#6D4BC3", "#C81E1E", "#1D5FD1", "#7C9A2E", "#B4538A", "#3E8FA8", "#8A6A4F",
)  # fmt: skip
"""The colours of our charts on a light ground: `chartCategoricalColors` of the theme."""
WIDTH, DPI = 7.2, 144
MOST_TICKS, LONGEST_LABEL = 8, 24
_INK, _GRID = "#334155", "#E2E8F0"
_drawing = threading.Lock()  # Matplotlib draws in one thread at a time


def png(chart: Chart) -> bytes:
    """Return a chart as a PNG, twice as wide as a mail shows it, so that it is sharp on a phone."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with _drawing, rc_context({"text.parse_math": False}):  # a name with dollar signs is no formula
        height = 0.9 + 0.3 * len(chart.labels) if chart.across else 3.0
        figure = Figure(figsize=(WIDTH, max(height, 1.6)), dpi=DPI, layout="constrained", facecolor="white")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        (_across if chart.across else _upright)(axes, chart)
        _dress(axes, chart)
        stream = io.BytesIO()
        figure.savefig(stream, format="png")
    return stream.getvalue()


def _upright(axes: Any, chart: Chart) -> None:
    places = range(len(chart.labels))
    tops, bottoms = [0.0] * len(chart.labels), [0.0] * len(chart.labels)
    for name, values in chart.series.items():
        base = [tops[at] if values[at] >= 0 else bottoms[at] for at in places]
        axes.bar(places, values, bottom=base, width=0.78, color=_colour(chart, name), label=name)
        for at in places:
            ends = tops if values[at] >= 0 else bottoms
            ends[at] += values[at]
    step = max(-(-len(chart.labels) // MOST_TICKS), 1)
    axes.set_xticks(list(places)[::step], [_short(label) for label in chart.labels[::step]])
    axes.axhline(0, color=_INK, linewidth=0.8)
    axes.set_ylabel(chart.unit, color=_INK)
    axes.grid(axis="y", color=_GRID, linewidth=0.8)


def _across(axes: Any, chart: Chart) -> None:
    places, thick = range(len(chart.labels)), 0.76 / len(chart.series)
    for nth, (name, values) in enumerate(chart.series.items()):
        at = [place - 0.38 + thick * (nth + 0.5) for place in places]
        bars = axes.barh(at, values, height=thick, color=_colour(chart, name), label=name)
        axes.bar_label(bars, labels=[f"{value:,.10g}" for value in values], padding=3, color=_INK, fontsize=8)
    axes.set_yticks(list(places), [_short(label) for label in chart.labels])
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel(chart.unit, color=_INK)
    axes.grid(axis="x", color=_GRID, linewidth=0.8)


def _dress(axes: Any, chart: Chart) -> None:
    axes.set_title(chart.title, loc="left", color=_INK, fontsize=11, fontweight="bold")
    axes.set_axisbelow(True)
    axes.tick_params(colors=_INK, labelsize=8.5, length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    values = axes.xaxis if chart.across else axes.yaxis
    values.set_major_formatter(lambda value, _: f"{value:,.10g}".replace("-", "\N{MINUS SIGN}"))
    values.get_major_locator().set_params(integer=True)
    if len(chart.series) > 1:
        axes.figure.legend(loc="outside lower left", ncols=3, frameon=False, fontsize=8.5, labelcolor=_INK)


def _colour(chart: Chart, name: str) -> str:
    place = chart.colours.get(name, list(chart.series).index(name))
    return COLOURS[place % len(COLOURS)]


def _short(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"
