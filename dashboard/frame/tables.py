"""Variants and movements as tables, and facts as a list of names and values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

import pyarrow as pa
import streamlit as st
from streamlit.column_config import DatetimeColumn, ImageColumn, LineChartColumn, NumberColumn, TextColumn
from streamlit.dataframe_util import convert_anything_to_arrow_bytes

from core.deliveries.reads import Expected
from core.foundation.model import LevelRow, Movement, MovementType
from dashboard.frame import columns, words
from dashboard.language import formats
from dashboard.language.said import translated
from dashboard.language.texts import lazy, marked, tr

PAGE_ROWS = 50
LEVEL_COLUMNS = lazy({
    "picture": "Picture", "product": "Product", "size": "Size", "shelf": "Shelf", "status": "Status",
    "on_hand": "On hand", "reserved": "Reserved", "available": "Available", "expected": "Expected",
    "reorder_point": "Reorder at", "cover": "Cover", "trend": "30 days", "moved": "Moved", "counted": "Counted",
})  # fmt: skip
"""The columns of `show_levels` that can be chosen, by name. The SKU opens the variant, so it is always there."""
MOVEMENT_COLUMNS = lazy({
    "at": "When", "sku": "SKU", "product": "Product", "size": "Size", "type": "Type", "reason": "Reason",
    "change": "Units", "level": "Level", "by": "By", "reference": "Reference", "note": "Note",
})  # fmt: skip
"""The columns of `show_movements` that can be chosen, by name."""
TABLE_WIDTH = 1_004  # pixels between the margins of a card on a desktop
EXPECTED_HELP = marked("Units that are expected from open deliveries, and when the next delivery is due")
COVER_HELP = marked(
    "How long the available units last, at the units sold per day in stock of the last 30 days. "
    "Days without a unit on the shelf do not count."
)
INSPECTION_HELP = marked("Units that came back and wait for a decision: neither on hand nor available")
STATUSES = marked({"In stock": "green", "Low": "orange", "Out": "red", "Inactive": "gray"})
_TYPE_COLOURS = {
    MovementType.PURCHASE: "primary",
    MovementType.SALE: "orange",
    MovementType.RESTORATION: "blue",
    MovementType.ADJUSTMENT: "gray",
    MovementType.COUNT: "violet",
}


def show_facts(facts: Mapping[str, str]) -> None:
    """Show names and values below each other; empty values are left out."""
    shown = {words.plain(name): words.plain(text) for name, text in facts.items() if text}
    st.table(
        pa.table([list(shown.values()), list(shown)], schema=_facts_schema()),
        border="horizontal", hide_index=False, hide_header=True,
    )  # fmt: skip


@cache
def _facts_schema() -> pa.Schema:
    """Return the columns of facts as Streamlit sends a dictionary, which it turns into two pandas frames each time."""
    return pa.ipc.open_stream(convert_anything_to_arrow_bytes({"": ""})).schema


def show_levels(
    rows: Sequence[LevelRow],
    zone: str,
    *,
    key: str,
    pick: Callable[[str], None],
    expected: Mapping[UUID, Expected] | None = None,
    shown: Sequence[str] = (),
) -> None:
    """Show variants with their levels; a click on a SKU calls `pick`. `key` must change with page and filter.

    `expected` is what deliveries still bring of them, `shown` the chosen columns.
    """
    skus = [row.sku for row in rows]
    wide = {"sku": (skus, columns.opener("SKU", 102, skus, pick)), **_levels(rows, zone, expected or {})}
    columns.show(
        columns.arranged(wide, shown, always=("sku",)),
        {
            "sku": (skus, columns.opener("SKU", 100, skus, pick)),
            "variant": ([words.variant(row) for row in rows], TextColumn(tr("Variant"), width=120)),
            "available": ([row.available for row in rows], NumberColumn(tr("Avail."), width=62)),
            "status": ([words.status(row) for row in rows], TextColumn(tr("Status"), width=76)),
        },
        key=key,
        alt=tr("Variants with their levels"),
        placeholder=words.NOTHING,
    )


def _levels(rows: Sequence[LevelRow], zone: str, expected: Mapping[UUID, Expected]) -> columns.Table:
    def units(label: str, width: int, about: str) -> Any:
        return NumberColumn(label, width=width, help=about, format="localized")

    def distance(label: str, about: str) -> Any:
        return DatetimeColumn(label, width=92, help=about, format=formats.column_distance(), timezone=zone)

    cover = [None if row.cover_days is None else round(row.cover_days) for row in rows]
    trend = LineChartColumn(tr("30 days"), width=80, y_min=0, help=tr("Units on hand at the end of each day"))
    picture, shelf = [row.picture or "" for row in rows], [row.shelf_place or "" for row in rows]
    due = [words.due(expected.get(row.variant_id)) for row in rows]
    inspected = [row.in_inspection for row in rows]
    reorder = fitting([tr("Reorder at")], 80, 104)
    wide = (140 if any(picture) or any(shelf) or any(due) else 158) - (reorder - 80)
    return {
        **({"picture": (picture, ImageColumn("", width=40))} if any(picture) else {}),
        "product": ([words.product(row) for row in rows], TextColumn(tr("Product"), width=wide)),
        "size": ([row.size or "" for row in rows], TextColumn(tr("Size"), width=54)),
        **({"shelf": (shelf, TextColumn(tr("Shelf"), width=66))} if any(shelf) else {}),
        "status": ([[words.status(row)] for row in rows], columns.tags(tr("Status"), 82, STATUSES)),
        "on_hand": ([row.on_hand for row in rows], units(tr("On hand"), 70, tr("Units physically in stock"))),
        "reserved": ([row.reserved for row in rows], units(tr("Reserved"), 74, tr("Units held for checkouts"))),
        "available": ([row.available for row in rows], units(tr("Available"), 74, tr("On hand minus reserved"))),
        **({"expected": (due, TextColumn(tr("Expected"), width=104, help=tr(EXPECTED_HELP)))} if any(due) else {}),
        "reorder_point": (
            [row.reorder_point for row in rows],
            units(tr("Reorder at"), reorder, tr("At this level on hand, the variant is low")),
        ),
        "cover": (cover, NumberColumn(tr("Cover"), width=74, format=tr("%d days"), help=tr(COVER_HELP))),
        "trend": ([list(row.trend) for row in rows], trend),
        "moved": (_moments(row.last_moved_at for row in rows), distance(tr("Moved"), tr("Last movement"))),
        "counted": (_moments(row.last_counted_at for row in rows), distance(tr("Counted"), tr("Last count"))),
        **(
            {"in_inspection": (inspected, units(tr("In inspection"), 96, tr(INSPECTION_HELP)))}
            if any(inspected)
            else {}
        ),
    }


def _moments(moments: Iterable[datetime | None]) -> pa.Array:
    return pa.array(moments, type=pa.timestamp("us", tz="UTC"))


def show_movements(
    rows: Sequence[Movement],
    zone: str,
    *,
    key: str,
    pick: Callable[[int], None],
    may_undo: bool = False,
    of_one_variant: bool = False,
    shown: Sequence[str] = (),
) -> None:
    """Show movements, newest first; a click on one calls `pick` with its id. `key` must change with the page.

    `shown`: the chosen columns.
    """
    hidden = (*(("sku", "product", "size") if of_one_variant else ()), *_empty_columns(rows))
    ids = [row.movement_id for row in rows]
    actions = [_action(row, may_undo) for row in rows]
    widths, is_cut = _widths(rows, zone, hidden, actions)
    wide = {
        **_movements(rows, zone, widths),
        "open": (actions, columns.opener("", widths["open"], ids, pick)),
    }
    units = [words.signed(row.quantity) for row in rows]
    if shown:
        hidden = ()
    columns.show(
        columns.arranged(
            {name: column for name, column in wide.items() if name not in hidden}, shown, always=("open",)
        ),
        {
            "change": (units, columns.opener(tr("Units"), 58, ids, pick, align="right")),
            "what": ([_summary(row, of_one_variant) for row in rows], TextColumn(tr("What"), width=184)),
            "at": ([words.short_moment(row.occurred_at, zone) for row in rows], TextColumn(tr("When"), width=110)),
        },
        key=key,
        alt=tr("Movements, newest first"),
        heights=(columns.TALL_ROW if is_cut else columns.ROW_HEIGHT, columns.TALL_ROW),
    )


def _widths(
    rows: Sequence[Movement], zone: str, hidden: Sequence[str], actions: Sequence[str]
) -> tuple[dict[str, int], bool]:
    """Return the width of each column, and whether a product or note needs a second line all the same."""
    widths = {
        "at": _moment_format(rows, zone)[1],
        "sku": fitting((row.sku for row in rows), 70, 110),
        "size": 46,
        "type": fitting((words.TYPE_LABELS[row.movement_type] for row in rows), 60, 92),
        "reason": fitting((translated(row.reason_label) for row in rows), 80, 150),
        "change": 60,
        "level": fitting((words.change(row.quantity_before, row.quantity_after) for row in rows), 68, 96),
        "by": fitting((row.performed_by for row in rows), 70, 120),
        "reference": fitting((row.reference_id or "" for row in rows), 84, 110),
        "open": fitting(actions, 72, 120),
    }
    needs = {
        "product": (108, fitting((row.product for row in rows), 108, 420)),
        "note": (64, fitting((words.note(row.note) for row in rows), 64, 420)),
    }
    needs = {name: need for name, need in needs.items() if name not in hidden}
    room = TABLE_WIDTH - sum(width for name, width in widths.items() if name not in hidden)
    shared = share(room, needs)
    return widths | shared, any(shared[name] < most for name, (_, most) in needs.items())


def share(room: int, needs: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    """Return how wide each column is that shares this room: at least its first number, at most its second."""
    left = max(room - sum(least for least, _ in needs.values()), 0)
    wanted = sum(most - least for least, most in needs.values())
    part = min(left / wanted, 1) if wanted else 0
    return {name: least + int((most - least) * part) for name, (least, most) in needs.items()}


def _movements(rows: Sequence[Movement], zone: str, widths: Mapping[str, int]) -> columns.Table:
    colours = {label: _TYPE_COLOURS[kind] for kind, label in words.TYPE_LABELS.items()}
    at, _ = _moment_format(rows, zone)

    def text(name: str, label: str, about: str | None = None) -> Any:
        return TextColumn(label, width=widths.get(name, 64), help=about)

    return {
        "at": (
            _moments(row.occurred_at for row in rows),
            DatetimeColumn(tr("When"), width=widths["at"], format=at, timezone=zone),
        ),
        "sku": ([row.sku for row in rows], text("sku", "SKU")),
        "product": ([row.product for row in rows], text("product", tr("Product"))),
        "size": ([row.size or "" for row in rows], text("size", tr("Size"))),
        "type": (
            [[words.TYPE_LABELS[row.movement_type]] for row in rows],
            columns.tags(tr("Type"), widths["type"], colours),
        ),
        "reason": ([translated(row.reason_label) for row in rows], text("reason", tr("Reason"))),
        "change": (
            [words.signed(row.quantity) for row in rows],
            TextColumn(tr("Units"), width=widths["change"], alignment="right"),
        ),
        "level": (
            [words.change(row.quantity_before, row.quantity_after) for row in rows],
            TextColumn(tr("Level"), width=widths["level"], alignment="right", help=tr("On hand before and after")),
        ),
        "by": ([row.performed_by for row in rows], text("by", tr("By"))),
        "reference": (
            [row.reference_id or "" for row in rows],
            text("reference", tr("Reference"), tr("The order, refund or delivery it belongs to")),
        ),
        "note": ([words.note(row.note) for row in rows], text("note", tr("Note"))),
    }


def _summary(row: Movement, of_one_variant: bool) -> str:
    sku = "" if of_one_variant else f"{row.sku} "
    return f"{sku}{words.why(row)}, {row.performed_by}{(tr(' (undone)') if row.reversed_by else '')}"


def _action(row: Movement, may_undo: bool) -> str:
    if row.reversed_by:
        return tr("Undone")
    return tr("Undo") if may_undo and undoable(row) else tr("Open")


def undoable(row: Movement) -> bool:
    """Return whether core would undo this movement.

    It must have changed the level, not be an undo or undone, and if it is a sale or a restoration, belong to an order
    that is recorded here.
    """
    elsewhere = row.movement_type in (MovementType.SALE, MovementType.RESTORATION) and row.order_id is None
    return not (row.reverses_id or row.reversed_by or elsewhere or row.quantity == 0)


def _empty_columns(rows: Sequence[Movement]) -> tuple[str, ...]:
    """Return the columns that are empty in all of these rows: without them, names have more room."""
    used = {"size": any(row.size for row in rows), "note": any(row.note for row in rows)}
    return tuple(name for name, is_used in used.items() if not is_used)


def _moment_format(rows: Sequence[Movement], zone: str) -> tuple[str, int]:
    """Return how to write moments, with the year only if it is not the current one, and the width that takes."""
    years = {words.local(row.occurred_at, zone).year for row in rows}
    this_year = {words.local(datetime.now(UTC), zone).year}
    return (formats.column_moment(year=False), 100) if years <= this_year else (formats.column_moment(), 128)


def fitting(texts: Iterable[str], least: int, most: int) -> int:
    """Return a width in pixels in which most of these texts fit."""
    longest = max((len(text) for text in texts), default=0)
    return min(max(7 * longest + 18, least), most)
