"""Editing many variants in the list: reorder point, price and shelf place, reviewed once and saved together.

The rows stay as they were when the list was opened for editing, whatever happens meanwhile, because edits are kept by
position. Saving compares each value with the one that was shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pandas as pd
import streamlit as st
from streamlit.column_config import NumberColumn, TextColumn

from core.catalog import editing
from core.catalog.editing import LABELS, Edit, EditedValue, Field
from core.foundation.errors import EditedMeanwhile, InvalidInput
from core.foundation.model import Actor, LevelRow
from core.ledger.level_filter import LevelFilter, LevelSort
from core.people.access import Permission, may
from core.screens import stock as screens
from dashboard.door import session
from dashboard.frame import columns, feedback, forms, lists, words
from dashboard.language import formats
from dashboard.language.said import translated
from dashboard.language.texts import inside, tr

PARAM = "edit_list"
ROWS = 200
FEW, HEIGHT = 12, 440
COLUMNS = {"reorder": Field.REORDER_POINT, "price": Field.PRICE, "shelf": Field.SHELF_PLACE}
_SHEET = "_stk_sheet"


@dataclass(slots=True)
class Sheet:
    """The rows that are edited, and the values that saving compares with. `shown` names the list that they are from."""

    shown: str
    rows: tuple[LevelRow, ...]
    total: int
    seen: dict[UUID, dict[Field, str | None]]
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """One changed cell: the edit, and what is wrong with it if anything is."""

    row: LevelRow
    edit: Edit
    after: str | None
    problem: str


def open_list() -> None:
    """Open the list for editing."""
    st.session_state.pop(_SHEET, None)
    lists.put(PARAM, 1)


def _close() -> None:
    _forget()
    lists.put(PARAM, None)


def _forget() -> None:
    st.session_state.pop(_SHEET, None)
    forms.begin("edit_list").draft.renew()


def show(wanted: LevelFilter, sort: LevelSort, person: Actor) -> None:
    """Show the rows under the filter to be edited, then the review."""
    sheet = _sheet(wanted, sort)
    with st.container(horizontal=True, vertical_alignment="center"):  # at the left: the table's tools come at the right
        st.button(tr("Done"), key="stk_sheet_done", icon=":material/arrow_back:", on_click=_close)
        st.caption(_about(sheet), width="content")
    if not sheet.rows:
        return
    table = _table(sheet)
    height: Any = HEIGHT if len(table) > FEW else "content"
    edited = st.data_editor(
        table, column_config=_config(may(person.role, Permission.EDIT_VARIANT)), hide_index=True, num_rows="fixed",
        height=height, key=sheet.key, alt=tr("Variants to edit"),
    )  # fmt: skip
    found = review(sheet, table, edited, formats.group_mark(st.context.locale))
    if found:
        _show_review(sheet, found)


def _sheet(wanted: LevelFilter, sort: LevelSort) -> Sheet:
    """Return the rows of this tab. A change of the filter brings others, unless some are edited and not saved."""
    shown = columns.key_of("stk_sheet", wanted, sort)
    known: Sheet | None = st.session_state.get(_SHEET)
    if known is not None and known.shown != shown and _edited_rows(known):
        st.info(
            tr("Your changes are not saved. Save or discard them to see the other variants."), icon=":material/edit:"
        )
        return known
    if known is None or known.shown != shown:
        page = session.run(screens.stock_list, filter=wanted, sort=sort, offset=0, limit=ROWS).page
        seen = {row.variant_id: _values(row) for row in page.rows}
        known = Sheet(shown=shown, rows=page.rows, total=page.total, seen=seen, key=f"stk_sheet_{uuid4().hex[:8]}")
        st.session_state[_SHEET] = known
    return known


def _edited_rows(sheet: Sheet) -> Mapping[int, object]:
    state = st.session_state.get(sheet.key)
    return state["edited_rows"] if state else {}


def _values(row: LevelRow) -> dict[Field, str | None]:
    return {
        Field.REORDER_POINT: str(row.reorder_point),
        Field.PRICE: None if row.price is None else str(row.price),
        Field.SHELF_PLACE: row.shelf_place,
    }


def _about(sheet: Sheet) -> str:
    if not sheet.rows:
        return tr("No variant matches. Change the search or the filters above.")
    of = tr(
        "The first {rows} of {variants}. Filter to reach the others",
        rows=ROWS,
        variants=words.plural(sheet.total, "variant"),
    )
    count = of if sheet.total > len(sheet.rows) else words.plural(sheet.total, "variant")
    return tr("{count}. Type into the cells, then review and save.", count=count)


def _table(sheet: Sheet) -> pd.DataFrame:
    given: dict[str, Sequence[object]] = {
        "sku": [row.sku for row in sheet.rows],
        "product": [words.product(row) for row in sheet.rows],
        "size": [row.size or "" for row in sheet.rows],
        "on_hand": [row.on_hand for row in sheet.rows],
    }
    typed = {name: [_values(row)[field] or "" for row in sheet.rows] for name, field in COLUMNS.items()}
    return pd.DataFrame(given | typed)


def _config(may_price: bool) -> dict[str, Any]:
    return {
        "sku": TextColumn("SKU", width=110, pinned=True, disabled=True),
        "product": TextColumn(tr("Product"), width=190, disabled=True),
        "size": TextColumn(tr("Size"), width=60, disabled=True),
        "on_hand": NumberColumn(tr("On hand"), width=74, disabled=True),
        # Texts, because a number cell would cut 1.5 to 1.
        "reorder": TextColumn(
            tr("Reorder at"), width=96, alignment="right", help=tr("At this level on hand, it is low")
        ),
        "price": TextColumn(
            tr("Price"),
            width=96,
            alignment="right",
            disabled=not may_price,
            help=tr("Empty: the price of the product") if may_price else tr("A manager or an admin can edit prices"),
        ),
        "shelf": TextColumn(tr("Shelf place"), width=120, help=tr("Where the variant is kept, such as A-03-2")),
    }


def review(sheet: Sheet, before: pd.DataFrame, after: pd.DataFrame, mark: str) -> list[Reviewed]:
    """Return every changed cell with the value that would be saved, or what is wrong with it."""
    found = []
    for position, row in enumerate(sheet.rows):
        for name, field in COLUMNS.items():
            typed = _text(after[name].iloc[position])
            if typed != before[name].iloc[position]:
                edit = Edit(
                    variant_id=row.variant_id, field=field, before=sheet.seen[row.variant_id][field], after=typed
                )
                found.append(_reviewed(row, edit, mark))
    return found


def _text(cell: object) -> str:
    return "" if cell is None or cell is pd.NA or cell != cell else str(cell).strip()


def _reviewed(row: LevelRow, edit: Edit, mark: str) -> Reviewed:
    try:
        return Reviewed(row=row, edit=edit, after=editing.read(edit.field, edit.after, mark), problem="")
    except InvalidInput as error:
        return Reviewed(row=row, edit=edit, after=edit.after, problem=translated(error.message))


def _show_review(sheet: Sheet, found: Sequence[Reviewed]) -> None:
    bad = [each for each in found if each.problem]
    rows = sorted(found, key=lambda each: not each.problem)
    with st.container(border=True, key="stk_review"):
        st.subheader(tr("Review"), anchor=False)
        if bad:
            names = words.listing(list(dict.fromkeys(words.plain(each.row.sku) for each in bad))[:5])
            st.error(
                tr(
                    "{values} cannot be saved, so none will be: {names}.",
                    values=words.plural(len(bad), "value"),
                    names=names,
                ),
                icon=":material/error:",
            )
        st.dataframe(
            pd.DataFrame(
                {
                    "SKU": [each.row.sku for each in rows],
                    tr("Variant"): [words.variant(each.row) for each in rows],
                    tr("What"): [LABELS[each.edit.field] for each in rows],
                    tr("Change"): [
                        f"{each.edit.before or tr('empty')} {words.ARROW} {each.after or tr('empty')}" for each in rows
                    ],
                    tr("Problem"): [each.problem for each in rows],
                }
            ),
            column_config={tr("Problem"): TextColumn(width=320)},
            hide_index=True,
            height="content" if len(rows) < 9 else 320,
            alt=tr("Every changed value, before and after; refused ones come first"),
        )
        _show_form(sheet, [each.edit for each in found], is_fit=not bad)


def _show_form(sheet: Sheet, edits: list[Edit], *, is_fit: bool) -> None:
    form = forms.begin("edit_list")
    _show_news(form, sheet)
    with st.container(horizontal=True):
        if is_fit:
            with st.form(form.name, border=False, width="content"):

                def post(key: str, _: forms.Values) -> tuple[EditedValue, ...]:
                    mark = formats.group_mark(st.context.locale)
                    return session.run(editing.edit, edits=edits, key=key, mark=mark)

                forms.submit(
                    form,
                    tr("Save {changes}", changes=words.plural(len(edits), "change")),
                    post,
                    say=_saved,
                    after=_forget,
                )
        st.button(tr("Discard"), key="stk_sheet_discard", type="tertiary", on_click=_forget)


def _show_news(form: forms.Form, sheet: Sheet) -> None:
    problem = form.draft.problem
    if isinstance(problem, EditedMeanwhile) and problem.edited:
        st.button(
            tr("Start from the new values"), key="stk_sheet_again", icon=":material/refresh:", on_click=_start_again,
            args=(form.draft, sheet, problem), help=tr("Keeps what you typed. Then save again."),
        )  # fmt: skip


def _start_again(draft: forms.Draft, sheet: Sheet, problem: EditedMeanwhile) -> None:
    for row in problem.edited:
        sheet.seen[UUID(row["variant_id"])][Field(row["field"])] = row["now"]
    draft.problem = None


def _saved(done: tuple[EditedValue, ...]) -> feedback.Notice:
    if len(done) == 1:
        (only,) = done
        change = f"{only.before or tr('empty')} {words.ARROW} {only.after or tr('empty')}"
        return feedback.Notice(text=f"{only.sku}: {inside(LABELS[Field(only.field)])} {change}")
    skus = len({row.sku for row in done})
    return feedback.Notice(
        text=tr(
            "Saved {changes} of {variants}",
            changes=words.plural(len(done), "change"),
            variants=words.plural(skus, "variant"),
        )
    )
