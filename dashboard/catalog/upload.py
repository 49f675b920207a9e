"""Importing a catalogue: upload a CSV file, preview it, then import all rows or none."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from streamlit.column_config import TextColumn

from core.catalog import extras
from core.catalog import imports as catalog
from core.catalog.file import COLUMNS, REQUIRED
from core.catalog.imports import CatalogImport, CatalogPreview, CatalogRow, RowStatus
from core.foundation.errors import StockError
from core.foundation.model import Shop
from dashboard.door import session
from dashboard.frame import feedback, forms, links, words

SHOWN = 500
LABELS = {
    RowStatus.ERROR: "Problem",
    RowStatus.NEW_PRODUCT: "New product",
    RowStatus.NEW_VARIANT: "New variant",
    RowStatus.CHANGE: "Change",
    RowStatus.UNCHANGED: "Unchanged",
}
_EXAMPLE = (
    f"{','.join(COLUMNS)}\n"
    "RUN-01-42,Trail Runner,Fjell,42,blue,4006381333931,129.90,61.00,3,A-03-1,12,yes\n"
    "RUN-01-43,Trail Runner,Fjell,43,blue,4006381333948,129.90,61.00,3,A-03-2,8,yes\n"
)


def show_upload(shop: Shop) -> None:
    """Show the upload, and a preview of the uploaded file."""
    required = words.listing([f"`{name}`" for name in REQUIRED])
    st.markdown(
        f"Upload a CSV file with one row for each SKU. The columns {required} are required. Prices, barcode, reorder "
        "point and the units in stock (`opening`) are optional. Importing the same file again changes nothing."
    )
    st.download_button(
        "Example file", _EXAMPLE, "catalogue-example.csv", "text/csv", key="cat_example", on_click="ignore",
        icon=":material/download:", type="tertiary",
    )  # fmt: skip
    file = st.file_uploader("CSV file", type="csv", key="cat_file")
    if file is None:
        links.to_page("stock", "Or add one product without a file", icon=":material/add:", new="1")
        return
    content = file.getvalue()
    try:
        values = as_values(ask_values(f"cat_values_{file.file_id}"))
        found = session.run(catalog.preview_catalog, content=content, file_name=file.name, values=values)
    except StockError as error:
        feedback.show(error)
        return
    _show_preview(found)
    _show_columns(found)
    if not found.problems:
        _show_apply(found, content, file.file_id, values, shop)


def ask_values(key: str) -> str:
    """Draw an input for values of the columns that only this shop has, if it has any; returns what is typed there."""
    columns = session.run(extras.extras)
    if not columns:
        return ""
    return st.text_area(
        "Values for your own columns of new products and variants", key=key,
        placeholder="status=active", max_chars=5_000,
        help=f"One `column=value` a line. Your own columns: {', '.join(each.name for each in columns)[:1_000]}.",
    )  # fmt: skip


def as_values(typed: str | None) -> tuple[str, ...]:
    """Return the lines of what was typed, such as `status=active`."""
    return tuple(line.strip() for line in (typed or "").splitlines() if line.strip())


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


def _show_apply(found: CatalogPreview, content: bytes, file_id: str, values: tuple[str, ...], shop: Shop) -> None:
    form = forms.begin(f"catalog_{file_id}")
    with st.form(form.name, border=False):
        if shop.is_sample:
            st.warning(
                "This shop contains sample data, and a ledger keeps everything that was posted. To start with an empty "
                "shop, an admin presses *Start my own shop* on Overview first. To try the import, add the file to the "
                "sample data.",
                icon=":material/science:",
            )
            st.checkbox("Add to the sample data", key=form.input("into_sample"))

        def post(key: str, typed: forms.Values) -> CatalogImport:
            done: CatalogImport = session.run(
                catalog.import_catalog,
                content=content,
                file_name=found.file_name,
                key=key,
                into_sample=bool(typed.get("into_sample")),
                values=values,
            )
            return done

        forms.submit(form, f"Import {words.plural(len(found.rows), 'row')}", post, say=_outcome)
    links.to_page("stock", "Go to Stock", icon=":material/inventory_2:")


def _outcome(done: CatalogImport) -> feedback.Notice:
    known = f", {words.plural(done.variants_known, 'existing variant')}" if done.variants_known else ""
    added = f"{words.plural(done.products_added, 'new product')}, {words.plural(done.variants_added, 'new variant')}"
    text = f"Imported {added}{known}, {words.units(done.units_counted)} counted"
    return feedback.Notice(text=text + (" (already recorded)" if done.replayed else ""))
