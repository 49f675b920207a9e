"""Reconciliation: how the books stand, the payment-to-shelf proof by day, and every proof that was made."""

import streamlit as st

from core import proof_reads
from dashboard import banner, frame, outcome, prove_desk, reconciliation_desk, run_desk, session, shelf_desk

person = session.actor()
with frame.page("Reconciliation", person) as top:
    outcome.show()
    opened = st.query_params.get(run_desk.PARAM, "")
    if opened:
        run_desk.show(opened)
        st.stop()
    seen = session.run(proof_reads.state)
    with top:
        banner.show_short(seen.shop)
    prove_desk.show(seen, person)
    view = reconciliation_desk.chosen_view()
    if view == reconciliation_desk.SHELF:
        shelf_desk.show(seen.shop)
    elif view == reconciliation_desk.RUNS:
        run_desk.show_history(seen.shop.zone)
    else:
        reconciliation_desk.show_checks(seen)
