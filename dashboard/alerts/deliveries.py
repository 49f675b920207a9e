"""Where a case was told: which destinations it was sent to, which still wait, and what failed."""

from __future__ import annotations

import streamlit as st

from core.alerts import deliveries
from core.alerts.deliveries import Sent
from dashboard.door import session
from dashboard.frame import words


def show_deliveries(alert_id: int, zone: str) -> None:
    """Show where a case was told; nothing where nobody was to be told of it."""
    sent = session.run(deliveries.of_alert, alert_id=alert_id)
    if not sent:
        return
    with st.container(border=True, key="alr_told"):
        st.subheader("Told", anchor=False)
        for place, told in enumerate(sent):
            with st.container(gap=None, key=f"flush_told_{place}"):
                st.markdown(f"{words.plain(told.destination)}: {_state(told)}")
                st.caption(words.plain(words.DOT.join(filter(None, (_when(told, zone), told.why)))))


def _state(told: Sent) -> str:
    return {
        "postponed": "postponed",
        "sent": "sent",
        "failed": ":red[could not be delivered]",
        "waiting": "waits" if told.why is None else ":orange[tried, and tried again]",
    }[told.state]


def _when(told: Sent, zone: str) -> str:
    if told.finished_at is not None:
        return words.moment(told.finished_at, zone)
    return f"next at {words.moment(told.due_at, zone)}"
