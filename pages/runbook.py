"""The runbook: what to do about every kind of case and every failing check."""

from dashboard import frame, runbook, session

with frame.page("Runbook", session.actor()):
    runbook.show_all()
