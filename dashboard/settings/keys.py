"""Settings, API keys: the keys with their scopes and rate limits, and the forms that create and revoke one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from core.people import api_keys
from core.people.api_keys import DEFAULT_RATE, ApiKey, Scope
from dashboard.frame import outcome, words
from dashboard.frame import page as frame
from dashboard.language.texts import lazy, tr

SCOPES = lazy(
    {
        Scope.VALIDATE: "Check whether a cart can be sold",
        Scope.RESERVE: "Hold and release carts",
        Scope.ORDERS: "Create payments and orders",
        Scope.METRICS: "Read measurements at /metrics",
        Scope.READ: "Read available stock",
    }
)


def show_keys(keys: Sequence[ApiKey]) -> None:
    """Show the keys, and the forms that create and revoke one."""
    st.caption(tr("A storefront sends a key with every request to the HTTP API, which /api/openapi.json describes."))
    if keys:
        _show_table(keys)
    else:
        frame.empty(
            tr("There are no API keys yet"), tr("Create a key for your storefront below."), icon=":material/key:"
        )
    active = {f"{key.name} ({key.begins}...)": key for key in keys if key.revoked_at is None}
    create, revoke = st.columns(2, gap="medium")
    with create, st.container(border=True, key="settings_key_make"):
        st.subheader(tr("Create a key"), anchor=False)
        _show_new_key()
    if active:
        with revoke, st.container(border=True, key="settings_key_revoke"):
            st.subheader(tr("Revoke a key"), anchor=False)
            chosen = active[st.selectbox("Key", list(active), key="set_key")]
            st.caption(tr("The key stops working immediately. Requests in progress are completed."))
            st.button(tr("Revoke"), key="set_key_revoke", on_click=_revoke, args=(chosen,))


def _show_table(keys: Sequence[ApiKey]) -> None:
    now = datetime.now(UTC)
    st.dataframe(
        {
            tr("Name"): [key.name for key in keys],
            tr("Starts with"): [f"{key.begins}..." for key in keys],
            tr("Scopes"): [", ".join(key.scopes) for key in keys],
            tr("Per minute"): [key.rate_per_minute for key in keys],
            tr("Last used"): [words.ago(key.last_used_at, now) for key in keys],
            tr("State"): [
                tr("Revoked by {revoked_by}", revoked_by=key.revoked_by) if key.revoked_at else tr("Active")
                for key in keys
            ],
            tr("Created by"): [key.made_by for key in keys],
        },
        hide_index=True,
        height="content",
        alt=tr("API keys, the newest first"),
    )


def _show_new_key() -> None:
    with st.form("set_key_new", border=False):
        st.text_input(tr("Name"), key="set_key_name", max_chars=80, placeholder=tr("For example, Web shop"))
        st.multiselect(
            tr("Scopes"), list(SCOPES), format_func=SCOPES.__getitem__, key="set_key_scopes", placeholder=tr("Choose")
        )
        st.number_input(tr("Requests per minute"), 1, 100_000, DEFAULT_RATE, key="set_key_rate")
        st.form_submit_button(tr("Create key"), type="primary", on_click=_make)
    st.caption(tr("The key is shown once. Store it with your storefront's secrets, never in a web page."))


def _make() -> None:
    name, scopes, rate = (st.session_state[f"set_key_{field}"] for field in ("name", "scopes", "rate"))
    made = outcome.do(
        tr("Key created for {name}.", name=name), api_keys.make, name=name, scopes=scopes, rate_per_minute=int(rate)
    )
    if made is not None:
        outcome.remembered().key = (name, made)
        st.session_state["set_key_name"] = ""


def _revoke(key: ApiKey) -> None:
    outcome.do(tr("The key of {name} is revoked.", name=key.name), api_keys.revoke, key_id=key.key_id)
