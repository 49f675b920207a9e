"""Columns that several tables have: a button that opens a row, and coloured labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st
from streamlit.column_config import ButtonColumn, MultiselectColumn

Pick = Callable[[int], None]


def signs(label: str, width: int, colours: dict[str, str]) -> Any:
    """Return a column of labels, each in its colour."""
    return MultiselectColumn(label, width=width, options=list(colours), color=list(colours.values()))


def opener(label: str, width: int, key: str, ids: Sequence[int], pick: Pick) -> Any:
    """Return a column of buttons; a click on one calls `pick` with the id of its row."""

    def picked() -> None:
        pick(ids[st.session_state[key]["row"]])  # of this very drawing: a click tells a position, not an id

    return ButtonColumn(
        label, width=width, pinned=bool(label), type="tertiary", alignment="left" if label else "right", key=key,
        on_click=picked,
    )  # fmt: skip
