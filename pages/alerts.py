"""Alerts: the list of cases, or one case with its actions."""

import streamlit as st

from core.screens import orders as order_screens
from dashboard.alerts import filters
from dashboard.alerts import listing as alert_list
from dashboard.door import session
from dashboard.frame import links, live, tables
from dashboard.frame import page as frame
from dashboard.language.texts import tr
from dashboard.orders import notice

person = session.actor()
with frame.page(tr("Alerts"), person) as top:
    opened = st.query_params.get(alert_list.PARAM, "")
    if opened:
        alert_list.show(opened, person)
    else:
        wanted = filters.show(person)
        seen = session.run(order_screens.cases, filter=wanted.filter, cursor=wanted.cursor, limit=tables.PAGE_ROWS)
        live.watch(seen.latest)
        with top:
            frame.show_sample_line(seen.shop)
            notice.show(seen.shop)
        alert_list.show_list(seen, wanted, person)
        links.to_files(person, "cases", "case_steps", "codes")
