"""The list of orders: its filters, its pages, and the ways to one order and to the refunds."""

from __future__ import annotations

import streamlit as st

from core.foundation.model import Actor
from core.orders.filter import OrderFilter, OrderState
from core.people.access import Permission, may
from core.screens.orders import OrderList
from dashboard.frame import links, lists, words
from dashboard.frame import page as frame
from dashboard.frame.lists import Wanted
from dashboard.language import formats, widgets
from dashboard.language.texts import marked, tr
from dashboard.orders import tables

PARAM = "order"
VIEWS = (ORDERS, REFUNDS, WAITING) = marked(
    (marked("Orders"), marked("Refunds to decide"), marked("Waiting for goods"))
)
VIEW = lists.Choice(label=marked("View"), key="ord_view", options=dict(zip(VIEWS, VIEWS, strict=True)), usual=ORDERS)
STATES = marked(
    {
        "All": OrderState.ALL,
        "Open": OrderState.OPEN,
        "Cart not read": OrderState.UNREAD,
        "Refunded": OrderState.REFUNDED,
        "Refunded in part": OrderState.REFUNDED_IN_PART,
        "Disputed": OrderState.DISPUTED,
    }
)
_FILTERS = lists.Filters(empty={"ord_q": "", "ord_state": "All", "ord_from": None, "ord_to": None}, cursor="ord_page")


def show_filters() -> Wanted[OrderFilter]:
    """Draw the filters and return their values."""
    bound = _FILTERS.bound
    with st.grid(4, min_column_width=150, gap="small", key="ord_filters") as grid, grid.cell(column_span=2):
        text = st.text_input(
            tr("Search"), key="ord_q", type="search", placeholder=tr("Email, order number, payment, SKU"), **bound
        )
    with grid:
        since = st.date_input(tr("Paid from"), None, key="ord_from", format=formats.date_input(), **bound)
        until = st.date_input(tr("To"), None, key="ord_to", format=formats.date_input(), **bound)
    state = widgets.pills(
        tr("State"), list(STATES), default="All", required=True, key="ord_state", label_visibility="collapsed", **bound
    )
    wanted = OrderFilter(
        search=(text or "").strip(), state=STATES.get(state or "All", OrderState.ALL), since=since, until=until
    )
    return Wanted(filter=wanted, cursor=st.query_params.get(_FILTERS.cursor))


def show_list(seen: OrderList, wanted: Wanted[OrderFilter], person: Actor) -> None:
    """Show a page of orders with the ways to newer and older ones, or why there is none."""
    rows = seen.page.rows
    if not rows:
        _show_nothing(seen, wanted, person)
        return
    text = tr(
        "{count}, newest first. Times are in {zone}.",
        count=lists.counted(seen.count, "order"),
        zone=words.plain(seen.shop.zone),
    )
    lists.show_head(text, key="ord", clear=_FILTERS.clear if wanted.narrowed else None, stale=seen.stale)
    key = f"ord_{rows[0].order_id}_{rows[-1].order_id}_{len(rows)}"
    tables.show_orders(rows, seen.shop.zone, key=key, pick=open_order)
    lists.show_pages(
        _FILTERS.cursor, seen.page.before, seen.page.after, names=(tr("Newest"), tr("Newer"), tr("Older")), key="ord"
    )


def open_order(order_id: int) -> None:
    """Open one order."""
    lists.put(PARAM, order_id)


def close_order() -> None:
    """Go back to the list."""
    lists.put(PARAM, None)


def show_import(person: Actor) -> None:
    """Link to the import of orders, if the role permits it."""
    if may(person.role, Permission.IMPORT_ORDERS):
        links.to_page("catalog", tr("Import orders"), icon=":material/cloud_download:", imp_section="Orders")


def _show_nothing(seen: OrderList, wanted: Wanted[OrderFilter], person: Actor) -> None:
    if wanted.narrowed:
        found = (
            tr("Nothing matches {search}. ", search=words.plain(wanted.filter.search[:80]))
            if wanted.filter.search
            else ""
        )
        frame.empty(
            tr("No order matches"),
            tr(
                "{found}Search for the beginning of an email or an order number, a payment id, or a complete SKU.",
                found=found,
            ),
            icon=":material/search_off:",
        )
        lists.show_clear("ord", _FILTERS.clear)
    else:
        frame.empty_sales(
            tr("There are no orders yet"),
            tr("Paid orders arrive from Stripe automatically, and each takes its units off the shelf once."),
            person,
            seen.shop,
            icon=":material/receipt_long:",
        )
