"""What the pages of selling say while no key of Stripe's is set; everything else works without one."""

from __future__ import annotations

from functools import lru_cache

import streamlit as st

from core.foundation.settings import load_settings


@lru_cache(maxsize=1)
def is_connected() -> bool:
    """Return whether a key of Stripe's is set; settings are read when the process starts."""
    return load_settings().stripe_secret_key is not None


def show() -> None:
    """Say in one sentence what to set, where it is not set."""
    if not is_connected():
        st.caption(
            ":material/link_off: Stripe is not connected, so no order comes in by itself: set `STRIPE_SECRET_KEY` "
            "and start again (see docs/stripe.md)."
        )
