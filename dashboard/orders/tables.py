"""Orders as tables: a wide one, and a slim one for the phone (see `dashboard/frame/tables.py`)."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import streamlit as st
from streamlit.column_config import TextColumn

from core.orders.reads import OrderRow
from dashboard.frame import columns, selling, words
from dashboard.frame.tables import ROW_HEIGHT, TALL_ROW

_TALLER_ROW = 100  # five lines of text


def show_orders(rows: Sequence[OrderRow], zone: str, *, key: str, pick: columns.Pick) -> None:
    """Show orders, paid last first; a click on one calls `pick` with its id. `key` must change with the page."""
    ids = [row.order_id for row in rows]
    with st.container(key=f"wide_{key}"):
        st.dataframe(
            pa.table(
                {
                    "order": [row.title for row in rows],
                    "at": [words.moment(row.paid_at, zone) for row in rows],
                    "buyer": [row.email or row.name or "" for row in rows],
                    "units": [words.number(row.units) if row.lines else words.NOTHING for row in rows],
                    "amount": [selling.money(row.amount, row.currency) for row in rows],
                    "state": [selling.signs(row) for row in rows],
                }
            ),
            column_config={
                "order": columns.opener("Order", 206, f"{key}_wide", ids, pick),
                "at": TextColumn("Paid", width=140),
                "buyer": TextColumn("Buyer", width=228),
                "units": TextColumn("Units", width=56, alignment="right"),
                "amount": TextColumn("Amount", width=100, alignment="right"),
                "state": columns.signs("State", 274, selling.ORDER_SIGNS),
            },
            hide_index=True,
            height="content",
            row_height=ROW_HEIGHT,
            key=f"{key}_w",
            alt="Orders, paid last first",
        )
    with st.container(key=f"narrow_{key}"):
        st.dataframe(
            pa.table(
                {
                    "order": [row.title for row in rows],
                    "what": [_what(row, zone) for row in rows],
                    "state": [", ".join(selling.signs(row)[:2]) for row in rows],
                }
            ),
            column_config={
                "order": columns.opener("Order", 104, f"{key}_narrow", ids, pick),
                "what": TextColumn("Paid", width=158),
                "state": TextColumn("State", width=92),
            },
            hide_index=True,
            height="content",
            row_height=TALL_ROW,
            key=f"{key}_n",
            alt="Orders, paid last first",
        )


def _what(row: OrderRow, zone: str) -> str:
    money = selling.money(row.amount, row.currency)
    return f"{words.short_moment(row.paid_at, zone)}, {money} {row.name or row.email or ''}".strip()
