"""Links from one page to another, with the filters under which they open it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

PAGES = Path(__file__).resolve().parents[2] / "pages"


def begin(name: str, label: str, *, icon: str, is_main: bool = True, **query: str) -> None:
    """Draw the button that begins what is not there yet; it opens the page of that name."""
    key = f"begin_{name}_{'_'.join(query) or 'page'}"
    if st.button(label, key=key, icon=icon, type="primary" if is_main else "secondary"):
        st.switch_page(PAGES / f"{name}.py", query_params=query)


def to_page(name: str, label: str, *, icon: str | None = None, help: str | None = None, **query: str) -> None:  # noqa: A002
    """Draw a link to the page of that name; it opens in this tab without a reload."""
    st.page_link(PAGES / f"{name}.py", label=label, icon=icon, help=help, query_params=query or None)
