"""A history that is no plain CSV: a workbook, other encodings and delimiters, titles above the header, other names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from core.foundation.cells import Problem
from core.sheets import Choices, Field, Kind, match_alone, open_sheet, read

REQUIRED = ("occurred_at", "sku", "movement_type", "reason", "quantity", "reference")
OPTIONAL = ("name",)
COLUMNS = REQUIRED + OPTIONAL
MOST_BYTES = 300_000_000
MOST_ROWS = 1_000_000
_LONG = 1_000_000  # the rules of a history say how long a text may be
FIELDS = (
    Field(name="occurred_at", kind=Kind.MOMENT, is_required=True, titles=("date", "moment", "timestamp")),
    Field(name="sku", kind=Kind.CODE, is_required=True, longest=_LONG),
    Field(name="movement_type", is_required=True, longest=_LONG, titles=("type",)),
    Field(name="reason", is_required=True, longest=_LONG),
    Field(name="quantity", kind=Kind.CHANGE, is_required=True, titles=("units", "qty", "change")),
    Field(name="reference", is_required=True, may_be_empty=True, longest=_LONG, titles=("document", "order")),
    Field(name="name", longest=_LONG, titles=("product", "product name")),
)


def read_sheet(path: Path, choices: Choices | None) -> tuple[pa.Table, list[Problem]]:
    """Return the rows of a history file as texts with their lines, and what is wrong with them.

    Raises Unreadable if the file as a whole cannot be read, or somebody must be asked.
    """
    chosen = choices or Choices()
    sheet = open_sheet(path.read_bytes(), path.name, tab=chosen.tab, most_bytes=MOST_BYTES, most_rows=MOST_ROWS)
    file = read(match_alone(sheet, FIELDS, chosen))
    lines = pa.array([row.line for row in file.rows], pa.int32())
    columns: dict[str, Any] = {
        name: pa.array([_text(row.values.get(name)) for row in file.rows], pa.string()) for name in COLUMNS
    }
    return pa.table(columns | {"line": lines}), list(file.problems)


def _text(value: Any) -> str:
    return "" if value is None else str(value)
