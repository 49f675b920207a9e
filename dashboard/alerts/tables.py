"""Cases as tables: a wide one, and a slim one for the phone (see `dashboard/frame/tables.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import streamlit as st
from streamlit.column_config import TextColumn

from core.alerts.reads import Alert
from dashboard.frame import columns, selling, words
from dashboard.frame.tables import TALL_ROW

_TALLER_ROW = 100  # five lines of text


def show(rows: Sequence[Alert], *, key: str, pick: columns.Pick, choose: bool) -> list[int]:
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
                    "kind": [selling.KINDS[row.kind] for row in rows],
                    "what": [row.sentence for row in rows],
                    "since": [words.ago(row.first_at, now) for row in rows],
                }
            ),
            column_config={
                "kind": columns.opener("Case", 120, f"{key}_narrow", ids, pick),
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
    shown = {
        "kind": [[selling.KINDS[row.kind]] for row in rows],
        "what": [row.sentence for row in rows],
        "units": [words.number(row.units) if row.units else words.NOTHING for row in rows],
        "money": [selling.money(row.money, row.currency) if row.money else words.NOTHING for row in rows],
        "since": [words.ago(row.first_at, now) for row in rows],
        "seen": [words.number(row.seen) for row in rows],
        "tries": [words.number(row.attempts) for row in rows],
        "state": [selling.alert_state(row) for row in rows],
        "who": [row.assigned_name or words.NOTHING for row in rows],
        "open": ["Open"] * len(rows),
    }
    return pa.table({name: column for name, column in shown.items() if name not in hidden})


def _alert_columns(key: str, ids: Sequence[int], pick: columns.Pick, hidden: Sequence[str]) -> dict[str, Any]:
    colours = dict.fromkeys(selling.KINDS.values(), "orange")
    colours |= {selling.KINDS[kind]: "red" for kind in list(selling.KINDS)[:4]}
    shown = {
        "kind": columns.signs("Case", 132, colours),
        "what": TextColumn("What happened", width=330 if "who" in hidden else 250),
        "units": TextColumn("Units", width=52, alignment="right", help="Paid for and not off the shelf"),
        "money": TextColumn("Money", width=82, alignment="right", help="What the buyer paid for it"),
        "since": TextColumn("Since", width=104),
        "seen": TextColumn("Seen", width=50, alignment="right", help="How often it happened"),
        "tries": TextColumn("Tries", width=50, alignment="right", help="How often somebody tried again"),
        "state": TextColumn("State", width=102),
        "who": TextColumn("Assigned", width=80, help="Who is to finish it"),
        "open": columns.opener("", 72, key, ids, pick),
    }
    return {name: column for name, column in shown.items() if name not in hidden}
