"""Refunds: the ones that wait for a decision, and for each the question what became of the goods, line by line."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.foundation.model import Actor, Posted
from core.foundation.sales import Disposition
from core.orders import refunds
from core.orders.reads import OrderLine
from core.orders.refund_reads import Decided, OpenRefund, RefundRow
from core.orders.refunds import Decision
from core.people.access import Permission, may
from core.screens.orders import RefundList
from dashboard.door import session
from dashboard.frame import forms, pager, selling, words
from dashboard.frame import page as frame
from dashboard.frame.feedback import Notice
from dashboard.orders import listing as order_list

CURSOR = "ref_page"
PAGE = 10
MOST_LINES = 20
_COLOURS = {"waiting": "violet", "inspecting": "orange", "decided": "green", "failed": "gray"}


def show_inbox(seen: RefundList, person: Actor) -> None:
    """Show a page of the refunds to decide, oldest first; the first one stands open."""
    if not seen.page.rows:
        frame.empty(
            "No refund waits for a decision",
            "Refunds come in from Stripe by themselves, also those made in the pages of Stripe itself.",
            icon=":material/currency_exchange:",
        )
        return
    pager.show_count(
        f"{words.plural(seen.waiting.refunds, 'refund')} to decide, oldest first. A refund is money: "
        "no unit goes back on the shelf before somebody says so.",
        key="ref", narrowed=False, clear=lambda: None, stale=seen.stale,
    )  # fmt: skip
    for place, row in enumerate(seen.page.rows):
        _show_card(row, person, seen.shop.zone, is_first=place == 0)
    pager.show_pages(CURSOR, seen.page.before, seen.page.after, names=("First", "Previous", "Next"), key="ref")


def _show_card(row: OpenRefund, person: Actor, zone: str, *, is_first: bool) -> None:
    refund = row.refund
    with st.container(border=True, key=f"refund_{refund.id}"):
        show_head(refund, zone)
        if refund.order_id is None:
            _show_unknown(refund, person)
            return
        if refund.email:
            st.text(refund.email)  # as it is: in Markdown an email address would become a link
        st.button(
            f"Order {words.plain(refund.number or refund.payment_id or '')}", icon=":material/receipt_long:",
            key=f"refund_order_{refund.id}", type="tertiary", on_click=order_list.open_order, args=(refund.order_id,),
        )  # fmt: skip
        form = st.expander("Decide", expanded=is_first, key=f"decide_{refund.id}", on_change="rerun")
        if form.open:
            with form:
                show_decisions(row.decided, zone)
                show_form(refund, row.lines, person)


def show_head(refund: RefundRow, zone: str) -> None:
    """Show how much went back, when and why, and whether somebody has decided."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{words.plain(selling.money(refund.amount, refund.currency))}**", width="content")
        st.badge(selling.REFUND_STATES[refund.state], color=_COLOURS[refund.state])  # type: ignore[arg-type]
        at = words.moment(refund.refunded_at, zone)
        st.caption(words.plain(f"{at}{words.DOT}{selling.refund_said(refund)}"), width="content")


def _show_unknown(refund: RefundRow, person: Actor) -> None:
    st.info(
        f"Its order was never imported: nothing is known here of the payment {words.plain(refund.payment_id or '')}. "
        "A manager or an admin can import the orders of that day; the refund then finds its order by itself.",
        icon=":material/help:",
    )
    order_list.show_import(person)


def show_decisions(decided: Sequence[Decided], zone: str) -> None:
    """Show what was said so far, and by whom."""
    for each in decided:
        said = selling.decided(each.disposition, each.quantity, each.code or "")
        note = f"{words.DOT}{each.note}" if each.note else ""
        who = f"{each.decided_by}, {words.moment(each.decided_at, zone)}"
        with st.container(gap=None):
            st.markdown(words.plain(said))
            st.caption(words.plain(f"{who}{note}"))


def show_form(refund: RefundRow, lines: Sequence[OrderLine], person: Actor) -> None:
    """Ask what became of the goods, line by line; never more can go back than left the shelf."""
    if not may(person.role, Permission.DECIDE_REFUND):
        st.caption("Support, a manager or an admin decides what became of the goods.")
        return
    form = forms.begin(f"refund_{refund.id}")
    with st.form(form.name, border=False):
        if not lines:
            _ask_as_a_whole(form)
        for line in lines[:MOST_LINES]:
            _ask(form, line)
        if len(lines) > MOST_LINES:
            st.caption(f"The first {MOST_LINES} of {words.plural(len(lines), 'line')}; send these, then the rest.")
        forms.note(form)

        def post(key: str, values: forms.Values) -> tuple[Posted, ...]:
            return session.run(
                refunds.decide,
                refund_id=refund.id,
                decisions=said(lines, values) if lines else said_as_a_whole(values),
                key=key,
                note=values["note"],
            )

        forms.submit(form, "Decide", post, icon=":material/gavel:", tell=_told)


def _ask_as_a_whole(form: forms.Form) -> None:
    st.caption(
        "The cart of this order is not known here, so no unit of it left the shelf and none can go back. What came "
        "back anyway is received on the Stock page."
    )
    st.selectbox(
        "What became of it",
        [what for what in Disposition if what is not Disposition.RESTOCK],
        index=None,
        key=form.input("what"),
        format_func=selling.DISPOSITIONS.__getitem__,
        placeholder="Nothing to say",
    )


def said_as_a_whole(values: forms.Values) -> list[Decision]:
    """Return what was said of an order without lines."""
    what = values.get("what")
    return [] if what is None else [Decision(line_id=None, disposition=Disposition(what), quantity=0)]


def _ask(form: forms.Form, line: OrderLine) -> None:
    with st.container(gap=None):
        st.markdown(f"**{words.plain(line.sku or line.code)}**{words.DOT}{words.plain(selling.line_name(line))}")
        st.caption(words.plain(_left(line)))
    offered = [what for what in Disposition if what is not Disposition.RESTOCK or line.restorable > 0]
    most = line.restorable or line.quantity
    rows = 2 if most > 1 else 1
    for row in range(rows):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            st.selectbox(
                "What became of it" if row == 0 else "And of others",
                offered,
                index=None,
                key=form.input(f"what_{line.line_id}_{row}"),
                format_func=selling.DISPOSITIONS.__getitem__,
                placeholder="Nothing to say",
            )
            st.number_input(
                "Units", 1, most, value=min(line.undecided or 1, most) if row == 0 else 1, step=1,
                key=form.input(f"units_{line.line_id}_{row}"), width=110,
            )  # fmt: skip


def _left(line: OrderLine) -> str:
    if line.restorable:
        return f"{selling.line_said(line)}. At most {words.units(line.restorable)} can go back on the shelf."
    nothing = "Nothing of it left the shelf" if not line.taken else "All of it is back on the shelf"
    return f"{selling.line_said(line)}. {nothing}, so nothing can go back."


def said(lines: Sequence[OrderLine], values: forms.Values) -> list[Decision]:
    """Return what was said in the form: one decision for each line and what became of it."""
    units: dict[tuple[int, Disposition], int] = {}
    for line in lines:
        for row in (0, 1):
            what = values.get(f"what_{line.line_id}_{row}")
            if what is not None:
                about = (line.line_id, Disposition(what))
                units[about] = units.get(about, 0) + int(values.get(f"units_{line.line_id}_{row}") or 0)
    return [Decision(line_id=line, disposition=what, quantity=count) for (line, what), count in units.items()]


def _told(restored: tuple[Posted, ...]) -> Notice:
    if not restored:
        return Notice(text="Decided. Nothing went back on the shelf.")
    levels = ", ".join(f"{row.sku}: {words.change(row.quantity_before, row.quantity_after)}" for row in restored)
    return Notice(text=f"Back on the shelf. {levels}")
