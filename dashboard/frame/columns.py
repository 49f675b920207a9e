"""Tables that are drawn twice, wide for a desktop and narrow for a phone, and columns that several tables share.

The server does not know the width of the screen, and one table that fits both fits neither. Both are sent and CSS shows
one of them (`dashboard/frame/page.py`). A page has fifty rows, so the second costs a few kilobytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import pyarrow as pa
import streamlit as st
from streamlit.column_config import ButtonColumn, MultiselectColumn

from dashboard.language.texts import tr

ROW_HEIGHT = 36
TALL_ROW = 60  # above four rem text wraps
TALLER_ROW = 100  # five lines of text

T = TypeVar("T")
Table = Mapping[str, tuple[Any, Any]]
"""Each column's name with its cells and its configuration; for an opener, the function that makes the configuration."""


def show(
    wide: Table,
    narrow: Table | Callable[[], None],
    *,
    key: str,
    alt: str,
    heights: tuple[int, int] = (ROW_HEIGHT, TALL_ROW),
    placeholder: str = "",
    select: bool = False,
) -> list[int]:
    """Show the wide table on a desktop and the narrow one on a phone, or what `narrow` draws there.

    Returns the positions of the rows selected in the wide table, if `select`. `key` must change with the rows: clicks
    and selections are positions.
    """
    # By these names dashboard/static/steps.js knows the lists whose rows Enter opens, and at which end the button is.
    end = "" if callable(next(iter(wide.values()))[1]) else "_opens_at_end"
    with st.container(key=f"wide_{key}{end}"):
        drawn = _draw(wide, f"{key}_wide", alt, heights[0], placeholder, select)
    with st.container(key=f"narrow_{key}"):
        if callable(narrow):
            narrow()
        else:
            _draw(narrow, f"{key}_narrow", alt, heights[1], placeholder, select=False)
    return list(drawn.selection.rows) if select else []


def _draw(table: Table, key: str, alt: str, row_height: int, placeholder: str, select: bool) -> Any:
    # Arrow goes straight over the wire: a pandas frame in between would be half the cost of a page.
    return st.dataframe(
        pa.table({name: cells for name, (cells, _) in table.items()}),
        column_config={
            name: config(f"{key}_{name}") if callable(config) else config for name, (_, config) in table.items()
        },
        hide_index=True,
        height="content",
        row_height=row_height,
        key=f"{key}_table",
        placeholder=placeholder,
        alt=alt,
        on_select="rerun" if select else "ignore",
        selection_mode="multi-row",
    )


def chosen(param: str, offered: Mapping[str, str]) -> tuple[str, ...]:
    """Return the columns that the address names, in their order; empty for all as usual.

    It has their names, whatever the language of their labels, so a view keeps them.
    """
    return tuple(name for name in st.query_params.get(param, "").split(".") if name in offered)


def choose(param: str, offered: Mapping[str, str]) -> None:
    """Draw the choice of a list's columns and their order."""
    key = f"{param}_pick"
    st.session_state[key] = list(chosen(param, offered))

    def changed() -> None:
        names = st.session_state[key]
        if names:
            st.query_params[param] = ".".join(names)
        else:
            st.query_params.pop(param, None)

    with st.popover(tr("Columns"), icon=":material/view_column:", key=f"{param}_box"):
        st.multiselect(
            tr("Columns in their order"), list(offered), format_func=offered.__getitem__, key=key, on_change=changed,
            placeholder=tr("All columns"), help=tr("Without a choice, the list shows all columns."),
        )  # fmt: skip


def arranged(table: Table, shown: Sequence[str], *, always: Sequence[str]) -> Table:
    """Return a table with the chosen columns in their order, all of them if none is chosen.

    Those named `always` stay in their place, before or behind the others.
    """
    if not shown:
        return table
    names = list(table)
    first = [name for name in names if name in always and names.index(name) == 0]
    last = [name for name in names if name in always and name not in first]
    return {name: table[name] for name in (*first, *shown, *last) if name in table}


def key_of(prefix: str, *shown: object) -> str:
    """Return a widget key that changes with what is shown."""
    return f"{prefix}_{hashlib.sha1(repr(shown).encode(), usedforsecurity=False).hexdigest()[:10]}"


def tags(label: str, width: int, colours: Mapping[str, str]) -> Any:
    """Return a column of labels, each in its colour."""
    return MultiselectColumn(label, width=width, options=[tr(each) for each in colours], color=list(colours.values()))


def opener(
    label: str,
    width: int,
    ids: Sequence[T],
    pick: Callable[[T], None],
    *,
    align: str = "",
    help: str | None = None,  # noqa: A002
) -> Callable[[str], Any]:
    """Return a column of buttons; a click on one calls `pick` with the id of its row.

    The column is left-aligned and pinned where it has a label, unless `align` says otherwise.
    """

    def config(key: str) -> Any:
        def picked() -> None:
            pick(ids[st.session_state[key]["row"]])  # `ids` of this drawing: a click is a position, not an id

        side: Any = align or ("left" if label else "right")
        return ButtonColumn(
            label, width=width, pinned=side == "left", type="tertiary", alignment=side, key=key, on_click=picked,
            help=help,
        )  # fmt: skip

    return config
