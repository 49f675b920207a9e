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
from core.sandbox import connection, deciding
from dashboard.door import session
from dashboard.frame import forms, links, selling, words
from dashboard.frame.feedback import Notice
from dashboard.language.texts import tr


def offers(alert: Alert, person: Actor) -> dict[str, Callable[[], None]]:
    """Return the actions of this role on a case about money, by the names of their tabs; none for any other case."""
    if alert.kind is AlertKind.DOUBLE_PAYMENT and "second" in alert.facts:
        return {tr("Both payments"): lambda: _show_both(alert, person)}
    if alert.kind is AlertKind.DISPUTE and alert.facts.get("payment_id"):
        return {tr("Answer at Stripe"): lambda: _show_dispute(alert, person)}
    return {}


def _show_both(alert: Alert, person: Actor) -> None:
    zone = session.run(reports.shop).zone
    for place, column in zip(("first", "second"), st.columns(2, gap="small"), strict=True):
        with column, st.container(border=True, gap="xsmall", key=f"paid_{place}_{alert.alert_id}"):
            _show_payment(alert.facts[place], zone, person)
    where = tr("in the sandbox") if _is_sandbox() else tr("at Stripe")
    st.caption(tr("If only one was meant, refund the other {where}. The case then ends by itself.", where=where))
    if not may(person.role, Permission.RESOLVE_ALERT):
        return
    form = forms.begin(f"both_{alert.alert_id}")
    with st.form(form.name, border=False):
        forms.submit(
            form, tr(handling.BOTH_ARE_RIGHT), lambda key, values: _both_are_right(alert), icon=":material/done_all:",
            say=lambda notice: notice,
        )  # fmt: skip


def _both_are_right(alert: Alert) -> Notice:
    try:
        session.run(handling.both_are_right, alert_id=alert.alert_id)
    except Refused as error:  # a message, because the form is gone: somebody else was faster
        return Notice(text="", problem=error)
    return Notice(text=tr("The case is resolved: both payments are right."))


def _show_payment(paid: Mapping[str, Any], zone: str, person: Actor) -> None:
    name = (
        tr("Order {number}", number=paid["number"])
        if paid["number"]
        else tr("Order of {buyer}", buyer=paid["buyer"] or tr("an unknown buyer"))
    )
    links.to_page("orders", words.plain(name), icon=":material/receipt_long:", order=str(paid["order_id"]))
    at = words.moment(datetime.fromisoformat(paid["paid_at"]), zone)
    st.text(words.joined(selling.money(paid["amount"], paid["currency"]), at))
    if paid["number"] and paid["buyer"]:
        st.text(paid["buyer"])  # not Markdown, which would turn an email address into a link
    payment_id: str = paid["payment_id"]
    if not _is_sandbox():
        _link(tr("Refund at Stripe"), payment_id, livemode=paid["livemode"])
    elif may(person.role, Permission.RESOLVE_ALERT):
        _show_act(f"refund_{payment_id}", tr("Refund in the sandbox"), tr("The refund is on its way."),
                  lambda: deciding.refund(pool.engine(), session.actor(), payment_id=payment_id))  # fmt: skip


def _show_dispute(alert: Alert, person: Actor) -> None:
    payment_id: str = alert.facts["payment_id"]
    if not _is_sandbox():
        st.caption(tr("Send the bank what shows that the buyer got what they paid for, or accept the dispute."))
        _link(tr("Open the payment at Stripe"), payment_id, livemode=alert.facts.get("livemode") is not False)
        return
    st.caption(tr("A real shop answers at Stripe, and the bank decides. In the sandbox you are the bank."))
    if may(person.role, Permission.RESOLVE_ALERT):
        for column, won, who in zip(
            st.columns(2, gap="small"), (True, False), (tr("the shop"), tr("the buyer")), strict=True
        ):
            with column:
                _show_act(
                    f"bank_{payment_id}_{won}",
                    tr("Decide for {who}", who=who),
                    tr("The bank decided for {who}.", who=who),
                    lambda won=won: deciding.close_dispute(  # type: ignore[misc]
                        pool.engine(), session.actor(), payment_id=payment_id, won=won
                    ),
                )


def _show_act(name: str, label: str, done: str, act: Callable[[], None]) -> None:
    """Show a button that does in the sandbox what a real shop does at Stripe."""

    def post(key: str, values: Mapping[str, Any]) -> Notice:
        act()
        return Notice(text=tr("{done} The case follows in a moment.", done=done))

    form = forms.begin(name)
    with st.form(form.name, border=False):
        forms.submit(form, label, post, icon=":material/science:", say=lambda notice: notice, is_main=False)


def _is_sandbox() -> bool:
    return connection.is_sandbox(load_settings(), pool.engine())


def _link(label: str, payment_id: str, *, livemode: bool) -> None:
    page = payment_page(payment_id, livemode=livemode)
    st.link_button(label, page, icon=":material/open_in_new:")
