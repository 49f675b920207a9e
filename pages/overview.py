"""Overview: how much there is, what moved, and what needs somebody."""

import streamlit as st

from core import screens
from dashboard import backup_desk, banner, frame, live, session, shelf_desk
from dashboard import overview_desk as desk

person = session.actor()
with frame.page("Overview", person) as top:
    days = desk.chosen_days()
    seen = session.run(screens.overview, days=days)
    live.watch(seen.latest)
    with top:
        desk.show_caption(seen)
        backup_desk.show_line(seen.proof, seen.shop)
        shelf_desk.show_line(seen.shop)
        banner.show(seen.shop, person)
    if not seen.summary.variants:
        frame.empty_shop(person)
        st.stop()
    desk.show_numbers(seen, days)
    chart, attention = st.columns([2, 1], gap="small")
    with chart, st.container(border=True, key="ovw_chart"):
        desk.show_flows(seen, days)
    with attention, st.container(border=True, key="ovw_attention"):
        desk.show_attention(seen)
    with st.container(border=True, key="ovw_recent"):
        desk.show_recent(seen)
