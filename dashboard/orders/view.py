"""One order: its payment, lines, open cases, refunds, holds and timeline."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.alerts.reads import Alert
from core.foundation.model import Actor
from core.foundation.sales import AlertKind, AlertState
from core.orders import guesses
from core.orders.reads import OrderLine, Step, StepKind
from core.people.access import Permission, may
from core.screens import orders as order_screens
from core.screens.orders import WholeOrder
from dashboard.alerts import case_forms, lines
from dashboard.door import session
from dashboard.frame import drawer, links, lists, live, selling, tables, words
from dashboard.frame import page as frame
from dashboard.language import sales
from dashboard.language.said import translated
from dashboard.language.texts import inside, tr
from dashboard.orders import decisions, oversold, refunds, returns, story
from dashboard.orders import listing as order_list
from dashboard.stock import holds


def show(wanted: str, person: Actor) -> None:
    """Show the order that the address names, or say that there is none."""
    st.button(tr("All orders"), icon=":material/arrow_back:", on_click=order_list.close_order, key="ord_back")
    order_id = lists.number(wanted)
    seen = None if order_id is None else session.run(order_screens.order, order_id=order_id)
    if seen is None:
        frame.missing("order")
        return
    live.watch(seen.latest)
    _show_head(seen)
    story.show(seen)
    left, right = st.columns([2, 1], gap="small")
    with left:
        with st.container(border=True, key="ord_lines"):
            _show_lines(seen, person)
            lines.show_on_order(seen.order, seen.alerts, person)
        for alert in seen.alerts:
            if alert.state is not AlertState.RESOLVED:
                with st.container(border=True, key=f"ord_case_{alert.alert_id}"):
                    _show_case(alert, seen, person)
        if seen.refunds:
            with st.container(border=True, key="ord_refunds"):
                _show_refunds(seen, person)
        returns.show(seen, person)
    with right:
        with st.container(border=True, key="ord_payment"):
            _show_payment(seen)
        holds.show_of_order(seen.holds, seen.shop.zone)
        with st.container(border=True, key="ord_steps"):
            _show_steps(seen.steps, seen)


def _show_head(seen: WholeOrder) -> None:
    row = seen.order
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="ord_head"):
        st.subheader(tr("Order {title}", title=words.plain(row.title)), anchor=False, width="content")
        for state in selling.order_states(row):
            st.badge(tr(state), color=selling.ORDER_STATES[state])  # type: ignore[arg-type]
    paid = tr(
        "{amount} paid {paid_at}",
        amount=selling.money(row.amount, row.currency),
        paid_at=words.moment(row.paid_at, seen.shop.zone),
    )
    st.text(words.joined(paid, row.name, row.email))


def _show_lines(seen: WholeOrder, person: Actor) -> None:
    st.subheader(tr("Lines"), anchor=False)
    if not seen.lines:
        st.write(tr("{order}, so no units were taken off the shelf.", order=selling.cart(seen.order)))
    for line in seen.lines:
        _show_line(line, seen, person)
    if seen.order.cart_state != "read" and seen.raw_cart and not may(person.role, Permission.SET_LINES):
        st.caption(tr("The cart as it came with the payment:"))
        lines.show_told(guesses.written(seen.raw_cart))
        st.caption(tr(selling.BY_HAND))


def _show_line(line: OrderLine, seen: WholeOrder, person: Actor) -> None:
    currency = seen.order.currency
    label, colour = selling.line_state(line)
    with st.container(gap=None, key=f"flush_line_{line.line_id}"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", wrap=False):
            if line.sku:
                links.to_page("stock", f"**{words.plain(line.sku)}**", sku=line.sku)
            else:
                st.markdown(f"**{words.plain(line.code)}**")
            st.badge(label, color=colour)  # type: ignore[arg-type]
        each = tr(", {unit_price} each", unit_price=selling.money(line.unit_price, currency)) if line.unit_price else ""
        known = (inside(str(line.sku)), str(line.variant_id))  # a variant id means nothing to a person
        other = tr(" ({code} in the cart)", code=line.code) if line.sku and line.code.lower() not in known else ""
        st.markdown(words.plain(f"{selling.line_name(line)}{each}{other}"))
        st.caption(words.plain(f"{selling.line_text(line)}."))
        oversold.show_line(line, seen, person)


def _show_case(alert: Alert, seen: WholeOrder, person: Actor) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(sales.KINDS[alert.kind], anchor=False, width="content")
        st.badge(sales.ALERT_STATES[alert.state], color="red" if alert.state is AlertState.OPEN else "orange")
        links.to_page("alerts", tr("Case history"), icon=":material/history:", alert=str(alert.alert_id))
    st.write(words.plain(translated(alert.sentence)))
    if alert.kind is AlertKind.REFUND_FAILED:
        st.caption(
            tr(
                "Units were put back for a refund that failed. If the sale is still valid, undo that "
                "decision under Refunds: the units leave the shelf again."
            )
        )
    case_forms.show_quick(alert, person)
    case_forms.show(alert, seen.lines, person)


def _show_refunds(seen: WholeOrder, person: Actor) -> None:
    st.subheader(tr("Refunds"), anchor=False)
    for place, refund in enumerate(seen.refunds):
        if place:
            st.divider()
        refunds.show_head(refund, seen.shop.zone)
        decided = [each for each in seen.decided if each.refund_id == refund.id]
        decisions.show(decided, person, seen.shop.zone)
        if refund.state == "decided" and any(line.restorable for line in seen.lines):
            form = st.expander(tr("Add a decision"), key=f"decide_{refund.id}", on_change="rerun")
            if form.open:
                with form:
                    refunds.show_form([refund], seen.lines, decided, person)
    if waiting := story.to_decide(seen):
        form = st.expander(tr("Decide"), expanded=True, key=f"decide_order_{seen.order.order_id}", on_change="rerun")
        if form.open:
            with form:
                refunds.show_form(waiting, seen.lines, seen.decided, person)


def _show_payment(seen: WholeOrder) -> None:
    row = seen.order
    st.subheader(tr("Payment"), anchor=False)
    if row.tolerated:
        st.caption(words.plain(selling.tolerated(row)))
    difference = row.difference or 0
    more = "more" if difference > 0 else "less"
    tables.show_facts(
        {
            tr("Payment"): row.payment_id,
            tr("Charge"): row.charge_id or "",
            tr("Checkout"): _cut(row.session_id or ""),
            tr("Amount"): selling.money(row.amount, row.currency),
            tr("Difference"): tr(
                "{difference} {more} than its lines", difference=selling.money(abs(difference), row.currency), more=more
            )
            if difference
            else "",
            tr("Refunded"): selling.money(row.refunded, row.currency) if row.refunded else "",
            tr("Dispute"): selling.dispute(row.dispute),
            tr("Paid"): words.moment(row.paid_at, seen.shop.zone),
            tr("Recorded"): words.moment(row.imported_at, seen.shop.zone),
            tr("Cart"): selling.cart(row),
            tr("Stock"): selling.policy(row),
            tr("Mode"): tr("Live") if row.livemode else tr("Test, no real money"),
        }
    )


def _cut(stripe_id: str) -> str:
    """Return the beginning of a long id; the search finds that, too."""
    return stripe_id if len(stripe_id) <= 30 else f"{stripe_id[:27]}..."


def _show_steps(steps: Sequence[Step], seen: WholeOrder) -> None:
    st.subheader(tr("Timeline"), anchor=False)
    for place, row in enumerate(steps):
        icon, text, details = selling.step(row, seen.order.currency)
        who = f"{row.who}, {words.moment(row.at, seen.shop.zone)}"
        with st.container(gap=None, key=f"flush_step_{place}"):
            if row.kind is StepKind.MOVEMENT:
                st.button(
                    f"{icon} {words.plain(text)}", key=f"step_{row.id}", type="tertiary", help=tr("Open the movement"),
                    on_click=drawer.open_movement, args=(row.id,),
                )  # fmt: skip
            else:
                st.markdown(f"{icon} {words.plain(text)}")
            st.caption(words.plain(words.joined(who, details[:300])))
