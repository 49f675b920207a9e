"""Movements: the ledger, newest first, under any filter; as a chart, as a file, and the way to undo a line."""

import streamlit as st

from core import screens
from dashboard import banner, frame, live, movement_desk, session, tables

person = session.actor()
with frame.page("Movements", person) as top:
    choices = session.run(screens.ledger_choices)
    wanted = movement_desk.show_filters(choices)
    seen = session.run(screens.ledger, filter=wanted.filter, cursor=wanted.cursor, limit=tables.PAGE_ROWS)
    live.watch(seen.latest)
    with top:
        banner.show_short(choices.shop)
    if seen.page.rows:
        with st.container(border=True, key="mov_chart_card"):
            movement_desk.show_chart(seen)
    if seen.page.rows or wanted.narrowed:
        movement_desk.show_count(seen, wanted)
    movement_desk.show_list(seen, wanted, person)
