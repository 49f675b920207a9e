"""What importing a catalogue would do, row by row."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from streamlit.column_config import TextColumn

from core.catalog.imports import CatalogPreview, CatalogRow, RowStatus
from dashboard.frame import words

SHOWN = 500
LABELS = {
    RowStatus.ERROR: "Problem",
    RowStatus.NEW_PRODUCT: "New product",
    RowStatus.NEW_VARIANT: "New variant",
    RowStatus.CHANGE: "Change",
    RowStatus.UNCHANGED: "Unchanged",
}


def show(found: CatalogPreview) -> None:
    """Show each row with its effect, those with a problem first."""
    _show_preview(found)
    _show_columns(found)


def _show_columns(found: CatalogPreview) -> None:
    """Show which values new rows get in the shop's own columns, and what they would lack."""
    for warned in found.warnings:
        mend = f" Add `{warned.value}` above." if warned.value else ""
        st.warning(f"{words.plain(warned.sentence)}{mend}", icon=":material/visibility_off:")
    if found.told:
        st.caption(words.plain(" ".join(found.told)))


def _show_preview(found: CatalogPreview) -> None:
    if found.problems:
        rows = words.plural(found.counts[RowStatus.ERROR], "row")
        text = f"{rows} cannot be imported, so none will be. Correct the file and upload it again."
        st.error(text, icon=":material/error:")
    else:
        st.info(_summary(found), icon=":material/fact_check:")
    order = list(LABELS)
    rows_shown = sorted(found.rows, key=lambda row: order.index(row.status))[:SHOWN]
    st.dataframe(
        pd.DataFrame(
            {
                "Line": [row.line.line for row in rows_shown],
                "SKU": [row.line.sku for row in rows_shown],
                "Product": [row.line.product for row in rows_shown],
                "Result": [LABELS[row.status] for row in rows_shown],
                "Details": [_details(row) for row in rows_shown],
            }
        ),
        column_config={"Details": TextColumn(width="large")},
        hide_index=True,
        alt="The effect of each row of the file; rows with a problem come first",
    )
    if len(found.rows) > SHOWN:
        st.caption(f"The first {SHOWN} of {words.number(len(found.rows))} rows.")


def _summary(found: CatalogPreview) -> str:
    counts = found.counts
    parts = [
        words.plural(found.products_added, "new product") if found.products_added else "",
        words.plural(found.variants_added, "new variant") if found.variants_added else "",
        f"{words.number(counts[RowStatus.CHANGE])} changed" if counts[RowStatus.CHANGE] else "",
        f"{words.number(counts[RowStatus.UNCHANGED])} unchanged" if counts[RowStatus.UNCHANGED] else "",
    ]
    counted = f"; {words.units(found.units_counted)} will be counted" if found.units_counted else ""
    return f"{words.listing([part for part in parts if part]).capitalize()}{counted}."


def _details(row: CatalogRow) -> str:
    problems = [str(problem).partition(": ")[2] for problem in row.problems]
    changes = [
        f"{change.field} {change.before or words.NOTHING} {words.ARROW} {change.after}" for change in row.changes
    ]
    return "; ".join([*problems, *changes])
