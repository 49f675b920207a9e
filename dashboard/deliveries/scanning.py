"""The field for the scanner on a delivery, what the last scan did, and lines that are pasted."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.deliveries import changes
from core.deliveries.changes import Scan
from core.foundation.errors import StockError, invalid
from core.ledger.changes import new_key
from core.screens.deliveries import OneDelivery
from dashboard.deliveries import parts
from dashboard.door import session
from dashboard.frame import feedback, forms, words
from dashboard.language.texts import tr

# A scanner types into the focused field, also after it lost the focus to a button.
_FOCUS = """<style>.st-key-del_code [data-testid="InputInstructions"] { display: none; }</style><script>
(function focus(tries) {
  const field = document.querySelector(".st-key-del_code input");
  if (!field && tries) setTimeout(focus, 100, tries - 1);
  if (field && matchMedia("(pointer: fine)").matches && [document.body, null].includes(document.activeElement))
    field.focus({ preventScroll: true });
})(30);
</script>"""


@dataclass(slots=True)
class Last:
    """What the last scan of this tab did. A plain object, so Streamlit cannot interrupt a write to it."""

    scan: Scan | None = None
    problem: StockError | None = None


def _last(delivery_id: int) -> Last:
    found: Last = st.session_state.setdefault(f"_last_scan_{delivery_id}", Last())
    return found


def show(found: OneDelivery) -> None:
    """Draw the field, and below it what the last scan did."""
    row = found.delivery.row
    last = _last(row.delivery_id)
    with st.form("del_scan_form", border=False, clear_on_submit=True):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            st.text_input(
                tr("Scan or type a code"), key="del_code", placeholder=tr("SKU, barcode or carton"), width="stretch"
            )
            forms.number_field(tr("Units"), key="del_units", placeholder="1", width=80)
        st.form_submit_button(
            tr("Count it"), key="del_count", type="primary", icon=":material/barcode_scanner:", width="stretch",
            on_click=_scan, args=(row.delivery_id, last),
        )  # fmt: skip
    st.html(_FOCUS, unsafe_allow_javascript=True)
    _show_last(last, row.delivery_id, is_announced=row.is_announced)
    with st.expander(tr("Paste or upload"), icon=":material/content_paste:", key="del_paste", on_change="rerun") as box:
        if box.open:
            _show_paste(row.delivery_id)


def _scan(delivery_id: int, last: Last) -> None:
    code, typed = st.session_state["del_code"] or "", (st.session_state["del_units"] or "").strip()
    if not code.strip():
        return
    _count(delivery_id, code, typed, last)


def _count(delivery_id: int, code: str, typed: str, last: Last) -> None:
    try:
        units = forms.read_units(typed) if typed else 1
        # Each scan is one of its own: the same code twice is two units. A retry within `run` keeps the key.
        last.scan = session.run(changes.scan, delivery_id=delivery_id, code=code, units=units, key=new_key())
        last.problem = None
    except StockError as error:
        last.scan, last.problem = None, error


def _show_last(last: Last, delivery_id: int, *, is_announced: bool) -> None:
    if last.problem is not None:
        feedback.show(last.problem)
    done = last.scan
    if done is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="del_last"):
        said, kind = _said(done, is_announced=is_announced)
        {"good": st.success, "over": st.warning, "unknown": st.error}[kind](said, width="stretch")
        if done.units > 0:
            st.button(
                tr("Take back"), key=f"del_back_{done.revision}", icon=":material/undo:", on_click=_take_back,
                args=(delivery_id, done, last, f"back:{delivery_id}:{done.line_id}:{done.revision}"),
            )  # fmt: skip


def _said(done: Scan, *, is_announced: bool) -> tuple[str, str]:
    units = words.signed_units(done.units)
    if done.sku is None:
        return (
            tr(
                "**{code}** is a code of no variant. {units} kept under this code. Say below which variant it is.",
                code=words.plain(done.code),
                units=words.units(done.counted),
            ),
            "unknown",
        )
    if not is_announced:
        return tr(
            "**{sku}** {units}: {scanned} counted",
            sku=words.plain(done.sku),
            units=units,
            scanned=words.number(done.scanned),
        ), "good"
    progress = tr(
        "**{sku}** {units}: {scanned} of {expected}",
        sku=words.plain(done.sku),
        units=units,
        scanned=words.number(done.scanned),
        expected=words.number(done.expected),
    )
    if done.scanned > done.expected:
        why = (
            tr("{units} more than announced", units=words.units(done.scanned - done.expected))
            if done.expected
            else tr("not announced")
        )
        return f"{progress}, {why}", "over"
    return progress, "good"


def _take_back(delivery_id: int, done: Scan, last: Last, key: str) -> None:
    try:
        if done.variant_id is None:
            last.scan = session.run(changes.scan, delivery_id=delivery_id, code=done.code, units=-done.units, key=key)
        else:
            last.scan = session.run(
                changes.scan_in, delivery_id=delivery_id, variant_id=done.variant_id, units=-done.units, key=key
            )
        last.problem = None
    except StockError as error:
        last.scan, last.problem = None, error


def _show_paste(delivery_id: int) -> None:
    form = forms.begin(f"delivery_paste_{delivery_id}")
    mark = form.draft.key[-8:]
    if st.toggle(tr("From a file"), key=f"del_from_file_{mark}"):
        lines, text = parts.read_upload(f"del_arrived_{mark}")
    else:
        text = st.text_area(
            tr("Paste the lines"), key=f"del_text_{mark}", height=140, placeholder=tr("TR-42\t12"),
            help=tr("{paste_help} A code alone counts one unit.", paste_help=tr(parts.PASTE_HELP)),
        ) or ""  # fmt: skip
        lines = parts.read_paste(text, bare=1)
    if lines:
        parts.show_preview(lines, key="del_arrived")
    with st.form(form.name, border=False):

        def post(key: str, _: forms.Values) -> int:
            if not lines:
                raise invalid("lines", "are missing: paste or upload what arrived")
            return session.run(changes.add, delivery_id=delivery_id, lines=lines, key=key, original=text)

        forms.submit(
            form,
            tr("Add to what was counted"),
            post,
            is_main=False,
            say=lambda _: feedback.Notice(
                text=tr("{lines} added to what was counted.", lines=words.plural(len(lines), "line"))
            ),
        )
