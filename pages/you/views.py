"""Views: the views of a person, their start page, and the mail with their views."""

from core.ledger import reports
from core.views import saved
from dashboard.door import session
from dashboard.frame import page as frame
from dashboard.language.texts import tr
from dashboard.views import listing, mail

person = session.signed_in()
actor = person.actor
with frame.page(tr("Views"), actor):
    found = session.run(saved.views)
    listing.show(found, actor, person.start)
    mail.show(found, actor, session.run(reports.shop))
