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
from dashboard.language.said import label
from dashboard.language.texts import first_upper, lazy, tr
from dashboard.stock import editing

LISTED = 5
_HOW = lazy({ChangeSource.FILE: " from a file", ChangeSource.DIRECT: " in the shop's tables"})


def show(seen: Variant, person: Actor) -> None:
    """Show the values, or the form that changes them."""
    if editing.is_open() and may(person.role, Permission.EDIT_SHELF):
        editing.show(seen, person)
        return
    with frame.heading(tr("Details")):
        if may(person.role, Permission.IMPORT_CATALOG):
            st.button(
                tr("Add sizes"), key="stk_more", icon=":material/add:", type="tertiary", on_click=_add_sizes,
                args=(seen.row.sku,),
            )  # fmt: skip
        if may(person.role, Permission.EDIT_SHELF):
            st.button(tr("Edit"), key="stk_edit", icon=":material/edit:", on_click=editing.open_form)
    row, currency = seen.row, seen.shop.currency
    with st.container(horizontal=True, gap="medium"):
        if row.picture:
            with st.container(width=220):
                show_picture(row.picture, row.product)
        with st.container(width="stretch"):
            tables.show_facts({
                tr("Brand"): row.brand or "",
                tr("Colour"): row.color or "",
                tr("Shelf place"): row.shelf_place or words.NOTHING,
                tr("Price"): words.money(row.price, currency) if row.price is not None else "",
                tr("Unit cost"): words.money(row.unit_cost, currency) if row.unit_cost is not None else "",
                tr("Active"): tr("Yes") if row.is_active else tr("No"),
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
        st.markdown(tr("**Changes**"))
        for change in changes[:LISTED]:
            st.caption(words.plain(f"{words.short_moment(change.at, zone)}{words.DOT}{_said(change)}"))
    if len(changes) > LISTED:
        table: dict[str, Sequence[object]] = {
            tr("When"): [words.moment(change.at, zone) for change in changes],
            tr("Who"): [change.performed_by + _HOW.get(change.source, "") for change in changes],
            tr("What"): [_field(change) for change in changes],
            tr("Before"): [_value(change.before) for change in changes],
            tr("After"): [_value(change.after) for change in changes],
        }
        title = tr("The latest {changes}", changes=words.plural(len(changes), "change"))
        charts.show_as_table(
            lambda: table, "stk_changes", tr("Changes of {sku}, newest first", sku=row.sku), label=title
        )


def _said(change: VariantChange) -> str:
    by = tr("by {performed_by}{source}", performed_by=change.performed_by, source=_HOW.get(change.source, ""))
    if change.field == "added":
        return tr("Added as {after} {by}", after=change.after, by=by)
    return f"{_field(change)} {_value(change.before)} {words.ARROW} {_value(change.after)} {by}"


def _field(change: VariantChange) -> str:
    name = change.field
    return label(LABELS[Field(name)] if name in list(Field) else first_upper(name.replace("_", " ")))


def _value(value: str | None) -> str:
    if value is None:
        return tr("empty")
    return tr("an uploaded picture") if value.startswith("/picture/") else value
