"""Import: a catalogue from a file, with a look at what it would do first, or the orders of some days from Stripe."""

import streamlit as st

from core import reports
from core.access import Permission, may
from dashboard import catalog_desk, frame, import_desk, outcome, session

SECTIONS = ("Catalogue", "Orders")

person = session.actor()
with frame.page("Import", person):
    outcome.show()
    section = st.segmented_control(
        "What", SECTIONS, default="Catalogue", required=True, key="imp_section", bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    if section == "Orders":
        import_desk.show(person, session.run(reports.shop))
    elif may(person.role, Permission.IMPORT_CATALOG):
        catalog_desk.show_upload(session.run(reports.shop))
    else:
        frame.empty("Your role does not import catalogues", "A manager or an admin of your shop can.")
