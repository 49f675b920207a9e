"""Orders: every paid order with what became of its lines, one order end to end, and the refunds to decide."""

import streamlit as st

from core import order_screens
from dashboard import banner, frame, live, order_desk, order_view, refund_desk, session, stripe_notice, tables

person = session.actor()
with frame.page("Orders", person) as top:
    opened = st.query_params.get(order_desk.PARAM, "")
    if opened:
        order_view.show(opened, person)
    elif order_desk.chosen_view() == order_desk.REFUNDS:
        cursor = st.query_params.get(refund_desk.CURSOR)
        refunds = session.run(order_screens.refunds, cursor=cursor, limit=refund_desk.PAGE)
        live.watch(refunds.latest)
        with top:
            stripe_notice.show()
        refund_desk.show_inbox(refunds, person)
    else:
        wanted = order_desk.show_filters()
        seen = session.run(order_screens.orders, filter=wanted.filter, cursor=wanted.cursor, limit=tables.PAGE_ROWS)
        live.watch(seen.latest)
        with top:
            banner.show_short(seen.shop)
            stripe_notice.show()
        order_desk.show_list(seen, wanted, person)
