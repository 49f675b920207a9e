"""Settings, Reasons: the reasons for movements, and the forms that change and add one."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.column_config import TextColumn

from core.foundation.model import MovementType
from core.shop import reasons
from core.shop.reasons import DIRECTIONS, LONGEST_LABEL, ShopReason
from dashboard.frame import columns, outcome, words
from dashboard.language import widgets
from dashboard.language.said import translated
from dashboard.language.texts import first_upper, lazy, marked, tr

WAYS = lazy({1: "in", -1: "out", 0: "in or out"})
_KINDS = [(kind, sign) for kind, signs in DIRECTIONS.items() for sign in signs]


def show_reasons(known: Sequence[ShopReason]) -> None:
    """Show all reasons, and the forms that change and add one."""
    _show_table(known)
    change, add = st.columns(2, gap="medium")
    with change, st.container(border=True, key="settings_reason"):
        st.subheader(tr("Change a reason"), anchor=False)
        _show_reason(_chosen(known))
    with add, st.container(border=True, key="settings_new_reason"):
        st.subheader(tr("Add a reason"), anchor=False)
        _show_new_reason()


def _show_table(known: Sequence[ShopReason]) -> None:
    cells = marked(
        {
            "Reason": [translated(row.label) for row in known],
            "Type": [words.TYPE_LABELS[row.movement_type] for row in known],
            "State": [_state(row) for row in known],
            "Direction": [first_upper(WAYS[row.sign]) for row in known],
            "Note": [tr("Required") if row.note_required else tr("Optional") for row in known],
            "Used": [tr("By hand") if row.by_hand else tr("By orders and undo") for row in known],
            "Code": [row.reason for row in known],
        }
    )
    wide = {name: (each, TextColumn(tr(name))) for name, each in cells.items()}
    widths = {tr("Reason"): 166, tr("Type"): 86, tr("State"): 92}
    narrow = {name: (cells[name], TextColumn(width=width)) for name, width in widths.items()}
    columns.show(wide, narrow, key="reasons", alt=tr("Reasons"), heights=(columns.ROW_HEIGHT, columns.ROW_HEIGHT))


def _state(row: ShopReason) -> str:
    if not row.is_active:
        return tr("Retired")
    return tr("In use") if row.needed is None else tr("Always in use")


def _chosen(known: Sequence[ShopReason]) -> ShopReason:
    by_code = {_code(row): row for row in known}

    def label(code: str) -> str:
        return words.joined(translated(by_code[code].label), words.TYPE_LABELS[by_code[code].movement_type])

    chosen = widgets.selectbox(tr("Reason"), list(by_code), format_func=label, key="set_reason", bind="query-params")
    return by_code[chosen]


def _code(row: ShopReason) -> str:
    return f"{row.movement_type}.{row.reason}"


def _show_reason(row: ShopReason) -> None:
    label_key = f"set_reason_label_{row.movement_type}_{row.reason}_{row.label}"
    with st.form("set_reason_rename", border=False):
        st.text_input(tr("Label"), translated(row.label), key=label_key, max_chars=LONGEST_LABEL)
        st.form_submit_button(tr("Rename"), on_click=_rename, args=(row, label_key))
    st.caption(tr("All its movements, including past ones, show the new label. Its code in files does not change."))
    if row.needed is not None:
        st.caption(tr("It cannot be retired: it {needed}.", needed=row.needed))
    elif row.is_active:
        _active_button(
            tr("Retire"), tr("{label} is no longer offered.", label=translated(row.label)), row, active=False
        )
    else:
        _active_button(tr("Restore"), tr("{label} is offered again.", label=translated(row.label)), row, active=True)


def _active_button(label: str, done: str, row: ShopReason, *, active: bool) -> None:
    values = {"movement_type": row.movement_type, "reason": row.reason, "active": active}
    st.button(
        label, key="set_reason_active", on_click=outcome.do, args=(done, reasons.set_reason_active), kwargs=values
    )


def _show_new_reason() -> None:
    with st.form("set_reason_new", border=False):
        st.text_input(
            tr("Label"), key="set_reason_new_label", max_chars=LONGEST_LABEL, placeholder=tr("For example, Photo shoot")
        )
        st.selectbox(tr("Type and direction"), _KINDS, format_func=_kind, key="set_reason_new_kind")
        st.toggle(tr("Require a note"), key="set_reason_new_note")
        st.form_submit_button(tr("Add reason"), type="primary", on_click=_add)
    st.caption(tr("The new reason is available immediately in the forms of its movement type."))


def _kind(kind: tuple[MovementType, int]) -> str:
    return f"{words.TYPE_LABELS[kind[0]]}, {WAYS[kind[1]]}"


def _rename(row: ShopReason, label_key: str) -> None:
    label = st.session_state[label_key]
    outcome.do(
        tr("{label} is renamed to {label_2}.", label=translated(row.label), label_2=label),
        reasons.rename_reason,
        movement_type=row.movement_type,
        reason=row.reason,
        label=label,
    )
    st.session_state["set_reason"] = _code(row)  # the browser still has it under its former label


def _add() -> None:
    label, kind, note = (st.session_state[f"set_reason_new_{field}"] for field in ("label", "kind", "note"))
    code = outcome.do(
        tr("Reason {label} added.", label=label),
        reasons.add_reason,
        movement_type=kind[0],
        label=label,
        sign=kind[1],
        note_required=note,
    )
    if code is not None:
        st.session_state["set_reason_new_label"] = ""
