"""What all charts share: the template, the colours, how one is drawn, and its table.

The colours are the theme's categorical ones, so they follow light and dark.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from html import escape
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio
import streamlit as st

from core.foundation.model import MovementType
from dashboard.language import formats
from dashboard.language.texts import tr

# Positions in theme.chartCategoricalColors. Streamlit's template has placeholders for them that the browser fills in.
_POSITIONS = {
    MovementType.PURCHASE: 0,
    MovementType.SALE: 1,
    MovementType.RESTORATION: 5,
    MovementType.ADJUSTMENT: 2,
    MovementType.COUNT: 3,
}
_GRID = "rgba(128, 144, 160, 0.22)"
FILL = "rgba(26, 154, 142, 0.14)"  # a placeholder colour takes no opacity
GREY = "rgba(128, 144, 160, 0.7)"
CONFIG = {"displayModeBar": False, "scrollZoom": False}
_AXIS = {"gridcolor": _GRID, "zerolinecolor": GREY, "zerolinewidth": 1, "automargin": True, "fixedrange": True}
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


def colour(kind: MovementType) -> str:
    """Return the colour of a movement type in the current theme."""
    return colorway()[_POSITIONS[kind]]


@cache
def colorway() -> tuple[str, ...]:
    """Return the colours of the theme, in its order."""
    return tuple(pio.templates["streamlit"].layout.colorway)


class Figure(go.Figure):  # type: ignore[misc]
    """A figure that is sent as it was written.

    Plotly checks and copies every property of a figure, at more cost than the rest of a page. The figures of this
    package have a fixed form, which their test checks; `checked` returns Plotly's own.
    """

    def __init__(self, spec: dict[str, Any]) -> None:
        self._spec = spec

    def to_dict(self) -> dict[str, Any]:
        """Return traces and layout, as Streamlit sends them."""
        return self._spec

    def changed(self, **layout: Any) -> Figure:
        """Return the figure with other properties of its layout."""
        return Figure({**self._spec, "layout": {**self._spec["layout"], **layout}})

    def checked(self) -> go.Figure:
        """Return Plotly's figure. Raises ValueError for a property that Plotly does not know."""
        return go.Figure(**self._spec)


def figure(traces: list[dict[str, Any]], **layout: Any) -> Figure:
    """Return a figure of these traces in the shared template."""
    return Figure({
        "data": traces,
        "layout": {"template": _TEMPLATE, "separators": formats.separators(), **layout},
    })  # fmt: skip


def literal(text: str) -> str:
    """Return `text` for a figure, which then shows it letter by letter; a line break stays one. Plotly reads HTML."""
    return escape(text, quote=False).replace("%{", "&#37;{").replace("\n", "<br>")


def units_axis(title: str, highest: int) -> dict[str, Any]:
    """Return the axis of quantities up to `highest`."""
    # One tick per unit if there are few, or the axis would count in halves.
    return {"title": {"text": title}, **({"dtick": 1} if highest <= 5 else {})}


def across(level: int, colour_: str) -> dict[str, Any]:
    """Return a dotted line across the chart at a level."""
    line = {"dash": "dot", "width": 1.5, "color": colour_}
    return {"type": "line", "xref": "x domain", "x0": 0, "x1": 1, "y0": level, "y1": level, "line": line}


def show(figure: Figure, *, key: str, alt: str) -> None:
    """Draw a figure in the current theme; `alt` describes it for screen readers."""
    st.plotly_chart(figure, key=key, alt=alt, config=CONFIG)


def show_as_table(
    table: Callable[[], Mapping[str, Sequence[Any]]], key: str, alt: str, config: dict[str, Any] | None = None,
    *, label: str = "Show as table",
) -> None:  # fmt: skip
    """Offer a table in an expander; it is made and drawn only while that is open."""
    box = st.expander(tr(label), key=key, on_change="rerun")
    if box.open:
        box.dataframe(pd.DataFrame(dict(table())), column_config=config, hide_index=True, alt=alt)
