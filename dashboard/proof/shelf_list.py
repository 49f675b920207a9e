"""The list behind a number of the payment-to-shelf proof: orders, payments, lines or movements with their units."""

from __future__ import annotations

from datetime import date

import streamlit as st

from core.proof import shelf as shelf_proof
from core.proof.shelf import Number, ShelfDay, ShelfItem
from dashboard.door import session
from dashboard.frame import drawer, links, lists, words
from dashboard.language.texts import tr

NUMBER, PAGE = "shelf_of", "shelf_page"
ROWS = 25
_COUNTS = {Number.ORDERS: "order", Number.UNREAD: "order", Number.INBOX: "payment"}


def first() -> None:
    """Go to the first page of the list."""
    lists.put(PAGE, None)


def counted(number: Number, row: ShelfDay) -> str:
    """Return a number with its unit."""
    return words.plural(row.of(number), _COUNTS.get(number, "unit"))


def show(number: Number, since: date, until: date, zone: str) -> None:
    """Show a page of the list behind a number."""
    offset = lists.number(st.query_params.get(PAGE, ""), digits=8) or 0
    found = session.run(shelf_proof.behind, number=number, since=since, until=until, offset=offset, limit=ROWS + 1)
    if not found:
        st.caption(tr("This list is empty."))
    for place, item in enumerate(found[:ROWS]):
        _show_item(item, number, zone, f"{offset + place}")
    older = str(offset + ROWS) if len(found) > ROWS else None
    newer = str(max(offset - ROWS, 0)) if offset else None
    lists.show_pages(PAGE, newer, older, names=(tr("Newest"), tr("Newer"), tr("Older")), key="shelf")


def _show_item(item: ShelfItem, number: Number, zone: str, key: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"flush_item_{key}"):
        if number not in _COUNTS:
            units = words.signed_units(item.units) if number is Number.UNEXPLAINED else words.units(item.units)
            st.markdown(f"**{units}**", width=96)
        if item.order_id is None:
            st.markdown(tr("Payment of {paid_at}", paid_at=words.moment(item.paid_at, zone)), width="content")
        else:
            label = tr("Order {title}", title=words.plain(item.title or ""))
            links.to_page("orders", label, icon=":material/receipt_long:", order=str(item.order_id))
        if item.sku:
            links.to_page("stock", words.plain(item.sku), icon=":material/inventory_2:", sku=item.sku)
        elif item.code:
            st.caption(words.plain(item.code), width="content")
        if item.alert_id is not None:
            links.to_page("alerts", tr("Case"), icon=":material/notifications:", alert=str(item.alert_id))
        if item.movement_id is not None:
            st.button(
                tr("Movement"), key=f"shelf_movement_{item.movement_id}", icon=":material/swap_vert:", type="tertiary",
                on_click=drawer.open_movement, args=(item.movement_id,),
            )  # fmt: skip
        st.caption(tr("paid {paid_at}", paid_at=words.moment(item.paid_at, zone)), width="content")
