"""The sections of Settings, in groups: a phone shows three words, and the few sections under one of them."""

from __future__ import annotations

import streamlit as st

GROUPS = {
    "The shop": ("People", "Shop", "Reasons", "Recent changes"),
    "Connections": ("Stripe", "API keys", "Notifications"),
    "Running": ("Jobs", "Health", "Backups"),
}
SECTION, GROUP = "set_section", "set_group"


def choose() -> str:
    """Draw the groups and the sections of the one that is open; returns the section. A link names the section alone."""
    group = _group_of(st.session_state.get(SECTION) or st.query_params.get(SECTION))
    st.session_state[GROUP] = group
    st.segmented_control(
        "Group", list(GROUPS), required=True, key=GROUP, on_change=_open_group, label_visibility="collapsed"
    )
    names = GROUPS[group]
    chosen = st.pills(
        "Section", names, default=names[0], required=True, key=SECTION, bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    return chosen or names[0]


def _group_of(section: str | None) -> str:
    return next((group for group, names in GROUPS.items() if section in names), next(iter(GROUPS)))


def _open_group() -> None:
    st.session_state[SECTION] = GROUPS[st.session_state[GROUP]][0]
