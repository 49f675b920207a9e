"""Movements: the ledger under any filter, newest first, as a list, a chart and a file."""

import streamlit as st

from core.screens import stock as screens
from dashboard.door import session
from dashboard.frame import links, live, tables
from dashboard.frame import page as frame
from dashboard.language.texts import tr
from dashboard.movements import chart
from dashboard.movements import listing as movement_list

person = session.actor()
with frame.page(tr("Movements"), person) as top:
    choices = session.run(screens.ledger_choices)
    wanted = movement_list.show_filters(choices)
    view = chart.view(person)
    seen = session.run(
        screens.ledger, filter=wanted.filter, cursor=wanted.cursor, limit=tables.PAGE_ROWS, view=view
    )  # fmt: skip
    live.watch(seen.latest)
    with top:
        frame.show_sample_line(choices.shop)
    is_drawn = bool(seen.page.rows or view.choice)
    if is_drawn:
        with st.container(border=True, key="mov_chart_card"):
            chart.show(seen, view, person)
    sums = st.container()
    if seen.page.rows or wanted.narrowed:
        movement_list.show_count(seen, wanted)
    movement_list.show_list(seen, wanted, person)
    links.to_files(person, "movements", "days", "reasons")
    if is_drawn:
        chart.show_sums(sums, seen, view, person)  # last, because money takes longer than the list
