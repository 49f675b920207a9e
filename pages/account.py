"""Your account: who you are here, your password, and the browsers in which you are signed in."""

from datetime import UTC, datetime

import streamlit as st

from core.ledger import reports
from core.people import accounts
from dashboard.door import session
from dashboard.frame import page as frame
from dashboard.frame import words
from dashboard.settings import people

person = session.signed_in()
actor = person.actor
with frame.page("Your account", actor):
    st.text(words.DOT.join([actor.name, actor.email or "", words.ROLE_LABELS[actor.role]]))
    with st.container(border=True, key="account_password"):
        st.subheader("Password", anchor=False)
        if person.has_password:
            st.write("With it you sign in. Changing it signs you out of every other browser.")
        else:
            st.write("You came in by a one-time link. Set a password, so that you can come back without another.")
        session.form_button("Change password" if person.has_password else "Set a password", "/password")

    with st.container(border=True, key="account_sessions"):
        st.subheader("Where you are signed in", anchor=False)
        zone = session.run(reports.shop).zone
        people.show_browsers(session.run(accounts.own_sessions), zone, datetime.now(UTC))
        st.caption("A session ends twelve hours after signing in.")
        if st.button("Sign out everywhere", key="account_sign_out", icon=":material/logout:"):
            session.run(accounts.end_sessions)
            st.rerun()
