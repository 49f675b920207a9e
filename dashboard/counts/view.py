"""One count: its head with progress, and what its state shows."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.counts import printing, sessions
from core.counts.sessions import OPEN, Session, State
from core.foundation.model import Actor
from core.people.access import Permission, may
from core.screens.counts import OneCount
from dashboard.counts import counting, parts, result, reviewing
from dashboard.door import session
from dashboard.frame import outcome, words
from dashboard.frame import page as frame
from dashboard.language.texts import tr

_TYPES = {
    "pdf": "application/pdf",
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def show(seen: OneCount | None, person: Actor) -> None:
    """Show a session in its state."""
    st.button(tr("All counts"), icon=":material/arrow_back:", on_click=parts.open_count, args=(None,), key="cnt_back")
    if seen is None:
        frame.missing("count")
        return
    outcome.show()
    _show_head(seen.session, person, seen.shop.zone)
    if seen.session.state is State.COUNTING:
        counting.show(seen, person)
    elif seen.session.state is State.REVIEW:
        reviewing.show(seen, person)
    elif seen.session.state in (State.APPLIED, State.UNDONE):
        result.show(seen, person)
    elif seen.session.state is State.PAUSED:
        st.info(tr("Counting is paused: nothing can be entered until it is resumed."), icon=":material/pause_circle:")
    else:
        st.caption(
            tr("Cancelled by {ended_by}. No level was changed.", ended_by=words.plain(seen.session.ended_by or ""))
        )


def _show_head(row: Session, person: Actor, zone: str) -> None:
    label = parts.STATES[row.state]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="cnt_head"):
        st.subheader(words.plain(row.name), anchor=False, width="content")
        st.badge(label, color=parts.STATE_COLOURS[label])  # type: ignore[arg-type]
        if row.is_blind:
            st.badge(tr("Blind"), color="violet", icon=":material/visibility_off:")
    extra = tr("{extra} outside the scope", extra=words.number(row.extra)) if row.extra else ""
    begun = f"{row.started_by}, {words.short_moment(row.started_at, zone)}"
    st.caption(words.plain(words.joined(parts.scope(row), begun, parts.progress(row), extra)))
    if row.state in OPEN:
        st.progress(row.counted / row.lines)
        if may(person.role, Permission.COUNT):
            _show_actions(row, person)


def _show_actions(row: Session, person: Actor) -> None:
    reopens = not row.is_blind or may(person.role, Permission.APPROVE_COUNT)
    with st.container(horizontal=True, gap="small", key="cnt_actions"):
        if row.state in (State.COUNTING, State.PAUSED):
            _button(
                tr("Finish counting"),
                "done_all",
                sessions.finish,
                row,
                tr("Counting is finished."),
                is_main=row.counted == row.lines,
            )
        if row.state is State.COUNTING:
            _button(tr("Pause"), "pause", sessions.pause, row, tr("Counting is paused."))
        elif row.state is State.PAUSED or reopens:
            label = tr("Resume") if row.state is State.PAUSED else tr("Go on counting")
            _button(label, "play_arrow", sessions.resume, row, tr("Counting goes on."))
        with st.popover(tr("Sheet"), icon=":material/print:", key="cnt_sheet"):
            for ending in printing.FORMATS:
                st.download_button(
                    {"pdf": tr("PDF to print"), "csv": "CSV", "xlsx": "Excel"}[ending],
                    data=session.later(printing.sheet, count_id=row.count_id, format=ending),
                    type="tertiary",
                    file_name=f"count-{row.count_id}.{ending}",
                    mime=_TYPES[ending],
                    on_click="ignore",
                    key=f"cnt_{ending}",
                )
        with st.popover(tr("Cancel"), icon=":material/close:", key="cnt_cancel"):
            st.write(tr("No level changes. What was entered stays on record, but cannot be applied any more."))
            _button(tr("Cancel this count"), "delete", sessions.cancel, row, tr("The count is cancelled."))


def _button(
    label: str, icon: str, operation: Callable[..., None], row: Session, done: str, *, is_main: bool = False
) -> None:
    st.button(
        label,
        icon=f":material/{icon}:",
        key=f"cnt_do_{operation.__name__}",
        on_click=outcome.do,
        args=(done, operation),
        kwargs={"count_id": row.count_id},
        type="primary" if is_main else "secondary",
    )
