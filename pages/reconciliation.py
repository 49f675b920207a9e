"""Reconciliation: the latest daily proof, the payment-to-shelf proof by day, and all runs."""

import streamlit as st

from core.proof import reads as proof_reads
from dashboard.door import session
from dashboard.frame import links, outcome
from dashboard.frame import page as frame
from dashboard.language.texts import tr
from dashboard.proof import checks, headline, runs, shelf

person = session.actor()
with frame.page(tr("Reconciliation"), person) as top:
    outcome.show()
    opened = st.query_params.get(runs.PARAM, "")
    if opened:
        runs.show(opened)
        st.stop()
    seen = session.run(proof_reads.state)
    with top:
        frame.show_sample_line(seen.shop)
    headline.show(seen, person)
    view = checks.VIEW.show()
    if view == checks.SHELF:
        shelf.show(seen.shop, person)
    elif view == checks.RUNS:
        runs.show_history(seen.shop.zone)
    else:
        checks.show_checks(seen)
    links.to_files(person, "proof_runs", "proof_results", "proof_days")
