"""Your account: name and role, password, and signed-in browsers."""

from datetime import UTC, datetime

import streamlit as st

from core.ledger import reports
from core.people import accounts
from core.people import reading as readings
from dashboard.door import session
from dashboard.frame import outcome, words
from dashboard.frame import page as frame
from dashboard.language import asking
from dashboard.language.texts import tr
from dashboard.settings import people

person = session.signed_in()
actor = person.actor
KEY = "account_reading"
own = session.run(readings.own_reading)


def save() -> None:
    """Save the person's own language and format."""
    chosen = asking.asked(own, KEY)
    outcome.do("", readings.set_own_reading, language=chosen.language, format=chosen.format)


with frame.page(tr("Your account"), actor):
    st.text(words.joined(actor.name, actor.email, words.ROLE_LABELS[actor.role]))
    with st.container(border=True, key="account_password"):
        st.subheader(tr("Password"), anchor=False)
        if person.has_password:
            st.write(tr("Changing your password signs you out of all other browsers."))
        else:
            st.write(tr("You signed in with a one-time link. Set a password to sign in without another link."))
        session.form_button(tr("Change password") if person.has_password else tr("Set a password"), "/password")

    with st.container(border=True, key="account_factor"):
        st.subheader(tr("Second factor"), anchor=False)
        factors = session.standing()
        has_factor = factors is not None and factors.has_factor
        if has_factor:
            st.write(tr("After your password, Stockroom asks for a second factor."))
        else:
            st.write(tr("With a second factor, a password that somebody learns is not enough to sign in as you."))
        session.form_button(tr("Manage") if has_factor else tr("Set up a second factor"), "/second-step")

    with st.container(border=True, key=KEY):
        st.subheader(tr("Language and format"), anchor=False)
        asking.show(own, tr("As the shop has it"), KEY)
        st.button(tr("Save"), key=f"{KEY}_save", type="primary", on_click=save)
        outcome.show()

    with st.container(border=True, key="account_sessions"):
        st.subheader(tr("Signed-in browsers"), anchor=False)
        zone = session.run(reports.shop).zone
        people.show_browsers(session.run(accounts.own_sessions), zone, datetime.now(UTC))
        st.caption(tr("A session ends twelve hours after sign-in."))
        if st.button(tr("Sign out everywhere"), key="account_sign_out", icon=":material/logout:"):
            session.run(accounts.end_sessions)
            st.rerun()
