"""Settings: the people of the shop, their roles, and the links that let them in."""

import streamlit as st

from core import people
from dashboard import frame, people_desk, session, words

with frame.page("Settings", session.actor()):
    everybody = session.run(people.list_people)
    people_desk.show_outcome()
    st.subheader("People", anchor=False)
    people_desk.show_table(everybody)

    change, add = st.columns(2, gap="medium")
    with change, st.container(border=True, key="settings_change"):
        st.subheader("Change a person", anchor=False)
        people_desk.show_person(people_desk.chosen(everybody))

    with add, st.container(border=True, key="settings_add"):
        st.subheader("Add a person", anchor=False)
        people_desk.show_new_person()

    with st.expander("What the roles may do"):
        for role, may in people_desk.ROLES.items():
            st.markdown(f"**{words.ROLE_LABELS[role]}** {may}")
