"""The actions on cases about money: both payments of a double payment, and a dispute to answer at Stripe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import streamlit as st

from core.alerts import handling
from core.alerts.reads import Alert
from core.database import pool
from core.foundation.errors import Refused
from core.foundation.model import Actor
from core.foundation.sales import AlertKind
from core.foundation.settings import load_settings
from core.ledger import reports
from core.orders.stripe_link import payment_page
from core.people.access import Permission, may
from core.sandbox import connection
from dashboard.door import session
from dashboard.frame import forms, links, selling, words
from dashboard.frame.feedback import Notice


def offers(alert: Alert, person: Actor) -> dict[str, Callable[[], None]]:
    """Return the actions of this role on a case about money, by the names of their tabs; none for any other case."""
    if alert.kind is AlertKind.DOUBLE_PAYMENT and "second" in alert.facts:
        return {"Both payments": lambda: _show_both(alert, person)}
    if alert.kind is AlertKind.DISPUTE and alert.facts.get("payment_id"):
        return {"Answer at Stripe": lambda: _show_dispute(alert)}
    return {}


def _show_both(alert: Alert, person: Actor) -> None:
    zone = session.run(reports.shop).zone
    for place, column in zip(("first", "second"), st.columns(2, gap="small"), strict=True):
        with column, st.container(border=True, gap="xsmall", key=f"paid_{place}_{alert.alert_id}"):
            _show_payment(alert.facts[place], zone)
    st.caption("If only one was meant, refund the other at Stripe. The case then ends by itself.")
    if not may(person.role, Permission.RESOLVE_ALERT):
        return
    form = forms.begin(f"both_{alert.alert_id}")
    with st.form(form.name, border=False):
        forms.submit(
            form, handling.BOTH_ARE_RIGHT, lambda key, values: _both_are_right(alert), icon=":material/done_all:",
            say=lambda notice: notice,
        )  # fmt: skip


def _both_are_right(alert: Alert) -> Notice:
    try:
        session.run(handling.both_are_right, alert_id=alert.alert_id)
    except Refused as error:  # a message, because the form is gone: somebody else was faster
        return Notice(text="", problem=error)
    return Notice(text="The case is resolved: both payments are right.")


def _show_payment(paid: Mapping[str, Any], zone: str) -> None:
    name = f"Order {paid['number']}" if paid["number"] else f"Order of {paid['buyer'] or 'an unknown buyer'}"
    links.to_page("orders", words.plain(name), icon=":material/receipt_long:", order=str(paid["order_id"]))
    at = words.moment(datetime.fromisoformat(paid["paid_at"]), zone)
    st.text(words.joined(selling.money(paid["amount"], paid["currency"]), at))
    if paid["number"] and paid["buyer"]:
        st.text(paid["buyer"])  # not Markdown, which would turn an email address into a link
    _link("Refund at Stripe", paid["payment_id"], livemode=paid["livemode"])


def _show_dispute(alert: Alert) -> None:
    st.caption("Send the bank what shows that the buyer got what they paid for, or accept the dispute.")
    payment_id: str = alert.facts["payment_id"]
    _link("Open the payment at Stripe", payment_id, livemode=alert.facts.get("livemode") is not False)


def _link(label: str, payment_id: str, *, livemode: bool) -> None:
    """Link to a payment at Stripe. The sandbox has no pages to link to."""
    if connection.is_sandbox(load_settings(), pool.engine()):
        st.caption(f":material/science: “{label}” is here in a real shop. The sandbox has no pages of its own.")
    else:
        page = payment_page(payment_id, livemode=livemode)
        st.link_button(label, page, icon=":material/open_in_new:")
