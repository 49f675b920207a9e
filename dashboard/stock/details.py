"""What is known of a variant besides its level: its picture, its values, and who changed them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from core.catalog.editing import LABELS, ChangeSource, Field, VariantChange
from core.foundation.model import Actor, LevelRow
from core.people.access import Permission, may
from core.screens.stock import Variant
from dashboard.frame import charts, lists, tables, words
from dashboard.frame import page as frame
from dashboard.stock import editing

LISTED = 5
_HOW = {ChangeSource.FILE: " from a file", ChangeSource.DIRECT: " in the shop's tables"}


def show(seen: Variant, person: Actor) -> None:
    """Show the values, or the form that changes them."""
    if editing.is_open() and may(person.role, Permission.EDIT_SHELF):
        editing.show(seen, person)
        return
    with frame.heading("Details"):
        if may(person.role, Permission.IMPORT_CATALOG):
            st.button(
                "Add sizes", key="stk_more", icon=":material/add:", type="tertiary", on_click=_add_sizes,
                args=(seen.row.sku,),
            )  # fmt: skip
        if may(person.role, Permission.EDIT_SHELF):
            st.button("Edit", key="stk_edit", icon=":material/edit:", on_click=editing.open_form)
    row, currency = seen.row, seen.shop.currency
    with st.container(horizontal=True, gap="medium"):
        if row.picture:
            with st.container(width=220):
                show_picture(row.picture, row.product)
        with st.container(width="stretch"):
            tables.show_facts({
                "Brand": row.brand or "",
                "Colour": row.color or "",
                "Shelf place": row.shelf_place or words.NOTHING,
                "Price": words.money(row.price, currency) if row.price is not None else "",
                "Unit cost": words.money(row.unit_cost, currency) if row.unit_cost is not None else "",
                "Active": "Yes" if row.is_active else "No",
            })  # fmt: skip
    _show_changes(seen.changes, row, seen.shop.zone)


def _add_sizes(sku: str) -> None:
    """Open the form to add variants to the product of this one."""
    lists.put("sku", None)
    lists.put(frame.NEW, sku)


def show_picture(address: str | None, name: str) -> None:
    """Show a picture, if there is one. The browser loads it from its address without saying which page it is on."""
    if address:
        st.html(
            f'<img src="{escape(address)}" alt="{escape(name)}" referrerpolicy="no-referrer" loading="lazy" '
            'style="max-width: 100%; max-height: 180px; border-radius: 8px">'
        )


def _show_changes(changes: Sequence[VariantChange], row: LevelRow, zone: str) -> None:
    if not changes:
        return
    with st.container(gap="xxsmall"):
        st.markdown("**Changes**")
        for change in changes[:LISTED]:
            st.caption(words.plain(f"{words.short_moment(change.at, zone)}{words.DOT}{_said(change)}"))
    if len(changes) > LISTED:
        table: dict[str, Sequence[object]] = {
            "When": [words.moment(change.at, zone) for change in changes],
            "Who": [change.performed_by + _HOW.get(change.source, "") for change in changes],
            "What": [_field(change) for change in changes],
            "Before": [_value(change.before) for change in changes],
            "After": [_value(change.after) for change in changes],
        }
        label = f"The latest {words.plural(len(changes), 'change')}"
        charts.show_as_table(table, "stk_changes", f"Changes of {row.sku}, newest first", label=label)


def _said(change: VariantChange) -> str:
    by = f"by {change.performed_by}{_HOW.get(change.source, '')}"
    if change.field == "added":
        return f"Added as {change.after} {by}"
    return f"{_field(change)} {_value(change.before)} {words.ARROW} {_value(change.after)} {by}"


def _field(change: VariantChange) -> str:
    name = change.field
    return LABELS[Field(name)] if name in list(Field) else name.replace("_", " ").capitalize()


def _value(value: str | None) -> str:
    if value is None:
        return "empty"
    return "an uploaded picture" if value.startswith("/picture/") else value
