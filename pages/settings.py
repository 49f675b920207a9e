"""Settings, in three groups: the shop and its people, what it is connected with, and how it runs."""

from core import api_keys, audit, backup_record, deliveries, health_reads, people, reasons, shop, stripe_link
from core.settings import load_settings
from dashboard import (
    backup_desk,
    change_desk,
    frame,
    health_desk,
    job_desk,
    key_desk,
    notification_desk,
    outcome,
    people_desk,
    reason_desk,
    sections,
    session,
    shop_desk,
    stripe_desk,
)  # fmt: skip

with frame.page("Settings", session.actor()):
    own = session.run(shop.settings)
    shop_desk.show_hint(own)
    outcome.show()
    section = sections.choose()
    if section == "People":
        people_desk.show_people(session.run(people.list_people))
    elif section == "Shop":
        shop_desk.show_shop(own)
    elif section == "Stripe":
        stripe_desk.show_stripe(session.run(stripe_link.connected), stripe_link.keys(load_settings()))
    elif section == "API keys":
        key_desk.show_keys(session.run(api_keys.keys))
    elif section == "Notifications":
        told = session.run(deliveries.destinations, addresses=load_settings().destinations)
        notification_desk.show_notifications(told, own.zone)
    elif section == "Jobs":
        job_desk.show_jobs(own.zone)
    elif section == "Health":
        health_desk.show_health(session.run(health_reads.look, period=health_desk.chosen_period()), own.zone)
    elif section == "Reasons":
        reason_desk.show_reasons(session.run(reasons.list_reasons))
    elif section == "Backups":
        kept, last = session.run(backup_record.backups), session.run(backup_record.proof)
        backup_desk.show_backups(kept, last, own.zone, load_settings())
    else:
        change_desk.show_changes(session.run(audit.recent_changes), own.zone)
