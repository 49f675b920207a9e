"""Counting: one field for the scanner, big numbers, and what is left. One hand and no mouse are enough."""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st
from streamlit.column_config import TextColumn

from core.counts import entering
from core.counts.entering import Counted, Entry
from core.foundation.errors import StockError, invalid
from core.foundation.model import Actor
from core.ledger.changes import new_key
from core.people.access import Permission, may
from core.screens.counts import OneCount
from dashboard.counts import files, parts
from dashboard.door import session
from dashboard.frame import columns, feedback, forms, lists, words
from dashboard.language.texts import marked, tr

_EACH, _NUMBER = marked("Each scan counts"), marked("Scan, then number")
_MODE = lists.Choice(label=marked("How to count"), key="cnt_mode", options={_EACH: False, _NUMBER: True}, usual=_EACH)
_NEXT = 8
_LOW = (columns.ROW_HEIGHT, columns.ROW_HEIGHT)
# Enter in the code field goes on to the number, if numbers are typed. After an entry the code field has the focus,
# unless the person is faster than the page and types the next number already.
_HANDS = """<style>.st-key-cnt_form_field [data-testid="InputInstructions"] { display: none; }</style>
<script>/* %(nonce)s */
(function () {
  const code = () => document.querySelector(".st-key-cnt_code input");
  const number = () => document.querySelector(".st-key-cnt_number input");
  const isTyping = () => number() && document.activeElement === number() && code().value.trim();
  (function focus(tries) {
    if (!code() && tries) return setTimeout(focus, 100, tries - 1);
    if (!code() || isTyping()) return;
    if (%(always)s || matchMedia("(pointer: fine)").matches) code().focus({ preventScroll: true });
  })(30);
  if (window.stockroomCounting) return;
  window.stockroomCounting = true;
  document.addEventListener("keydown", (event) => {
    // The next code is scanned before the page has answered, and must not become a number.
    if (event.key === "Enter" && number() && event.target === number()) setTimeout(() => code()?.focus(), 0);
    if (event.key !== "Enter" || event.target !== code() || !number() || !code().value.trim()) return;
    event.preventDefault();
    event.stopPropagation();
    number().focus();
  }, true);
})();
</script>"""


@dataclass(slots=True)
class Last:
    """The last entry of this tab. A plain object, so Streamlit cannot interrupt a write to it after a commit."""

    counted: Counted | None = None
    problem: StockError | None = None
    key: str = field(default_factory=new_key)
    entries: int = 0


def show(seen: OneCount, person: Actor) -> None:
    """Show the field, the last entry, and the lines that are left."""
    if not may(person.role, Permission.COUNT):
        st.caption(tr("Your role cannot count. The warehouse, a manager or an admin can."))
    else:
        last: Last = st.session_state.setdefault(f"_last_count_{seen.session.count_id}", Last())
        with st.container(border=True, key="cnt_desk"):
            _show_field(seen.session.count_id, last)
            _show_last(last)
        files.show_upload(seen.session.count_id)
    done, left = st.columns(2, gap="small")
    with done:
        _show_entries(seen)
    with left:
        show_left(seen)


def _show_field(count_id: int, last: Last) -> None:
    by_number = _MODE.show()
    with st.form("cnt_form", border=False, clear_on_submit=True):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="cnt_form_field"):
            st.text_input(
                tr("Scan or type a code"), key="cnt_code", placeholder=tr("SKU, barcode or carton"), width="stretch"
            )
            if by_number:
                with st.container(width=110):
                    forms.number_field(tr("Number"), key="cnt_number", placeholder="0")
        st.form_submit_button(
            tr("Count"),
            key="cnt_count",
            type="primary",
            icon=":material/check:",
            width="stretch",
            on_click=_enter,
            args=(count_id, last, by_number),
        )
    always = "true" if last.entries else "false"
    st.html(_HANDS % {"nonce": last.entries, "always": always}, unsafe_allow_javascript=True)


def _enter(count_id: int, last: Last, by_number: bool) -> None:
    code, key = st.session_state["cnt_code"] or "", last.key
    typed = st.session_state["cnt_number"] if by_number else None
    if not code.strip() and not (typed or "").strip():
        return
    last.entries += 1
    try:
        if not code.strip():
            raise invalid("code", f"is missing for “{typed}”. Nothing was counted. Enter the code, then the number")
        number = forms.read_units(typed, "number", lowest=0) if by_number else None
        last.counted = session.run(entering.count_code, count_id=count_id, code=code, number=number, key=key)
        last.problem, last.key = None, new_key()
    except StockError as problem:
        last.counted, last.problem, last.key = None, problem, new_key()


def _show_last(last: Last) -> None:
    if last.problem is not None:
        feedback.show(last.problem)
        return
    if last.counted is None:
        st.caption(tr("Scan a code and press Enter."))
        return
    row = last.counted
    others = "" if row.total == row.own else tr(", {total} with what others counted", total=words.number(row.total))
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="cnt_last"):
        st.markdown(f"# :green[{words.number(row.own)}]", width="content")
        with st.container(gap="xxsmall"):
            st.markdown(f"**{words.plain(row.sku)}**")
            st.caption(words.plain(words.sized(row.product, row.size)) + words.plain(others))
    if row.is_extra:
        st.warning(tr("This variant is not in the scope of the count. It was counted anyway."), icon=":material/help:")


def _show_entries(seen: OneCount) -> None:
    with st.container(border=True, key="cnt_entries"):
        st.subheader(tr("Latest entries"), anchor=False)
        if not seen.entries:
            st.caption(tr("Nothing is counted yet."))
            return
        rows = seen.entries
        what = [parts.named(row.sku, row.product, row.size, row.color) for row in rows]
        units, by = [_units(row) for row in rows], [row.performed_by for row in rows]
        table = {
            "what": (what, TextColumn(tr("Variant"), width=290)),
            "units": (units, TextColumn(tr("Units"), width=55, alignment="right")),
            "by": (by, TextColumn(tr("By"), width=80)),
        }
        narrow = table | {"what": ([row.sku for row in rows], TextColumn("SKU", width=150))}
        columns.show(
            table,
            narrow,
            key=columns.key_of("cnt_entry", rows[0].entry_id),
            heights=_LOW,
            alt=tr("Latest entries, newest first"),
        )


def _units(row: Entry) -> str:
    return words.signed(row.units) if row.kind == "scan" else f"= {words.number(row.units)}"


def show_left(seen: OneCount) -> None:
    """Show the lines that nobody has counted, in the order of the sheet."""
    with st.container(border=True, key="cnt_left"):
        left = seen.session.lines - seen.session.counted
        st.subheader(tr("Next on the sheet"), anchor=False)
        if not seen.uncounted:
            st.caption(tr("Every line is counted. Finish counting to see the variances."))
            return
        st.caption(tr("{lines} left.", lines=words.plural(left, "line")))
        rows = seen.uncounted[:_NEXT]
        names = [parts.named(row.sku, row.product, row.size, row.color) for row in rows]
        table = {
            "place": ([row.shelf_place or "" for row in rows], TextColumn(tr("Shelf"), width=80)),
            "what": (names, TextColumn(tr("Variant"), width=310)),
        }
        hidden = () if any(row.shelf_place for row in rows) else ("place",)
        shown = {name: column for name, column in table.items() if name not in hidden}
        columns.show(
            shown, shown, key=columns.key_of("cnt_next", names), heights=_LOW, alt=tr("Lines that are not counted yet")
        )
