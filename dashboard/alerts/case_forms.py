"""What a person can do with one case: try again, map a code, ship what is there, and what can be done with any.

Core refuses what a role may not do; here it is not offered, and one sentence says who can.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from core.alerts.reads import Alert
from core.foundation.errors import UnknownVariant
from core.foundation.model import Actor
from core.foundation.sales import AlertKind, AlertState, LineState
from core.inbox import messages as inbox
from core.ledger import reports
from core.orders import cases
from core.orders.cases import Retried
from core.orders.reads import OrderLine
from core.people.access import Permission, may
from core.screens.orders import WholeAlert
from dashboard.alerts import handling
from dashboard.door import session
from dashboard.frame import forms, words
from dashboard.frame.feedback import Notice

MOST_RETRIES = 50
"""Orders that are tried again when a code is mapped; more wait for the next press."""

_ABOUT_ORDER = (AlertKind.INSUFFICIENT_STOCK, AlertKind.UNKNOWN_VARIANT)


def show_whole(seen: WholeAlert, person: Actor) -> None:
    """Show everything that can be done with an open case; nothing where it is resolved."""
    more: dict[str, Callable[[], None]] = {}
    if may(person.role, Permission.HANDLE_ALERT):
        ids, name = [seen.alert.alert_id], str(seen.alert.alert_id)
        more["Snooze"] = lambda: handling.show_snooze(ids, name, seen.shop.zone)
        more["Assign"] = lambda: handling.show_assign(ids, name, seen.hands)
    show(seen.alert, seen.lines, person, more)


def show(
    alert: Alert, lines: Sequence[OrderLine], person: Actor, more: Mapping[str, Callable[[], None]] | None = None
) -> None:
    """Show what finishes an open case, and `more` behind it; nothing where it is resolved."""
    if alert.state is AlertState.RESOLVED:
        return
    offers = _offers(alert, lines, person) | dict(more or {})
    if offers:
        for tab, draw in zip(st.tabs(list(offers), key=f"case_{alert.alert_id}"), offers.values(), strict=True):
            with tab:
                draw()
    if not may(person.role, Permission.RESOLVE_ALERT):
        st.caption("Support, a manager or an admin can map codes and resolve a case.")


def _offers(alert: Alert, lines: Sequence[OrderLine], person: Actor) -> dict[str, Callable[[], None]]:
    """What this role can do with this case, by the names of the tabs."""
    offers: dict[str, Callable[[], None]] = {}
    waiting = [line for line in lines if line.state is LineState.FAILED] if alert.kind in _ABOUT_ORDER else []
    codes = list(dict.fromkeys(line.code for line in waiting if line.sku is None))
    if codes and may(person.role, Permission.MAP_CODE):
        offers["Map a code"] = lambda: _show_maps(codes, waiting)
    if waiting and may(person.role, Permission.RETRY_ORDER):
        offers["Try again"] = lambda: _show_retry(alert, waiting)
    if alert.kind is AlertKind.IMPORT_ERROR and alert.event_id and may(person.role, Permission.RETRY_ORDER):
        offers["Try again"] = lambda: _show_retry_message(alert)
    if alert.kind is AlertKind.UNREADABLE_CART and alert.order_id and may(person.role, Permission.RETRY_ORDER):
        offers["Read again"] = lambda: _show_read_again(alert)
    if any(line.sku for line in waiting) and may(person.role, Permission.FORCE_ORDER):
        offers["Ship what is there"] = lambda: _show_ship(alert, waiting)
    if may(person.role, Permission.RESOLVE_ALERT):
        offers["Resolve"] = lambda: _show_resolve(alert, waiting)
    return offers


def show_quick(alert: Alert, person: Actor) -> None:
    """Offer what takes one press: to say that somebody is on it, to take it, to bring it back."""
    if alert.state is AlertState.RESOLVED or not may(person.role, Permission.HANDLE_ALERT):
        return
    ids, name = [alert.alert_id], str(alert.alert_id)
    if alert.state is AlertState.OPEN:
        handling.show_acknowledge(ids, name)
    if person.user_id is not None and alert.assigned_to != person.user_id:
        handling.show_assign_to_me(ids, name, person.user_id)
    if alert.is_snoozed:
        handling.show_wake(ids, name)


def _show_retry(alert: Alert, waiting: Sequence[OrderLine]) -> None:
    form = forms.begin(f"retry_{alert.order_id}")
    with st.form(form.name, border=False):
        st.caption("Takes the open lines off the shelf as far as there is enough now. Safe at any time.")

        def post(key: str, values: forms.Values) -> tuple[Retried, ...]:
            return session.run(cases.retry_order, order_id=_order_of(alert), key=key)

        forms.submit(
            form, "Try again", post, icon=":material/refresh:", tell=lambda done: _outcome(alert, waiting, done)
        )


def _show_retry_message(alert: Alert) -> None:
    form = forms.begin(f"retry_message_{alert.event_id}")
    with st.form(form.name, border=False):
        st.caption("Puts the message back into the inbox; it is worked on within a minute. Safe at any time.")

        def post(key: str, values: forms.Values) -> int:
            return session.run(inbox.retry, ids=[alert.event_id or 0])

        forms.submit(form, "Try again", post, icon=":material/refresh:", tell=_message_outcome)


def _show_read_again(alert: Alert) -> None:
    form = forms.begin(f"read_again_{alert.order_id}")
    with st.form(form.name, border=False):
        st.caption(
            "Reads the cart again, as Settings say by now how it is written. It is worked on within a minute; what is "
            "there then leaves the shelf. Safe at any time."
        )

        def post(key: str, values: forms.Values) -> int:
            return session.run(cases.retry_cart, order_id=alert.order_id or 0)

        forms.submit(form, "Read again", post, icon=":material/refresh:", tell=_reading_outcome)


def _reading_outcome(count: int) -> Notice:
    return Notice(text="Its cart is read again next." if count else "No message of this order is kept to read again.")


def _message_outcome(count: int) -> Notice:
    said = "The message is back in the inbox and is worked on next." if count else "The message waits already."
    return Notice(text=said)


def _show_maps(codes: Sequence[str], waiting: Sequence[OrderLine]) -> None:
    for code in codes[:5]:
        _show_map(code, next((line.name for line in waiting if line.code == code and line.name), None))


def _show_map(code: str, name: str | None) -> None:
    form = forms.begin(f"map_{code}")
    with st.form(form.name, border=False):
        called = f", which the cart calls {words.plain(name)}" if name else ""
        st.markdown(f"No variant has the code **{words.plain(code)}**{called}. From now on it means:")
        st.text_input("SKU or barcode of the variant", key=form.input("sku"), required=True)

        def post(key: str, values: forms.Values) -> Notice:
            return map_and_retry(code, values["sku"] or "", key)

        forms.submit(form, "Map and try again", post, icon=":material/link:", tell=lambda notice: notice)


def map_and_retry(code: str, typed: str, key: str) -> Notice:
    """Map a code and try the orders again that wait for it, each in a transaction of its own; safe to repeat."""
    found = session.run(reports.find, code=typed)
    if found is None:
        raise UnknownVariant(f"No variant has the SKU or barcode {typed.strip()[:80] or 'you left empty'}.")
    orders = session.run(cases.map_code, code=code, variant_id=found.variant_id)
    whole = 0
    for order_id in orders[:MOST_RETRIES]:
        lines = session.run(cases.retry_order, order_id=order_id, key=f"{key}:{order_id}")
        whole += all(line.state is not LineState.FAILED for line in lines)
    tried = min(len(orders), MOST_RETRIES)
    said = f"{code} means {found.sku} from now on. {words.plural(tried, 'order')} tried again, {whole} settled."
    left = len(orders) - tried
    return Notice(text=f"{said} {words.plural(left, 'more order')} can be tried again." if left else said)


def _show_ship(alert: Alert, waiting: Sequence[OrderLine]) -> None:
    form = forms.begin(f"ship_{alert.order_id}")
    with st.form(form.name, border=False):
        st.caption("Takes what is there off the shelf; what is missing counts as oversold and will not come from it.")
        forms.note(form, label="Why", placeholder="The buyer agreed to a part delivery", required=True)

        def post(key: str, values: forms.Values) -> tuple[Retried, ...]:
            return session.run(cases.ship_what_is_there, order_id=_order_of(alert), key=key, note=values["note"] or "")

        forms.submit(
            form, "Ship what is there", post, icon=":material/local_shipping:",
            tell=lambda done: _outcome(alert, waiting, done),
        )  # fmt: skip


def _show_resolve(alert: Alert, waiting: Sequence[OrderLine]) -> None:
    missing = sum(line.missing for line in waiting)
    then = "Nothing is taken off the shelf by this."
    if missing:
        verb = "counts" if missing == 1 else "count"
        then = f"{words.units(missing)} then {verb} as oversold and will not leave the shelf."
    said, example = f"The case ends. {then}", "Refunded the buyer"
    if alert.kind in (AlertKind.LOW_STOCK, AlertKind.OUT_OF_STOCK):
        said = (
            "It ends by itself when the level is above the reorder point. Resolve it to hear no more of it until then."
        )
        example = "Ordered 40 by phone"
    handling.show_resolve([alert.alert_id], str(alert.alert_id), said, example)


def _order_of(alert: Alert) -> int:
    assert alert.order_id is not None  # such a case is opened for an order
    return alert.order_id


def _outcome(alert: Alert, waiting: Sequence[OrderLine], done: Sequence[Retried]) -> Notice:
    before = {line.line_id: line.taken for line in waiting}
    taken = sum(line.taken - before[line.line_id] for line in done if line.line_id in before)
    still = [line for line in done if line.state is LineState.FAILED]
    name = alert.order_number or alert.payment_id or ""
    first = f"{words.units(taken)} taken off the shelf." if taken > 0 else ""
    if not still:
        return Notice(text=f"Order {name}: {first} Every line is settled.".replace("  ", " "))
    rest = f"{words.plural(len(still), 'line')} still open."
    return Notice(text=f"Order {name}: {first or 'There is still not enough.'} {rest}")
