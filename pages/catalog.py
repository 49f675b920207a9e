"""Import: a catalogue from a CSV file, or orders from Stripe. Export: every list as a file."""

from core.ledger import reports
from core.people.access import Permission, may
from dashboard.catalog import order_import, upload
from dashboard.door import session
from dashboard.frame import links, lists, live, outcome
from dashboard.frame import page as frame
from dashboard.language.texts import marked, tr

SECTION = lists.Choice(
    label=marked("Import"), key="imp_section", options=marked({"Catalogue": False, "Orders": True}), usual="Catalogue"
)

person = session.actor()
with frame.page(tr("Import"), person):
    live.watch_shop()
    outcome.show()
    if SECTION.show():
        order_import.show(person, session.run(reports.shop))
    elif may(person.role, Permission.IMPORT_CATALOG):
        upload.show_upload(session.run(reports.shop))
    else:
        frame.empty(tr("Your role cannot import catalogues"), tr("A manager or an admin of your shop can."))
    links.to_everything(person)
