"""Lines by hand: the form that enters the lines of an order, or corrects those that were read wrong.

Rows wait on a desk (desks.py) while a person works on them; the form of dashboard/frame/forms.py saves all once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeVar

import streamlit as st

from core.alerts.reads import Alert
from core.carts.values import minor_digits
from core.foundation import numbers
from core.foundation.errors import InvalidInput
from core.foundation.model import Actor
from core.foundation.sales import AlertKind, AlertState
from core.orders import guesses, lines
from core.orders.guesses import Sheet
from core.orders.lines import Changed, Entered
from core.orders.reads import OrderRow
from core.people.access import Permission, may
from dashboard.alerts import desks
from dashboard.alerts.desks import Desk, Row
from dashboard.door import session
from dashboard.frame import feedback, forms, selling, tables, words
from dashboard.frame.feedback import Notice
from dashboard.language import formats
from dashboard.language.texts import tr

ABOUT_CART = (AlertKind.UNREADABLE_CART, AlertKind.AMOUNT_MISMATCH)
"""Kinds of cases on which lines are entered."""
MOST_TOLD, LONGEST_TOLD = 30, 600
T = TypeVar("T")


def offered_on(alert: Alert, person: Actor) -> bool:
    """Return whether a case offers to enter lines."""
    return alert.kind in ABOUT_CART and alert.order_id is not None and may(person.role, Permission.SET_LINES)


def show_on_order(order: OrderRow, alerts: Sequence[Alert], person: Actor) -> None:
    """Offer to enter or correct the lines on the page of an order, unless one of its open cases does."""
    on_case = any(offered_on(alert, person) for alert in alerts if alert.state is not AlertState.RESOLVED)
    if on_case or not may(person.role, Permission.SET_LINES):
        return
    label = tr("Correct lines") if order.cart_state == "read" else tr("Enter lines")
    form = st.expander(label, key=f"lines_of_{order.order_id}", on_change="rerun")
    if form.open:
        with form:
            show(order.order_id, order.title)


def show_refusal(alert: Alert) -> None:
    """Show once why lines were not saved on a case that somebody else has finished meanwhile."""
    draft = forms.begin(f"lines_{alert.order_id}").draft
    if alert.state is AlertState.RESOLVED and draft.problem is not None:
        feedback.show(draft.problem)
        draft.problem = None


def show_told(told: Sequence[tuple[str, str]]) -> None:
    """Show what came with a payment, as a table of names and texts."""
    tables.show_facts({name[:80]: text[:LONGEST_TOLD] for name, text in told[:MOST_TOLD]})


def show(order_id: int, title: str) -> None:
    """Draw the whole form: what came with the payment, guesses, a search, the rows, their sum, and Save."""
    sheet = session.run(guesses.sheet, order_id=order_id)
    if sheet is None:
        return
    form, desk = forms.begin(f"lines_{order_id}"), desks.of(sheet)
    if desk.seen != sheet.seen:
        st.warning(tr("The lines of this order have changed since you began."), icon=":material/sync_problem:")
        st.button(
            tr("Begin again with the lines as they are now"),
            key=f"{form.name}_again",
            on_click=_begin_again,
            args=(desk,),
        )
    _show_changes(sheet, title)
    if sheet.told:
        st.caption(tr("What came with the payment:"))
        show_told(sheet.told)
    desks.show_guesses(form, desk, sheet)
    desks.show_search(form, desk, sheet)
    units = [_show_row(form, desk, row, sheet) for row in desk.rows]
    if not desk.rows:
        st.caption(tr("No lines yet. Scan or search for them, or take a guess."))
        return
    extras = _ask_extras(form, desk, sheet)
    _show_sum(form, desk, sheet, units, extras)
    _show_save(form, desk, sheet, title)


def _begin_again(desk: Desk) -> None:
    desk.is_done = True


# ---------------------------------------------------------------- rows and their sum


def _show_row(form: forms.Form, desk: Desk, row: Row, sheet: Sheet) -> int | None:
    """Draw a row and return its units, None if they cannot be read."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key=f"{form.name}_row_{row.uid}"):
        with st.container(gap=None):
            st.markdown(f"**{words.plain(row.code)}**")
            price = (
                tr("no price")
                if row.unit_price is None
                else tr("{unit_price} each", unit_price=selling.money(row.unit_price, sheet.currency))
            )
            kept = tr("{units} put back after a refund", units=words.units(row.least)) if row.least else None
            st.caption(words.plain(words.joined(row.name, price, kept)))
        widget = form.input(f"units_{row.uid}")
        st.session_state.setdefault(widget, str(row.quantity))
        forms.number_field(tr("Units"), key=widget, width=120, on_change=_touch, args=(desk,))
        st.button(
            tr("Remove"), icon=":material/close:", key=f"{form.name}_drop_{row.uid}", type="tertiary",
            disabled=row.least > 0, on_click=_drop, args=(desk, row),
        )  # fmt: skip
    return _readable(lambda: forms.read_units(st.session_state[widget], lowest=max(row.least, 1)))


def _readable(read: Callable[[], T]) -> T | None:
    """Return what was typed, or None after showing why it cannot be read."""
    try:
        return read()
    except InvalidInput as error:
        st.caption(f":red[{words.plain(error.message)}]")
        return None


def _touch(desk: Desk) -> None:
    desk.is_touched = True


def _drop(desk: Desk, row: Row) -> None:
    desk.rows.remove(row)
    desk.is_touched = True


def _ask_extras(form: forms.Form, desk: Desk, sheet: Sheet) -> int | None:
    widget = form.input("extras")
    st.session_state.setdefault(widget, _as_typed(sheet.extras or 0, sheet.currency))
    label = tr("Shipping and tax, less discounts ({currency})", currency=sheet.currency.upper())
    forms.number_field(label, key=widget, on_change=_touch, args=(desk,))
    return _readable(lambda: _minor(st.session_state[widget], sheet.currency))


def _as_typed(minor: int, currency: str) -> str:
    return str(Decimal(minor).scaleb(-minor_digits(currency)))


def _minor(typed: str | None, currency: str) -> int:
    digits = minor_digits(currency)
    mark = formats.group_mark(st.context.locale)
    return int(numbers.amount(typed or "0", "shipping and tax", digits=digits, mark=mark).scaleb(digits))


def _show_sum(form: forms.Form, desk: Desk, sheet: Sheet, units: Sequence[int | None], extras: int | None) -> None:
    if extras is None or None in units:
        return
    prices = [row.unit_price for row in desk.rows]
    paid = selling.money(sheet.amount, sheet.currency)
    if None in prices or not sheet.amount:
        why = tr("No amount is recorded") if not sheet.amount else tr("{paid} was paid. A line has no price", paid=paid)
        st.info(words.plain(tr("{why}, so the sum cannot be compared.", why=why)), icon=":material/calculate:")
        return
    goods = sum((price or 0) * (count or 0) for price, count in zip(prices, units, strict=True))
    rest = sheet.amount - goods - extras
    text = tr(
        "{goods} with shipping and tax, {paid} paid", goods=selling.money(goods + extras, sheet.currency), paid=paid
    )
    if abs(rest) <= len(prices):
        st.success(words.plain(tr("{value}: this adds up.", value=text)), icon=":material/check_circle:")
        return
    more = tr(
        "{rest} {part} was paid",
        rest=selling.money(abs(rest), sheet.currency),
        part=tr("more") if rest > 0 else tr("less"),
    )
    st.warning(
        words.plain(tr("{value}: {more}. Save it with a note that says why.", value=text, more=more)),
        icon=":material/calculate:",
    )
    label = tr(
        "Count {rest} as {part}",
        rest=selling.money(abs(rest), sheet.currency),
        part=tr("shipping and tax") if rest > 0 else tr("a discount"),
    )
    st.button(
        words.plain(label), key=f"{form.name}_rest", type="tertiary", on_click=_count_rest,
        args=(form.inputs["extras"], _as_typed(extras + rest, sheet.currency)),
    )  # fmt: skip


def _count_rest(widget: str, value: str) -> None:
    st.session_state[widget] = value


# ---------------------------------------------------------------- saving and undoing


def _show_save(form: forms.Form, desk: Desk, sheet: Sheet, title: str) -> None:
    with st.form(form.name, border=False):
        forms.note(form, placeholder=tr("Where these lines are from"))

        def post(key: str, values: forms.Values) -> Changed:
            entered = [
                Entered(
                    variant_id=row.variant_id,
                    quantity=forms.units(values, f"units_{row.uid}"),
                    unit_price=row.unit_price,
                    line_id=row.line_id,
                )
                for row in desk.rows
            ]
            return session.run(
                lines.set_lines, order_id=sheet.order_id, seen=desk.seen, lines=entered, key=key,
                extras=_minor(values.get("extras"), sheet.currency), note=values["note"] or None,
            )  # fmt: skip

        forms.submit(
            form, tr("Save lines"), post, icon=":material/save:", say=lambda done: _saved(done, title),
            after=lambda: _begin_again(desk),
        )  # fmt: skip


def _saved(done: Changed, title: str) -> Notice:
    return Notice(
        text=tr("Order {title}: {done}", title=title, done=_moved(done)), take_back=lambda: undo(done.change_id, title)
    )


def undo(change_id: int, title: str) -> Notice:
    """Undo a change of lines and return the message about it. A second click is the same undo."""
    done = session.run(lines.undo_lines, change_id=change_id, key=f"undo_lines:{change_id}")
    return Notice(text=tr("Order {title} is as it was before: {done}", title=title, done=_moved(done)))


def _moved(done: Changed) -> str:
    parts = [tr("{units} taken off the shelf", units=words.units(done.went))] if done.went else []
    parts += [tr("{units} back on the shelf", units=words.units(done.came_back))] if done.came_back else []
    text = f"{words.listing(parts) or tr('no stock moved')}."
    return (
        tr("{value} {lines} still open.", value=text, lines=words.plural(done.open_lines, "line"))
        if done.open_lines
        else text
    )


def _show_changes(sheet: Sheet, title: str) -> None:
    latest = next((change for change in sheet.changes if change.is_latest), None)
    if latest is None:
        return
    form = forms.begin(f"undo_lines_{latest.change_id}")
    with st.form(form.name, border=False):
        before = tr(" They were: {before}.", before=latest.before) if latest.before else ""
        st.caption(
            words.plain(tr("{changed_by} entered these lines.{before}", changed_by=latest.changed_by, before=before))
        )
        forms.submit(
            form, tr("Undo this change"), lambda *_: undo(latest.change_id, title), icon=":material/undo:",
            say=lambda notice: notice, is_main=False,
        )  # fmt: skip
