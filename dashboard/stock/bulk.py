"""Bulk edit on the Stock page: upload a file, review every row, then post all of them or none."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from streamlit.column_config import TextColumn

from core.foundation.errors import StockError
from core.foundation.model import Actor, MovementType, Posting
from core.ledger import bulk, reports
from core.ledger import changes as ledger
from core.ledger.bulk import BulkKind, BulkPreview, BulkRow
from core.people.access import Permission, may
from core.sheets import Match
from dashboard.door import session
from dashboard.frame import feedback, forms, lists, words
from dashboard.frame import page as frame
from dashboard.sheets import asking

PARAM = "bulk"
SHOWN = 500


def open_bulk() -> None:
    """Open the upload in place of the list."""
    lists.put(PARAM, 1)


def _close() -> None:
    lists.put(PARAM, None)


def show(person: Actor) -> None:
    """Show the upload, and a preview of the uploaded file."""
    st.button("All variants", icon=":material/arrow_back:", on_click=_close, key="bulk_back")
    st.subheader("Bulk edit", anchor=False)
    if not may(person.role, Permission.SET_LEVEL):
        frame.empty("Your role cannot change stock", "The warehouse, a manager or an admin can use bulk edit.")
        return
    st.markdown(
        "Upload a file with the SKUs, and either units to add or take away (`change`) or the new level (`set_to`). To "
        "start from the current levels, export the list, add a column `set_to`, and fill in the rows to set. You "
        "review every row before anything changes."
    )
    asked = asking.show("bulk", bulk.FIELDS, key="bulk", examples=bulk.EXAMPLES, check=_lacks)
    if asked is None:
        return
    from_present = st.toggle(
        "Ignore the levels in the file",
        key="bulk_present",
        help="The on_hand column holds the levels at the time of the export. A row whose level has changed since then "
        "is refused, unless this is on.",
    )
    try:
        found = session.run(bulk.preview_matched, found=asked.match, from_present=from_present)
    except StockError as error:
        feedback.show(error)
        return
    _show_preview(found)
    if not found.problems:
        _show_form(found, asked.file_id)


def _lacks(found: Match) -> str:
    why = bulk.lacks(found)
    return f"The file {why} Choose it under *Change columns*." if why else ""


def _show_preview(found: BulkPreview) -> None:
    bad = len(found.problems)
    net = words.signed_units(sum(row.change for row in found.rows if not row.problem))
    if bad:
        st.error(
            f"{words.plural(bad, 'row')} of {words.number(len(found.rows))} cannot be posted, so none will be. "
            "Correct the file and upload it again.",
            icon=":material/error:",
        )
    else:
        text = f"{words.plural(len(found.rows), 'variant')} will change, {net} in total."
        st.info(text, icon=":material/fact_check:")
    rows = sorted(found.rows, key=lambda row: row.problem is None)[:SHOWN]
    st.dataframe(
        pd.DataFrame(
            {
                "Line": [row.line for row in rows],
                "SKU": [row.sku for row in rows],
                "Variant": [words.variant(row.variant) if row.variant else words.NOTHING for row in rows],
                "Level": [words.change(row.before, row.after) if row.variant else words.NOTHING for row in rows],
                "Units": [words.signed(row.change) if row.variant else words.NOTHING for row in rows],
                "Problem": [_problem(row) for row in rows],
            }
        ),
        column_config={
            "Level": TextColumn(alignment="right"),
            "Units": TextColumn(alignment="right"),
            "Problem": TextColumn(width=320),
        },
        hide_index=True,
        alt="The effect of each row of the file; rows with a problem come first",
    )
    if len(found.rows) > SHOWN:
        st.caption(f"The first {SHOWN} of {words.number(len(found.rows))} rows.")


def _problem(row: BulkRow) -> str:
    if row.problem is None:
        return ""
    value = f" “{row.problem.value}”" if row.problem.value is not None else ""
    return f"{row.problem.field}{value} {row.problem.why}"


def _show_form(found: BulkPreview, file_id: str) -> None:
    reasons = session.run(reports.reasons)
    form = forms.begin(f"bulk_{file_id}")
    with st.form(form.name):
        if found.kind is BulkKind.SET:
            forms.count_reason(form, reasons)
        else:
            forms.any_direction(form, reasons, (MovementType.ADJUSTMENT,))
        forms.note(form)

        def post(key: str, values: forms.Values) -> Posting:
            chosen = values["reason"]
            if found.kind is BulkKind.CHANGE:
                return session.run(
                    ledger.adjust, lines=found.changes(), reason=chosen.reason, key=key, note=values["note"]
                )
            return session.run(
                ledger.set_level,
                lines=found.levels(),
                movement_type=chosen.movement_type,
                reason=chosen.reason,
                key=key,
                note=values["note"],
            )

        forms.submit(form, f"Post {words.plural(len(found.rows), 'row')}", post, after=_close)
