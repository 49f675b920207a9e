"""The list of orders: its filters in the address, its pages, and the way to one order or to the refunds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.foundation.model import Actor
from core.orders.filter import OrderFilter, OrderState
from core.people.access import Permission, may
from core.screens.orders import OrderList
from dashboard.frame import links, pager, words
from dashboard.frame import page as frame
from dashboard.orders import tables

PARAM = "order"
CURSOR = "ord_page"
VIEWS = (ORDERS, REFUNDS) = ("Orders", "Refunds to decide")
STATES = {
    "All": OrderState.ALL,
    "Open": OrderState.OPEN,
    "Cart not read": OrderState.UNREAD,
    "Refunded": OrderState.REFUNDED,
    "Disputed": OrderState.DISPUTED,
}
_EMPTY: dict[str, Any] = {"ord_q": "", "ord_state": "All", "ord_from": None, "ord_to": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the page shows: the filter and the page of the list."""

    filter: OrderFilter
    cursor: str | None

    @property
    def narrowed(self) -> bool:
        """Whether anything is left out."""
        return self.filter != OrderFilter()


def chosen_view() -> str:
    """Draw the choice between the orders and the refunds to decide, and return it."""
    return st.segmented_control(
        "View", VIEWS, default=ORDERS, required=True, key="ord_view", bind="query-params", label_visibility="collapsed"
    ) or ORDERS  # fmt: skip


def _first() -> None:
    st.query_params.pop(CURSOR, None)


def clear() -> None:
    """Take every filter off."""
    _first()
    for key, value in _EMPTY.items():
        st.session_state[key] = value


def show_filters() -> Wanted:
    """Draw the filters and return what they say."""
    bound: dict[str, Any] = {"bind": "query-params", "on_change": _first}
    with st.grid(4, min_column_width=150, gap="small", key="ord_filters") as grid, grid.cell(column_span=2):
        said = st.text_input(
            "Search", key="ord_q", type="search", placeholder="Email, order number, payment, SKU", **bound
        )  # fmt: skip
    with grid:
        since = st.date_input("Paid from", None, key="ord_from", format="YYYY-MM-DD", **bound)
        until = st.date_input("To", None, key="ord_to", format="YYYY-MM-DD", **bound)
    state = st.pills(
        "State", list(STATES), default="All", required=True, key="ord_state", label_visibility="collapsed", **bound
    )
    wanted = OrderFilter(
        search=(said or "").strip(), state=STATES.get(state or "All", OrderState.ALL), since=since, until=until
    )
    return Wanted(filter=wanted, cursor=st.query_params.get(CURSOR))


def show_list(seen: OrderList, wanted: Wanted, person: Actor) -> None:
    """Show a page of orders with the ways to newer and older ones, or why there is none."""
    rows = seen.page.rows
    if not rows:
        _show_nothing(wanted, person)
        return
    pager.show_count(
        f"{pager.counted(seen.count, 'order')}, paid last first. Times are in {words.plain(seen.shop.zone)}.",
        key="ord", narrowed=wanted.narrowed, clear=clear, stale=seen.stale,
    )  # fmt: skip
    key = f"ord_{rows[0].order_id}_{rows[-1].order_id}_{len(rows)}"
    tables.show_orders(rows, seen.shop.zone, key=key, pick=open_order)
    pager.show_pages(CURSOR, seen.page.before, seen.page.after, names=("Newest", "Newer", "Older"), key="ord")


def open_order(order_id: int) -> None:
    """Open one order."""
    st.query_params[PARAM] = str(order_id)


def close_order() -> None:
    """Go back to the list."""
    st.query_params.pop(PARAM, None)


def show_import(person: Actor) -> None:
    """Lead to the import of orders, whoever may do that."""
    if may(person.role, Permission.IMPORT_ORDERS):
        links.to_page("catalog", "Import orders", icon=":material/cloud_download:", imp_section="Orders")


def _show_nothing(wanted: Wanted, person: Actor) -> None:
    if wanted.narrowed:
        said = f"Nothing matches {words.plain(wanted.filter.search[:80])}. " if wanted.filter.search else ""
        frame.empty(
            "No order matches",
            f"{said}Search for the beginning of an email or an order number, a payment id, or a whole SKU.",
            icon=":material/search_off:",
        )
        st.button("Clear filters", key="ord_clear", icon=":material/filter_alt_off:", type="tertiary", on_click=clear)
    else:
        frame.empty(
            "No order has come in yet",
            "Paid orders come in from Stripe by themselves; each takes its goods off the shelf once.",
            icon=":material/receipt_long:",
        )
        show_import(person)
