"""The progress of a sample shop whose past is still being played."""

from __future__ import annotations

import streamlit as st

from core.foundation import days
from core.sample import play
from dashboard.door import session
from dashboard.frame import words
from dashboard.language import formats
from dashboard.language.texts import tr


def show_progress(zone: str) -> None:
    """Show how far the past is played; nothing once it is complete. The page reloads as orders come in."""
    found = session.run(play.progress)
    if found is None or found.played_at is not None:
        return
    until = (
        tr(", now {played_until}", played_until=words.day(days.of(found.played_until, zone)))
        if found.played_until
        else ""
    )
    steps = tr(
        "{played} of {steps} steps{until}",
        played=formats.number(found.played),
        steps=formats.number(found.steps),
        until=until,
    )
    st.progress(found.share, tr("The sample shop is being filled: {steps}. Everything works meanwhile.", steps=steps))
