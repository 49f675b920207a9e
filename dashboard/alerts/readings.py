"""Choosing one of the possible readings of a cart: for one order, or by an admin for the shop."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.alerts.reads import Alert
from core.foundation.errors import InvalidInput
from core.foundation.model import Actor
from core.foundation.sales import AlertState, LineState
from core.orders import readings
from core.orders.cases import Retried
from core.orders.readings import Choices, OrderReading, ReadLine
from core.people.access import Permission, may
from dashboard.door import session
from dashboard.frame import forms, selling, words
from dashboard.frame.feedback import Notice
from dashboard.language.said import translated
from dashboard.language.sales import READING_PARTS
from dashboard.language.texts import first_upper, tr


def are_offered(alert: Alert) -> bool:
    """Return whether a case has readings to choose from."""
    return alert.state is not AlertState.RESOLVED and bool(alert.facts.get("readings"))


def show(alert: Alert, person: Actor) -> None:
    """Show each reading of the order: what it would take, what it comes to, why not, and who may choose it."""
    order_id = alert.order_id or 0
    seen = session.run(readings.choices, order_id=order_id)
    if not seen.readings:
        st.caption(tr("The order has its lines already."))
    for place, reading in enumerate(seen.readings, start=1):
        with st.container(border=True, key=f"reading_{alert.alert_id}_{place}"):
            _show(alert, seen, reading, place, person)


def _show(alert: Alert, seen: Choices, reading: OrderReading, place: int, person: Actor) -> None:
    st.markdown(heading(reading))
    st.table(_table(reading.lines, alert.currency), border="horizontal", hide_index=True)
    comes_to = (
        tr("Comes to {amount}. ", amount=selling.money(reading.amount, alert.currency))
        if reading.amount is not None
        else ""
    )
    why = (
        tr("Not taken: {why}.", why=translated(reading.why))
        if reading.why
        else tr("Every code names one variant, and the amount fits.")
    )
    st.caption(words.plain(f"{comes_to}{why}"))
    with st.container(horizontal=True, vertical_alignment="top", key=f"flush_reading_{alert.alert_id}_{place}"):
        if may(person.role, Permission.MAP_CODE):
            _offer_take(alert, reading, place)
        if reading.can_be_mapping and may(person.role, Permission.MANAGE_STRIPE):
            _offer_always(alert, seen, reading, place)


def heading(reading: OrderReading) -> str:
    """Return how a reading was found and where, in the reader's language."""
    parts, mark, more = reading.how.partition("; ")
    named = parts.split(", ")
    if all(part == "code" or part in READING_PARTS for part in named):
        parts = ", ".join(map(translated, named))
    how = translated(f"{parts}{mark}{more}")
    how, source = words.plain(first_upper(how)), _source(reading.source)
    return tr("**{how}** (from the {source})", how=how, source=source)


def _table(lines: Sequence[ReadLine], currency: str | None) -> dict[str, list[str]]:
    """Return the lines of a reading by columns, without columns that are empty."""
    table = {
        tr("Takes"): [words.plain(line.sku or tr("{code} (no variant)", code=line.code)) for line in lines],
        tr("Name"): [
            words.plain(words.joined(line.name, line.size and tr("size {size}", size=line.size))) for line in lines
        ],
        tr("Units"): [words.number(line.quantity) for line in lines],
        tr("Price"): ["" if line.unit_price is None else selling.money(line.unit_price, currency) for line in lines],
    }
    return {label: cells for label, cells in table.items() if any(cells)}


def _source(source: str) -> str:
    return {
        "checkout metadata": tr("metadata of the checkout"),
        "payment metadata": tr("metadata of the payment"),
        "storefront order": tr("storefront's order"),
    }.get(source, tr("lines of the checkout"))


def _offer_take(alert: Alert, reading: OrderReading, place: int) -> None:
    form = forms.begin(f"take_reading_{alert.order_id}_{place}")
    with st.form(form.name, border=False):

        def post(key: str, _: forms.Values) -> Notice:
            try:
                return _taken(session.run(readings.take, order_id=alert.order_id or 0, reading=reading, key=key))
            except InvalidInput as refused:
                return Notice(text="", problem=refused)  # the form may be gone, because the order has its lines

        forms.submit(
            form, tr("Take these lines"), post, icon=":material/check:", is_main=not translated(reading.why),
            say=lambda notice: notice,
        )  # fmt: skip


def _offer_always(alert: Alert, seen: Choices, reading: OrderReading, place: int) -> None:
    form = forms.begin(f"always_reading_{alert.order_id}_{place}")
    with st.form(form.name, border=False):

        def post(_: str, __: forms.Values) -> Notice:
            order_id = alert.order_id or 0
            try:
                return _mapped(session.run(readings.always, order_id=order_id, reading=reading, seen=seen.mapping))
            except InvalidInput as refused:
                return Notice(text="", problem=refused)

        forms.submit(
            form, tr("Always read it like this"), post, icon=":material/rule:", is_main=False,
            say=lambda notice: notice,
        )  # fmt: skip


def _taken(lines: Sequence[Retried]) -> Notice:
    taken, still = sum(line.taken for line in lines), [line for line in lines if line.state is LineState.FAILED]
    rest = tr(" {lines} still open.", lines=words.plural(len(still), "line")) if still else ""
    return Notice(text=tr("{units} taken off the shelf.{rest}", units=words.units(taken), rest=rest))


def _mapped(waiting: int) -> Notice:
    return Notice(
        text=tr(
            "The shop's carts are read like this from now on. {waiting_orders} read again within a minute.",
            waiting_orders=words.plural(waiting, "waiting order"),
        )
    )
