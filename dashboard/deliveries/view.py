"""One delivery: the field for the scanner, the lines, what is short, over and unknown, and posting."""

from __future__ import annotations

import streamlit as st

from core.deliveries import changes, reads
from core.deliveries.reads import Done, Receipt
from core.foundation.errors import SignInRequired, StockError
from core.foundation.model import Actor, Posting
from core.ledger import changes as ledger
from core.people.access import Permission, may
from core.screens.deliveries import OneDelivery
from dashboard.deliveries import lines, parts, posting, scanning, unknown
from dashboard.door import session
from dashboard.frame import feedback, forms, links, lists, live, words
from dashboard.frame import page as frame
from dashboard.language.texts import inside, lazy, tr


def _close() -> None:
    lists.put(parts.PARAM, None)


def show(found: OneDelivery | None, person: Actor) -> None:
    """Show a delivery, or that there is none. The field for the scanner comes first, also on a phone."""
    st.button(tr("All deliveries"), icon=":material/arrow_back:", on_click=_close, key="del_back")
    if found is None:
        frame.missing("delivery")
        return
    row = found.delivery.row
    receives = may(person.role, Permission.RECEIVE)
    _tick(row.delivery_id, row.revision)
    _show_head(found)
    if row.is_open and receives:
        with st.container(border=True, key="del_scan"):
            scanning.show(found)
    elif row.is_open:
        st.caption(tr("Your role cannot receive goods. The warehouse, a manager or an admin can."))
    if receives:
        unknown.show(found, person)
    if row.is_open and receives:
        with st.container(border=True, key="del_post"):
            posting.show(found)
    with st.container(border=True, key="del_lines"):
        lines.show(found)
        if row.is_open and receives:
            lines.show_correction(found)
    _show_receipts(found, person)
    _show_steps(found)
    if receives:
        _show_turn(found)


@st.fragment(run_every=live.EVERY_SECONDS)
def _tick(delivery_id: int, revision: int) -> None:
    """Draw the page again when somebody else has changed the delivery."""
    try:
        session.actor()
        moved = session.is_outdated() or session.run(reads.revision, delivery_id=delivery_id) != revision
    except SignInRequired:
        moved = True
    except StockError:
        st.caption(tr("The database cannot be reached, so these numbers may be out of date. Retrying automatically."))
        return
    if moved:
        st.rerun()


def _show_head(found: OneDelivery) -> None:
    row = found.delivery.row
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="del_head"):
        st.subheader(words.plain(parts.name(row)), anchor=False, width="content")
        st.badge(parts.state(row), color=parts.STATE_COLOURS[parts.state(row)])  # type: ignore[arg-type]
    due = tr("Expected on {row}. ", row=parts.due(row)) if row.expected_on else ""
    made = tr(
        "Recorded by {created_by}, {created_at}.",
        created_by=words.plain(row.created_by),
        created_at=words.moment(row.created_at, found.shop.zone),
    )
    closed = ""
    if row.closed_at:
        verb = tr("Received") if row.state is reads.DeliveryState.RECEIVED else tr("Cancelled")
        closed = tr(
            " {verb} by {closed_by}, {closed_at}.",
            verb=verb,
            closed_by=words.plain(row.closed_by or ""),
            closed_at=words.moment(row.closed_at, found.shop.zone),
        )
    st.caption(f"{due}{made}{closed}")
    for other in found.others:
        links.to_page(
            "deliveries",
            tr(
                "Another delivery has this reference: {other}, {other_2}. Is it the same note?",
                other=words.plain(parts.name(other)),
                other_2=inside(parts.state(other)),
            ),
            icon=":material/content_copy:",
            **{parts.PARAM: str(other.delivery_id)},
        )


def _show_receipts(found: OneDelivery, person: Actor) -> None:
    for receipt in found.delivery.receipts:
        with st.container(
            horizontal=True, vertical_alignment="center", border=True, key=f"del_r_{receipt.operation_id}"
        ):
            at = words.moment(receipt.posted_at, found.shop.zone)
            undone = _undone(receipt)
            posted = tr(
                "**{units}** posted by {posted_by}, {at}{undone}",
                units=words.units(receipt.units),
                posted_by=words.plain(receipt.posted_by),
                at=at,
                undone=undone,
            )
            st.markdown(f":material/check_circle: {posted}", width="stretch")
            links.to_page(
                "movements", tr("Movements"), icon=":material/swap_vert:", mov_ref=found.delivery.row.reference
            )
            links.to_page("stock", tr("Labels"), icon=":material/label:", labels=f"operation-{receipt.operation_id}")
            if receipt.undone < len(receipt.movement_ids) and may(person.role, Permission.UNDO):
                st.button(
                    tr("Undo receipt"), key=f"del_undo_{receipt.operation_id}", icon=":material/undo:", on_click=_undo,
                    args=(receipt, feedback.messages()),
                )  # fmt: skip


def _undone(receipt: Receipt) -> str:
    if not receipt.undone:
        return ""
    return (
        tr(", undone")
        if receipt.undone == len(receipt.movement_ids)
        else tr(", {undone} of its movements undone", undone=receipt.undone)
    )


def _undo(receipt: Receipt, shown: feedback.Messages) -> None:
    key = f"undo_receipt:{receipt.operation_id}"
    try:
        done: Posting = session.run(
            ledger.undo, movement_ids=receipt.movement_ids, key=key, note=words.RECEIPT_UNDO_NOTE
        )
    except StockError as error:
        shown.put(feedback.Notice(text="", problem=error))
    else:
        shown.put(feedback.posted(done))


_STEPS = lazy({
    Done.CREATED: "recorded the delivery", Done.ADDED: "added lines", Done.SCANNED: "scanned",
    Done.CHANGED: "corrected", Done.ATTACHED: "attached", Done.POSTED: "posted", Done.UNDONE: "undid the receipt",
    Done.CANCELLED: "cancelled the delivery", Done.REOPENED: "opened the delivery again",
})  # fmt: skip


def _show_steps(found: OneDelivery) -> None:
    with st.expander(tr("History"), icon=":material/history:", key="del_steps", on_change="rerun") as steps:
        if not steps.open:
            return
        for step in found.delivery.steps:
            said = [_STEPS[step.step], f"{words.signed_units(step.units)}" if step.units else ""]
            said += [tr("of {code}", code=words.plain(step.code)) if step.code else "", words.plain(step.detail or "")]
            at = words.short_moment(step.done_at, found.shop.zone)
            st.caption(f"{at}{words.DOT}{words.plain(step.done_by)} {' '.join(part for part in said if part)}")
        if found.delivery.original:
            st.caption(tr("The original, as it was pasted or uploaded:"))
            st.code(found.delivery.original, language=None, height=200)


def _show_turn(found: OneDelivery) -> None:
    row = found.delivery.row
    draft = forms.begin(f"delivery_turn_{row.delivery_id}").draft
    if draft.problem is not None:
        feedback.show(draft.problem)
    if row.is_open and row.received:
        return
    label, icon = (tr("Cancel the delivery"), "event_busy") if row.is_open else (tr("Open it again"), "lock_open")
    st.button(
        label, key=f"del_turn_{row.state}", icon=f":material/{icon}:", type="tertiary", on_click=_turn,
        args=(row.delivery_id, row.is_open, draft, draft.key, feedback.messages()),
        help=tr("Nothing was posted of it, so nothing in stock changes.") if row.is_open else None,
    )  # fmt: skip


def _turn(delivery_id: int, is_open: bool, draft: forms.Draft, key: str, shown: feedback.Messages) -> None:
    def post() -> feedback.Notice:
        session.run(changes.cancel if is_open else changes.reopen, delivery_id=delivery_id, key=key)
        return feedback.Notice(text=tr("The delivery is cancelled.") if is_open else tr("The delivery is open again."))

    forms.send(draft, key, shown, post)
