"""The entry script: look up the signed-in person, draw the side bar for their role, and run the page."""

from pathlib import Path

import streamlit as st

from core.foundation.errors import SignInRequired, Unavailable
from dashboard.door import session
from dashboard.frame import live, navigation
from dashboard.frame import page as frame
from dashboard.views import side

STATIC = Path(__file__).parent / "static"

st.set_page_config(page_title="Stockroom", page_icon=str(STATIC / "icon.png"), layout="wide")
st.logo(str(STATIC / "logo.svg"), icon_image=str(STATIC / "icon.svg"))
live.unwatch()
try:
    person = session.signed_in()
    if session.start_afresh(person):
        live.forget()
    page = navigation.choose(person, side.show)
    page.run()
except SignInRequired:
    navigation.hide()
    session.show_ended()
except Unavailable as error:
    frame.show_failure(error)
