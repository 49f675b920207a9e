"""Import: a catalogue from a file, with a look at what it would do first, or the orders of some days from Stripe."""

import streamlit as st

from core.ledger import reports
from core.people.access import Permission, may
from dashboard.catalog import order_import, upload
from dashboard.door import session
from dashboard.frame import outcome
from dashboard.frame import page as frame

SECTIONS = ("Catalogue", "Orders")

person = session.actor()
with frame.page("Import", person):
    outcome.show()
    section = st.segmented_control(
        "What", SECTIONS, default="Catalogue", required=True, key="imp_section", bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    if section == "Orders":
        order_import.show(person, session.run(reports.shop))
    elif may(person.role, Permission.IMPORT_CATALOG):
        upload.show_upload(session.run(reports.shop))
    else:
        frame.empty("Your role does not import catalogues", "A manager or an admin of your shop can.")
