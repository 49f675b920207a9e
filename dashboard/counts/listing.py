"""The list of count sessions, open and ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st
from streamlit.column_config import ProgressColumn, TextColumn

from core.counts.sessions import Session
from core.foundation.model import Actor
from core.people.access import Permission, may
from core.screens.counts import CountList
from dashboard.counts import parts
from dashboard.frame import columns, lists, words
from dashboard.frame import page as frame
from dashboard.language.texts import tr


def show(seen: CountList, person: Actor) -> None:
    """Show the sessions, or what counting is for."""
    counts = may(person.role, Permission.COUNT)
    if not seen.open and not seen.ended:
        who = "" if counts else tr(" The warehouse, a manager or an admin can begin one.")
        frame.empty(
            tr("Nothing was counted yet"),
            tr("A count compares the shelves with the ledger while the shop goes on selling.{who}", who=who),
            icon=":material/checklist:",
            begin=_begin if counts else None,
        )
        return
    with frame.heading(tr("In progress")):
        if counts:
            _begin()
    if seen.open:
        _show_rows(seen.open, "open", seen.shop.zone)
    else:
        st.caption(tr("No count is open."))
    if seen.ended:
        st.subheader(tr("Ended"), anchor=False)
        _show_rows(seen.ended, "ended", seen.shop.zone)


def _begin() -> None:
    st.button(
        tr("New count"), key="cnt_new", type="primary", icon=":material/add:", on_click=lists.put, args=(parts.NEW, 1)
    )


def _show_rows(rows: Sequence[Session], name: str, zone: str) -> None:
    ids, names = [row.count_id for row in rows], [row.name for row in rows]
    states, now = [parts.STATES[row.state] for row in rows], datetime.now(UTC)
    share = [100 * row.counted / row.lines for row in rows]
    columns.show(
        {
            "name": (names, columns.opener(tr("Name"), 220, ids, parts.open_count)),
            "state": ([[each] for each in states], columns.tags(tr("State"), 96, parts.STATE_COLOURS)),
            "scope": ([parts.scope(row) for row in rows], TextColumn(tr("Scope"), width=170)),
            "share": (share, ProgressColumn(tr("Counted"), width=110, min_value=0, max_value=100, format="%.0f%%")),
            "lines": ([parts.progress(row) for row in rows], TextColumn(tr("Lines"), width=130)),
            "blind": ([tr("Blind") if row.is_blind else "" for row in rows], TextColumn("", width=56)),
            "by": ([row.started_by for row in rows], TextColumn(tr("Started by"), width=110)),
            "at": ([words.short_moment(row.started_at, zone) for row in rows], TextColumn(tr("Started"), width=110)),
        },
        {
            "name": (names, columns.opener(tr("Name"), 128, ids, parts.open_count)),
            "state": ([_short(row, now) for row in rows], TextColumn(tr("State"), width=110)),
            "lines": ([f"{row.counted}/{row.lines}" for row in rows], TextColumn(tr("Lines"), width=84)),
        },
        key=columns.key_of(f"cnt_{name}", ids, share),
        alt=tr("Counts, {name}; the latest first", name=name),
    )


def _short(row: Session, now: datetime) -> str:
    return f"{parts.STATES[row.state]}, {words.ago(row.started_at, now)}"
