"""Settings: the shop and its people, its connections, and its operations, each in sections."""

from collections.abc import Callable

import streamlit as st

from core.alerts import ageing, deliveries, places
from core.backups import record as backup_record
from core.foundation.model import Shop
from core.foundation.settings import load_settings
from core.health import reads as health_reads
from core.orders import stripe_link
from core.people import administration as people
from core.people import api_keys, audit
from core.people.factors import rules
from core.shop import profile as shop
from core.shop import reasons
from dashboard.door import session
from dashboard.frame import links, live, outcome
from dashboard.frame import page as frame
from dashboard.language import widgets
from dashboard.language.texts import marked, tr
from dashboard.settings import backups, changes, health, jobs, keys, notifications, stripe
from dashboard.settings import meanings as meaning_desk
from dashboard.settings import people as people_desk
from dashboard.settings import reasons as reason_desk
from dashboard.settings import shop as shop_desk
from dashboard.settings.programs import guard, webhooks

# In groups: a phone shows three words, and the sections of one of them.
GROUPS = marked(
    {
        "The shop": ("People", "Shop", "Reasons", "Recent changes"),
        "Connections": ("Stripe", "Stripe guard", "Codes", "API keys", "Webhooks", "Notifications"),
        "Operations": ("Jobs", "Health", "Backups"),
    }
)
FILES = marked({
    "People": ("people",), "Reasons": ("reasons",), "Recent changes": ("changes",), "Codes": ("codes",),
    "API keys": ("api_keys",), "Webhooks": ("webhook_messages",), "Stripe guard": ("stripe_guard",),
    "Notifications": ("destinations", "deliveries"), "Jobs": ("jobs", "job_runs"),
    "Backups": ("backups",),
})  # fmt: skip
"""The lists of a section as files."""
SECTION, GROUP = "set_section", "set_group"


def choose() -> str:
    """Draw the groups and the sections of the open group, and return the section. The address names it alone."""
    section = st.session_state.get(SECTION) or st.query_params.get(SECTION)
    group = next((group for group, names in GROUPS.items() if section in names), next(iter(GROUPS)))
    st.session_state[GROUP] = group
    widgets.segmented_control(
        tr("Group"), list(GROUPS), required=True, key=GROUP, on_change=open_group, label_visibility="collapsed"
    )
    names = GROUPS[group]
    chosen = widgets.pills(
        tr("Section"), names, default=names[0], required=True, key=SECTION, bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    return chosen or names[0]


def open_group() -> None:
    """Open the first section of the chosen group."""
    st.session_state[SECTION] = GROUPS[st.session_state[GROUP]][0]


def show_section(name: str, own: Shop) -> None:
    """Draw a section; only its own reads run."""
    sections: dict[str, Callable[[], None]] = marked(
        {
            "People": lambda: people_desk.show_people(
                session.run(people.list_people), session.run(rules.factor_rules), viewer.user_id
            ),
            "Shop": lambda: shop_desk.show_shop(own),
            "Reasons": lambda: reason_desk.show_reasons(session.run(reasons.list_reasons)),
            "Recent changes": lambda: changes.show_changes(session.run(audit.recent_changes), own.zone),
            "Stripe": lambda: stripe.show_stripe(session.run(stripe_link.connected), stripe_link.keys(load_settings())),
            "Stripe guard": guard.show_guard,
            "Codes": lambda: meaning_desk.show_meanings(viewer),
            "API keys": lambda: keys.show_keys(session.run(api_keys.keys)),
            "Webhooks": webhooks.show_webhooks,
            "Notifications": lambda: notifications.show_notifications(
                session.run(
                    deliveries.destinations, addresses=session.run(places.destinations, settings=load_settings())
                ),
                session.run(ageing.limits),
                own.zone,
            ),
            "Jobs": lambda: jobs.show_jobs(own.zone),
            "Health": lambda: health.show_health(
                session.run(health_reads.look, period=health.PERIOD.value()), own.zone
            ),
            "Backups": lambda: backups.show_backups(
                session.run(backup_record.backups), session.run(backup_record.proof), own.zone, load_settings()
            ),
        }
    )
    sections[name]()
    links.to_files(viewer, *FILES.get(name, ()))


viewer = session.actor()
with frame.page(tr("Settings"), viewer):
    live.watch_shop()
    if meaning_desk.is_alone(viewer, st.query_params.get(SECTION)):
        meaning_desk.show_meanings(viewer)
    else:
        own = session.run(shop.settings)
        shop_desk.show_hint(own)
        outcome.show()
        show_section(choose(), own)
