"""The table of cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from streamlit.column_config import TextColumn

from core.alerts.reads import Alert
from dashboard.frame import columns, selling, words


def show(rows: Sequence[Alert], *, key: str, pick: Callable[[int], None], select: bool) -> list[int]:
    """Show cases, the most urgent first; a click on one calls `pick` with its id. `key` must change with the rows.

    Returns the ids of the selected rows, if `select`.
    """
    ids, now = [row.alert_id for row in rows], datetime.now(UTC)
    selected = columns.show(
        _wide(rows, now, ids, pick),
        {
            "kind": ([selling.KINDS[row.kind] for row in rows], columns.opener("Case", 120, ids, pick)),
            "what": ([row.sentence for row in rows], TextColumn("What happened", width=154)),
            "since": ([words.ago(row.first_at, now) for row in rows], TextColumn("Since", width=80)),
        },
        key=key,
        alt="Cases, the most urgent first",
        heights=(columns.TALL_ROW, columns.TALLER_ROW),
        select=select,
    )
    return [ids[place] for place in selected]


def _wide(rows: Sequence[Alert], now: datetime, ids: Sequence[int], pick: Callable[[int], None]) -> columns.Table:
    colours = dict.fromkeys(selling.KINDS.values(), "orange")
    colours |= {selling.KINDS[kind]: "red" for kind in list(selling.KINDS)[:4]}
    is_assigned = any(row.assigned_name for row in rows)

    def number(label: str, width: int, about: str) -> Any:
        return TextColumn(label, width=width, alignment="right", help=about)

    who = ([row.assigned_name or words.NOTHING for row in rows], TextColumn("Assignee", width=80))
    return {
        "kind": ([[selling.KINDS[row.kind]] for row in rows], columns.tags("Case", 132, colours)),
        "what": ([row.sentence for row in rows], TextColumn("What happened", width=250 if is_assigned else 330)),
        "units": (
            [words.number(row.units) if row.units else words.NOTHING for row in rows],
            number("Units", 52, "Units paid for and not off the shelf"),
        ),
        "money": (
            [selling.money(row.money, row.currency) if row.money else words.NOTHING for row in rows],
            number("Money", 82, "What the buyer paid for these units"),
        ),
        "since": ([words.ago(row.first_at, now) for row in rows], TextColumn("Since", width=104)),
        "seen": ([words.number(row.seen) for row in rows], number("Seen", 50, "How often it happened")),
        "tries": ([words.number(row.attempts) for row in rows], number("Retries", 58, "How often it was retried")),
        "state": ([selling.alert_state(row) for row in rows], TextColumn("State", width=102)),
        **({"who": who} if is_assigned else {}),
        "open": (["Open"] * len(rows), columns.opener("", 64, ids, pick)),
    }
