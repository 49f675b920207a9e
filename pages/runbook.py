"""The runbook: what to do about every kind of case and every failing check."""

from dashboard.alerts import runbook
from dashboard.door import session
from dashboard.frame import page as frame
from dashboard.language.texts import tr

with frame.page(tr("Runbook"), session.actor()):
    runbook.show_all()
