"""Scan: leads to the scan station, a plain page beside the dashboard."""

from dashboard.door import session
from dashboard.frame import page as frame
from dashboard.language.texts import tr
from dashboard.scan import entrance

person = session.actor()
with frame.page(tr("Scan"), person):
    entrance.show()
