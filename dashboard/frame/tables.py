"""Rows as tables: Arrow tables, how their columns look, and a slim version of each for the phone.

Both versions are drawn and the width of the screen decides which one is seen (`dashboard/frame/page.py`): the server
does not know the width, and a table that fits both fits neither. A page has fifty rows, so the second costs a few
kilobytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import streamlit as st
from streamlit.column_config import (
    ButtonColumn,
    DatetimeColumn,
    LineChartColumn,
    MultiselectColumn,
    NumberColumn,
    TextColumn,
)

from core.foundation.model import LevelRow, Movement, MovementType
from dashboard.frame import words

ROW_HEIGHT = 36
TALL_ROW = 60  # above four rem text wraps
PAGE_ROWS = 50
TABLE_WIDTH = 1_004  # pixels between the margins of a card on a desktop
_NOTE_WIDTH = 64  # a beginning; the whole note is a click away
STATUSES = {"In stock": "green", "Low": "orange", "Out": "red", "Inactive": "gray"}
_TYPE_COLOURS = {
    MovementType.PURCHASE: "primary",
    MovementType.SALE: "orange",
    MovementType.RESTORATION: "blue",
    MovementType.ADJUSTMENT: "gray",
    MovementType.COUNT: "violet",
}
Pick = Callable[[str], None]


def show_levels(rows: Sequence[LevelRow], zone: str, *, key: str, pick: Pick) -> None:
    """Show variants with their levels; a click on a SKU calls `pick`. `key` must change with page and filter."""
    with st.container(key=f"wide_{key}"):
        st.dataframe(
            _levels(rows),
            column_config=_level_columns(rows, zone, f"{key}_wide", pick),
            hide_index=True,
            height="content",
            row_height=ROW_HEIGHT,
            key=f"{key}_w",
            placeholder=words.NOTHING,
            alt="Variants with their levels",
        )
    with st.container(key=f"narrow_{key}"):
        st.dataframe(
            pa.table(
                {
                    "sku": [row.sku for row in rows],
                    "variant": [words.variant(row) for row in rows],
                    "available": [row.available for row in rows],
                    "status": [words.status(row) for row in rows],
                }
            ),
            column_config={
                "sku": _button("SKU", 100, f"{key}_narrow", rows, pick),
                "variant": TextColumn("Variant", width=120),
                "available": NumberColumn("Avail.", width=62),
                "status": TextColumn("Status", width=76),
            },
            hide_index=True,
            height="content",
            row_height=TALL_ROW,
            key=f"{key}_n",
            alt="Variants with what is available",
        )


def _levels(rows: Sequence[LevelRow]) -> pa.Table:
    # Straight to what goes over the wire: a frame in between would be half the cost of a page.
    return pa.table(
        {
            "sku": [row.sku for row in rows],
            "product": [words.product(row) for row in rows],
            "size": [row.size or "" for row in rows],
            "status": [[words.status(row)] for row in rows],
            "on_hand": [row.on_hand for row in rows],
            "reserved": [row.reserved for row in rows],
            "available": [row.available for row in rows],
            "reorder_point": [row.reorder_point for row in rows],
            "cover": [None if row.cover_days is None else round(row.cover_days) for row in rows],
            "trend": [list(row.trend) for row in rows],
            "moved": _moments(row.last_moved_at for row in rows),
            "counted": _moments(row.last_counted_at for row in rows),
        }
    )


def _moments(moments: Iterable[datetime | None]) -> pa.Array:
    return pa.array(moments, type=pa.timestamp("us", tz="UTC"))


def _level_columns(rows: Sequence[LevelRow], zone: str, key: str, pick: Pick) -> dict[str, Any]:
    return {
        "sku": _button("SKU", 102, key, rows, pick),
        "product": TextColumn("Product", width=158),
        "size": TextColumn("Size", width=54),
        "status": _statuses(82),
        "on_hand": NumberColumn("On hand", width=70, help="Units physically there", format="localized"),
        "reserved": NumberColumn("Reserved", width=74, help="Units held for checkouts", format="localized"),
        "available": NumberColumn("Available", width=74, help="On hand less reserved", format="localized"),
        "reorder_point": NumberColumn(
            "Reorder at", width=80, help="At this level on hand a variant is low", format="localized"
        ),
        "cover": NumberColumn(
            "Cover", width=74, format="%d days", help="How long what is available lasts at the rate of the last 30 days"
        ),
        "trend": LineChartColumn("30 days", width=80, y_min=0, help="Units on hand at the end of each day"),
        "moved": DatetimeColumn("Moved", width=92, format="distance", timezone=zone, help="When it last moved"),
        "counted": DatetimeColumn(
            "Counted", width=92, format="distance", timezone=zone, help="When it was last counted"
        ),
    }


def _button(label: str, width: int, key: str, rows: Sequence[LevelRow], pick: Pick) -> Any:
    skus = [row.sku for row in rows]  # of this very drawing: a click tells a position, not a SKU

    def picked() -> None:
        pick(skus[st.session_state[key]["row"]])

    return ButtonColumn(label, width=width, pinned=True, type="tertiary", alignment="left", key=key, on_click=picked)


def _statuses(width: int) -> Any:
    return MultiselectColumn("Status", width=width, options=list(STATUSES), color=list(STATUSES.values()))


def show_movements(
    rows: Sequence[Movement],
    zone: str,
    *,
    key: str,
    pick: Callable[[int], None],
    may_undo: bool = False,
    of_one_variant: bool = False,
) -> None:
    """Show movements, newest first; a click on one calls `pick` with its id. `key` must change with the page."""
    hidden = (*(("sku", "product", "size") if of_one_variant else ()), *_empty_columns(rows))
    columns = _movement_columns(rows, zone, f"{key}_wide", pick)
    with st.container(key=f"wide_{key}"):
        st.dataframe(
            _movements(rows, may_undo, hidden),
            column_config={name: column for name, column in columns.items() if name not in hidden},
            hide_index=True,
            height="content",
            row_height=ROW_HEIGHT,
            key=f"{key}_w",
            placeholder="",
            alt="Movements, newest first",
        )
    with st.container(key=f"narrow_{key}"):
        st.dataframe(
            _few_columns(rows, zone, of_one_variant),
            column_config={
                "change": _movement_button("Units", 58, f"{key}_narrow", rows, pick),
                "what": TextColumn("What", width=184),
                "at": TextColumn("When", width=110),
            },
            hide_index=True,
            height="content",
            row_height=TALL_ROW,
            key=f"{key}_n",
            alt="Movements, newest first",
        )


def _movements(rows: Sequence[Movement], may_undo: bool, hidden: Sequence[str]) -> pa.Table:
    columns = {
        "at": _moments(row.occurred_at for row in rows),
        "sku": [row.sku for row in rows],
        "product": [row.product for row in rows],
        "size": [row.size or "" for row in rows],
        "type": [[words.TYPE_LABELS[row.movement_type]] for row in rows],
        "reason": [row.reason_label for row in rows],
        "change": [words.signed(row.quantity) for row in rows],
        "level": [words.change(row.quantity_before, row.quantity_after) for row in rows],
        "by": [row.performed_by for row in rows],
        "reference": [row.reference_id or "" for row in rows],
        "note": [row.note or "" for row in rows],
        "open": [_action(row, may_undo) for row in rows],
    }
    return pa.table({name: column for name, column in columns.items() if name not in hidden})


def _few_columns(rows: Sequence[Movement], zone: str, of_one_variant: bool) -> pa.Table:
    whats = [f"{words.why(row)}, {row.performed_by}" for row in rows]
    whats = whats if of_one_variant else [f"{row.sku} {what}" for row, what in zip(rows, whats, strict=True)]
    return pa.table(
        {
            "change": [words.signed(row.quantity) for row in rows],
            "what": [f"{what} (undone)" if row.reversed_by else what for row, what in zip(rows, whats, strict=True)],
            "at": [words.short_moment(row.occurred_at, zone) for row in rows],
        }
    )


def _action(row: Movement, may_undo: bool) -> str:
    if row.reversed_by:
        return "Undone"
    return "Undo" if may_undo and undoable(row) else "Open"


def undoable(row: Movement) -> bool:
    """Whether core would undo it: something moved, it is no undo, and a sale or restoration was of an order here."""
    elsewhere = row.movement_type in (MovementType.SALE, MovementType.RESTORATION) and row.order_id is None
    return not (row.reverses_id or row.reversed_by or elsewhere or row.quantity == 0)


def _movement_columns(rows: Sequence[Movement], zone: str, key: str, pick: Callable[[int], None]) -> dict[str, Any]:
    colours = [_TYPE_COLOURS[kind] for kind in words.TYPE_LABELS]
    at, width = _moment_format(rows, zone)
    wide = {
        "at": width,
        "sku": _fitting((row.sku for row in rows), 70, 110),
        "size": 46,
        "type": 92,
        "reason": _fitting((row.reason_label for row in rows), 80, 150),
        "change": 60,
        "level": 86,
        "by": _fitting((row.performed_by for row in rows), 70, 120),
        "reference": _fitting((row.reference_id or "" for row in rows), 84, 110),
        "open": 72,
    }
    empty = _empty_columns(rows)
    rest = TABLE_WIDTH - sum(width for name, width in wide.items() if name not in empty)
    wide["product"] = max(rest if "note" in empty else rest - _NOTE_WIDTH, 120)
    return {
        "at": DatetimeColumn("When", width=wide["at"], format=at, timezone=zone),
        "sku": TextColumn("SKU", width=wide["sku"]),
        "product": TextColumn("Product", width=wide["product"]),
        "size": TextColumn("Size", width=wide["size"]),
        "type": MultiselectColumn("Type", width=wide["type"], options=list(words.TYPE_LABELS.values()), color=colours),
        "reason": TextColumn("Reason", width=wide["reason"]),
        "change": TextColumn("Units", width=wide["change"], alignment="right"),
        "level": TextColumn("Level", width=wide["level"], alignment="right", help="On hand before and after"),
        "by": TextColumn("By", width=wide["by"]),
        "reference": TextColumn("Reference", width=wide["reference"], help="The order, refund or delivery behind it"),
        "note": TextColumn("Note", width=_NOTE_WIDTH),
        "open": _movement_button("", wide["open"], key, rows, pick),
    }


def _empty_columns(rows: Sequence[Movement]) -> tuple[str, ...]:
    """Return what none of these rows has: a column of nothing takes the room that names need."""
    kept = {"size": any(row.size for row in rows), "note": any(row.note for row in rows)}
    return tuple(name for name, wanted in kept.items() if not wanted)


def _moment_format(rows: Sequence[Movement], zone: str) -> tuple[str, int]:
    """Return how moments are written, with the year only where it is not this one, and how wide that is."""
    years = {words.local(row.occurred_at, zone).year for row in rows}
    this_year = {words.local(datetime.now(UTC), zone).year}
    return ("D MMM, HH:mm", 100) if years <= this_year else ("D MMM YYYY, HH:mm", 128)


def _fitting(texts: Iterable[str], least: int, most: int) -> int:
    """Return a width in pixels in which most of these texts are read whole."""
    longest = max((len(text) for text in texts), default=0)
    return min(max(7 * longest + 18, least), most)


def _movement_button(label: str, width: int, key: str, rows: Sequence[Movement], pick: Callable[[int], None]) -> Any:
    ids = [row.movement_id for row in rows]  # of this very drawing: a click tells a position, not a movement

    def picked() -> None:
        pick(ids[st.session_state[key]["row"]])

    return ButtonColumn(label, width=width, type="tertiary", alignment="right", key=key, on_click=picked)


def size_order(size: str | None) -> tuple[int, float, str]:
    """Return what puts sizes in the order of a shelf: numbers by value, letters from small to large, the rest."""
    text = (size or "").strip()
    try:
        return (0, float(text.replace(",", ".")), text)
    except ValueError:
        known = _LETTERS.index(text.upper()) if text.upper() in _LETTERS else None
        return (1, known, text) if known is not None else (2, 0, text)


_LETTERS = ("XXS", "XS", "S", "M", "L", "XL", "XXL", "2XL", "XXXL", "3XL")
