"""The mail with views: when it comes, with which views, one now, stopping it, and what was sent."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.database import pool
from core.foundation.errors import StockError
from core.foundation.model import Actor, Shop
from core.foundation.settings import load_settings
from core.ledger.changes import new_key
from core.views import mailing, schedule
from core.views.saved import View
from core.views.schedule import MOST_VIEWS, USUAL_TIME, Mail, MailState, Rhythm, Subscription
from dashboard.door import session
from dashboard.frame import feedback, words
from dashboard.frame.feedback import Notice
from dashboard.language.said import translated
from dashboard.language.texts import lazy, tr
from dashboard.views.listing import act

RHYTHMS = lazy({Rhythm.WEEKLY: "On Monday", Rhythm.DAILY: "Every day"})
STATES = lazy(
    {
        MailState.WAITING: "Not sent yet",
        MailState.SENT: "Sent",
        MailState.FAILED: "Failed",
        MailState.SKIPPED: "Not sent",
    }
)
_ASKED = "_view_mail_asked"


def show(found: Sequence[View], person: Actor, shop: Shop) -> None:
    """Show a person's mail: their choice, one now, and the latest mails."""
    st.subheader(tr("Mail with views"), anchor=False)
    has_account = load_settings().mail_url is not None
    choices = {view.view_id: view.name for view in found if view.can_be_mailed}
    chosen = session.run(schedule.subscription)
    st.caption(tr("Numbers, first rows and charts of your views, with your rights at that time. They are sent to:"))
    st.text(person.email)  # not Markdown, which would turn an email address into a link
    _show_account(has_account, shop)
    if not choices:
        st.caption(tr("Save a view first: all pages but Overview and Reconciliation can be mailed."))
        return
    _show_choice(found, choices, chosen, shop.zone)
    if any(view.is_mailed for view in found):
        _show_actions(chosen, person, has_account or shop.is_sample)
    _show_mails(session.run(schedule.mails), shop.zone)


def _show_account(has_account: bool, shop: Shop) -> None:
    if has_account:
        return
    if shop.is_sample:
        st.caption(tr(":material/science: The sample shop makes the mails and lists them here. Nobody receives them."))
    else:
        st.warning(
            tr(
                "This shop has no mail account yet, so no mail is sent. An admin of your shop can "
                "set one up (STOCKROOM_MAIL_URL)."
            ),
            icon=":material/mail_off:",
        )


def _show_choice(found: Sequence[View], choices: dict[int, str], chosen: Subscription | None, zone: str) -> None:
    mailed = [view.view_id for view in found if view.is_mailed and view.view_id in choices]
    state = f"{chosen.rhythm}{chosen.at}{chosen.is_on}{mailed}" if chosen else "new"
    is_on = chosen is not None and chosen.is_on
    keys = {name: f"view_mail_{name}_{state}" for name in ("rhythm", "at", "views")}
    with st.form("view_mail_form"):
        rhythms = list(RHYTHMS)
        with st.container(horizontal=True, key="view_mail_when"):
            st.selectbox(
                tr("How often"), rhythms, rhythms.index(chosen.rhythm) if chosen else 0, RHYTHMS.__getitem__,
                key=keys["rhythm"], width=200,
            )  # fmt: skip
            st.time_input(tr("At"), chosen.at if chosen else USUAL_TIME, step=900, key=keys["at"], width=160)
        st.multiselect(
            tr("Views"), list(choices), mailed, choices.__getitem__, key=keys["views"], max_selections=MOST_VIEWS,
            placeholder=tr("Choose the views"),
        )  # fmt: skip
        if is_on and chosen is not None and chosen.next_at is not None:
            st.caption(
                tr(
                    "The next mail comes {next_at}, in the time zone of the shop.",
                    next_at=words.moment(chosen.next_at, zone),
                )
            )
        else:
            st.caption(tr("No mail comes by itself yet.") if chosen is None else tr("The mails are stopped."))
        st.form_submit_button(
            tr("Save the mail") if is_on else tr("Start the mail"), key="view_mail_save", type="primary",
            icon=":material/schedule_send:", on_click=_subscribe, args=(keys,),
        )  # fmt: skip


def _subscribe(keys: dict[str, str]) -> None:
    rhythm, at, views = (st.session_state[keys[name]] for name in ("rhythm", "at", "views"))
    done = tr("The mail comes on Monday.") if rhythm == Rhythm.WEEKLY else tr("The mail comes every day.")
    act(done, schedule.subscribe, rhythm=rhythm, at=at, view_ids=views)


def _show_actions(chosen: Subscription | None, person: Actor, can_send: bool) -> None:
    with st.container(horizontal=True, key="view_mail_do"):
        st.button(
            tr("Send me one now"), key="view_mail_now", icon=":material/send:", on_click=_ask, disabled=not can_send,
        )  # fmt: skip
        if chosen is not None and chosen.is_on:
            st.button(
                tr("Stop these mails"),
                key="view_mail_stop",
                icon=":material/unsubscribe:",
                type="tertiary",
                on_click=act,
                args=(tr("The mails are stopped."), schedule.unsubscribe),
            )
    if key := st.session_state.pop(_ASKED, None):
        shown = feedback.messages()
        with st.spinner(tr("Making and sending the mail")):
            shown.put(_sent(person, str(key)))
        st.rerun()


def _ask() -> None:
    st.session_state[_ASKED] = new_key()


def _sent(person: Actor, key: str) -> Notice:
    try:
        state = mailing.send_now(pool.engine(), person, key=key)
    except StockError as problem:
        return Notice(text="", problem=problem)
    said = {
        MailState.SENT: tr("The mail is on its way."),
        MailState.WAITING: tr("The mail server did not take it yet. Stockroom tries again by itself; see below."),
        MailState.FAILED: tr("The mail could not be sent. The reason is below."),
        MailState.SKIPPED: tr("There was nothing to send. The reason is below."),
    }
    return Notice(text=said[state] if state else tr("This mail was asked for already."))


def _show_mails(found: Sequence[Mail], zone: str) -> None:
    if not found:
        return
    st.markdown(tr("**Latest mails**"))
    for mail in found:
        label = f"{STATES[mail.state]}{words.DOT}{words.moment(mail.finished_at or mail.created_at, zone)}"
        about = f"{words.DOT}{words.plain(translated(mail.why))}" if mail.why else ""
        icon = {MailState.SENT: ":material/check_circle:", MailState.FAILED: ":material/error:"}.get(
            mail.state, ":material/schedule:"
        )
        box = st.expander(f"{label}{about}", icon=icon, key=f"view_mail_{mail.mail_id}", on_change="rerun")
        if not box.open:
            continue
        with box:
            if mail.state is MailState.WAITING and mail.attempts:
                st.caption(
                    tr(
                        "Tried {times}. Next try {due_at}.",
                        times=words.plural(mail.attempts, "time"),
                        due_at=words.moment(mail.due_at, zone),
                    )
                )
            if mail.body is None:
                st.caption(tr("It was not made."))
                continue
            st.caption(
                words.plain(
                    tr(
                        "{title}, to {recipient}. Charts: {pictures}.",
                        title=mail.title,
                        recipient=mail.recipient,
                        pictures=mail.pictures,
                    )
                )
            )
            st.code(mail.body, language=None)
