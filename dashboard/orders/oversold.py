"""Buyers who wait for goods: those whose goods have arrived, with one click to send them, and the others."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import groupby

import streamlit as st
from streamlit.column_config import TextColumn

from core.foundation.model import Actor, Posted
from core.foundation.sales import LineState
from core.ledger import changes
from core.orders import waiting
from core.orders.reads import OrderLine
from core.orders.waiting import WaitingLine
from core.people.access import Permission, may
from core.screens.orders import WaitingList, WholeOrder
from dashboard.door import session
from dashboard.frame import columns, feedback, forms, lists, words
from dashboard.frame import page as frame
from dashboard.frame.feedback import Notice
from dashboard.language.texts import tr
from dashboard.orders import listing as order_list

MOST_ORDERS = 25
"""How many orders whose goods are here are drawn with a button each; the rest follows when these are sent."""


def show_list(seen: WaitingList, person: Actor) -> None:
    """Show which buyers wait for goods, the longest wait first, those whose goods are here before the others."""
    if not seen.awaited.total:
        frame.empty(
            tr("Nobody waits for goods"),
            tr(
                "Here are orders whose units were not all there: the buyer, the line, and how long "
                "it has waited. When the goods arrive, one click sends them."
            ),
            icon=":material/hourglass_empty:",
        )
        return
    lines = words.plural(seen.awaited.total, "line")
    text = tr("{lines} of paid orders wait for goods. The buyer who paid first gets what arrives first.", lines=lines)
    lists.show_head(text, key="wait")
    orders = [list(rows) for _, rows in groupby(seen.awaited.here, key=lambda row: row.order_id)]
    if orders:
        _show_arrived(orders, seen, person)
    if seen.awaited.missing:
        st.subheader(tr("Not here yet"), anchor=False)
        _show_missing(seen)


def _show_arrived(orders: Sequence[list[WaitingLine]], seen: WaitingList, person: Actor) -> None:
    may_send = may(person.role, Permission.RETRY_ORDER)
    with frame.heading(tr("Arrived: send now")):
        if may_send and len(orders) > 1:
            ids = [rows[0].order_id for rows in orders]
            _show_send(f"all_{ids[0]}_{ids[-1]}", tr("Send all {orders}", orders=words.plural(len(ids), "order")), ids)
    for rows in orders[:MOST_ORDERS]:
        with st.container(border=True, key=f"wait_{rows[0].order_id}"):
            _show_order(rows, seen.shop.zone)
            if may_send:
                _show_send(str(rows[0].order_id), tr("Send now"), [rows[0].order_id])
    if len(orders) > MOST_ORDERS:
        st.caption(
            tr(
                "{more_orders} can be sent after these.",
                more_orders=words.plural(len(orders) - MOST_ORDERS, "more order"),
            )
        )


def _show_order(rows: list[WaitingLine], zone: str) -> None:
    first = rows[0]
    st.button(
        tr("Order {order_name}", order_name=words.plain(first.order_name)),
        icon=":material/receipt_long:",
        key=f"wait_order_{first.order_id}",
        type="tertiary",
        on_click=order_list.open_order,
        args=(first.order_id,),
    )
    for row in rows:
        st.text(_line(row))
    st.text(
        words.joined(first.buyer, first.email, tr("waiting since {paid_at}", paid_at=words.moment(first.paid_at, zone)))
    )


def _line(row: WaitingLine) -> str:
    name = words.joined(f"{words.number(row.units)} {words.TIMES} {row.sku}", words.sized(row.product or "", row.size))
    return tr("{name}: {available} available", name=name, available=words.number(row.available))


def _show_send(name: str, label: str, order_ids: list[int]) -> None:
    form = forms.begin(f"send_{name}")
    with st.form(form.name, border=False, width="content"):
        forms.submit(
            form, label, lambda key, _: session.run(waiting.send, order_ids=order_ids, key=key),
            icon=":material/local_shipping:", say=_said, among="waiting",
        )  # fmt: skip


def _said(moved: Sequence[Posted]) -> Notice:
    if not moved:
        return Notice(text=tr("Nothing was sent: the units are not there anymore."))
    text = tr("Off the shelf, ready to send. {moved}", moved=words.levels(moved))
    return Notice(text=text, take_back=partial(_undo, [row.movement_id for row in moved]))


def _undo(movement_ids: list[int]) -> Notice:
    """Undo the movements. The key is derived from them, so a second click is the same."""
    key = f"undo:sent:{min(movement_ids)}"
    return feedback.posted(session.run(changes.undo, movement_ids=movement_ids, key=key, note=words.UNDO_NOTE))


def _show_missing(seen: WaitingList) -> None:
    rows, zone = seen.awaited.missing, seen.shop.zone
    ids, names = [row.order_id for row in rows], [row.order_name for row in rows]
    units = [words.number(row.units) for row in rows]
    due = [words.due(seen.expected.get(row.variant_id)) for row in rows]
    columns.show(
        {
            "order": (names, columns.opener(tr("Order"), 112, ids, order_list.open_order)),
            "buyer": ([row.buyer or row.email or "" for row in rows], TextColumn(tr("Buyer"), width=188)),
            "line": ([_name(row) for row in rows], TextColumn(tr("Line"), width=310)),
            "units": (units, TextColumn(tr("Units"), width=56, alignment="right")),
            "since": ([words.moment(row.paid_at, zone) for row in rows], TextColumn(tr("Waiting since"), width=138)),
            "there": ([_there(row) for row in rows], TextColumn(tr("Available"), width=104)),
            "due": (due, TextColumn(tr("Expected"), width=96)),
        },
        {
            "order": (names, columns.opener(tr("Order"), 104, ids, order_list.open_order)),
            "line": ([f"{row.units} {words.TIMES} {row.sku}" for row in rows], TextColumn(tr("Line"), width=130)),
            "since": ([words.short_moment(row.paid_at, zone) for row in rows], TextColumn(tr("Since"), width=110)),
        },
        key=columns.key_of("wait", ids, units),
        alt=tr("Lines of orders that wait for goods, the longest wait first"),
    )  # fmt: skip


def _name(row: WaitingLine) -> str:
    return words.joined(row.sku, words.sized(row.product or "", row.size))


def _there(row: WaitingLine) -> str:
    """Say what is available, and how much of it is for buyers who paid earlier."""
    if row.available <= 0:
        return tr("None")
    earlier = tr(", {ahead} wait before", ahead=words.number(row.ahead)) if row.ahead else ""
    return f"{words.number(row.available)}{earlier}"


def show_line(line: OrderLine, seen: WholeOrder, person: Actor) -> None:
    """Show whether the buyer waits for the oversold units of a line, and let a person change it."""
    if line.state is not LineState.RESOLVED or not line.oversold or line.variant_id is None or line.cause:
        return
    waits = line.awaited_at is not None
    there = (line.available or 0) >= line.oversold
    if waits:
        st.caption(
            tr(
                "The buyer waits for {units}. {part}",
                units=words.units(line.oversold),
                part=tr("Arrived.") if there else tr("Not here yet."),
            )
        )
    with st.container(horizontal=True, gap="small"):
        if waits and there and may(person.role, Permission.RETRY_ORDER):
            _show_send(f"line_{line.line_id}", tr("Send now"), [seen.order.order_id])
        if may(person.role, Permission.RESOLVE_ALERT):
            _show_waits(line, not waits)


def _show_waits(line: OrderLine, wanted: bool) -> None:
    form = forms.begin(f"awaited_{line.line_id}_{wanted}")
    with st.form(form.name, border=False, width="content"):
        forms.submit(
            form, tr("The buyer still waits") if wanted else tr("Nobody waits for it"),
            lambda key, _: session.run(waiting.set_awaited, line_id=line.line_id, buyer_waits=wanted),
            icon=":material/hourglass_empty:" if wanted else ":material/check:",
            say=lambda _: Notice(text=tr("Listed under Waiting for goods.") if wanted else tr("No longer waited for.")),
            is_main=False,
        )  # fmt: skip
