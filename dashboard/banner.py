"""The banner over a shop that is only an example."""

from __future__ import annotations

import streamlit as st

from core.access import Permission, may
from core.model import Actor, Shop
from dashboard import links, words

_COMMAND = "`.venv/bin/python -m core import-catalog FILE`"


def show(shop: Shop, person: Actor) -> None:
    """Say that this is sample data and how to begin with one's own."""
    if not shop.is_sample:
        return
    with st.container(key="sample_banner", horizontal=True, vertical_alignment="center", border=True):
        st.markdown(
            f":material/science: **Sample data.** {words.plain(shop.name)} is made up. Start with your own: {_COMMAND}",
            width="content",
        )
        if may(person.role, Permission.IMPORT_CATALOG):
            links.to_page("catalog", "or import a catalogue here", icon=":material/upload_file:")


def show_short(shop: Shop) -> None:
    """Say the same in one line, on the pages where people work."""
    if shop.is_sample:
        st.caption(f":material/science: Sample data. Start with your own: {_COMMAND}")
