"""Changing many levels from a CSV file: read it, preview each row, then post it as one operation.

There are two kinds of file. With a column `change`, units are added or taken away. With a column `set_to`, levels are
set, and `on_hand` is the level at the time of the export: if it has changed since, nothing is set. Other columns are
ignored, so an exported list of levels with one column added is such a file. Rows without a value are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection

from core.foundation import csv_file
from core.foundation.cells import Problem
from core.foundation.errors import Unreadable
from core.foundation.model import MAX_LINES, MAX_UNITS, Actor, LevelLine, LevelRow, Line
from core.ledger import reports
from core.people.access import Permission
from core.people.guard import require

MAX_BYTES = 2_000_000
_WHOLE = re.compile(r"[+-]?[0-9]{1,9}")


class BulkKind(StrEnum):
    """What the numbers of a file mean."""

    CHANGE = "change"
    SET = "set_to"


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkRow:
    """One row and its effect: the level goes from `before` to `after`."""

    line: int
    sku: str
    variant: LevelRow | None
    before: int
    after: int
    problem: Problem | None

    @property
    def change(self) -> int:
        """Signed units."""
        return self.after - self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkPreview:
    """The effect of a file. It can be posted if there is no problem."""

    kind: BulkKind
    rows: tuple[BulkRow, ...]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that prevents posting, in the order of the file."""
        return tuple(row.problem for row in self.rows if row.problem)

    def changes(self) -> list[Line]:
        """Return the lines for `changes.adjust`."""
        return [Line(variant_id=row.variant.variant_id, quantity=row.change) for row in self.rows if row.variant]

    def levels(self) -> list[LevelLine]:
        """Return the lines for `changes.set_level`."""
        return [
            LevelLine(variant_id=row.variant.variant_id, target=row.after, seen=row.before)
            for row in self.rows
            if row.variant
        ]


def preview(
    connection: Connection, actor: Actor, *, content: bytes, file_name: str, from_present: bool = False
) -> BulkPreview:
    """Return what posting this file would do; nothing is changed.

    With `from_present`, levels are set from their present value, whatever the file has in `on_hand`. Raises Unreadable
    if the file as a whole cannot be read; bad rows are reported in the preview.
    """
    require(connection, actor, Permission.SET_LEVEL)
    kind, rows = _read(content, file_name)
    known = reports.find_many(connection, actor, skus=[row["sku"] for _, row in rows])
    first: dict[str, int] = {}
    previewed = []
    for line, row in rows:
        variant = known.get(row["sku"])
        earlier = first.setdefault(variant.sku if variant else row["sku"], line)
        previewed.append(_row(kind, line, row, known.get(row["sku"]), earlier, from_present=from_present))
    return BulkPreview(kind=kind, rows=tuple(previewed))


def _read(content: bytes, name: str) -> tuple[BulkKind, list[tuple[int, dict[str, str]]]]:
    records = csv_file.records(csv_file.decoded(content, name, most_bytes=MAX_BYTES), name)
    titles = [re.sub(r"[\s-]+", "_", title.lower()) for title in next(records, (1, []))[1]]
    kinds = [kind for kind in BulkKind if kind in titles]
    if "sku" not in titles or len(kinds) != 1:
        raise Unreadable(
            f"The first line of {name} must name the column sku, and either change (units to add or take away) "
            "or set_to (the new level). Nothing was changed."
        )
    rows = [(line, dict(zip(titles, values, strict=False))) for line, values in records]
    rows = [(line, row) for line, row in rows if row.get(kinds[0])]
    if not rows:
        raise Unreadable(f"No row of {name} has a value in its column {kinds[0]}; nothing was changed.")
    if len(rows) > MAX_LINES:
        raise Unreadable(f"{name} has {len(rows):,} rows; the limit is {MAX_LINES:,}. Split it; nothing was changed.")
    return kinds[0], rows


def _row(
    kind: BulkKind, line: int, row: Mapping[str, str], variant: LevelRow | None, earlier: int, *, from_present: bool
) -> BulkRow:
    sku, given = row["sku"], row[kind]
    value = whole(given)
    now = variant.on_hand if variant else 0
    seen = now if from_present else whole(row.get("on_hand", "")) if kind is BulkKind.SET else now
    before = now if seen is None else seen
    after = before if value is None else now + value if kind is BulkKind.CHANGE else value

    def because(field: str, why: str, value: str) -> BulkRow:
        problem = Problem(line=line, field=field, why=why, value=value[:80])
        return BulkRow(line=line, sku=sku, variant=variant, before=before, after=after, problem=problem)

    if variant is None:
        return because("sku", "is not in the catalogue", sku)
    if earlier != line:
        return because("sku", f"is also on line {earlier}", sku)
    if value is None or abs(value) > MAX_UNITS:
        return because(kind, f"is not a whole number up to {MAX_UNITS:,}", given)
    if kind is BulkKind.CHANGE and value == 0:
        return because(kind, "must not be zero", given)
    if after < 0:
        return because(kind, f"would take the level below zero: {now:,} on hand", given)
    if after < variant.reserved:
        return because(kind, f"would leave fewer units than the {variant.reserved:,} reserved", given)
    if before != now:
        return because("on_hand", f"has changed since the export: it is {now:,} now", f"{before:,}")
    return BulkRow(line=line, sku=sku, variant=variant, before=before, after=after, problem=None)


def whole(written: str) -> int | None:
    """Return a whole number as people and spreadsheets write it, or None."""
    text = written.removesuffix(".0").replace("\N{MINUS SIGN}", "-")
    return int(text) if _WHOLE.fullmatch(text) else None
