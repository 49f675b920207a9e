"""The form for an exchange: one size comes back and another goes out, as one operation."""

from __future__ import annotations

from uuid import UUID

import streamlit as st

from core.catalog.size_runs import size_order
from core.foundation.errors import UnknownVariant
from core.foundation.model import LevelRow
from core.ledger import reports
from core.ledger.level_filter import LevelFilter
from core.orders import returns
from core.orders.reads import OrderLine
from core.orders.returns import CameBack
from core.screens.orders import WholeOrder
from dashboard.door import session
from dashboard.frame import forms, selling, words
from dashboard.frame.feedback import Notice
from dashboard.language import sales
from dashboard.language.texts import tr
from dashboard.orders import decisions

MOST_SIZES = 200


def show(seen: WholeOrder, lines: list[OrderLine]) -> None:
    """Draw the form for one of these lines, which have units with the buyer."""
    line = lines[0]
    if len(lines) > 1:
        line = st.selectbox(
            tr("What comes back"), lines, key=f"exchange_line_{seen.order.order_id}", format_func=_line_name
        )
    else:
        st.markdown(f"**{words.plain(_line_name(line))}**")
    form = forms.begin(f"exchange_{line.line_id}")
    decisions.start_again(form, seen.seen)
    with st.form(form.name, border=False):
        sizes = _sizes(line)
        st.selectbox(
            tr("What goes out"), sizes, index=_other(sizes, line), key=form.input("variant"), format_func=_variant_name,
            placeholder=tr("No other size of this product"),
        )  # fmt: skip
        st.text_input(tr("Or another product"), key=form.input("code"), placeholder=tr("SKU or barcode"))
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            forms.number_field(tr("Units"), value=1, key=form.input("units"), width=110)
            st.selectbox(
                tr("Condition of what comes back"), returns.CONDITIONS, key=form.input("condition"),
                format_func=sales.DISPOSITIONS.__getitem__,
            )  # fmt: skip
        forms.note(form)
        forms.submit(
            form,
            tr("Exchange"),
            lambda key, values: _post(seen, line, key, values),
            icon=":material/swap_horiz:",
            say=_said,
        )


def _post(seen: WholeOrder, line: OrderLine, key: str, values: forms.Values) -> decisions.Outcome:
    came_back = CameBack(
        line_id=line.line_id, condition=values["condition"], quantity=forms.units(values, highest=line.restorable)
    )
    wanted = _wanted(values)
    return decisions.attempt(
        key,
        lambda: session.run(
            returns.exchange, order_id=seen.order.order_id, came_back=came_back, variant_id=wanted, key=key,
            note=values["note"], seen=seen.seen,
        ),
    )  # fmt: skip


def _wanted(values: forms.Values) -> UUID:
    """Return the variant that goes out: the one that was typed, else the chosen size. Raises UnknownVariant."""
    code = (values["code"] or "").strip()
    found = session.run(reports.find, code=code) if code else values["variant"]
    if found is None:
        raise UnknownVariant(
            tr("No variant has the SKU or barcode {code}.", code=code[:80]) if code else tr("Choose what goes out.")
        )
    return UUID(str(found.variant_id))


def _said(outcome: decisions.Outcome) -> Notice:
    notice = decisions.told(outcome)
    if outcome.moved:
        notice.text = tr("Exchanged. {moved}", moved=words.levels(outcome.moved))
    return notice


def _sizes(line: OrderLine) -> list[LevelRow]:
    """Return the active variants of the line's product, by size."""
    known = session.run(reports.level, variant_id=line.variant_id) if line.variant_id else None
    if known is None:
        return []
    page = session.run(reports.levels, filter=LevelFilter(product_id=known.product_id), limit=MOST_SIZES)
    rows = [row for row in page.rows if row.is_active]
    return sorted(rows, key=lambda row: (size_order(row.size), row.color or "", row.sku))


def _other(sizes: list[LevelRow], line: OrderLine) -> int | None:
    """Return the place of the next larger size that is there: too small is what buyers say most."""
    place = next((n for n, row in enumerate(sizes) if row.variant_id == line.variant_id), -1)
    later = [n for n in range(place + 1, len(sizes)) if sizes[n].available > 0]
    earlier = [n for n in reversed(range(max(place, 0))) if sizes[n].available > 0]
    return next(iter(later + earlier), None)


def _line_name(line: OrderLine) -> str:
    there = tr("{units} with the buyer", units=words.units(line.restorable))
    return words.joined(line.sku or line.code, selling.line_name(line), there)


def _variant_name(row: LevelRow) -> str:
    return words.joined(row.sku, words.variant(row), tr("{available} available", available=words.number(row.available)))
