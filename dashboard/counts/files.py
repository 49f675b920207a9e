"""Numbers from a file or a pasted list: a code, how many, and perhaps when."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core import sheets
from core.counts import entering
from core.counts.entering import ListLine
from core.foundation.errors import invalid
from core.ledger import reports
from core.sheets import Field, ReadFile
from core.sheets.model import Kind
from core.sheets.reading import Tell
from dashboard.door import session
from dashboard.frame import feedback, forms, words
from dashboard.language.texts import marked, tr
from dashboard.sheets import asking, large
from dashboard.sheets.large import Run

FIELDS = marked(
    (
        Field(
            name="sku",
            titles=("code", "barcode", "ean", "upc", "article", "artikelnummer", "item"),
            kind=Kind.CODE,
            is_required=True,
            longest=200,
        ),
        Field(
            name="counted",
            titles=("count", "quantity", "qty", "units", "menge", "bestand", "on hand", "stock"),
            kind=Kind.UNITS,
            is_required=True,
        ),
        Field(name="counted_at", titles=("counted at", "time", "moment", "when", "zeitpunkt"), kind=Kind.MOMENT),
    )
)
_EXAMPLES = marked((("SHOE-42", 3, ""), ("SHOE-43", 0, "")))
_SHOWN = 5


def show_upload(count_id: int) -> None:
    """Offer to enter a whole file or a pasted list."""
    box = st.expander(tr("From a file or a list"), icon=":material/upload_file:", key="cnt_file", on_change="rerun")
    if not box.open:
        return
    with box:
        st.caption(
            tr("Each row says how many units were on the shelf, at the time in the file or, without a time, now.")
        )
        _show_paste(count_id)
        matched = asking.show("counts", FIELDS, key="cnt_upload", examples=_EXAMPLES)
        if not large.show_sending(f"count_{count_id}") and matched is not None:
            _show_file(count_id, matched)


def _show_paste(count_id: int) -> None:
    form = forms.begin(f"count_paste_{count_id}")
    with st.form(form.name, border=False):
        st.text_area(
            tr("Paste lines"),
            key=form.input("lines"),
            height=110,
            placeholder=tr("SHOE-42\t3"),
            help=tr("One line each: SKU or code, then how many. A tab, a semicolon or spaces between."),
        )

        def post(key: str, values: forms.Values) -> int:
            return _enter(count_id, _pasted(values["lines"] or ""), key)

        forms.submit(form, tr("Enter the lines"), post, say=_said, is_main=False)


def _pasted(text: str) -> list[ListLine]:
    lines = []
    for line in filter(str.strip, text.splitlines()):
        separator = next((mark for mark in "\t;" if mark in line), None)
        code, _, number = line.strip().rpartition(separator) if separator else line.strip().rpartition(" ")
        if not code.strip():
            raise invalid("list", f"has no number on the line {line.strip()[:60]}")
        lines.append(ListLine(code=code.strip(), units=forms.read_units(number.strip(), "number", lowest=0)))
    return lines


def _show_file(count_id: int, matched: asking.Matched) -> None:
    def do(run: Run, step: Callable[[str], Tell]) -> tuple[ReadFile, list[ListLine]]:
        read, zone = sheets.read(matched.match, tell=step(tr("Reading"))), run(reports.shop).zone
        lines = [
            entering.list_line(row.values["sku"], row.values["counted"], row.values.get("counted_at"), zone)
            for row in (() if read.problems else read.rows)
        ]
        return read, lines

    found = large.read(f"count_{count_id}", matched.file_id, len(matched.match.sheet.records), do)
    if found is None:
        return
    read, lines = found
    if read.problems:
        first = "; ".join(str(problem) for problem in read.problems[:_SHOWN])
        st.error(f"{words.plural(len(read.problems), 'problem')}: {words.plain(first)}", icon=":material/error:")
        return
    form = forms.begin(f"count_file_{count_id}_{matched.file_id}")
    with st.form(form.name, border=False):

        def post(run: Run, key: str, _: forms.Values) -> int:
            entered: int = run(entering.count_list, count_id=count_id, lines=lines, key=key)
            return entered

        label = tr("Enter {rows}", rows=words.plural(len(lines), "row"))
        large.submit(f"count_{count_id}", form, len(lines), label, post, say=_said)


def _enter(count_id: int, lines: list[ListLine], key: str) -> int:
    return session.run(entering.count_list, count_id=count_id, lines=lines, key=key)


def _said(added: int) -> feedback.Notice:
    return feedback.Notice(text=tr("{lines} entered", lines=words.plural(added, "line")))
