"""Reports: what the ledger says about a period, each report with its chart, table, link and export."""

from core.ledger import reports
from dashboard.door import session
from dashboard.frame import page as frame
from dashboard.language.texts import tr
from dashboard.reports import menu

person = session.actor()
with frame.page(tr("Reports"), person) as top:
    menu.leave()
    shop = session.run(reports.shop)
    with top:
        frame.show_sample_line(shop)
    menu.show(person)
