"""Settings, Notifications: the destinations of alerts with their delivery state and preferences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time

import streamlit as st

from core.alerts import ageing, deliveries, notifier, places
from core.alerts.ageing import Limits
from core.alerts.deliveries import Destination, Wishes
from core.alerts.notifier import Message
from core.foundation.errors import DeliveryFailed
from core.foundation.settings import load_settings
from dashboard.door import session
from dashboard.frame import outcome, words
from dashboard.frame import page as frame
from dashboard.language import formats
from dashboard.language.said import translated
from dashboard.language.texts import lazy, tr

SEVERITIES = lazy(
    {
        "waited": "Only cases that waited too long",
        "urgent": "Urgent cases only",
        "warning": "Warnings and urgent cases",
        "note": "Every case",
    }
)
DIGESTS = lazy({"each": "Immediately", "hour": "Once an hour", "day": "Once a day"})


LIMITS = lazy({"urgent": "Urgent cases", "other": "Other cases", "levels": "Low levels"})


def show_notifications(found: Sequence[Destination], limits: Limits, zone: str) -> None:
    """Show the destinations of alerts with their preferences and a test, and how long cases may wait."""
    st.caption(
        tr(
            "New cases, and cases whose severity is raised, are sent to these destinations. "
            "Their addresses are set in the environment and never shown."
        )
    )
    if not found:
        frame.empty(
            tr("No destinations yet"),
            tr(
                "Set STOCKROOM_NOTIFY_TEAM, or the same with another name at the end, to an Apprise "
                "URL such as mailtos, slack or json, and restart Stockroom."
            ),
            icon=":material/notifications_off:",
        )
    for destination in found:
        with st.container(border=True, key=f"set_told_{destination.name}"):
            _show_destination(destination, zone)
    with st.container(border=True, key="set_waits"):
        _show_limits(limits)


def _show_limits(limits: Limits) -> None:
    st.subheader(tr("Cases that wait"), anchor=False)
    st.caption(
        tr(
            "A case that nobody has acted on for this many hours is sent once more, to the next "
            "destination in order: the first one that was not sent it, whatever it normally "
            "receives. 0: it is not sent again."
        )
    )
    with st.form("set_waits_form", border=False):
        for place, (field, label) in zip(st.columns(3), LIMITS.items(), strict=True):
            place.number_input(label, 0, 1000, getattr(limits, field) or 0, key=f"set_waits_{field}")
        st.form_submit_button(tr("Save waiting times"), on_click=_save_limits)


def _save_limits() -> None:
    hours = {field: int(st.session_state[f"set_waits_{field}"]) or None for field in LIMITS}
    outcome.do(tr("The waiting times are saved."), ageing.save_limits, limits=Limits(**hours))


def _show_destination(destination: Destination, zone: str) -> None:
    health, name = destination.health, destination.name
    with st.container(horizontal=True, vertical_alignment="center", key=f"set_told_head_{name}"):
        st.subheader(words.plain(name), anchor=False, width="content")
        st.badge(translated(destination.service), color="gray")
        st.button(tr("Send a test"), key=f"set_told_test_{name}", icon=":material/send:", on_click=_test, args=(name,))
    waiting = health.waiting + destination.postponed
    last = words.moment(health.sent_at, zone) if health.sent_at else "never"
    st.caption(
        tr(
            "Last sent: {last}. Waiting: {waiting}. Failed: {failed}.",
            last=last,
            waiting=formats.number(waiting),
            failed=formats.number(health.failed),
        )
    )
    if health.failed_at and (health.sent_at is None or health.failed_at > health.sent_at):
        at = words.moment(health.failed_at, zone)
        st.warning(words.plain(f"{at}: {translated(health.why)}"), icon=":material/warning:")
    with st.expander(tr("Preferences")):
        _show_preferences(name, destination.wishes)


def _show_preferences(name: str, wishes: Wishes) -> None:
    key = f"set_told_{name}"
    with st.form(f"{key}_form", border=False):
        st.toggle(tr("On"), wishes.is_on, key=f"{key}_on")
        st.selectbox(
            tr("Cases"), list(SEVERITIES), list(SEVERITIES).index(wishes.min_severity), SEVERITIES.__getitem__,
            key=f"{key}_of",
        )  # fmt: skip
        st.selectbox(
            tr("Frequency"), list(DIGESTS), list(DIGESTS).index(wishes.digest), DIGESTS.__getitem__, key=f"{key}_digest"
        )
        st.time_input(tr("Time of the daily digest"), wishes.digest_at, key=f"{key}_at")
        st.number_input(
            tr("Place in the order"), 1, 99, wishes.place, key=f"{key}_place",
            help=tr("A case that waited too long is sent to the next destination in this order."),
        )  # fmt: skip
        st.toggle(tr("Quiet hours"), wishes.quiet_from is not None, key=f"{key}_quiet")
        first, second = st.columns(2)
        first.time_input(tr("Quiet from"), wishes.quiet_from or time(22), key=f"{key}_from")
        second.time_input(tr("Quiet until"), wishes.quiet_until or time(7), key=f"{key}_until")
        st.toggle(tr("Send urgent cases immediately at all times"), wishes.urgent_passes, key=f"{key}_urgent")
        st.toggle(
            tr("Send the daily proof"),
            wishes.daily_proof,
            key=f"{key}_proof",
            help=tr("Once a day, with the ledger's head hash. A stored hash shows later whether history was changed."),
        )
        st.form_submit_button(tr("Save"), on_click=_save, args=(name,))


def _save(name: str) -> None:
    given = {
        field: st.session_state[f"set_told_{name}_{field}"]
        for field in ("on", "of", "digest", "at", "quiet", "from", "until", "urgent", "proof", "place")
    }
    wishes = Wishes(
        is_on=given["on"],
        min_severity=given["of"],
        digest=given["digest"],
        daily_proof=given["proof"],
        digest_at=given["at"],
        quiet_from=given["from"] if given["quiet"] else None,
        quiet_until=given["until"] if given["quiet"] else None,
        urgent_passes=given["urgent"],
        place=int(given["place"]),
    )
    outcome.do(tr("The preferences of {name} are saved.", name=name), deliveries.save, name=name, wishes=wishes)


def _test(name: str) -> None:
    """Send a test message outside of any transaction, and record the result."""
    outcome.do("", deliveries.may_test)
    if outcome.remembered().problem is not None:
        return
    why = None
    try:
        message = Message(title=tr("Stockroom: test message"), body=tr("Alerts will arrive here."))
        addresses = session.run(places.destinations, settings=load_settings())
        notifier.send(addresses[name], message)
    except DeliveryFailed as problem:
        why = translated(problem.message)
    text = (
        tr("The test message was sent to {name}.", name=name)
        if why is None
        else tr("The test message to {name} failed: {why}", name=name, why=why)
    )
    outcome.do(text, deliveries.note_test, name=name, why=why)
    outcome.remembered().failed = why is not None
