"""Stock: every variant with its level, and one variant with what made it so and what changes it."""

import streamlit as st

from core import reports, screens
from dashboard import banner, bulk_desk, frame, live, session, stock_desk, variant_desk

person = session.actor()
with frame.page("Stock", person) as top:
    code = st.query_params.get("sku", "")
    if bulk_desk.PARAM in st.query_params:
        bulk_desk.show(person)
    elif code:
        stock_desk.show_search(code)
        variant = session.run(screens.variant, sku=code, days=variant_desk.chosen_days())
        if variant is None:
            variant_desk.show_unknown(code)
        else:
            live.watch(variant.latest)
            variant_desk.show(variant, person)
    else:
        search = stock_desk.show_search(code)
        wanted = stock_desk.show_filters(search, session.run(reports.brands))
        seen = stock_desk.read(wanted)
        live.watch(seen.latest)
        with top:
            banner.show_short(seen.shop)
        stock_desk.show_page(seen, wanted, person)
