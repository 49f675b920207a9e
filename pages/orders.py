"""Orders: all paid orders, one order, the refunds to decide, or the buyers who wait for goods."""

import streamlit as st

from core.screens import orders as order_screens
from dashboard.door import session
from dashboard.frame import links, live, tables
from dashboard.frame import page as frame
from dashboard.language.texts import tr
from dashboard.orders import listing as order_list
from dashboard.orders import notice, oversold, view
from dashboard.orders import refunds as refund_desk

person = session.actor()
with frame.page(tr("Orders"), person) as top:
    opened = st.query_params.get(order_list.PARAM, "")
    if opened:
        view.show(opened, person)
    elif (chosen := order_list.VIEW.show()) == order_list.WAITING:
        waits = session.run(order_screens.waiting)
        live.watch(waits.latest)
        oversold.show_list(waits, person)
        links.to_files(person, "waiting")
    elif chosen == order_list.REFUNDS:
        cursor = st.query_params.get(refund_desk.CURSOR)
        refunds = session.run(order_screens.refunds, cursor=cursor, limit=refund_desk.PAGE)
        live.watch(refunds.latest)
        with top:
            notice.show(refunds.shop)
        refund_desk.show_inbox(refunds, person)
        links.to_files(person, "refunds", "decisions", "disputes")
    else:
        wanted = order_list.show_filters()
        seen = session.run(order_screens.orders, filter=wanted.filter, cursor=wanted.cursor, limit=tables.PAGE_ROWS)
        live.watch(seen.latest)
        with top:
            frame.show_sample_line(seen.shop)
            notice.show(seen.shop)
        order_list.show_list(seen, wanted, person)
        links.to_files(person, "orders", "order_lines", "line_changes", "messages")
