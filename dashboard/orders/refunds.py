"""Refunds that wait for a decision, and the form that records what happened to the goods, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import cast

import streamlit as st

from core.foundation.model import Actor, Posted
from core.foundation.sales import RefundKind
from core.orders import refunds
from core.orders.reads import OrderLine
from core.orders.refund_reads import Decided, OpenRefund, RefundRow
from core.people.access import Permission, may
from core.screens.orders import RefundList
from dashboard.door import session
from dashboard.frame import forms, lists, selling, words
from dashboard.frame import page as frame
from dashboard.language import sales
from dashboard.language.texts import tr
from dashboard.orders import decisions, outcomes
from dashboard.orders import listing as order_list

CURSOR = "ref_page"
PAGE = 10
MOST_LINES = 20
MOST_REFUNDS = 5
LONGEST_DOUBLE_CLICK = 3.0
"""Seconds. A click in this time after a decision may have been meant for what was decided."""
_EXPANDED, _DECIDED_AT = "ref_expanded", "ref_decided_at"
_COLOURS = {"waiting": "violet", "inspecting": "orange", "decided": "green", "failed": "gray",
            "released": "gray"}  # fmt: skip


def show_inbox(seen: RefundList, person: Actor) -> None:
    """Show a page of the refunds to decide, oldest first, the first one expanded until it is decided.

    The next one stays closed: it moves to the place of the first, where a second click would decide it unseen.
    """
    if not seen.page.rows:
        frame.empty(
            tr("No refunds to decide"),
            tr(
                "Refunds arrive from Stripe automatically, including those made in Stripe's "
                "dashboard. Here people decide what happened to the goods."
            ),
            icon=":material/currency_exchange:",
            begin=_begin,
        )
        return
    text = tr(
        "{refunds} to decide, oldest first. A refund returns money only: no units go back on "
        "the shelf until someone decides.",
        refunds=words.plural(seen.waiting.refunds, "refund"),
    )
    lists.show_head(text, key="ref", stale=seen.stale)
    expanded = _expanded([row.refund.id for row in seen.page.rows])
    for row in seen.page.rows:
        _show_card(row, person, seen.shop.zone, is_expanded=row.refund.id == expanded)
    lists.show_pages(
        CURSOR, seen.page.before, seen.page.after, names=(tr("First"), tr("Previous"), tr("Next")), key="ref"
    )


def _expanded(refund_ids: Sequence[int]) -> int | None:
    """Return which of these refunds is expanded when the page is opened: the first one, unless one was just decided."""
    if not any(f"decide_{each}" in st.session_state for each in refund_ids):
        is_decided = monotonic() - st.session_state.get(_DECIDED_AT, -LONGEST_DOUBLE_CLICK) < LONGEST_DOUBLE_CLICK
        st.session_state[_EXPANDED] = None if is_decided else refund_ids[0]
    return cast("int | None", st.session_state.get(_EXPANDED))


def _begin() -> None:
    st.button(
        tr("All orders"), key="ref_orders", icon=":material/receipt_long:", on_click=st.session_state.update,
        args=({order_list.VIEW.key: order_list.ORDERS},),
    )  # fmt: skip


def _show_card(row: OpenRefund, person: Actor, zone: str, *, is_expanded: bool) -> None:
    refund = row.refund
    with st.container(border=True, key=f"refund_{refund.id}"):
        show_head(refund, zone)
        if refund.order_id is None:
            _show_unknown(refund, person)
            return
        if refund.email:
            st.text(refund.email)  # not Markdown, which would turn an email address into a link
        st.button(
            tr("Order {order_name}", order_name=words.plain(refund.order_name or '')), icon=":material/receipt_long:",
            key=f"refund_order_{refund.id}", type="tertiary", on_click=order_list.open_order, args=(refund.order_id,),
        )  # fmt: skip
        form = st.expander(tr("Decide"), expanded=is_expanded, key=f"decide_{refund.id}", on_change="rerun")
        if form.open:
            with form:
                decisions.show(row.decided, person, zone)
                show_form([refund], row.lines, row.decided, person)


def show_head(refund: RefundRow, zone: str) -> None:
    """Show a refund's amount, state, time and reason."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{words.plain(selling.money(refund.amount, refund.currency))}**", width="content")
        if refund.kind == RefundKind.DISPUTE:
            st.badge(tr("Lost dispute"), color="orange")
        st.badge(sales.REFUND_STATES[refund.state], color=_COLOURS[refund.state])  # type: ignore[arg-type]
        at = words.moment(refund.refunded_at, zone)
        st.caption(words.plain(words.joined(at, selling.refund_text(refund))), width="content")


def _show_unknown(refund: RefundRow, person: Actor) -> None:
    st.info(
        tr(
            "The order of this refund has not been imported. A manager or an admin can import "
            "the orders of its day. The refund is then linked to its order."
        ),
        icon=":material/help:",
    )
    order_list.show_import(person)


def show_form(
    refunds: Sequence[RefundRow], lines: Sequence[OrderLine], decided: Sequence[Decided], person: Actor
) -> None:
    """Draw the form that records what happened to the goods of refunds of one order, as one operation.

    It proposes the units that the money fits. At most the units sold can go back, and more than the money fits have to
    be confirmed.
    """
    if not may(person.role, Permission.DECIDE_REFUND):
        st.caption(tr("Support, a manager or an admin decides what happened to the goods."))
        return
    lines, refunds = [line for line in lines if line.has_units], list(refunds)[:MOST_REFUNDS]
    form = forms.begin("_".join(["refund", *(str(refund.id) for refund in refunds)]))
    seen = refunds[0].seen
    decisions.start_again(form, seen or "")
    with st.container(key=f"decide_goods_{refunds[0].id}"), st.form(form.name, border=False):
        for refund, fits in outcomes.proposals(refunds, lines, decided):
            if len(refunds) > 1:
                st.markdown(
                    tr("**The refund of {amount}**", amount=words.plain(selling.money(refund.amount, refund.currency)))
                )
            if not lines:
                outcomes.ask_as_a_whole(form, refund)
            elif not fits.is_whole:
                st.markdown(words.plain(outcomes.money(refund, lines, fits)))
            for line in lines[:MOST_LINES]:
                outcomes.ask(form, refund, line, fits)
        if len(lines) > MOST_LINES:
            st.caption(
                tr(
                    "The first {most_lines} of {lines}. Submit these, then the rest.",
                    most_lines=MOST_LINES,
                    lines=words.plural(len(lines), "line"),
                )
            )
        forms.note(form)
        _ask_for_picture(form)
        _ask_to_confirm(form)

        def post(key: str, values: forms.Values) -> decisions.Outcome:
            return decisions.attempt(key, lambda: _decide(refunds, lines, values, key, seen))

        forms.submit(form, tr("Decide"), post, icon=":material/gavel:", say=decisions.told, after=_remember)


def _remember() -> None:
    st.session_state[_DECIDED_AT] = monotonic()


def _decide(
    about: Sequence[RefundRow], lines: Sequence[OrderLine], values: forms.Values, key: str, seen: str | None
) -> tuple[Posted, ...]:
    picture = values.get("picture")
    said = outcomes.read(about, lines, values) if lines else outcomes.read_as_a_whole(about, values)
    return session.run(
        refunds.decide_all,
        about=said or {about[0].id: []},
        key=key,
        note=values["note"],
        seen=seen,
        is_confirmed=bool(values.get("sure")),
        picture=picture.getvalue() if picture is not None else None,
    )


def _ask_for_picture(form: forms.Form) -> None:
    st.file_uploader(
        tr("Picture of the goods"), type=["jpg", "jpeg", "png", "webp", "gif"], key=form.input("picture"),
        help=tr("It is made smaller, and what the camera wrote into it is left out."),
    )  # fmt: skip


def _ask_to_confirm(form: forms.Form) -> None:
    """After more units than the money fits were refused: ask whether they are meant."""
    facts = form.draft.problem.facts if form.draft.problem else {}
    if facts.get("worth"):
        st.checkbox(
            tr("Yes, {units} are meant, more than the money fits", units=words.units(facts["units"])),
            key=form.input("sure"),
        )
