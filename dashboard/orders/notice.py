"""The notice on the Orders and Alerts pages while no Stripe key is set. Everything else works without one."""

from __future__ import annotations

from functools import lru_cache

import streamlit as st

from core.foundation.model import Shop
from core.foundation.settings import load_settings


@lru_cache(maxsize=1)
def is_connected() -> bool:
    """Return whether a Stripe key is set. Settings are read when the process starts."""
    return load_settings().stripe_secret_key is not None


def show(shop: Shop) -> None:
    """Say what to set, if no key is set; in the sample shop, where its orders come from."""
    if is_connected():
        return
    if shop.is_sample:
        st.caption(":material/science: These orders come from the sandbox, which stands in for Stripe.")
    else:
        st.caption(
            ":material/link_off: Stripe is not connected, so no orders arrive: set `STRIPE_SECRET_KEY` and restart "
            "(see docs/stripe.md)."
        )
