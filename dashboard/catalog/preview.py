"""What importing a catalogue would do, row by row."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from streamlit.column_config import TextColumn

from core.catalog.imports import CatalogPreview, CatalogRow, RowStatus
from dashboard.frame import words
from dashboard.language.said import translated
from dashboard.language.texts import first_upper, lazy, tr

SHOWN = 500
LABELS = lazy(
    {
        RowStatus.ERROR: "Problem",
        RowStatus.NEW_PRODUCT: "New product",
        RowStatus.NEW_VARIANT: "New variant",
        RowStatus.CHANGE: "Change",
        RowStatus.UNCHANGED: "Unchanged",
    }
)


def show(found: CatalogPreview) -> None:
    """Show each row with its effect, those with a problem first."""
    _show_preview(found)
    _show_columns(found)


def _show_columns(found: CatalogPreview) -> None:
    """Show which values new rows get in the shop's own columns, and what they would lack."""
    for warned in found.warnings:
        mend = tr(" Add `{value}` above.", value=warned.value) if warned.value else ""
        st.warning(f"{words.plain(translated(warned.sentence))}{mend}", icon=":material/visibility_off:")
    if found.told:
        st.caption(words.plain(" ".join(found.told)))


def _show_preview(found: CatalogPreview) -> None:
    if found.problems:
        rows = words.plural(found.counts[RowStatus.ERROR], "row")
        text = tr("{rows} cannot be imported, so none will be. Correct the file and upload it again.", rows=rows)
        st.error(text, icon=":material/error:")
    else:
        st.info(_summary(found), icon=":material/fact_check:")
    order = list(LABELS)
    rows_shown = sorted(found.rows, key=lambda row: order.index(row.status))[:SHOWN]
    st.dataframe(
        pd.DataFrame(
            {
                tr("Line"): [row.line.line for row in rows_shown],
                "SKU": [row.line.sku for row in rows_shown],
                tr("Product"): [row.line.product for row in rows_shown],
                tr("Result"): [LABELS[row.status] for row in rows_shown],
                tr("Details"): [_details(row) for row in rows_shown],
            }
        ),
        column_config={tr("Details"): TextColumn(width="large")},
        hide_index=True,
        alt=tr("The effect of each row of the file; rows with a problem come first"),
    )
    if len(found.rows) > SHOWN:
        st.caption(tr("The first {shown} of {rows} rows.", shown=SHOWN, rows=words.number(len(found.rows))))


def _summary(found: CatalogPreview) -> str:
    counts = found.counts
    parts = [
        words.plural(found.products_added, "new product") if found.products_added else "",
        words.plural(found.variants_added, "new variant") if found.variants_added else "",
        tr("{counts} changed", counts=words.number(counts[RowStatus.CHANGE])) if counts[RowStatus.CHANGE] else "",
        tr("{counts} unchanged", counts=words.number(counts[RowStatus.UNCHANGED]))
        if counts[RowStatus.UNCHANGED]
        else "",
    ]
    counted = tr("; {units} will be counted", units=words.units(found.units_counted)) if found.units_counted else ""
    return f"{first_upper(words.listing([part for part in parts if part]))}{counted}."


def _details(row: CatalogRow) -> str:
    problems = [str(problem).partition(": ")[2] for problem in row.problems]
    changes = [
        f"{change.field} {change.before or words.NOTHING} {words.ARROW} {change.after}" for change in row.changes
    ]
    return "; ".join([*problems, *changes])
