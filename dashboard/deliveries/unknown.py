"""The lines of a delivery that need a person: codes of no variant, and values that could not be read."""

from __future__ import annotations

from uuid import UUID

import streamlit as st

from core.catalog import codes
from core.catalog.codes import CodeKind
from core.deliveries import changes
from core.deliveries.reads import DeliveryLine
from core.foundation.errors import StockError, invalid
from core.foundation.model import Actor
from core.ledger import reports
from core.people.access import Permission, may
from core.screens.deliveries import OneDelivery
from dashboard.deliveries import lines, parts
from dashboard.door import session
from dashboard.frame import feedback, forms, words
from dashboard.language.said import translated
from dashboard.language.texts import tr

SHOWN = 20


def show(found: OneDelivery, person: Actor) -> None:
    """Show these lines, each with its original text and a form; those of a closed delivery without the form."""
    row = found.delivery.row
    odd = [line for line in found.delivery.lines if line.is_unknown]
    if not odd:
        return
    with st.container(border=True, key="del_unknown"):
        st.subheader(tr("To look at"), anchor=False)
        st.caption(tr("The other lines can be posted without these. Each of these stays until somebody corrects it."))
        for line in odd[:SHOWN]:
            with st.expander(_title(line), icon=":material/help:", key=f"del_odd_{line.line_id}"):
                _show_original(line)
                if row.is_open and line.variant_id is None:
                    _show_attach(found, line, person)
                elif row.is_open:
                    lines.form_of(found, line)
        if len(odd) > SHOWN:
            st.caption(tr("The first {shown} of {odd} lines.", shown=SHOWN, odd=words.number(len(odd))))


def _title(line: DeliveryLine) -> str:
    counted = tr("{units} counted", units=words.units(line.arrived)) if line.arrived else ""
    expected = tr("{units} expected", units=words.units(line.expected)) if line.expected else ""
    why = "" if line.variant_id is None else tr("cannot be read completely")
    units = words.joined(expected, counted, why) or tr("no units read")
    return f"**{words.plain(line.sku or line.code)}**{words.DOT}{units}"


def _show_original(line: DeliveryLine) -> None:
    if line.problem:
        st.caption(words.plain(parts.problem(line)))
    if line.original:
        st.code(line.original, language=None)


def _show_attach(found: OneDelivery, line: DeliveryLine, person: Actor) -> None:
    row = found.delivery.row
    form = forms.begin(f"delivery_attach_{line.line_id}")
    with st.form(form.name, border=False):
        st.text_input(tr("It is this variant"), key=form.input("code"), placeholder=tr("SKU or barcode of a variant"))
        keeps = may(person.role, Permission.ATTACH_CODE)
        if keeps:
            st.checkbox(
                tr("Remember this code for the variant"), key=form.input("keep"),
                help=tr("The next scan of it finds the variant, here and everywhere."),
            )  # fmt: skip

        def post(key: str, values: forms.Values) -> str:
            variant = session.run(reports.find, code=(values["code"] or "").strip() or "?")
            if variant is None:
                raise invalid("SKU", "is unknown. Search for the variant on the Stock page")
            session.run(
                changes.attach,
                delivery_id=row.delivery_id,
                line_id=line.line_id,
                variant_id=variant.variant_id,
                key=key,
            )
            kept = _remember(line, variant.variant_id, key) if values.get("keep") else ""
            return tr("{code} is {sku} in this delivery.{kept}", code=line.code, sku=variant.sku, kept=kept)

        forms.submit(form, tr("Attach"), post, is_main=False, say=lambda said: feedback.Notice(text=said))


def _remember(line: DeliveryLine, variant_id: UUID, key: str) -> str:
    """Give the variant the code for good; returns what to say. The delivery is right also where this is refused."""
    try:
        session.run(
            codes.attach,
            variant_id=variant_id,
            code=line.code,
            kind=CodeKind.SUPPLIER,
            key=f"{key}:code",
        )
    except StockError as error:
        return tr(" The code is not remembered: {message}", message=translated(error.message))
    return tr(" The next scan of it finds the variant.")
