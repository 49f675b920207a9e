"""Settings, Webhooks: the programs that receive messages about changes, these messages, and sending them again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from core.storefront.hooks import endpoints
from core.storefront.hooks.endpoints import Delivery, Endpoint, Event, Switch
from dashboard.door import session
from dashboard.frame import outcome, words
from dashboard.frame import page as frame
from dashboard.language import formats
from dashboard.language.texts import lazy, tr

EVENTS = lazy(
    {
        Event.LEVEL_CHANGED: "Level changed",
        Event.OUT: "Out of stock",
        Event.BACK: "Back in stock",
        Event.ORDER_FAILED: "Order failed",
    }
)
STATES = lazy({"waiting": "Waiting", "sent": "Sent", "failed": "Failed"})


def show_webhooks() -> None:
    """Show the webhooks, the form that creates one, and the latest messages."""
    found = session.run(endpoints.endpoints)
    st.caption(tr("Stockroom sends signed messages to these programs about a minute after something changed."))
    if not found:
        frame.empty(
            tr("There are no webhooks yet"), tr("Create one for a program of yours below."), icon=":material/webhook:"
        )
    for hook in found:
        with st.container(border=True, key=f"set_hook_{hook.hook_id}"):
            _show_hook(hook)
    with st.container(border=True, key="set_hook_make"):
        st.subheader(tr("Create a webhook"), anchor=False)
        _show_new()
    if found:
        st.subheader(tr("Latest messages"), anchor=False)
        _show_deliveries(session.run(endpoints.deliveries), {hook.hook_id: hook.name for hook in found})


def _show_hook(hook: Endpoint) -> None:
    now, key = datetime.now(UTC), f"set_hook_{hook.hook_id}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(words.plain(hook.name), anchor=False, width="content")
        st.badge(tr("Switched off") if hook.off_at else tr("On"), color="gray" if hook.off_at else "green")
    st.code(hook.url, language=None, wrap_lines=True)
    st.caption(
        tr(
            "Receives: {events}. Last sent: {last}. Waiting: {waiting}. Failed: {failed}.",
            events=", ".join(EVENTS[event] for event in hook.events),
            last=words.ago(hook.sent_at, now),
            waiting=formats.number(hook.waiting),
            failed=formats.number(hook.failed),
        )
    )
    if hook.off_why:
        st.warning(tr("It was switched off because it has not accepted a message for five days."))
    elif hook.failing_since:
        st.warning(tr("Its messages fail. The first one failed {since}.", since=words.ago(hook.failing_since, now)))
    with st.container(horizontal=True):
        if hook.off_at:
            st.button(tr("Switch on"), key=f"{key}_on", on_click=_switch, args=(hook, Switch.ON))
        else:
            st.button(tr("Switch off"), key=f"{key}_off", on_click=_switch, args=(hook, Switch.OFF))
        if hook.failed:
            st.button(tr("Send all failed again"), key=f"{key}_replay", on_click=_replay, args=(hook.hook_id, None))
        st.button(
            tr("New secret"), key=f"{key}_rotate", on_click=_rotate, args=(hook,),
            help=tr("The secret before it stays valid for 24 hours."),
        )  # fmt: skip
        st.button(tr("Remove"), key=f"{key}_remove", on_click=_switch, args=(hook, Switch.REMOVED))


def _show_new() -> None:
    with st.form("set_hook_new", border=False):
        st.text_input(tr("Name"), key="set_hook_name", max_chars=80, placeholder=tr("For example, Web shop"))
        st.text_input(tr("URL"), key="set_hook_url", max_chars=500, placeholder="https://shop.example/webhooks")
        st.multiselect(
            tr("Events"), list(EVENTS), format_func=EVENTS.__getitem__, key="set_hook_events", placeholder=tr("Choose")
        )
        st.form_submit_button(tr("Create webhook"), type="primary", on_click=_make)
    st.caption(tr("Its secret is shown once. Your program verifies each message with it."))


def _show_deliveries(found: Sequence[Delivery], names: dict[int, str]) -> None:
    now = datetime.now(UTC)
    if not found:
        st.caption(tr("No message was sent yet."))
        return
    st.dataframe(
        {
            tr("Created"): [words.ago(each.created_at, now) for each in found],
            tr("Webhook"): [names.get(each.hook_id, tr("Removed")) for each in found],
            tr("Event"): [EVENTS[Event(each.kind)] for each in found],
            tr("SKU"): [each.sku or "" for each in found],
            tr("State"): [STATES[each.state] for each in found],
            tr("Attempts"): [each.attempts for each in found],
            tr("Answer"): [" ".join(str(part) for part in (each.status, each.answer) if part) for each in found],
            tr("Next attempt"): [_until(each.next_at, now) for each in found],
        },
        hide_index=True,
        alt=tr("The latest messages to programs, the newest first"),
    )
    ended = {
        f"{EVENTS[Event(each.kind)]} {each.sku or ''} ({names[each.hook_id]}, {words.ago(each.created_at, now)})": each
        for each in found
        if each.state != "waiting" and each.hook_id in names
    }
    if ended:
        chosen = ended[st.selectbox(tr("Message"), list(ended), key="set_hook_message")]
        st.button(tr("Send again"), key="set_hook_again", on_click=_replay, args=(chosen.hook_id, chosen.delivery_id))


def _until(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return ""
    minutes = round((moment - now).total_seconds() / 60)
    if minutes < 1:
        return tr("within a minute")
    return tr("in {minutes}", minutes=words.plural(minutes, "minute"))


def _make() -> None:
    name, url, events = (st.session_state[f"set_hook_{field}"] for field in ("name", "url", "events"))
    secret = outcome.do(tr("Webhook created for {name}.", name=name), endpoints.make, name=name, url=url, events=events)
    if secret is not None:
        outcome.remembered().secret = (name, secret)
        st.session_state["set_hook_name"] = st.session_state["set_hook_url"] = ""


def _rotate(hook: Endpoint) -> None:
    done = tr("{name} has a new secret.", name=hook.name)
    secret = outcome.do(done, endpoints.rotate, hook_id=hook.hook_id)
    if secret is not None:
        outcome.remembered().secret = (hook.name, secret)


def _switch(hook: Endpoint, to: Switch) -> None:
    said = {
        Switch.ON: tr("{name} is switched on.", name=hook.name),
        Switch.OFF: tr("{name} is switched off.", name=hook.name),
        Switch.REMOVED: tr("{name} is removed.", name=hook.name),
    }
    outcome.do(said[to], endpoints.switch, hook_id=hook.hook_id, to=to)


def _replay(hook_id: int, delivery_id: int | None) -> None:
    outcome.do(tr("It is sent again within a minute."), endpoints.replay, hook_id=hook_id, delivery_id=delivery_id)
