"""Settings, Stripe: how far a payment may differ from its cart, the confirmation mail, the storefront's order table."""

from __future__ import annotations

import streamlit as st

from core.carts.amounts import Tolerance
from core.orders import stripe_link
from core.orders.stripe_link import Connected, OrderLookup
from dashboard.frame import columns, outcome
from dashboard.language.texts import lazy, tr
from dashboard.settings import mapping

_LABELS = lazy(
    {
        "less": "At most this much less, in percent",
        "more": "At most this much more, in percent",
        "amount": "Or this much more, in whole {currency}",
    }
)
_MOST = {"less": 100, "more": 1_000, "amount": 1_000_000}


def show(seen: Connected) -> None:
    """Show the tolerance of the shop, with a form to change it."""
    st.caption(
        tr(
            "A payment within these limits takes stock, and the order shows the difference. Less "
            "is paid where a discount is not recorded, more where shipping and tax are not. Any "
            "other payment is a case and takes nothing."
        )
    )
    present = seen.link.tolerance
    mark = columns.key_of("tolerance", {name: getattr(present, name) for name in _LABELS})
    keys = {name: f"set_tolerance_{name}_{mark}" for name in _LABELS}
    with st.form("set_tolerance", border=False):
        for cell, (name, label) in zip(st.columns(3), _LABELS.items(), strict=True):
            cell.number_input(
                label.format(currency=seen.shop.currency), 0, _MOST[name], getattr(present, name), key=keys[name]
            )
        st.form_submit_button(tr("Save"), key="set_tolerance_save", on_click=_save, args=(keys,))


def _save(keys: dict[str, str]) -> None:
    typed = {name: int(st.session_state[key] or 0) for name, key in keys.items()}
    outcome.do(tr("The tolerance is saved. It holds for later payments."), stripe_link.save_tolerance,
               tolerance=Tolerance(**typed))  # fmt: skip


# ---------------------------------------------------------------- the confirmation mail

_UNREAD = lazy(
    {
        "wait": "Wait until the cart was read",
        "without_lines": "Send a mail without lines at once",
    }
)


def show_confirmation(seen: Connected) -> None:
    """Show when an order whose cart could not be read is confirmed, with a form to change it."""
    st.caption(
        tr(
            "Orders that the storefront asks for are confirmed to the buyer once, with their "
            "lines. This is for an order whose cart could not be read."
        )
    )
    present = seen.link.unread_confirmation
    key = f"set_unread_{present}"
    with st.form("set_unread", border=False):
        st.selectbox(
            tr("While the cart is unread"),
            list(_UNREAD),
            list(_UNREAD).index(present),
            format_func=_UNREAD.__getitem__,
            key=key,
            width=480,
        )
        st.form_submit_button(tr("Save"), key="set_unread_save", on_click=_save_unread, args=(key,))


def _save_unread(key: str) -> None:
    choice = str(st.session_state[key])
    done = {
        "wait": tr("Orders with an unread cart are confirmed once their cart was read."),
        "without_lines": tr("Orders with an unread cart are confirmed at once, without lines."),
    }[choice]
    outcome.do(done, stripe_link.save_unread_confirmation, choice=choice)


# ---------------------------------------------------------------- the storefront's orders


def show_lookup(seen: Connected) -> None:
    """Show the storefront's table of order lines, with a form to change it."""
    st.caption(
        tr(
            "If payments carry only an order number, the lines are read from the storefront's "
            "table in this database. The account `stockroom_owner` needs permission to read it."
        )
    )
    saved = seen.lookup
    mark = columns.key_of("lookup", seen.link.order_lookup)
    labels = {
        "schema": tr("Schema"),
        "table": tr("Table with one row for each line"),
        "order": tr("Column of the order number"),
        "code": tr("Column of the SKU or variant id"),
        "quantity": tr("Column of the quantity"),
    }
    keys = {name: f"set_lookup_{name}_{mark}" for name in labels}
    with st.form("set_lookup", border=False):
        for cell, (name, label) in zip(mapping.in_threes(len(labels)), labels.items(), strict=False):
            present = getattr(saved, name) if saved else ("public" if name == "schema" else "")
            cell.text_input(label, present, key=keys[name], max_chars=63)
        with st.container(horizontal=True):
            st.form_submit_button(tr("Save"), key="set_lookup_save", on_click=_save_lookup, args=(keys,))
            st.form_submit_button(
                tr("Remove"), key="set_lookup_remove", disabled=saved is None, on_click=outcome.do,
                args=(tr("The order table is removed."), stripe_link.save_lookup),
                kwargs={"lookup": None},
            )  # fmt: skip


def _save_lookup(keys: dict[str, str]) -> None:
    typed = {name: str(st.session_state[key]).strip() for name, key in keys.items()}
    done = tr("Order lines are read from {schema}.{table}.", schema=typed["schema"], table=typed["table"])
    outcome.do(done, stripe_link.save_lookup, lookup=OrderLookup(**typed))
