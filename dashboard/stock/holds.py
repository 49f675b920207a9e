"""Holds: the active ones on a variant, those made for an order's payment, and those that a count gave up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import streamlit as st

from core.foundation.errors import StockError
from core.foundation.model import LevelRow, MovementType, Posting
from core.ledger import given_up
from core.ledger.holds import Reservation
from dashboard.door import session
from dashboard.frame import charts, feedback, words
from dashboard.language.texts import lazy, tr

LISTED = 3
_NAMED = 5
_ENDS = lazy(
    {
        "consumed": "taken off the shelf",
        "released": "released before they left the shelf",
        "expired": "expired before they left the shelf",
        "active": "still held",
    }
)


def show_on_variant(holds: Sequence[Reservation], row: LevelRow, zone: str) -> None:
    """Show the holds on a variant, the next to expire first; nothing if no units are reserved."""
    if not row.reserved:
        return
    with st.container(border=True, key="stk_holds"):
        st.subheader(tr("Held for checkouts"), anchor=False)
        now = datetime.now(UTC)
        for place, held in enumerate(holds[:LISTED]):
            _show_hold(held, _units(held, row.variant_id), zone, now, place)
        if len(holds) > LISTED:
            _show_all(holds, row, zone)
        late = row.reserved - sum(_units(held, row.variant_id) for held in holds)
        if late > 0:
            st.caption(
                tr("{units} in expired holds: released within a minute, or as soon as needed.", units=words.units(late))
            )


def _show_hold(held: Reservation, units: int, zone: str, now: datetime, place: int) -> None:
    with st.container(gap=None, key=f"flush_hold_{place}"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", wrap=False):
            st.markdown(f"**{words.units(units)}**")
            st.markdown(_left(held.expires_at, now), text_alignment="right", width="content")
        st.caption(
            words.plain(
                tr(
                    "{held_by}, until {expires_at}",
                    held_by=held.held_by,
                    expires_at=words.short_moment(held.expires_at, zone),
                )
            )
        )
        if reason := held.reference or held.payment_id:
            st.caption(words.plain(tr("for {reason}", reason=reason)))


def _left(until: datetime, now: datetime) -> str:
    minutes = max(int((until - now).total_seconds() // 60), 0)
    if minutes < 1:
        return tr("under a minute left")
    return (
        tr("{minutes} left", minutes=words.plural(minutes, "minute"))
        if minutes < 120
        else tr("{hours} left", hours=words.plural(minutes // 60, "hour"))
    )


def _show_all(holds: Sequence[Reservation], row: LevelRow, zone: str) -> None:
    table: dict[str, Sequence[object]] = {
        tr("Units"): [_units(held, row.variant_id) for held in holds],
        tr("Held by"): [held.held_by for held in holds],
        tr("For"): [held.reference or held.payment_id or "" for held in holds],
        tr("Until"): [words.moment(held.expires_at, zone) for held in holds],
    }
    alt, label = (
        tr("Holds on {sku}, the next to expire first", sku=row.sku),
        tr("All {holds}", holds=words.plural(len(holds), "hold")),
    )
    charts.show_as_table(lambda: table, "stk_all_holds", alt, label=label)


def _units(held: Reservation, variant_id: UUID) -> int:
    return sum(line.quantity for line in held.lines if line.variant_id == variant_id)


def show_of_order(holds: Sequence[Reservation], zone: str) -> None:
    """Show the holds for an order's payment and how each ended; nothing if there were none."""
    if not holds:
        return
    with st.container(border=True, key="ord_holds"):
        st.subheader(tr("Holds before payment"), anchor=False)
        for place, held in enumerate(holds):
            with st.container(gap=None, key=f"flush_held_{place}"):
                units = sum(line.quantity for line in held.lines)
                st.markdown(words.plain(f"{words.units(units)} {_ENDS[held.state]}"))
                what = ", ".join(f"{line.quantity} {line.sku}" for line in held.lines)
                until = held.ended_at or held.expires_at
                when = tr(
                    "{created_at} to {until}",
                    created_at=words.moment(held.created_at, zone),
                    until=words.moment(until, zone),
                )
                st.caption(words.plain(tr("{what}, by {held_by}, {when}", what=what, held_by=held.held_by, when=when)))
                if held.reference:
                    st.caption(words.plain(tr("for {reference}", reference=held.reference)))


def posted(posting: Posting) -> feedback.Notice:
    """Return the message about a posting, with the holds that it gave up because fewer units were on the shelf."""
    notice = feedback.posted(posting)
    if any(row.movement_type is MovementType.COUNT and row.quantity < 0 for row in posting.movements):
        notice.text += _ended(posting)
    return notice


def _ended(posting: Posting) -> str:
    try:
        gone = session.run(given_up.by_operation, operation_id=posting.operation_id)
    except StockError:  # the levels are set, so the message must not say that nothing was changed
        return tr(". The holds that were given up could not be read.")
    if not gone:
        return ""
    is_one = len(posting.movements) == 1
    named = [f"{each.name} ({'' if is_one else each.sku + ', '}{words.units(each.units)})" for each in gone[:_NAMED]]
    named += [tr("{gone} more", gone=words.number(len(gone) - _NAMED))] if len(gone) > _NAMED else []
    return tr(". {holds} given up: {named}", holds=words.plural(len(gone), "hold"), named=words.listing(named))
