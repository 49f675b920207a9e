"""Settings, Stripe: how far a payment may differ from the prices of its cart."""

from __future__ import annotations

import streamlit as st

from core.carts.amounts import Tolerance
from core.orders import stripe_link
from core.orders.stripe_link import Connected
from dashboard.frame import columns, outcome

_LABELS = {
    "less": "At most this much less, in percent",
    "more": "At most this much more, in percent",
    "amount": "Or this much more, in whole {currency}",
}
_MOST = {"less": 100, "more": 1_000, "amount": 1_000_000}


def show(seen: Connected) -> None:
    """Show the tolerance of the shop, with a form to change it."""
    st.caption(
        "A payment within these limits takes stock, and the order shows the difference. Less is paid where a discount "
        "is not recorded, more where shipping and tax are not. Any other payment is a case and takes nothing."
    )
    present = seen.link.tolerance
    mark = columns.key_of("tolerance", {name: getattr(present, name) for name in _LABELS})
    keys = {name: f"set_tolerance_{name}_{mark}" for name in _LABELS}
    with st.form("set_tolerance", border=False):
        for cell, (name, label) in zip(st.columns(3), _LABELS.items(), strict=True):
            cell.number_input(
                label.format(currency=seen.shop.currency), 0, _MOST[name], getattr(present, name), key=keys[name]
            )
        st.form_submit_button("Save", key="set_tolerance_save", on_click=_save, args=(keys,))


def _save(keys: dict[str, str]) -> None:
    typed = {name: int(st.session_state[key] or 0) for name, key in keys.items()}
    outcome.do("The tolerance is saved. It holds for later payments.", stripe_link.save_tolerance,
               tolerance=Tolerance(**typed))  # fmt: skip
