"""Deliveries: the list, a new one, or one that is checked off and posted."""

import streamlit as st

from core.screens import deliveries as screens
from dashboard.deliveries import listing, making, parts
from dashboard.deliveries import view as desk
from dashboard.door import session
from dashboard.frame import links, lists, live
from dashboard.frame import page as frame
from dashboard.language.texts import tr

person = session.actor()
with frame.page(tr("Deliveries"), person) as top:
    opened, new = st.query_params.get(parts.PARAM, ""), st.query_params.get(parts.NEW, "")
    if opened:
        number = lists.number(opened)
        found = None if number is None else session.run(screens.one_delivery, delivery_id=number)
        desk.show(found, person)
    elif new:
        making.show(new, person)
    else:
        seen = listing.read()
        live.watch(seen.latest)
        with top:
            frame.show_sample_line(seen.shop)
        listing.show(seen, person)
        links.to_files(person, "goods_deliveries", "goods_lines")
