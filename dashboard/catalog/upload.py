"""Importing a catalogue: upload a file of any format, say which column is which, preview, import all or nothing."""

from __future__ import annotations

import streamlit as st

from core.catalog import extras
from core.catalog.file import EXAMPLES, FIELDS, REQUIRED
from core.foundation.errors import StockError
from core.foundation.model import Shop
from dashboard.catalog import reading
from dashboard.door import session
from dashboard.frame import feedback, links, words
from dashboard.language.texts import tr
from dashboard.sheets import asking


def show_upload(shop: Shop) -> None:
    """Show the upload, and a preview of the uploaded file."""
    required = words.listing([f"`{name}`" for name in REQUIRED])
    st.markdown(
        tr(
            "Upload a file with one row for each SKU: CSV, Excel, or an export of another "
            "program. It needs {required}. Prices, barcode, reorder point and the units in stock "
            "(`opening`) are optional. Importing the same file again changes nothing.",
            required=required,
        )
    )
    asked = asking.show("catalogue", FIELDS, key="cat", examples=EXAMPLES)
    if asked is None:
        links.to_page("stock", tr("Or add one product without a file"), icon=":material/add:", new="1")
        return
    try:
        values = as_values(ask_values(f"cat_values_{asked.file_id}"))
    except StockError as error:
        feedback.show(error)
        return
    reading.show(asked, values, shop)


def ask_values(key: str) -> str:
    """Draw an input for values of the columns that only this shop has, if it has any; returns what is typed there."""
    columns = session.run(extras.extras)
    if not columns:
        return ""
    return st.text_area(
        tr("Values for your own columns of new products and variants"),
        key=key,
        placeholder="status=active",
        max_chars=5_000,
        help=tr(
            "One `column=value` a line. Your own columns: {value}.",
            value=words.plain(", ".join(each.name for each in columns)[:1000]),
        ),
    )


def as_values(typed: str | None) -> tuple[str, ...]:
    """Return the lines of what was typed, such as `status=active`."""
    return tuple(line.strip() for line in (typed or "").splitlines() if line.strip())
