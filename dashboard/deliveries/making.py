"""A new delivery: announced by a supplier's note, pasted or typed, or begun because goods arrived."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.deliveries import changes, note
from core.deliveries.changes import Created
from core.deliveries.note import NoteLine
from core.foundation.errors import invalid
from core.foundation.model import Actor
from core.people.access import Permission, may
from dashboard.deliveries import parts
from dashboard.door import session
from dashboard.frame import feedback, forms, lists
from dashboard.frame import page as frame
from dashboard.language import formats, widgets
from dashboard.language.texts import marked, tr

_WAYS = marked(("Paste", "Type in", "Upload"))
_ROWS = 6


def _close() -> None:
    lists.put(parts.NEW, None)


def show(kind: str, person: Actor) -> None:
    """Show the form for a new delivery: `kind` is `expected` or `now`."""
    st.button(tr("All deliveries"), icon=":material/arrow_back:", on_click=_close, key="del_back")
    if not may(person.role, Permission.RECEIVE):
        frame.empty(
            tr("Your role cannot receive goods"), tr("The warehouse, a manager or an admin can record a delivery.")
        )
        return
    if kind == "now":
        _show_now()
    else:
        _show_expected()


def _show_now() -> None:
    st.subheader(tr("Receive now"), anchor=False)
    st.caption(tr("Scan or paste what arrived on the next page. Nothing is in stock until you post it."))
    form = forms.begin("delivery_now")
    with st.form(form.name):
        _details(form)

        def post(key: str, values: forms.Values) -> Created:
            return session.run(
                changes.begin, key=key, reference=values["reference"] or "", supplier=values["supplier"] or ""
            )

        _submit(form, tr("Begin"), post)


def _show_expected() -> None:
    st.subheader(tr("Expect a delivery"), anchor=False)
    st.caption(tr("The lines of the supplier's note: SKU or code, quantity, and the unit cost if it is there."))
    form = forms.begin("delivery_expected")
    way = widgets.segmented_control(
        tr("Lines"), _WAYS, default=_WAYS[0], required=True, key="del_way", label_visibility="collapsed"
    )
    if way == "Upload":
        lines, original = parts.read_upload(f"del_file_{form.draft.key[-8:]}")
    else:
        lines, original = _typed(form) if way == "Type in" else _pasted(form)
    if lines:
        parts.show_preview(lines, key="del_new")
    with st.form(form.name):
        _details(form)
        st.date_input(tr("Expected on"), None, key=form.input("day"), format=formats.date_input())

        def post(key: str, values: forms.Values) -> Created:
            if not lines:
                raise invalid("lines", "are missing: paste, type or upload what the supplier's note says")
            return session.run(
                changes.announce, lines=lines, key=key, reference=values["reference"] or "",
                supplier=values["supplier"] or "", expected_on=values["day"], original=original,
            )  # fmt: skip

        _submit(form, tr("Save the delivery"), post)


def _details(form: forms.Form) -> None:
    st.text_input(
        tr("Reference"), key=form.input("reference"), placeholder=tr("Delivery note or order number"),
        help=tr("Without one, the delivery gets a number."),
    )  # fmt: skip
    st.text_input(tr("Supplier"), key=form.input("supplier"), placeholder=tr("Optional"))


def _submit(form: forms.Form, label: str, post: object) -> None:
    opened: list[int] = []

    def say(made: Created) -> feedback.Notice:
        opened.append(made.delivery_id)
        if made.is_known:
            return feedback.Notice(
                text=tr(
                    "This note is recorded already: the same reference with the same lines. It was not added again."
                )
            )
        return feedback.Notice(text=tr("The delivery is recorded."))

    def after() -> None:
        lists.put(parts.NEW, None)
        lists.put(parts.PARAM, opened[-1])

    forms.submit(form, label, post, say=say, after=after)  # type: ignore[arg-type]


def _pasted(form: forms.Form) -> tuple[Sequence[NoteLine], str]:
    text = (
        st.text_area(
            tr("Paste the lines"),
            key=f"{form.name}_text_{form.draft.key[-8:]}",
            height=180,
            placeholder=tr("TR-42\t12\t39.90"),
            help=tr(parts.PASTE_HELP),
        )
        or ""
    )
    return parts.read_paste(text), text


def _typed(form: forms.Form) -> tuple[Sequence[NoteLine], str]:
    empty = {tr("SKU or code"): [""] * _ROWS, tr("Quantity"): [""] * _ROWS, tr("Unit cost"): [""] * _ROWS}
    filled = st.data_editor(
        empty, key=f"{form.name}_rows_{form.draft.key[-8:]}", num_rows="dynamic", hide_index=True, width="stretch",
    )  # fmt: skip
    rows = list(zip(*([str(value or "").strip() for value in filled[name]] for name in empty), strict=True))
    typed = [(n, "\t".join(row).strip(), row) for n, row in enumerate(rows, 1) if any(row)]
    return note.read_rows(typed), "\n".join(raw for _, raw, _ in typed)
