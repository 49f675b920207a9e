"""Search: what the search field of every page found."""

import streamlit as st

from core.screens import finding as screens
from dashboard.door import session
from dashboard.frame import page as frame
from dashboard.language.texts import tr
from dashboard.orders import finding

person = session.actor()
with frame.page(tr("Search"), person):
    text = st.query_params.get(frame.FIND, "")
    finding.show(session.run(screens.find, text=text), text)
