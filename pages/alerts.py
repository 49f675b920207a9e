"""Alerts: what failed, why, how much of it and since when, and the way to finish it."""

import streamlit as st

from core import order_screens
from dashboard import alert_desk, banner, frame, live, session, stripe_notice, tables

person = session.actor()
with frame.page("Alerts", person) as top:
    opened = st.query_params.get(alert_desk.PARAM, "")
    if opened:
        alert_desk.show(opened, person)
    else:
        wanted = alert_desk.show_filters(person)
        seen = session.run(order_screens.cases, filter=wanted.filter, cursor=wanted.cursor, limit=tables.PAGE_ROWS)
        live.watch(seen.latest)
        with top:
            banner.show_short(seen.shop)
            stripe_notice.show()
        alert_desk.show_list(seen, wanted, person)
