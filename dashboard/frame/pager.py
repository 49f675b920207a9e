"""Around a list: how many there are, the way back to all of them, and the ways to the pages beside this one."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.foundation.paging import Count
from dashboard.frame import words


def counted(count: Count, noun: str) -> str:
    """Return how many there are: 12 orders; More than 10,000 orders."""
    return f"{'More than ' if count.at_least else ''}{words.plural(count.count, noun)}"


def show_count(said: str, *, key: str, narrowed: bool, clear: Callable[[], None], stale: bool) -> None:
    """Say what the list holds, with the way back to all of it where a filter narrows it."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(said, width="content")
        if narrowed:
            st.button(
                "Clear filters", key=f"{key}_clear", icon=":material/filter_alt_off:", type="tertiary", on_click=clear
            )
    if stale:
        st.caption("The link pointed to a page of another list, so this is its beginning.")


def show_pages(param: str, before: str | None, after: str | None, *, names: tuple[str, str, str], key: str) -> None:
    """Draw the ways to the first page, the one before and the one after, if there is more than this one."""
    if before is None and after is None:
        return
    first, back, on = names
    with st.container(horizontal=True, horizontal_alignment="center", key=f"{key}_pages"):
        _button(first, param, None, ":material/first_page:", key, disabled=before is None)
        _button(back, param, before, ":material/chevron_left:", key, disabled=before is None)
        _button(on, param, after, ":material/chevron_right:", key, disabled=after is None)


def _button(label: str, param: str, cursor: str | None, icon: str, key: str, *, disabled: bool) -> None:
    name = f"{key}_{label.lower().replace(' ', '_')}"
    st.button(label, key=name, icon=icon, disabled=disabled, on_click=turn, args=(param, cursor))


def turn(param: str, cursor: str | None) -> None:
    """Open the page of this cursor, or the first."""
    if cursor:
        st.query_params[param] = cursor
    else:
        st.query_params.pop(param, None)
