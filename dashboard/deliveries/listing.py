"""The list of deliveries: what is expected, in progress, and received."""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit.column_config import NumberColumn, TextColumn

from core.deliveries.reads import OPEN, DeliveryRow, DeliveryState
from core.foundation.model import Actor
from core.people.access import Permission, may
from core.screens import deliveries as screens
from core.screens.deliveries import DeliveryList
from dashboard.deliveries import parts
from dashboard.door import session
from dashboard.frame import columns, lists, words
from dashboard.frame import page as frame
from dashboard.language.texts import marked, tr

VIEWS: dict[str, tuple[DeliveryState, ...]] = marked(
    {
        "Open": OPEN,
        "Expected": (DeliveryState.EXPECTED,),
        "In progress": (DeliveryState.IN_PROGRESS,),
        "Received": (DeliveryState.RECEIVED,),
        "All": (),
    }
)
_STATE = lists.Choice(label=marked("State"), key="del_state", options=VIEWS, usual="Open")


def open_delivery(delivery_id: int) -> None:
    """Open a delivery in place of the list."""
    lists.put(parts.PARAM, delivery_id)


def read() -> DeliveryList:
    """Draw the filters and return what they choose."""
    with st.container(horizontal=True, vertical_alignment="center", key="del_filters"):
        states = _STATE.show()
        search = st.text_input(
            tr("Search"),
            key="del_q",
            type="search",
            placeholder=tr("Reference or supplier"),
            label_visibility="collapsed",
            bind="query-params",
        )
    return session.run(screens.delivery_list, states=states, search=search or "")


def show(seen: DeliveryList, person: Actor) -> None:
    """Show the list, or why there is nothing on it."""
    if not seen.rows:
        _show_nothing(seen, person)
        return
    late = (
        tr(" {deliverys} overdue.", deliverys=words.plural(seen.counts.overdue, "delivery", "deliveries"))
        if seen.counts.overdue
        else ""
    )
    lists.show_head(
        f"{words.plural(len(seen.rows), 'delivery', 'deliveries')}.{late}",
        key="del",
        actions=lambda: show_begin(person),
    )
    ids, rows = [row.delivery_id for row in seen.rows], seen.rows
    states = [[parts.state(row)] for row in rows]
    names = [row.reference for row in rows]
    columns.show(
        {
            "reference": (names, columns.opener(tr("Reference"), 150, ids, open_delivery)),
            "supplier": ([row.supplier or "" for row in rows], TextColumn(tr("Supplier"), width=170)),
            "state": (states, columns.tags(tr("State"), 104, parts.STATE_COLOURS)),
            "due": ([parts.due(row) for row in rows], TextColumn(tr("Expected on"), width=104)),
            "lines": ([row.lines for row in rows], NumberColumn(tr("Lines"), width=84)),
            "expected": (
                [row.expected or None for row in rows],
                _units(tr("Expected"), tr("Units that were announced")),
            ),
            "counted": ([row.scanned for row in rows], _units(tr("Counted"), tr("Units counted and not posted yet"))),
            "received": ([row.received for row in rows], _units(tr("Received"), tr("Units posted"))),
            "look": ([_look(row) for row in rows], TextColumn(tr("To look at"), width=210)),
        },
        {
            "reference": (names, columns.opener(tr("Reference"), 128, ids, open_delivery)),
            "state": (
                [words.joined(parts.state(row), parts.due(row)) for row in rows],
                TextColumn(tr("State"), width=120),
            ),
            "units": ([_progress(row) for row in rows], TextColumn(tr("Units"), width=84)),
        },
        key=columns.key_of("del", ids, names),
        alt=tr("Deliveries; those in progress come first"),
        placeholder=words.NOTHING,
    )


def _units(label: str, about: str) -> Any:
    return NumberColumn(label, width=78, help=about, format="localized")


def _progress(row: DeliveryRow) -> str:
    arrived = row.scanned + row.received
    return (
        tr("{arrived} of {expected}", arrived=words.number(arrived), expected=words.number(row.expected))
        if row.is_announced
        else words.number(arrived)
    )


def _look(row: DeliveryRow) -> str:
    short = 0 if row.is_open else row.short  # what is missing of an open one may still come
    found = ((short, tr("short")), (row.over, tr("over")), (row.unknown, tr("unknown")))
    return ", ".join(f"{count} {what}" for count, what in found if count)


def show_begin(person: Actor) -> None:
    """Draw the ways to a new delivery, for those who may."""
    if not may(person.role, Permission.RECEIVE):
        return
    st.button(
        tr("Expect a delivery"),
        key="del_expect",
        icon=":material/event:",
        on_click=lists.put,
        args=(parts.NEW, "expected"),
    )
    st.button(
        tr("Receive now"), key="del_now", icon=":material/barcode_scanner:", type="primary", on_click=lists.put,
        args=(parts.NEW, "now"), help=tr("For goods that arrived and that nobody announced here"),
    )  # fmt: skip


def _show_nothing(seen: DeliveryList, person: Actor) -> None:
    if sum(seen.counts.by_state.values()):
        st.caption(tr("No delivery matches."))
        with st.container(horizontal=True, key="del_begin"):
            show_begin(person)
        return
    receives = may(person.role, Permission.RECEIVE)
    who = "" if receives else tr(" The warehouse, a manager or an admin can record one.")
    frame.empty(
        tr("There are no deliveries yet"),
        tr(
            "Record what a supplier announced, check it off when it arrives, and post it as one "
            "receipt. Stock shows what is expected and when.{who}",
            who=who,
        ),
        icon=":material/local_shipping:",
        begin=(lambda: show_begin(person)) if receives else None,
    )
