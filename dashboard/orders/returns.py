"""The forms for goods of an order that come back without a refund, after it was decided, or in an exchange."""

from __future__ import annotations

import streamlit as st

from core.foundation.model import Actor, MovementType, Reason
from core.foundation.sales import Disposition
from core.orders import returns
from core.orders.reads import OrderLine
from core.orders.refund_reads import UNDECIDED
from core.orders.returns import CameBack
from core.people.access import Permission, may
from core.screens.orders import WholeOrder
from dashboard.door import session
from dashboard.frame import forms, selling, words
from dashboard.language import sales
from dashboard.language.said import translated
from dashboard.language.texts import tr
from dashboard.orders import decisions, exchange

MOST_LINES = 20


def show(seen: WholeOrder, person: Actor) -> None:
    """Show what came back without a refund, and the form to take goods in."""
    known = [each for each in seen.decided if each.refund_id is None]
    lines = [line for line in seen.lines if line.restorable > 0]
    may_take_in = bool(lines) and may(person.role, Permission.DECIDE_REFUND)
    if not (known or may_take_in):
        return
    with st.container(border=True, key="ord_returns"):
        st.subheader(tr("Other returns"), anchor=False)
        decisions.show(known, person, seen.shop.zone)
        if may_take_in:
            opened = st.expander(tr("Goods came back"), key="ord_take_in", on_change="rerun")
            if opened.open:
                with opened:
                    _show_form(seen, lines[:MOST_LINES])
            swapped = st.expander(tr("Exchange"), key="ord_exchange", on_change="rerun")
            if swapped.open:
                with swapped:
                    exchange.show(seen, lines[:MOST_LINES])


def _show_form(seen: WholeOrder, lines: list[OrderLine]) -> None:
    if any(refund.state in UNDECIDED for refund in seen.refunds):
        st.caption(tr("A refund of this order waits for a decision. If these are its goods, decide them there."))
    form = forms.begin(f"take_in_{seen.order.order_id}")
    decisions.start_again(form, seen.seen)
    with st.form(form.name, border=False):
        for line in lines:
            _ask(form, line)
        st.selectbox(
            tr("Reason"), _reasons(seen), key=form.input("reason"), format_func=lambda reason: translated(reason.label)
        )
        forms.note(form)

        def post(key: str, values: forms.Values) -> decisions.Outcome:
            return decisions.attempt(
                key,
                lambda: session.run(
                    returns.take_in,
                    order_id=seen.order.order_id,
                    goods=_goods(lines, values),
                    reason=values["reason"].reason,
                    key=key,
                    note=values["note"],
                    seen=seen.seen,
                ),
            )

        forms.submit(form, tr("Take in"), post, icon=":material/assignment_return:", say=decisions.told)


def _ask(form: forms.Form, line: OrderLine) -> None:
    with st.container(gap=None):
        st.markdown(f"**{words.plain(line.sku or line.code)}**{words.DOT}{words.plain(selling.line_name(line))}")
        st.caption(words.plain(f"{selling.line_text(line)}."))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            tr("Condition"), returns.CONDITIONS, key=form.input(f"condition_{line.line_id}"),
            format_func=sales.DISPOSITIONS.__getitem__,
        )  # fmt: skip
        forms.number_field(tr("Came back"), value=0, key=form.input(f"units_{line.line_id}"), width=110)


def _reasons(seen: WholeOrder) -> list[Reason]:
    """Return the reasons of restorations, the likely one first: of a refund if there is one, else of an exchange."""
    first = "refund" if seen.refunds else "exchange"
    found = [
        row
        for row in seen.reasons
        if row.movement_type is MovementType.RESTORATION and row.is_active and row.reason != "undo"
    ]
    return sorted(found, key=lambda row: (row.reason != first, row.label))


def _goods(lines: list[OrderLine], values: forms.Values) -> list[CameBack]:
    return [
        CameBack(
            line_id=line.line_id,
            condition=Disposition(values[f"condition_{line.line_id}"]),
            quantity=units,
        )
        for line in lines
        if (units := forms.some_units(values, f"units_{line.line_id}"))
    ]
