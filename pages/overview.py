"""Overview: current stock, recent movements, and what needs attention."""

import streamlit as st

from core.screens import stock as screens
from dashboard.door import session
from dashboard.frame import live
from dashboard.frame import page as frame
from dashboard.language.texts import tr
from dashboard.overview import filling, trying
from dashboard.overview import parts as desk
from dashboard.proof import shelf
from dashboard.settings import backups
from dashboard.starting import checklist

person = session.actor()
with frame.page(tr("Overview"), person) as top:
    days = desk.PERIOD.value()
    seen = session.run(screens.overview, days=days, chosen=desk.chosen())
    live.watch(seen.latest)
    with top:
        desk.show_caption(seen)
        backups.show_line(seen.proof, seen.shop)
        shelf.show_line(seen.shop)
        frame.show_sample_banner(seen.shop, person)
        if seen.shop.is_sample:
            filling.show_progress(seen.shop.zone)
        checklist.show_line(seen.shop, person)
    if not seen.summary.variants:
        frame.empty_shop(person, tr(desk.PURPOSE))
        if seen.waiting.cases or seen.waiting.refunds:  # orders may arrive before the products that they name
            desk.show_attention(seen)
        st.stop()
    desk.show_numbers(seen, days)
    chart, attention = st.columns([2, 1], gap="small")
    with chart, st.container(border=True, key="ovw_chart"):
        desk.show_flows(seen, days)
    with attention, st.container(border=True, key="ovw_attention"):
        desk.show_attention(seen)
    trying.show(person, seen.shop)
    with st.container(border=True, key="ovw_recent"):
        desk.show_recent(seen)
