"""The actions on one case: retry, say what a code means, ship what is in stock, and those of any case.

Actions that the role does not permit are not offered; a sentence says who can do them. Core checks every permission.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import streamlit as st

from core.alerts.reads import Alert
from core.foundation.model import Actor
from core.foundation.sales import AlertKind, AlertState, LineCause, LineState
from core.inbox import messages as inbox
from core.orders import cases
from core.orders.cases import Retried
from core.orders.reads import OrderLine
from core.people.access import Permission, may
from core.screens.orders import WholeAlert
from dashboard.alerts import at_stripe, codes, handling, readings, steps
from dashboard.alerts import lines as by_hand
from dashboard.door import session
from dashboard.frame import forms, words
from dashboard.frame.feedback import Notice
from dashboard.language.texts import tr

T = TypeVar("T")
_ABOUT_CART = (AlertKind.UNREADABLE_CART, AlertKind.AMOUNT_MISMATCH)
_ABOUT_ORDER = (AlertKind.INSUFFICIENT_STOCK, AlertKind.UNKNOWN_VARIANT)


def show_whole(seen: WholeAlert, person: Actor) -> None:
    """Show all actions on an open case; nothing if it is resolved."""
    more: dict[str, Callable[[], None]] = {}
    if may(person.role, Permission.HANDLE_ALERT):
        ids, name = [seen.alert.alert_id], str(seen.alert.alert_id)
        more["Snooze"] = lambda: handling.show_snooze(ids, name, seen.shop.zone)
        more["Assign"] = lambda: handling.show_assign(ids, name, seen.hands)
    show(seen.alert, seen.lines, person, more)


def show(
    alert: Alert, lines: Sequence[OrderLine], person: Actor, more: Mapping[str, Callable[[], None]] | None = None
) -> None:
    """Show the actions that finish an open case, then `more`; nothing if it is resolved."""
    if alert.state is AlertState.RESOLVED:
        return
    offers = _offers(alert, lines, person) | dict(more or {})
    if offers:
        opened = steps.opened(offers)
        names = [tr(name) for name in offers]
        tabs = st.tabs(names, default=tr(opened) if opened else None, key=f"case_{alert.alert_id}")
        for tab, draw in zip(tabs, offers.values(), strict=True):
            with tab:
                draw()
    if not may(person.role, Permission.RESOLVE_ALERT):
        st.caption(tr("Support, a manager or an admin can say what codes mean and resolve cases."))


def _offers(alert: Alert, lines: Sequence[OrderLine], person: Actor) -> dict[str, Callable[[], None]]:
    """Return the actions of this role on this case, by the names of their tabs."""
    offers: dict[str, Callable[[], None]] = {}
    waiting = [line for line in lines if line.state is LineState.FAILED] if alert.kind in _ABOUT_ORDER else []
    if readings.are_offered(alert):
        offers["Choose a reading"] = lambda: readings.show(alert, person)
    if by_hand.offered_on(alert, person):
        offers["Enter lines"] = lambda: by_hand.show(_order_of(alert), alert.order_name or "")
    if any(line.sku is None for line in waiting) and may(person.role, Permission.MAP_CODE):
        offers["What is it?"] = lambda: codes.show(alert, waiting)
    if waiting and may(person.role, Permission.RETRY_ORDER):
        offers["Try again"] = lambda: _show_retry(alert, waiting)
    if alert.kind is AlertKind.IMPORT_ERROR and alert.event_id and may(person.role, Permission.RETRY_ORDER):
        offers["Try again"] = lambda: _show_retry_message(alert)
    is_unread = alert.kind in _ABOUT_CART and alert.facts.get("cart_state") != "read"
    if is_unread and alert.order_id and may(person.role, Permission.RETRY_ORDER):
        offers["Read again"] = lambda: _show_read_again(alert)
    if any(line.sku for line in waiting) and may(person.role, Permission.FORCE_ORDER):
        offers["Ship what is in stock"] = lambda: _show_ship(alert, waiting)
    offers |= at_stripe.offers(alert, person)
    if may(person.role, Permission.RESOLVE_ALERT):
        offers["Resolve"] = lambda: _show_resolve(alert, waiting)
    return offers


def show_quick(alert: Alert, person: Actor) -> None:
    """Offer the actions that take one click: acknowledge, assign to me, end the snooze."""
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
    _one_click(
        f"retry_{alert.order_id}", tr("Try again"),
        tr("Takes the available units of the open lines off the shelf. Safe to repeat."),
        lambda key: session.run(cases.retry_order, order_id=_order_of(alert), key=key),
        lambda done: _outcome(alert, waiting, done),
    )  # fmt: skip


def _show_retry_message(alert: Alert) -> None:
    _one_click(
        f"retry_message_{alert.event_id}", tr("Try again"),
        tr("Returns the message to the inbox. It is processed within a minute. Safe to repeat."),
        lambda _: session.run(inbox.retry, ids=[alert.event_id or 0]),
        _message_outcome,
    )  # fmt: skip


def _show_read_again(alert: Alert) -> None:
    _one_click(
        f"read_again_{alert.order_id}",
        tr("Read again"),
        tr(
            "Reads the cart again with the current cart mapping, within a minute, and takes the "
            "available units off the shelf. Safe to repeat."
        ),
        lambda _: session.run(cases.retry_cart, order_id=alert.order_id or 0),
        _reading_outcome,
    )


def _one_click(name: str, label: str, caption: str, do: Callable[[str], T], say: Callable[[T], Notice]) -> None:
    form = forms.begin(name)
    with st.form(form.name, border=False):
        st.caption(caption)
        forms.submit(form, label, lambda key, _: do(key), icon=":material/refresh:", say=say)


def _reading_outcome(count: int) -> Notice:
    return Notice(
        text=tr("The cart will be read again.") if count else tr("No stored message of this order has a cart.")
    )


def _message_outcome(count: int) -> Notice:
    return Notice(text=tr("The message is in the inbox again.") if count else tr("The message is already waiting."))


def _show_ship(alert: Alert, waiting: Sequence[OrderLine]) -> None:
    form = forms.begin(f"ship_{alert.order_id}")
    with st.form(form.name, border=False):
        st.caption(tr("Takes the available units off the shelf. The missing units are recorded as oversold."))
        forms.note(form, label=tr("Reason"), placeholder=tr("The buyer agreed to a partial delivery"), required=True)
        handling.ask_waiting(form, usual=True)

        def post(key: str, values: forms.Values) -> tuple[Retried, ...]:
            return session.run(
                cases.ship_what_is_there, order_id=_order_of(alert), key=key, note=values["note"] or "",
                buyer_waits=bool(values["waits"]),
            )  # fmt: skip

        forms.submit(
            form, tr("Ship what is in stock"), post, icon=":material/local_shipping:",
            say=lambda done: _outcome(alert, waiting, done),
        )  # fmt: skip


def _show_resolve(alert: Alert, waiting: Sequence[OrderLine]) -> None:
    missing = sum(line.missing for line in waiting)
    then = tr("No stock moves.")
    if missing:
        then = tr("Oversold afterwards: {units}.", units=words.units(missing))
    text, example = tr("Closes the case. {then}", then=then), tr("Refunded the buyer")
    if alert.kind in (AlertKind.LOW_STOCK, AlertKind.OUT_OF_STOCK):
        text = tr("Closes by itself when the level rises above the reorder point. Resolve it to mute it until then.")
        example = tr("Ordered 40 by phone")
    handling.show_resolve([alert.alert_id], str(alert.alert_id), text, example, oversells=bool(missing))


def _order_of(alert: Alert) -> int:
    assert alert.order_id is not None  # such a case is opened for an order
    return alert.order_id


def _outcome(alert: Alert, waiting: Sequence[OrderLine], done: Sequence[Retried]) -> Notice:
    before = {line.line_id: line.taken for line in waiting}
    taken = sum(line.taken - before[line.line_id] for line in done if line.line_id in before)
    still = [line for line in done if line.state is LineState.FAILED]
    name = alert.order_name or ""
    first = tr("{units} taken off the shelf.", units=words.units(taken)) if taken > 0 else ""
    if done and all(line.cause == LineCause.REFUNDED for line in done if line.line_id in before):
        return Notice(text=tr("Order {name} was refunded in full. Nothing was taken off the shelf.", name=name))
    if not still:
        return Notice(
            text=tr("Order {name}: {first} All lines are complete.", name=name, first=first).replace("  ", " ")
        )
    rest = tr("{lines} still open.", lines=words.plural(len(still), "line"))
    return Notice(
        text=tr("Order {name}: {first} {rest}", name=name, first=first or tr("Still not enough stock."), rest=rest)
    )
