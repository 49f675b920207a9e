"""The way from the dashboard to the scan station, which is a page of its own."""

from __future__ import annotations

import streamlit as st

from dashboard.language.texts import tr

ADDRESS = "/scan"


def show() -> None:
    """Open the scan station in this tab, and show a link to it where scripts do not run."""
    # Leaving by script, because a page of the side bar cannot lead out of Streamlit in the same tab.
    st.html(f'<script>window.location.replace("{ADDRESS}")</script>', unsafe_allow_javascript=True)
    st.link_button(tr("Open the scan station"), ADDRESS, icon=":material/barcode_scanner:", type="primary")
