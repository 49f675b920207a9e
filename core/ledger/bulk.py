"""Changing many levels from a CSV file: read it, say what it would do, row by row, then post it as one operation.

Two kinds of file. With a column `change`, units are added or taken away. With a column `set_to`, levels are set, and
`on_hand` is the level the person saw when the file was made: where it has moved since, nothing is set. Other columns
are ignored, so the exported list of levels with a column added is such a file; a row without a value is left out.
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
    """What the numbers of a file are."""

    CHANGE = "change"
    SET = "set_to"


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkRow:
    """One row and what it would do: the level goes from `before` to `after`."""

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
    """What a file would do. It can be posted if there is no problem."""

    kind: BulkKind
    rows: tuple[BulkRow, ...]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that stands in the way, in the order of the file."""
        return tuple(row.problem for row in self.rows if row.problem)

    def changes(self) -> list[Line]:
        """Return what `ledger.adjust` takes."""
        return [Line(variant_id=row.variant.variant_id, quantity=row.change) for row in self.rows if row.variant]

    def levels(self) -> list[LevelLine]:
        """Return what `ledger.set_level` takes."""
        return [
            LevelLine(variant_id=row.variant.variant_id, target=row.after, seen=row.before)
            for row in self.rows
            if row.variant
        ]


def preview(
    connection: Connection, actor: Actor, *, content: bytes, file_name: str, from_present: bool = False
) -> BulkPreview:
    """Tell what posting this file would do; nothing is changed.

    `from_present`: levels are set from where they stand now, whatever the file says was seen. Raises Unreadable where
    the file as a whole cannot be read; bad rows are told in the answer.
    """
    require(connection, actor, Permission.SET_LEVEL)
    kind, rows = _read(content, file_name)
    known = reports.find_many(connection, actor, skus=[row["sku"] for _, row in rows])
    first: dict[str, int] = {}
    told = []
    for line, row in rows:
        earlier = first.setdefault(row["sku"], line)
        told.append(_row(kind, line, row, known.get(row["sku"]), earlier, from_present=from_present))
    return BulkPreview(kind=kind, rows=tuple(told))


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
        raise Unreadable(f"{name} has {len(rows):,} rows; {MAX_LINES:,} is the most. Split it; nothing was changed.")
    return kinds[0], rows


def _row(
    kind: BulkKind, line: int, row: Mapping[str, str], variant: LevelRow | None, earlier: int, *, from_present: bool
) -> BulkRow:
    sku, said = row["sku"], row[kind]
    value = whole(said)
    now = variant.on_hand if variant else 0
    seen = now if from_present else whole(row.get("on_hand", "")) if kind is BulkKind.SET else now
    before = now if seen is None else seen
    after = before if value is None else now + value if kind is BulkKind.CHANGE else value

    def because(field: str, why: str, given: str | None = None) -> BulkRow:
        problem = Problem(line=line, field=field, why=why, value=None if given is None else given[:80])
        return BulkRow(line=line, sku=sku, variant=variant, before=before, after=after, problem=problem)

    if variant is None:
        return because("sku", "is not in the catalogue", sku)
    if earlier != line:
        return because("sku", f"stands on line {earlier}, too", sku)
    if value is None or abs(value) > MAX_UNITS:
        return because(kind, f"is not a whole number up to {MAX_UNITS:,}", said)
    if kind is BulkKind.CHANGE and value == 0:
        return because(kind, "must not be zero", said)
    if after < 0:
        return because(kind, f"would take the level below zero: {now:,} on hand", said)
    if after < variant.reserved:
        return because(kind, f"would leave less than the {variant.reserved:,} reserved", said)
    if before != now:
        return because("on_hand", f"has moved since: it stands at {now:,} now", f"{before:,}")
    return BulkRow(line=line, sku=sku, variant=variant, before=before, after=after, problem=None)


def whole(said: str) -> int | None:
    """Return a whole number as people and spreadsheets write it, or None."""
    text = said.removesuffix(".0").replace("\N{MINUS SIGN}", "-")
    return int(text) if _WHOLE.fullmatch(text) else None
