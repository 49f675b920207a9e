"""The lines of a delivery: how far each is, and a form that corrects one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import streamlit as st
from streamlit.column_config import NumberColumn, TextColumn

from core.deliveries import changes, note
from core.deliveries.changes import Correction
from core.deliveries.reads import DeliveryLine
from core.foundation.errors import invalid
from core.screens.deliveries import OneDelivery
from dashboard.deliveries import parts
from dashboard.door import session
from dashboard.frame import columns, feedback, forms, words
from dashboard.frame import page as frame
from dashboard.language.texts import marked, tr

SHOWN = 500
_ORDER = marked({
    "Unreadable": 0, "Unknown": 1, "Short": 2, "Over": 3, "Not announced": 4, "To come": 5, "Complete": 6, "Arrived": 7,
})  # fmt: skip


def show(found: OneDelivery) -> None:
    """Show the lines; those that a person must look at come first."""
    row, lines = found.delivery.row, found.delivery.lines
    with frame.heading(tr("Lines")):
        st.caption(_progress(found), width="content")
    if not lines:
        st.caption(tr("Nothing was counted yet. Scan what arrived."))
        return
    if row.is_announced and row.expected:
        arrived = sum(min(line.arrived, line.expected) for line in lines)
        st.progress(min(arrived / row.expected, 1.0))
    shown = sorted(lines, key=lambda line: _ORDER[parts.status(line, row)])[:SHOWN]
    statuses = [parts.status(line, row) for line in shown]
    skus = [line.sku or line.code for line in shown]
    cost = [words.money(line.unit_cost, found.shop.currency) if line.unit_cost is not None else "" for line in shown]
    wide = {
        "sku": (skus, TextColumn(tr("SKU or code"), width=124, pinned=True)),
        "variant": ([parts.label(line) for line in shown], TextColumn(tr("Variant"), width=210)),
        "status": ([[each] for each in statuses], columns.tags(tr("Status"), 104, parts.STATUSES)),
        "expected": ([line.expected for line in shown], _units(tr("Expected"), tr("Announced by the supplier"))),
        "counted": (
            [line.scanned for line in shown],
            _units(tr("Counted"), tr("Scanned or pasted, and not posted yet")),
        ),
        "received": ([line.received for line in shown], _units(tr("Received"), tr("Posted: in stock"))),
        "missing": (
            [max(line.expected - line.arrived, 0) or None for line in shown],
            _units(tr("Missing"), tr("Announced and not here")),
        ),
        "cost": (
            cost,
            TextColumn(tr("Unit cost"), width=86, alignment="right", help=tr("As the supplier's note has it")),
        ),
        "original": ([parts.problem(line) for line in shown], TextColumn(tr("Problem"), width=220)),
    }
    hidden = set() if row.is_announced else {"expected", "missing"}
    hidden |= set() if any(cost) else {"cost"}
    hidden |= set() if any(line.problem for line in shown) else {"original"}
    columns.show(
        {name: column for name, column in wide.items() if name not in hidden},
        {
            "sku": (skus, TextColumn(tr("SKU or code"), width=118, pinned=True)),
            "units": ([_of(line, is_announced=row.is_announced) for line in shown], TextColumn(tr("Units"), width=84)),
            "status": (statuses, TextColumn(tr("Status"), width=100)),
        },
        key=columns.key_of("del_lines", row.delivery_id, skus, statuses),
        alt=tr("The lines of the delivery; those to look at come first"),
    )
    if len(lines) > SHOWN:
        st.caption(tr("The first {shown} of {lines} lines.", shown=SHOWN, lines=words.number(len(lines))))


def _units(label: str, about: str) -> Any:
    return NumberColumn(label, width=74, help=about, format="localized")


def _of(line: DeliveryLine, *, is_announced: bool) -> str:
    arrived = words.number(line.arrived)
    return (
        tr("{arrived} of {expected}", arrived=arrived, expected=words.number(line.expected))
        if is_announced and line.expected
        else arrived
    )


def _progress(found: OneDelivery) -> str:
    row = found.delivery.row
    arrived = words.number(row.scanned + row.received)
    of = tr(" of {units}", units=words.units(row.expected)) if row.is_announced else tr(" counted")
    return tr("{arrived}{of} in {lines}", arrived=arrived, of=of, lines=words.plural(row.lines, "line"))


def show_correction(found: OneDelivery) -> None:
    """Draw a form that corrects one line: what was announced, what was counted, and its unit cost."""
    row = found.delivery.row
    if not found.delivery.lines:
        return
    with st.expander(tr("Correct a line"), icon=":material/edit:", key="del_correct", on_change="rerun") as box:
        if not box.open:
            return
        lines = {each.line_id: each for each in found.delivery.lines}  # ids, because others change the lines
        chosen = st.selectbox(
            tr("Line"), list(lines), key=f"del_line_{row.delivery_id}",
            format_func=lambda each: words.joined(lines[each].sku or lines[each].code, lines[each].product),
        )  # fmt: skip
        form_of(found, lines[chosen])


def form_of(found: OneDelivery, line: DeliveryLine) -> None:
    """Draw the form for the values of a line."""
    row = found.delivery.row
    form = forms.begin(f"delivery_line_{line.line_id}")
    if form.input("counted") not in st.session_state:
        forms.open_again(form, line)
    opened = forms.opened_with(form, lambda: line)  # others scan it while a person types
    with st.form(form.name, border=False):
        if line.scanned != opened.scanned:
            st.caption(tr("Others scan this line: {units} by now.", units=words.units(line.scanned)))
        if row.is_announced:
            forms.number_field(tr("Expected units"), value=line.expected, key=form.input("expected"))
        forms.number_field(tr("Counted units"), value=line.scanned, key=form.input("counted"))
        cost = "" if line.unit_cost is None else f"{line.unit_cost.normalize():f}"
        st.text_input(tr("Unit cost"), cost, key=form.input("cost"), placeholder=tr("None"))

        def post(key: str, values: forms.Values) -> int:
            expected = forms.units(values, "expected", lowest=0) if row.is_announced else opened.expected
            counted, cost = forms.units(values, "counted", lowest=0), _cost_of(values)
            if counted not in (opened.scanned, line.scanned) and line.scanned != opened.scanned:
                was = opened.scanned
                forms.open_again(form, line)  # so that sending again saves it
                raise invalid(
                    "counted units",
                    f"were {was} when you opened the form and are {line.scanned} now. Nothing was changed. Send "
                    "again to save your number",
                )
            wanted = Correction(  # what the person left as it was stays as it is by now
                line_id=line.line_id,
                expected=line.expected if expected == opened.expected else expected,
                counted=line.scanned if counted == opened.scanned else counted,
                unit_cost=line.unit_cost if cost == opened.unit_cost else cost,
            )
            return session.run(
                changes.change, delivery_id=row.delivery_id, seen=row.revision, changes=[wanted], key=key
            )

        forms.submit(
            form, tr("Save the line"), post, is_main=False,
            say=lambda _: feedback.Notice(text=tr("{sku} is corrected.", sku=line.sku or line.code)),
        )  # fmt: skip


def _cost_of(values: forms.Values) -> Decimal | None:
    try:
        return note.money((values["cost"] or "").strip())
    except ValueError as error:
        raise invalid("unit cost", str(error)) from error
