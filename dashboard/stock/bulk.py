"""Bulk edit on the Stock page: upload a file, review every row, then post all of them or none."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st
from streamlit.column_config import TextColumn

from core.foundation.model import Actor, MovementType, Posting
from core.ledger import bulk, reports
from core.ledger import changes as ledger
from core.ledger.bulk import BulkKind, BulkPreview, BulkRow
from core.people.access import Permission, may
from core.sheets import Match
from core.sheets.reading import Tell
from dashboard.door import session
from dashboard.frame import forms, lists, words
from dashboard.frame import page as frame
from dashboard.language.said import translated
from dashboard.language.texts import tr
from dashboard.sheets import asking, large
from dashboard.sheets.asking import Matched
from dashboard.sheets.large import Run
from dashboard.stock import holds

PARAM = "bulk"
SHOWN = 500
NAMED = 5


def open_bulk() -> None:
    """Open the upload in place of the list."""
    lists.put(PARAM, 1)


def _close() -> None:
    lists.put(PARAM, None)


def show(person: Actor) -> None:
    """Show the upload, and a preview of the uploaded file."""
    st.button(tr("All variants"), icon=":material/arrow_back:", on_click=_close, key="bulk_back")
    st.subheader(tr("Bulk edit"), anchor=False)
    if not may(person.role, Permission.SET_LEVEL):
        frame.empty(tr("Your role cannot change stock"), tr("The warehouse, a manager or an admin can use bulk edit."))
        return
    st.markdown(
        tr(
            "Upload a file with the SKUs, and either units to add or take away (`change`) or the "
            "new level (`set_to`). To start from the current levels, export the list, add a "
            "column `set_to`, and fill in the rows to set. You review every row before anything "
            "changes."
        )
    )
    asked = asking.show("bulk", bulk.FIELDS, key="bulk", examples=bulk.EXAMPLES, check=_lacks)
    from_present = asked is not None and st.toggle(
        tr("Ignore the levels in the file"),
        key="bulk_present",
        help=tr(
            "The on_hand column holds the levels at the time of the export. A row whose level "
            "has changed since then is refused, unless this is on."
        ),
    )
    if large.show_sending("bulk", _close) or asked is None:
        return
    found = _read(asked, from_present)
    if found is None:
        return
    _show_preview(found)
    if not found.problems:
        _show_form(found, asked.file_id)


def _read(asked: Matched, from_present: bool) -> BulkPreview | None:
    def do(run: Run, step: Callable[[str], Tell]) -> BulkPreview:
        file = bulk.bulk_of(asked.match, step(tr("Reading")))
        tell = step(tr("Comparing with the shop"))
        found: BulkPreview = run(bulk.preview_file, file=file, from_present=from_present, tell=tell)
        return found

    return large.read("bulk", (asked.file_id, from_present), len(asked.match.sheet.records), do)


def _lacks(found: Match) -> str:
    why = bulk.lacks(found)
    return tr("The file {why} Choose it under *Change columns*.", why=why) if why else ""


def _show_preview(found: BulkPreview) -> None:
    bad = len(found.problems)
    net = words.signed_units(sum(row.change for row in found.rows if not row.problem))
    if bad:
        st.error(
            tr(
                "{rows} of {rows_2} cannot be posted, so none will be. Correct the file and upload it again.",
                rows=words.plural(bad, "row"),
                rows_2=words.number(len(found.rows)),
            ),
            icon=":material/error:",
        )
    else:
        text = tr("{variants} will change, {net} in total.", variants=words.plural(len(found.rows), "variant"), net=net)
        st.info(text, icon=":material/fact_check:")
    _show_held(found)
    rows = sorted(found.rows, key=lambda row: (row.problem is None, not row.is_below_held))[:SHOWN]
    st.dataframe(
        pd.DataFrame(
            {
                tr("Line"): [row.line for row in rows],
                "SKU": [row.sku for row in rows],
                tr("Variant"): [words.variant(row.variant) if row.variant else words.NOTHING for row in rows],
                tr("Level"): [words.change(row.before, row.after) if row.variant else words.NOTHING for row in rows],
                tr("Units"): [words.signed(row.change) if row.variant else words.NOTHING for row in rows],
                tr("Problem"): [_problem(row) for row in rows],
            }
        ),
        column_config={
            tr("Level"): TextColumn(alignment="right"),
            tr("Units"): TextColumn(alignment="right"),
            tr("Problem"): TextColumn(width=320),
        },
        hide_index=True,
        alt=tr("The effect of each row of the file; rows with a problem come first"),
    )
    if len(found.rows) > SHOWN:
        st.caption(tr("The first {shown} of {rows} rows.", shown=SHOWN, rows=words.number(len(found.rows))))


def _show_held(found: BulkPreview) -> None:
    held = [row for row in found.rows if row.variant and row.is_below_held]
    if not held:
        return
    named = [
        tr("{sku} ({reserved} held)", sku=row.sku, reserved=words.number(row.variant.reserved))
        for row in held[:NAMED]
        if row.variant
    ]
    named += [tr("{held} more", held=words.number(len(held) - NAMED))] if len(held) > NAMED else []
    st.warning(
        tr(
            "Checkouts hold more units than the new level of {named}. A count gives up the holds "
            "that no longer fit, the latest first. Any other reason is refused.",
            named=words.plain(words.listing(named)),
        ),
        icon=":material/shopping_cart:",
    )


def _problem(row: BulkRow) -> str:
    if row.problem is None:
        return ""
    value = f" “{row.problem.value}”" if row.problem.value is not None else ""
    return f"{row.problem.field}{value} {translated(row.problem.why)}"


def _show_form(found: BulkPreview, file_id: str) -> None:
    reasons = session.run(reports.reasons)
    form = forms.begin(f"bulk_{file_id}")
    with st.form(form.name):
        if found.kind is BulkKind.SET:
            forms.count_reason(form, reasons)
        else:
            forms.any_direction(form, reasons, (MovementType.ADJUSTMENT,))
        forms.note(form)

        def post(run: Run, key: str, values: forms.Values) -> Posting:
            chosen, note = values["reason"], values["note"]
            posting: Posting
            if found.kind is BulkKind.CHANGE:
                posting = run(ledger.adjust, lines=found.changes(), reason=chosen.reason, key=key, note=note)
            else:
                kind = chosen.movement_type
                posting = run(
                    ledger.set_level, lines=found.levels(), movement_type=kind, reason=chosen.reason, key=key, note=note
                )
            return posting

        rows = len(found.rows)
        large.submit(
            "bulk", form, rows, tr("Post {rows}", rows=words.plural(rows, "row")), post, say=holds.posted, after=_close
        )
