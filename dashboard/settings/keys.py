"""The part of the Settings page about API keys: which programs are let in, for what, and how often they may ask."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from core.people import api_keys
from core.people.api_keys import DEFAULT_RATE, ApiKey, Scope
from dashboard.frame import outcome, words
from dashboard.frame import page as frame

SCOPES = {
    Scope.VALIDATE: "Check whether a cart can be sold",
    Scope.RESERVE: "Hold a cart and let it go",
    Scope.ORDERS: "Make payments and orders",
    Scope.METRICS: "Read measurements at /metrics",
}


def show_keys(keys: Sequence[ApiKey]) -> None:
    """Show the keys, and what an admin can do about them."""
    st.caption(
        "A storefront that speaks HTTP shows a key with every request. Its description stands at /api/openapi.json."
    )
    if keys:
        _show_table(keys)
    else:
        frame.empty("No program is let in yet", "Make a key for your storefront below.", icon=":material/key:")
    good = {f"{key.name} ({key.begins}...)": key for key in keys if key.revoked_at is None}
    make, revoke = st.columns(2, gap="medium")
    with make, st.container(border=True, key="settings_key_make"):
        st.subheader("Make a key", anchor=False)
        _show_new_key()
    if good:
        with revoke, st.container(border=True, key="settings_key_revoke"):
            st.subheader("Revoke a key", anchor=False)
            chosen = good[st.selectbox("Key", list(good), key="set_key")]
            st.caption("It lets nobody in from that moment on; requests under way are finished.")
            st.button("Revoke", key="set_key_revoke", on_click=_revoke, args=(chosen,))


def _show_table(keys: Sequence[ApiKey]) -> None:
    now = datetime.now(UTC)
    st.dataframe(
        {
            "Name": [key.name for key in keys],
            "Begins": [f"{key.begins}..." for key in keys],
            "May": [", ".join(key.scopes) for key in keys],
            "A minute": [key.rate_per_minute for key in keys],
            "Last used": [words.ago(key.last_used_at, now) for key in keys],
            "State": [f"Revoked by {key.revoked_by}" if key.revoked_at else "Good" for key in keys],
            "Made by": [key.made_by for key in keys],
        },
        hide_index=True,
        height="content",
        alt="API keys, the newest first",
    )


def _show_new_key() -> None:
    with st.form("set_key_new", border=False):
        st.text_input("Name", key="set_key_name", max_chars=80, placeholder="Such as Web shop")
        st.multiselect("May", list(SCOPES), format_func=SCOPES.__getitem__, key="set_key_scopes")
        st.number_input("Requests a minute", 1, 100_000, DEFAULT_RATE, key="set_key_rate")
        st.form_submit_button("Make key", type="primary", on_click=_make)
    st.caption("The key is shown once. Keep it where your storefront keeps its secrets, never in a page.")


def _make() -> None:
    name, scopes, rate = (st.session_state[f"set_key_{field}"] for field in ("name", "scopes", "rate"))
    made = outcome.do(f"{name} is let in now.", api_keys.make, name=name, scopes=scopes, rate_per_minute=int(rate))
    if made is not None:
        outcome.remembered().key = (name, made)
        st.session_state["set_key_name"] = ""


def _revoke(key: ApiKey) -> None:
    outcome.do(f"{key.name} is let in no more.", api_keys.revoke, key_id=key.key_id)
