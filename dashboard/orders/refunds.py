"""Refunds that wait for a decision, and the form that records what happened to the goods, line by line."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.foundation.model import Actor
from core.foundation.sales import Disposition, RefundKind
from core.orders import refunds, worth
from core.orders.reads import OrderLine
from core.orders.refund_reads import Decided, OpenRefund, RefundRow
from core.orders.refunds import Decision
from core.people.access import Permission, may
from core.screens.orders import RefundList
from dashboard.door import session
from dashboard.frame import forms, lists, selling, words
from dashboard.frame import page as frame
from dashboard.orders import decisions
from dashboard.orders import listing as order_list

CURSOR = "ref_page"
PAGE = 10
MOST_LINES = 20
_COLOURS = {"waiting": "violet", "inspecting": "orange", "decided": "green", "failed": "gray",
            "released": "gray"}  # fmt: skip


def show_inbox(seen: RefundList, person: Actor) -> None:
    """Show a page of the refunds to decide, oldest first, the first one expanded."""
    if not seen.page.rows:
        frame.empty(
            "No refunds to decide",
            "Refunds arrive from Stripe automatically, including those made in Stripe's dashboard. Here people decide "
            "what happened to the goods.",
            icon=":material/currency_exchange:",
            begin=_begin,
        )
        return
    text = (
        f"{words.plural(seen.waiting.refunds, 'refund')} to decide, oldest first. A refund returns money only: "
        "no units go back on the shelf until someone decides."
    )
    lists.show_head(text, key="ref", stale=seen.stale)
    for place, row in enumerate(seen.page.rows):
        _show_card(row, person, seen.shop.zone, is_first=place == 0)
    lists.show_pages(CURSOR, seen.page.before, seen.page.after, names=("First", "Previous", "Next"), key="ref")


def _begin() -> None:
    st.button(
        "All orders", key="ref_orders", icon=":material/receipt_long:", on_click=st.session_state.update,
        args=({order_list.VIEW.key: order_list.ORDERS},),
    )  # fmt: skip


def _show_card(row: OpenRefund, person: Actor, zone: str, *, is_first: bool) -> None:
    refund = row.refund
    with st.container(border=True, key=f"refund_{refund.id}"):
        show_head(refund, zone)
        if refund.order_id is None:
            _show_unknown(refund, person)
            return
        if refund.email:
            st.text(refund.email)  # not Markdown, which would turn an email address into a link
        st.button(
            f"Order {words.plain(refund.order_name or '')}", icon=":material/receipt_long:",
            key=f"refund_order_{refund.id}", type="tertiary", on_click=order_list.open_order, args=(refund.order_id,),
        )  # fmt: skip
        form = st.expander("Decide", expanded=is_first, key=f"decide_{refund.id}", on_change="rerun")
        if form.open:
            with form:
                decisions.show(row.decided, person, zone)
                show_form(refund, row.lines, row.decided, person)


def show_head(refund: RefundRow, zone: str) -> None:
    """Show a refund's amount, state, time and reason."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{words.plain(selling.money(refund.amount, refund.currency))}**", width="content")
        if refund.kind == RefundKind.DISPUTE:
            st.badge("Lost dispute", color="orange")
        st.badge(selling.REFUND_STATES[refund.state], color=_COLOURS[refund.state])  # type: ignore[arg-type]
        at = words.moment(refund.refunded_at, zone)
        st.caption(words.plain(words.joined(at, selling.refund_text(refund))), width="content")


def _show_unknown(refund: RefundRow, person: Actor) -> None:
    st.info(
        "The order of this refund has not been imported. A manager or an admin can import the orders of its day. The "
        "refund is then linked to its order.",
        icon=":material/help:",
    )
    order_list.show_import(person)


def show_form(refund: RefundRow, lines: Sequence[OrderLine], decided: Sequence[Decided], person: Actor) -> None:
    """Draw the form that records what happened to the goods, line by line. At most the units sold can go back.

    It proposes the units that the money fits. More units have to be confirmed.
    """
    if not may(person.role, Permission.DECIDE_REFUND):
        st.caption("Support, a manager or an admin decides what happened to the goods.")
        return
    lines = [line for line in lines if line.has_units]
    form = forms.begin(f"refund_{refund.id}")
    decisions.start_again(form, refund.seen or "")
    fits = worth.propose(refund, lines, decided)
    with st.form(form.name, border=False):
        if not lines:
            _ask_as_a_whole(form)
        elif not fits.is_whole:
            st.markdown(words.plain(_money(refund, lines, fits)))
        for line in lines[:MOST_LINES]:
            _ask(form, line, fits.units.get(line.line_id, 0), refund.currency)
        if len(lines) > MOST_LINES:
            st.caption(f"The first {MOST_LINES} of {words.plural(len(lines), 'line')}. Submit these, then the rest.")
        forms.note(form)
        _ask_to_confirm(form)

        def post(key: str, values: forms.Values) -> decisions.Outcome:
            return decisions.attempt(
                key,
                lambda: session.run(
                    refunds.decide,
                    refund_id=refund.id,
                    decisions=_decisions(lines, values) if lines else _decision_as_a_whole(values),
                    key=key,
                    note=values["note"],
                    seen=refund.seen,
                    is_confirmed=bool(values.get("sure")),
                ),
            )

        forms.submit(form, "Decide", post, icon=":material/gavel:", say=decisions.told)


def _money(refund: RefundRow, lines: Sequence[OrderLine], fits: worth.Proposal) -> str:
    """Return how much was refunded, and which units that fits."""
    back, paid = (selling.money(amount or 0, refund.currency) for amount in (refund.amount, refund.paid))
    open_units = sum(worth.open_units(line) for line in lines)
    if not fits.total:
        return f"{back} of {paid} were refunded: less than one more unit cost."
    which = [
        f"{words.number(fits.units[line.line_id])} of {line.sku or line.code}"
        for line in lines
        if fits.units.get(line.line_id)
    ]
    example = ", " if fits.is_sure else ", for example "
    named = f"{example}{words.listing(which)}" if len(lines) > 1 else ""
    return f"{back} of {paid} were refunded: {fits.total} of {words.units(open_units)}{named}."


def _ask_to_confirm(form: forms.Form) -> None:
    """After more units than the money fits were refused: ask whether they are meant."""
    facts = form.draft.problem.facts if form.draft.problem else {}
    if facts.get("worth"):
        st.checkbox(f"Yes, {words.units(facts['units'])} are meant, more than the money fits", key=form.input("sure"))


def _ask_as_a_whole(form: forms.Form) -> None:
    st.caption(
        "The cart of this order is not known here, so none of its units left the shelf and none can go back. If goods "
        "were sent and returned, enter the lines of the order first."
    )
    st.selectbox(
        "Outcome",
        [what for what in Disposition if what is not Disposition.RESTOCK],
        index=None,
        key=form.input("what"),
        format_func=selling.DISPOSITIONS.__getitem__,
        placeholder="No decision",
    )


def _decision_as_a_whole(values: forms.Values) -> list[Decision]:
    what = values.get("what")
    return [] if what is None else [Decision(line_id=None, disposition=Disposition(what), quantity=0)]


def _ask(form: forms.Form, line: OrderLine, proposed: int, currency: str) -> None:
    price = f", {_price(line, currency)} each"
    with st.container(gap=None):
        st.markdown(
            f"**{words.plain(line.sku or line.code)}**{words.DOT}{words.plain(selling.line_name(line) + price)}"
        )
        st.caption(words.plain(_left(line)))
    offered = [what for what in Disposition if what is not Disposition.RESTOCK or line.restorable > 0]
    most = line.restorable or line.quantity
    rows = 2 if most > 1 else 1
    for row in range(rows):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            st.selectbox(
                "Outcome" if row == 0 else "Outcome of other units",
                offered,
                index=None,
                key=form.input(f"what_{line.line_id}_{row}"),
                format_func=selling.DISPOSITIONS.__getitem__,
                placeholder="No decision",
            )
            units = min(proposed or 1, most) if row == 0 else 1
            forms.number_field("Units", value=units, key=form.input(f"units_{line.line_id}_{row}"), width=110)


def _price(line: OrderLine, currency: str) -> str:
    if line.unit_price is not None:
        return selling.money(line.unit_price, currency)
    return f"without a price, about {selling.money(round(line.unit_worth or 0), currency)}"


def _left(line: OrderLine) -> str:
    if line.restorable:
        return f"{selling.line_text(line)}. At most {words.units(line.restorable)} can go back on the shelf."
    nothing = "No units left the shelf" if not line.taken else "All units are back on the shelf"
    return f"{selling.line_text(line)}. {nothing}, so none can go back."


def _decisions(lines: Sequence[OrderLine], values: forms.Values) -> list[Decision]:
    """Return the decisions in the form, one for each line and outcome."""
    units: dict[tuple[int, Disposition], int] = {}
    for line in lines:
        for row in (0, 1):
            what = values.get(f"what_{line.line_id}_{row}")
            if what is not None:
                about = (line.line_id, Disposition(what))
                units[about] = units.get(about, 0) + forms.units(values, f"units_{line.line_id}_{row}")
    return [Decision(line_id=line, disposition=what, quantity=count) for (line, what), count in units.items()]
