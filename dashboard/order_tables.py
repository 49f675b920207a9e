"""Orders and cases as tables: a wide one, and a slim one for the phone (see `dashboard/tables.py`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import streamlit as st
from streamlit.column_config import ButtonColumn, MultiselectColumn, TextColumn

from core.alerts import Alert
from core.order_reads import OrderRow
from dashboard import order_words, words
from dashboard.tables import ROW_HEIGHT, TALL_ROW

_TALLER_ROW = 100  # five lines of text
Pick = Callable[[int], None]


def show_orders(rows: Sequence[OrderRow], zone: str, *, key: str, pick: Pick) -> None:
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
                    "amount": [order_words.money(row.amount, row.currency) for row in rows],
                    "state": [order_words.signs(row) for row in rows],
                }
            ),
            column_config={
                "order": _opener("Order", 206, f"{key}_wide", ids, pick),
                "at": TextColumn("Paid", width=140),
                "buyer": TextColumn("Buyer", width=228),
                "units": TextColumn("Units", width=56, alignment="right"),
                "amount": TextColumn("Amount", width=100, alignment="right"),
                "state": _signs("State", 274, order_words.ORDER_SIGNS),
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
                    "state": [", ".join(order_words.signs(row)[:2]) for row in rows],
                }
            ),
            column_config={
                "order": _opener("Order", 104, f"{key}_narrow", ids, pick),
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
    money = order_words.money(row.amount, row.currency)
    return f"{words.short_moment(row.paid_at, zone)}, {money} {row.name or row.email or ''}".strip()


def show_alerts(rows: Sequence[Alert], *, key: str, pick: Pick, choose: bool) -> list[int]:
    """Show cases, the most urgent first; a click on one calls `pick` with its id. `key` must change with the page.

    Returns the ids of the rows that are ticked, where there is something to `choose` for.
    """
    ids, now = [row.alert_id for row in rows], datetime.now(UTC)
    hidden = () if any(row.assigned_name for row in rows) else ("who",)
    with st.container(key=f"wide_{key}"):
        table: Any = st.dataframe(
            _alerts(rows, now, hidden),
            column_config=_alert_columns(f"{key}_wide", ids, pick, hidden),
            hide_index=True,
            height="content",
            row_height=TALL_ROW,
            key=f"{key}_w",
            alt="Cases, the most urgent first",
            on_select="rerun" if choose else "ignore",
            selection_mode="multi-row",
        )
    with st.container(key=f"narrow_{key}"):
        st.dataframe(
            pa.table(
                {
                    "kind": [order_words.KINDS[row.kind] for row in rows],
                    "what": [row.sentence for row in rows],
                    "since": [words.ago(row.first_at, now) for row in rows],
                }
            ),
            column_config={
                "kind": _opener("Case", 120, f"{key}_narrow", ids, pick),
                "what": TextColumn("What happened", width=154),
                "since": TextColumn("Since", width=80),
            },
            hide_index=True,
            height="content",
            row_height=_TALLER_ROW,
            key=f"{key}_n",
            alt="Cases, the most urgent first",
        )
    return [ids[place] for place in table.selection.rows] if choose else []


def _alerts(rows: Sequence[Alert], now: datetime, hidden: Sequence[str]) -> pa.Table:
    columns = {
        "kind": [[order_words.KINDS[row.kind]] for row in rows],
        "what": [row.sentence for row in rows],
        "units": [words.number(row.units) if row.units else words.NOTHING for row in rows],
        "money": [order_words.money(row.money, row.currency) if row.money else words.NOTHING for row in rows],
        "since": [words.ago(row.first_at, now) for row in rows],
        "seen": [words.number(row.seen) for row in rows],
        "tries": [words.number(row.attempts) for row in rows],
        "state": [order_words.alert_state(row) for row in rows],
        "who": [row.assigned_name or words.NOTHING for row in rows],
        "open": ["Open"] * len(rows),
    }
    return pa.table({name: column for name, column in columns.items() if name not in hidden})


def _alert_columns(key: str, ids: Sequence[int], pick: Pick, hidden: Sequence[str]) -> dict[str, Any]:
    colours = dict.fromkeys(order_words.KINDS.values(), "orange")
    colours |= {order_words.KINDS[kind]: "red" for kind in list(order_words.KINDS)[:4]}
    columns = {
        "kind": _signs("Case", 132, colours),
        "what": TextColumn("What happened", width=330 if "who" in hidden else 250),
        "units": TextColumn("Units", width=52, alignment="right", help="Paid for and not off the shelf"),
        "money": TextColumn("Money", width=82, alignment="right", help="What the buyer paid for it"),
        "since": TextColumn("Since", width=104),
        "seen": TextColumn("Seen", width=50, alignment="right", help="How often it happened"),
        "tries": TextColumn("Tries", width=50, alignment="right", help="How often somebody tried again"),
        "state": TextColumn("State", width=102),
        "who": TextColumn("Assigned", width=80, help="Who is to finish it"),
        "open": _opener("", 72, key, ids, pick),
    }
    return {name: column for name, column in columns.items() if name not in hidden}


def _signs(label: str, width: int, colours: dict[str, str]) -> Any:
    return MultiselectColumn(label, width=width, options=list(colours), color=list(colours.values()))


def _opener(label: str, width: int, key: str, ids: Sequence[int], pick: Pick) -> Any:
    def picked() -> None:
        pick(ids[st.session_state[key]["row"]])  # of this very drawing: a click tells a position, not an id

    return ButtonColumn(
        label, width=width, pinned=bool(label), type="tertiary", alignment="left" if label else "right", key=key,
        on_click=picked,
    )  # fmt: skip
