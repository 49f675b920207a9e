"""Changing many levels from a file: read it, preview each row, then post it as one operation.

There are two kinds of file. With a column `change`, units are added or taken away. With a column `set_to`, levels are
set, and `on_hand` is the level at the time of the export: if it has changed since, nothing is set. Other columns are
ignored, so an exported list of levels with one column added is such a file. Rows without a value are skipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from core.foundation.cells import Problem
from core.foundation.errors import Unreadable
from core.foundation.model import MAX_LINES, Actor, LevelLine, LevelRow, Line
from core.ledger import reports
from core.people.access import Permission
from core.people.guard import require
from core.sheets import Choices, Field, Kind, Match, ReadFile, ReadRow, match, open_sheet, read
from core.sheets.model import MEANING
from core.sheets.reading import Tell

_EITHER = ("quantity", "qty", "units", "Menge", "Anzahl", "quantité", "cantidad", "quantità", "aantal")
FIELDS = (
    Field(name="sku", kind=Kind.CODE, is_required=True, longest=80, label="SKU"),
    Field(name="change", kind=Kind.CHANGE, label="units to add or take away", titles=(*_EITHER, "adjustment", "delta")),
    Field(name="set_to", kind=Kind.CHANGE, label="the new level",
          titles=(*_EITHER, "new level", "new quantity", "counted", "count", "Bestand neu", "new stock", "actual")),
    Field(name="on_hand", kind=Kind.CHANGE, label="the level at the export", titles=("current quantity",)),
)  # fmt: skip
_TOLD_EVERY = 1_000
EXAMPLES = (("RUN-01-42", "", 12, 14), ("RUN-01-43", "", 8, 8))


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

    @property
    def is_below_held(self) -> bool:
        """Whether checkouts hold more units than the new level: a count gives the latest holds up."""
        return self.problem is None and self.variant is not None and self.after < self.variant.reserved


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkFile:
    """A file as read, before it is compared with the levels: its rows with a value, and the problem of a line."""

    kind: BulkKind
    rows: tuple[ReadRow, ...]
    problems: tuple[Problem, ...]
    has_on_hand: bool


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
    connection: Connection,
    actor: Actor,
    *,
    content: bytes,
    file_name: str,
    from_present: bool = False,
    choices: Choices | None = None,
) -> BulkPreview:
    """Return what posting this file would do; nothing is changed.

    With `from_present`, levels are set from their present value, whatever the file has in `on_hand`. Raises Unreadable
    if the file as a whole cannot be read; bad rows are reported in the preview.
    """
    chosen = choices or Choices()
    sheet = open_sheet(content, file_name, tab=chosen.tab)
    found = match(sheet, FIELDS, chosen=chosen.columns, answers=chosen.answers)
    return preview_matched(connection, actor, found=found, from_present=from_present)


def preview_matched(connection: Connection, actor: Actor, *, found: Match, from_present: bool = False) -> BulkPreview:
    """Return what posting a matched file would do. Otherwise as `preview`."""
    require(connection, actor, Permission.SET_LEVEL)
    return preview_file(connection, actor, file=bulk_of(found), from_present=from_present)


def bulk_of(found: Match, tell: Tell = lambda *_: None) -> BulkFile:
    """Return the rows of a matched file. Raises Unreadable if it does not change levels. Uses no database."""
    if why := lacks(found):
        raise Unreadable(f"The first line of {found.sheet.name} {why} Nothing was changed.")
    kind = next(each for each in BulkKind if each in found.columns)
    file = read(found, tell=tell)
    rows = tuple(_rows(file, kind))
    has_on_hand = "on_hand" in found.columns and kind is BulkKind.SET
    return BulkFile(kind=kind, rows=rows, problems=file.problems, has_on_hand=has_on_hand)


def preview_file(
    connection: Connection, actor: Actor, *, file: BulkFile, from_present: bool = False, tell: Tell = lambda *_: None
) -> BulkPreview:
    """Return what posting a file would do. `tell` is called with the rows done and the rows in all."""
    require(connection, actor, Permission.SET_LEVEL)
    bad = {
        problem.line: problem for problem in reversed(file.problems) if problem.field != "on_hand" or not from_present
    }
    skus = [row.values["sku"] for row in file.rows if row.values.get("sku")]
    known = reports.find_many(connection, actor, skus=skus)
    has_seen = file.has_on_hand and not from_present
    first: dict[str, int] = {}
    previewed = []
    for done, row in enumerate(file.rows):
        if not done % _TOLD_EVERY:
            tell(done, len(file.rows))
        sku = row.values.get("sku", "")
        variant = known.get(sku)
        earlier = first.setdefault(variant.sku if variant else sku, row.line)
        previewed.append(_row(file.kind, row, sku, variant, earlier, bad.get(row.line), has_seen))
    return BulkPreview(kind=file.kind, rows=tuple(previewed))


def lacks(found: Match) -> str:
    """Return what a matched file lacks to be one that changes levels, or nothing."""
    kinds = [kind for kind in BulkKind if kind in found.columns]
    asked = next((each for each in found.questions if each.name.startswith(MEANING)), None)
    if asked is not None:
        title = asked.name.removeprefix(f"{MEANING}:")
        return f"names the column {title}, which may be units to add or the new level. Call it change or set_to."
    if found.missing or len(kinds) != 1:
        return "must name the column sku, and either change (units to add or take away) or set_to (the new level)."
    return ""


def _rows(file: ReadFile, kind: BulkKind) -> list[ReadRow]:
    bad = {problem.line for problem in file.problems if problem.field in (kind, "row", "sku")}
    rows = [row for row in file.rows if row.values.get(kind) is not None or row.line in bad]
    if not rows:
        raise Unreadable(f"No row of {file.name} has a value in its column {kind}; nothing was changed.")
    if len(rows) > MAX_LINES:
        raise Unreadable(
            f"{file.name} has {len(rows):,} rows; the limit is {MAX_LINES:,}. Split it; nothing was changed."
        )
    return rows


def _row(
    kind: BulkKind, row: ReadRow, sku: str, variant: LevelRow | None, earlier: int, bad: Problem | None, has_seen: bool
) -> BulkRow:
    line, value = row.line, row.values.get(kind)
    now = variant.on_hand if variant else 0
    seen: int | None = row.values.get("on_hand") if has_seen else now
    before = now if seen is None else seen
    after = before if value is None else now + value if kind is BulkKind.CHANGE else value
    row_of: dict[str, Any] = {"line": line, "sku": sku, "variant": variant, "before": before, "after": after}
    if bad is not None and (bad.field in ("row", "sku") or (variant is not None and earlier == line)):
        return BulkRow(problem=bad, **row_of)
    fault: tuple[str, str, str] | None
    if variant is None:
        fault = ("sku", "is not in the catalogue", sku)
    elif earlier != line:
        fault = ("sku", f"is also on line {earlier}", sku)
    elif seen is None:
        fault = ("on_hand", "is empty; fill it in, or ignore the levels in the file", "")
    else:
        fault = _fault(kind, variant, now, before, after)
    problem = Problem(line=line, field=fault[0], why=fault[1], value=fault[2][:80]) if fault else None
    return BulkRow(problem=problem, **row_of)


def _fault(kind: BulkKind, variant: LevelRow, now: int, before: int, after: int) -> tuple[str, str, str] | None:
    """Return what forbids a change: the field, why, and the value."""
    given = f"{after - now:,}" if kind is BulkKind.CHANGE else f"{after:,}"
    if kind is BulkKind.CHANGE and after == now:
        return kind, "must not be zero", given
    if after < 0:
        return kind, f"would take the level below zero: {now:,} on hand", given
    if kind is BulkKind.CHANGE and after < variant.reserved:
        return kind, f"would leave fewer units than the {variant.reserved:,} reserved", given
    if before != now:
        return "on_hand", f"has changed since the export: it is {now:,} now", f"{before:,}"
    return None
