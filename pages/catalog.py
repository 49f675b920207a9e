"""Import a catalogue: from a file, with a look at what it would do first."""

from core import reports
from core.access import Permission, may
from dashboard import catalog_desk, frame, session

person = session.actor()
with frame.page("Import a catalogue", person):
    if may(person.role, Permission.IMPORT_CATALOG):
        catalog_desk.show_upload(session.run(reports.shop))
    else:
        frame.empty("Your role does not import catalogues", "A manager or an admin of your shop can.")
