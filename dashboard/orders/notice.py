"""The notice on the Orders and Alerts pages while no Stripe key is set. Everything else works without one."""

from __future__ import annotations

from functools import lru_cache

import streamlit as st

from core.foundation.model import Shop
from core.foundation.settings import load_settings
from core.people.access import Permission, may
from dashboard.door import session
from dashboard.frame import links
from dashboard.language.texts import tr


@lru_cache(maxsize=1)
def is_connected() -> bool:
    """Return whether a Stripe key is set. Settings are read when the process starts."""
    return load_settings().stripe_secret_key is not None


def show(shop: Shop) -> None:
    """Say that no orders arrive without a key, and who can change that; in the sample shop, where they come from."""
    if is_connected():
        return
    if shop.is_sample:
        st.caption(tr(":material/science: These orders come from the sandbox, which stands in for Stripe."))
        return
    text = tr(":material/link_off: Stripe is not connected, so no orders arrive.")
    if not may(session.actor().role, Permission.MANAGE_STRIPE):
        st.caption(tr("{value} An admin can connect it.", value=text))
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(text, width="content")
        links.to_page("settings", tr("Connect Stripe"), icon=":material/arrow_forward:", set_section="Stripe")
