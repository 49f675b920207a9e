"""Where the storefront keeps the lines of its orders: a table beside ours, for payments that carry only a number."""

from __future__ import annotations

import streamlit as st

from core.orders import stripe_link
from core.orders.stripe_link import Connected, OrderLookup
from dashboard.frame import outcome
from dashboard.settings.mapping import in_threes, mark_of


def show(seen: Connected) -> None:
    """Show where the storefront keeps the lines of its orders."""
    with st.container(border=True, key="stripe_lookup"):
        st.subheader("Orders of the storefront", anchor=False)
        _show_lookup(seen)


def _show_lookup(seen: Connected) -> None:
    st.caption(
        "Where payments carry only the number of an order, its lines are read from the storefront's own table in this "
        "database. Say which one; it must be readable by the account `stockroom_owner`."
    )
    saved = seen.lookup
    mark = mark_of(seen.link.order_lookup)
    labels = {"schema": "Schema", "table": "Table with one row for each line", "order": "Column of the order's number",
              "code": "Column of SKU or variant id", "quantity": "Column of the quantity"}  # fmt: skip
    keys = {name: f"set_lookup_{name}_{mark}" for name in labels}
    with st.form("set_lookup", border=False):
        for cell, (name, label) in zip(in_threes(len(labels)), labels.items(), strict=False):
            present = getattr(saved, name) if saved else ("public" if name == "schema" else "")
            cell.text_input(label, present, key=keys[name], max_chars=63)
        with st.container(horizontal=True):
            st.form_submit_button("Save", key="set_lookup_save", on_click=_save_lookup, args=(keys,))
            st.form_submit_button(
                "Remove", key="set_lookup_remove", disabled=saved is None, on_click=outcome.do,
                args=("The storefront's orders are no longer looked up.", stripe_link.save_lookup),
                kwargs={"lookup": None},
            )  # fmt: skip


def _save_lookup(keys: dict[str, str]) -> None:
    typed = {name: str(st.session_state[key]).strip() for name, key in keys.items()}
    said = f"Lines of orders are looked up in {typed['schema']}.{typed['table']}."
    outcome.do(said, stripe_link.save_lookup, lookup=OrderLookup(**typed))
