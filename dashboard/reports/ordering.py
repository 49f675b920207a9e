"""What to order: each suggestion with its sum, lists for suppliers, and the terms of the shop and of brands."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import partial

import streamlit as st
from streamlit.column_config import NumberColumn, TextColumn

from core.foundation.model import Actor
from core.ledger import reports
from core.people.access import Permission, may
from core.replenishment import orders, terms
from core.replenishment.orders import Format
from core.replenishment.suggestions import NO_SUPPLIER, Method, Suggestion
from core.reports import ordering
from core.reports.model import Link
from core.reports.ordering import TO_ORDER, WITHOUT
from dashboard.door import session
from dashboard.frame import columns, feedback, forms, lists, words
from dashboard.frame import page as frame
from dashboard.language.said import translated
from dashboard.language.texts import lazy, marked, tr
from dashboard.reports import cells, desk
from dashboard.stock import terms as terms_form

SUPPLIER, ALL = "rep_supplier", "rep_every"
_MIMES = {
    Format.CSV: "text/csv",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_LABELS = lazy({Format.CSV: "As CSV", Format.XLSX: "As Excel"})
_EVERY = ""
METHODS = lazy({Method.AVERAGE: "Average", Method.CROSTON: "Croston", Method.NONE: words.NOTHING})
_METHODS_HELP = marked(
    "Average: units sold by days in stock. Croston: for variants that sell on few days, the size of a sale and the "
    "days between sales are smoothed apart, with the Syntetos-Boylan correction."
)


def show(person: Actor) -> None:
    """Draw the report under the filters of the address."""
    shop = session.run(reports.shop)
    wanted = desk.show_filters(TO_ORDER, shop)
    every = session.run(ordering.rows, period=wanted.period, filter=wanted.filter)
    supplier = _choose_supplier(every)
    found = every if supplier == _EVERY else tuple(row for row in every if (row.supplier or NO_SUPPLIER) == supplier)
    wanted_rows = tuple(row for row in found if row.suggested)
    rows = found if _shows_all() else wanted_rows
    variants = words.plural(len(wanted_rows), "variant")
    first, last = words.day(wanted.period.first), words.day(wanted.period.last)
    head = tr("{variants} to order, by the sales of {first} to {last}.", variants=variants, first=first, last=last)
    lists.show_head(head, key="rep", actions=lambda: _show_actions(supplier, wanted_rows, person))
    if wanted_rows:
        _show_sums(wanted_rows)
    with st.expander(tr("Terms of the shop and of brands"), icon=":material/handshake:", key="rep_terms"):
        _show_terms(person)
    if rows:
        _show_table(rows)
    else:
        frame.empty(tr("There is nothing to order"), translated(TO_ORDER.nothing), icon=":material/task_alt:")


def _choose_supplier(every: Sequence[Suggestion]) -> str:
    names = sorted({row.supplier for row in every if row.supplier})
    options = {_EVERY: tr("All suppliers"), **{name: name for name in names}, NO_SUPPLIER: translated(WITHOUT)}
    with st.grid(5, min_column_width=150, gap="small", key="rep_supplier_row"):
        chosen = desk.choose(tr("Supplier"), SUPPLIER, options, usual=_EVERY)
        st.toggle(
            tr("Show all variants"), key=ALL, bind="query-params",
            help=tr("Shows every active variant with its sum, also where nothing is to be ordered."),
        )  # fmt: skip
    return chosen


def _shows_all() -> bool:
    return bool(st.session_state.get(ALL))


def _show_sums(rows: Sequence[Suggestion]) -> None:
    with st.grid(6, min_column_width=120, gap="small", key="rep_totals"):
        st.metric(tr("Variants to order"), words.number(len(rows)), border=True)
        st.metric(tr("Units to order"), words.number(sum(row.suggested for row in rows)), border=True)
        st.metric(tr("Suppliers"), words.number(len({row.supplier for row in rows if row.supplier})), border=True)
    desk.show_chart(ordering.chart(list(rows)), "")


def _show_table(rows: Sequence[Suggestion]) -> None:
    pages = -(-len(rows) // cells.PAGE_ROWS)
    page = min(max(lists.number(st.query_params.get(cells.PAGE, "1")) or 1, 1), max(pages, 1))
    shown = rows[(page - 1) * cells.PAGE_ROWS : page * cells.PAGE_ROWS]
    skus = [row.sku for row in shown]
    names = [words.sized(row.product, row.size) for row in shown]
    order, why = [row.suggested for row in shown], [said(row) for row in shown]
    to_order = NumberColumn(tr("To order"), width=74, format="localized", help=tr("What is missing, in whole packs"))
    opener = columns.opener("SKU", 110, [Link(page="stock", query={"sku": sku}) for sku in skus], cells.go)
    columns.show(
        {
            "sku": (skus, opener),
            "product": (names, TextColumn(tr("Product"), width=150)),
            "supplier": ([row.supplier or "" for row in shown], TextColumn(tr("Supplier"), width=120)),
            "to_order": (order, to_order),
            "method": (
                [METHODS[row.method] for row in shown],
                TextColumn(tr("Demand by"), width=100, help=tr(_METHODS_HELP)),
            ),
            "why": (why, TextColumn(tr("Why"), width=430)),
        },
        {
            "sku": (skus, opener),
            "to_order": (order, to_order),
            "why": (why, TextColumn(tr("Why"), width=210)),
        },
        key=columns.key_of("rep_to_order", rows),
        alt=tr("What to order, variant by variant, each with its sum"),
        heights=(columns.TALL_ROW, columns.TALLER_ROW),
        placeholder=words.NOTHING,
    )
    lists.show_pages(
        cells.PAGE, str(page - 1) if page > 1 else None, str(page + 1) if page < pages else None,
        names=(tr("First"), tr("Previous"), tr("Next")), key="rep",
    )  # fmt: skip


def said(row: Suggestion) -> str:
    """Return the sum of a suggestion as a sentence: why 24, or why nothing."""
    days = words.plural(row.lead_days + row.cover_days, "day")
    lead, cover = words.number(row.lead_days), words.number(row.cover_days)
    rate, needed = words.number(float(row.rate)), _short(row.needed)
    if row.method is Method.NONE:
        return tr("Nothing sold in this period.")
    available, expected = words.number(row.available), words.number(row.expected)
    asked = tr(
        "{rate} a day {times} {days} ({lead} lead time + {cover} cover) = {needed}",
        rate=rate,
        times=words.TIMES,
        days=days,
        lead=lead,
        cover=cover,
        needed=needed,
    )
    told = tr(
        "{asked} {minus} {available} available {minus} {expected} expected",
        asked=asked,
        minus=words.MINUS,
        available=available,
        expected=expected,
    )
    if not row.suggested:
        return tr("{told}: enough.", told=told)
    missing, units = _short(row.missing), words.number(row.suggested)
    if row.pack_size == 1:
        return tr("{told} = {missing}, rounded up to {units}.", told=told, missing=missing, units=units)
    pack = words.number(row.pack_size)
    return tr("{told} = {missing}, in packs of {pack}: {units}.", told=told, missing=missing, pack=pack, units=units)


def _short(value: Decimal) -> str:
    """Return a number with the decimals that it needs, at most two."""
    rounded = round(float(value), 2)
    return words.number(int(rounded) if rounded.is_integer() else rounded)


def _show_actions(supplier: str, rows: Sequence[Suggestion], person: Actor) -> None:
    desk.show_link(tr("This link opens the report with the same filters."))
    if not rows:
        return
    with st.popover(tr("Export"), icon=":material/download:", key="rep_export"):
        st.caption(tr("What to order, with every term of the sum."))
        name = "to-order" if supplier == _EVERY else orders.file_name(supplier)
        for format in Format:  # noqa: A001
            st.download_button(
                _LABELS[format], partial(orders.listed, rows, format), f"{name}.{format}", _MIMES[format],
                key=f"rep_order_{format}", on_click="ignore", width="stretch",
            )  # fmt: skip
        if len(orders.suppliers(rows)) > 1:
            st.caption(tr("One list for each supplier, in an archive."))
            for format in Format:  # noqa: A001
                st.download_button(
                    tr("{labels}, by supplier", labels=_LABELS[format]),
                    partial(orders.for_each_supplier, rows, format),
                    f"to-order-{format}.zip",
                    "application/zip",
                    key=f"rep_zip_{format}",
                    on_click="ignore",
                    width="stretch",
                )
    if supplier != _EVERY and may(person.role, Permission.RECEIVE):
        with st.popover(tr("Expect it"), icon=":material/local_shipping:", key="rep_expect"):
            _show_announce(rows)


def _show_announce(rows: Sequence[Suggestion]) -> None:
    form = forms.begin(f"announce_{rows[0].supplier}")
    units = words.units(sum(row.suggested for row in rows))
    variants = words.plural(len(rows), "variant")
    st.caption(
        tr(
            "When you have ordered {units} of {variants}, expect them as a delivery. They then count as expected.",
            units=units,
            variants=variants,
        )
    )

    def post(key: str, _: forms.Values) -> int:
        created = session.run(orders.announce, rows=rows, key=key)
        return created.delivery_id

    with st.form(form.name, border=False):
        forms.submit(form, tr("Create the delivery"), post, say=_announced, icon=":material/local_shipping:")


def _announced(delivery_id: int) -> feedback.Notice:
    return feedback.Notice(
        text=tr("Delivery {delivery_id} created. It is listed on Deliveries.", delivery_id=delivery_id)
    )


def _show_terms(person: Actor) -> None:
    st.caption(
        tr(
            "A variant takes its own term, else that of its brand, else that of the shop. Set "
            "those of a variant on its page."
        )
    )
    of_shop, *of_brands = session.run(terms.of_shop)
    known = {each.brand: each for each in of_brands}
    listed = [of_shop, *of_brands]
    table = {
        "of": (
            [tr("The shop") if each.brand is None else each.brand for each in listed],
            TextColumn(tr("Whose"), width=150),
        ),
        "supplier": ([each.supplier or "" for each in listed], TextColumn(tr("Supplier"), width=180)),
        "lead": ([each.lead_days for each in listed], NumberColumn(tr("Lead time in days"), width=120)),
        "cover": ([each.cover_days for each in listed], NumberColumn(tr("Cover in days"), width=110)),
        "pack": ([each.pack_size for each in listed], NumberColumn(tr("Units in a pack"), width=110)),
    }
    columns.show(table, table, key=columns.key_of("rep_terms", listed), alt=tr("Terms of the shop and of brands"),
                 placeholder=words.NOTHING)  # fmt: skip
    if not may(person.role, Permission.SET_ORDER_TERMS):
        st.caption(tr("A manager or an admin can change them."))
        return
    with st.popover(tr("Change terms"), icon=":material/edit:", key="rep_terms_edit"):
        names = list(session.run(reports.brands))
        brand = st.selectbox(tr("Of"), names, index=None, placeholder=tr("The shop"), key="rep_terms_of")
        chosen = of_shop if brand is None else known.get(brand, terms.Terms(brand=brand))
        if brand is None:
            st.caption(tr("Where nobody has set a term, lead time is 14 days, cover 30 days and a pack 1 unit."))
        terms_form.show_form(chosen, name=f"terms_of_{brand or ''}")
