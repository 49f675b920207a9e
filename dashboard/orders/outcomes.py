"""The inputs for what became of refunded goods: one number for each line and outcome, and how they are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import streamlit as st

from core.foundation.sales import Disposition, RefundKind
from core.orders import worth
from core.orders.reads import OrderLine
from core.orders.refund_reads import Decided, RefundRow
from core.orders.refunds import Decision
from core.orders.worth import Proposal
from dashboard.frame import forms, selling, words
from dashboard.language.texts import lazy, tr

LABELS = lazy(
    {
        Disposition.RESTOCK: "Back on the shelf",
        Disposition.DAMAGED: "Damaged",
        Disposition.NOT_RETURNED: "Not returned",
        Disposition.GOODWILL: "Goodwill",
        Disposition.INSPECT: "Inspect first",
    }
)
"""The outcomes, in the order of their fields."""


def proposals(
    refunds: Sequence[RefundRow], lines: Sequence[OrderLine], decided: Sequence[Decided]
) -> Iterator[tuple[RefundRow, Proposal]]:
    """Yield each refund with the units that its money fits, after the units that the refunds before it fit."""
    left = list(lines)
    for refund in refunds:
        fits = worth.propose(refund, left, decided)
        yield refund, fits
        left = [replace(line, spoken_for=line.spoken_for + fits.units.get(line.line_id, 0)) for line in left]


def ask(form: forms.Form, refund: RefundRow, line: OrderLine, fits: Proposal) -> None:
    """Draw the fields of a line: how many of its units had which outcome."""
    with st.container(gap=None):
        price = tr(", {line} each", line=_price(line, refund.currency))
        st.markdown(
            f"**{words.plain(line.sku or line.code)}**{words.DOT}{words.plain(selling.line_name(line) + price)}"
        )
        st.caption(words.plain(_left(line)))
    usual = _usual(refund, line) if fits.is_sure and refund.state == "waiting" else None
    with st.grid(5, min_column_width=104, gap="xsmall", key=f"outcomes_{refund.id}_{line.line_id}"):
        for what, label in LABELS.items():
            if what is Disposition.RESTOCK and line.restorable < 1:
                continue
            units = fits.units.get(line.line_id) if what is usual else None
            st.text_input(
                label, str(units) if units else "", key=form.input(_name(refund.id, line.line_id, what)), type="phone",
                icon="", autocomplete="off", validate="", placeholder="0",
            )  # fmt: skip


def _usual(refund: RefundRow, line: OrderLine) -> Disposition | None:
    """Return the likely outcome: of a lost dispute the goods did not come back, and what never left has none."""
    if line.restorable < 1:
        return None
    return Disposition.NOT_RETURNED if refund.kind == RefundKind.DISPUTE else Disposition.RESTOCK


def read(refunds: Sequence[RefundRow], lines: Sequence[OrderLine], values: forms.Values) -> dict[int, list[Decision]]:
    """Return the decisions in a form by refund, without the refunds about which nothing was said."""
    said = {
        refund.id: [
            Decision(line_id=line.line_id, disposition=what, quantity=units)
            for line in lines
            for what in LABELS
            if (name := _name(refund.id, line.line_id, what)) in values and (units := forms.some_units(values, name))
        ]
        for refund in refunds
    }
    return {refund_id: decisions for refund_id, decisions in said.items() if decisions}


def _name(refund_id: int, line_id: int, what: Disposition) -> str:
    return f"units_{refund_id}_{line_id}_{what.value}"


def money(refund: RefundRow, lines: Sequence[OrderLine], fits: Proposal) -> str:
    """Return how much was refunded, and which units that fits."""
    back, paid = (selling.money(amount or 0, refund.currency) for amount in (refund.amount, refund.paid))
    open_units = sum(worth.open_units(line) for line in lines)
    if not fits.total:
        return tr("{back} of {paid} were refunded: less than one more unit cost.", back=back, paid=paid)
    which = [
        tr("{units} of {sku}", units=words.number(fits.units[line.line_id]), sku=line.sku or line.code)
        for line in lines
        if fits.units.get(line.line_id)
    ]
    example = ", " if fits.is_sure else tr(", for example ")
    named = f"{example}{words.listing(which)}" if len(lines) > 1 else ""
    return tr(
        "{back} of {paid} were refunded: {total} of {units}{named}.",
        back=back,
        paid=paid,
        total=fits.total,
        units=words.units(open_units),
        named=named,
    )


def _price(line: OrderLine, currency: str) -> str:
    if line.unit_price is not None:
        return selling.money(line.unit_price, currency)
    return tr("without a price, about {unit_worth}", unit_worth=selling.money(round(line.unit_worth or 0), currency))


def _left(line: OrderLine) -> str:
    inspected = tr(" {units} in inspection.", units=words.units(line.in_inspection)) if line.in_inspection else ""
    if line.restorable:
        most = tr("At most {units} can go back on the shelf.", units=words.units(line.restorable))
        return f"{selling.line_text(line)}. {most}{inspected}"
    nothing = tr("No units left the shelf") if not line.taken else tr("All units are back on the shelf")
    return tr(
        "{line}. {nothing}, so none can go back.{inspected}",
        line=selling.line_text(line),
        nothing=nothing,
        inspected=inspected,
    )


def ask_as_a_whole(form: forms.Form, refund: RefundRow) -> None:
    """Draw the choice of an outcome for an order whose lines are not known."""
    st.caption(
        tr(
            "The cart of this order is not known here, so none of its units left the shelf and "
            "none can go back. If goods were sent and returned, enter the lines of the order "
            "first."
        )
    )
    st.selectbox(
        tr("Outcome"),
        [what for what in LABELS if what is not Disposition.RESTOCK],
        index=None,
        key=form.input(f"what_{refund.id}"),
        format_func=LABELS.__getitem__,
        placeholder=tr("No decision"),
    )


def read_as_a_whole(refunds: Sequence[RefundRow], values: forms.Values) -> dict[int, list[Decision]]:
    """Return the outcomes chosen for refunds of an order whose lines are not known."""
    said = {refund.id: values.get(f"what_{refund.id}") for refund in refunds}
    return {
        refund_id: [Decision(line_id=None, disposition=Disposition(what), quantity=0)]
        for refund_id, what in said.items()
        if what is not None
    }
