"""The units of a variant in inspection: the list behind the number."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.orders.refund_reads import Inspection
from dashboard.frame import links, words
from dashboard.language.texts import tr
from dashboard.stock import details

LISTED = 20


def show(found: Sequence[Inspection], zone: str) -> None:
    """Show each order whose goods are in inspection, with the way to decide; nothing if there are none."""
    if not found:
        return
    with st.container(border=True, key="stk_inspections"):
        st.subheader(tr("In inspection"), anchor=False)
        st.caption(tr("These units came back. They are neither on hand nor available until somebody decides."))
        for place, each in enumerate(found[:LISTED]):
            with st.container(gap=None, key=f"flush_inspection_{place}"):
                label = tr("{units} of order {title}", units=words.units(each.units), title=words.plain(each.title))
                links.to_page("orders", label, order=str(each.order_id))
                who = f"{each.decided_by}, {words.moment(each.decided_at, zone)}"
                st.caption(words.plain(words.joined(who, each.note)))
                details.show_picture(each.picture, tr("Picture of the goods"))
        if len(found) > LISTED:
            st.caption(tr("The first {listed} of {found}.", listed=LISTED, found=words.number(len(found))))
