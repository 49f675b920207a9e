"""Links from one page to another, each with the filters it opens the other page under."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

PAGES = Path(__file__).resolve().parents[2] / "pages"


def to_page(name: str, label: str, *, icon: str | None = None, help: str | None = None, **query: str) -> None:  # noqa: A002
    """Draw a link to the page of that name; it opens in this tab without a reload."""
    st.page_link(PAGES / f"{name}.py", label=label, icon=icon, help=help, query_params=query or None)


def go(name: str, query: Mapping[str, str] | None = None) -> None:
    """Open the page of that name now."""
    st.switch_page(PAGES / f"{name}.py", query_params=query)
