"""Plotly figures made of plain rows, with one template, one colour for each movement type and a few hundred points.

`flows` and `levels` draw movements and levels, `measures` other numbers, `choosing` lets people choose parts of a
chart. `parts` has what all share. Every chart can be shown as a table.
"""

from dashboard.frame.charts.flows import GROUPS, STEPS, Measure, describe, flow_chart, label, names, show_flow_table
from dashboard.frame.charts.levels import level_chart, spoken
from dashboard.frame.charts.measures import pairs, ranking, time_chart
from dashboard.frame.charts.parts import colour, show, show_as_table

__all__ = [
    "GROUPS",
    "STEPS",
    "Measure",
    "colour",
    "describe",
    "flow_chart",
    "label",
    "level_chart",
    "names",
    "pairs",
    "ranking",
    "show",
    "show_as_table",
    "show_flow_table",
    "spoken",
    "time_chart",
]
