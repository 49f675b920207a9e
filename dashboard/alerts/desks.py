"""The desk of an order whose lines a person enters: its rows, and the ways to find variants for more rows.

It keeps the digest of the lines that it began with, so a change by somebody else in the meantime is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import streamlit as st

from core.foundation.errors import StockError
from core.orders import guesses, lines
from core.orders.guesses import Guess, Sheet
from core.orders.lines import Pick
from dashboard.door import session
from dashboard.frame import feedback, forms, selling, words
from dashboard.language.said import translated
from dashboard.language.texts import tr


@dataclass(slots=True)
class Row:
    """A line on the desk. `line_id`: one that the order has. `least`: units that were put back after a refund."""

    variant_id: UUID | None
    code: str
    name: str
    quantity: int
    unit_price: int | None
    line_id: int | None = None
    least: int = 0
    uid: str = field(default_factory=lambda: uuid4().hex[:8])


@dataclass(slots=True)
class Desk:
    """The rows of an order while a person works on them. A plain object: Streamlit cannot interrupt a write to it."""

    seen: str
    rows: list[Row]
    guesses: tuple[Guess, ...] = ()
    found: tuple[Pick, ...] = ()
    message: str = ""
    problem: StockError | None = None
    is_touched: bool = False
    is_done: bool = False


def of(sheet: Sheet) -> Desk:
    """Return this tab's desk of an order: the one that was begun, or a new one with the lines as they are now."""
    name = f"_desk_{sheet.order_id}"
    desk: Desk | None = st.session_state.get(name)
    if desk is None or desk.is_done or (not desk.is_touched and desk.seen != sheet.seen):
        rows = [
            Row(
                variant_id=line.variant_id,
                code=line.sku or line.code,
                name=selling.line_name(line),
                quantity=line.quantity,
                unit_price=line.unit_price,
                line_id=line.line_id,
                least=line.restored,
            )
            for line in sheet.lines
        ]
        proposed = () if sheet.is_read else session.run(guesses.guesses, order_id=sheet.order_id)
        desk = st.session_state[name] = Desk(seen=sheet.seen, rows=rows, guesses=proposed)
    return desk


def show_guesses(form: forms.Form, desk: Desk, sheet: Sheet) -> None:
    """Offer what the order could be of, without the variants that are on the desk already."""
    on_desk = {row.variant_id for row in desk.rows}
    fresh = [guess for guess in desk.guesses if any(pick.variant_id not in on_desk for pick, *_ in guess.lines)]
    if not fresh:
        return
    st.caption(tr("Could be:"))
    for place, guess in enumerate(fresh):
        with st.container(gap=None, key=f"flush_{form.name}_guess_{place}"):
            st.button(
                words.plain(_guess_label(guess, sheet.currency)), icon=":material/add:", type="tertiary",
                key=f"{form.name}_guess_{'_'.join(str(pick.variant_id)[:13] for pick, *_ in guess.lines)}_{place}",
                on_click=_add, args=(desk, guess.lines, form),
            )  # fmt: skip
            st.caption(words.plain(f"{translated(guess.why)[:1].upper()}{translated(guess.why)[1:]}."))


def _guess_label(guess: Guess, currency: str) -> str:
    return ", ".join(f"{quantity} {words.TIMES} {_label(pick, currency)}" for pick, quantity, _ in guess.lines)


def _label(pick: Pick, currency: str) -> str:
    price = None if pick.unit_price is None else selling.money(pick.unit_price, currency)
    return words.joined(
        pick.sku,
        words.sized(pick.product, pick.size),
        price,
        tr("{units} available", units=words.units(pick.available)),
    )


def show_search(form: forms.Form, desk: Desk, sheet: Sheet) -> None:
    """Offer to scan or search for a variant. One that is meant beyond doubt is added at once."""
    typed = f"{form.name}_search"
    with st.form(f"{form.name}_find", border=False, clear_on_submit=True):
        st.text_input(tr("Scan or search"), key=typed, placeholder=tr("SKU, barcode, or product and size"))
        st.form_submit_button(
            tr("Add"), icon=":material/add:", on_click=_look, args=(desk, typed, sheet.currency, form), width="stretch"
        )
    if desk.problem is not None:
        feedback.show(desk.problem)
    if translated(desk.message):
        st.info(words.plain(translated(desk.message)), icon=":material/search:")
    for pick in desk.found:
        st.button(
            words.plain(_label(pick, sheet.currency)), icon=":material/add:", type="tertiary",
            key=f"{form.name}_pick_{pick.variant_id}", on_click=_add, args=(desk, ((pick, 1, pick.unit_price),), form),
        )  # fmt: skip


def _look(desk: Desk, typed: str, currency: str, form: forms.Form) -> None:
    text = str(st.session_state.get(typed) or "").strip()
    desk.found, desk.message, desk.problem = (), "", None
    if not text:
        return
    try:
        found = session.run(lines.find, text=text, currency=currency)
    except StockError as error:
        desk.problem = error
        return
    if len(found) == 1:
        _add(desk, ((found[0], 1, found[0].unit_price),), form)
    else:
        desk.found = found
        desk.message = (
            tr("Several variants match “{value}”. Choose one.", value=text[:80])
            if found
            else tr("Nothing matches “{value}”.", value=text[:80])
        )


def _add(desk: Desk, wanted: Sequence[tuple[Pick, int, int | None]], form: forms.Form) -> None:
    """Add units to the desk: to the row of the variant, if it has one."""
    desk.found, desk.message, desk.is_touched = (), "", True
    for pick, quantity, price in wanted:
        row = next((row for row in desk.rows if row.variant_id == pick.variant_id), None)
        if row is None:
            name = words.sized(pick.product, pick.size)
            desk.rows.append(
                Row(variant_id=pick.variant_id, code=pick.sku, name=name, quantity=quantity, unit_price=price)
            )
        else:
            widget = form.input(f"units_{row.uid}")
            try:
                present = forms.read_units(st.session_state.get(widget) or row.quantity)
            except StockError as error:
                desk.problem = error  # what was typed stays, to be corrected
            else:
                st.session_state[widget] = str(present + quantity)
