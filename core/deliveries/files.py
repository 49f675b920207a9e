"""Reads a supplier's note from a file of any format, with the columns that a person has confirmed."""

from __future__ import annotations

from core.deliveries.note import CODE, COST, LONGEST_CODE, MOST_LINES, TITLES, UNITS, NoteLine
from core.foundation.cells import Problem
from core.foundation.errors import Unreadable
from core.foundation.model import MAX_UNITS
from core.sheets import Field, Kind, Match, read

PURPOSE = "delivery"
FIELDS = (
    Field(name=CODE, titles=TITLES[CODE], kind=Kind.CODE, is_required=True, longest=LONGEST_CODE, label="SKU or code"),
    Field(name=UNITS, titles=TITLES[UNITS], kind=Kind.UNITS, is_required=True, label="quantity"),
    Field(name=COST, titles=TITLES[COST], kind=Kind.AMOUNT, label="unit cost"),
)
EXAMPLES = (("TR-42", 12, "39.90"), ("TR-43", 6, "39.90"))


def lines_of(match: Match) -> tuple[NoteLine, ...]:
    """Return the lines of a matched file. A row that cannot be read is kept with its problem.

    Raises Unreadable if a question is open, or if there are too many rows.
    """
    if len(match.sheet.records) > MOST_LINES:
        raise Unreadable(f"{match.sheet.name} has more than {MOST_LINES:,} rows; split it. Nothing was saved.")
    found = read(match)
    originals = {
        line: "\t".join(record).strip() for line, record in zip(match.sheet.lines, match.sheet.records, strict=True)
    }
    wrong: dict[int, list[Problem]] = {}
    for problem in found.problems:
        wrong.setdefault(problem.line, []).append(problem)
    return tuple(
        _line(row.line, dict(row.values), originals[row.line], match, wrong.get(row.line, [])) for row in found.rows
    )


def original_of(match: Match) -> str:
    """Return the file as lines of text, with its name."""
    rows = ["\t".join(record) for record in (match.sheet.header, *match.sheet.records)]
    return "\n".join([match.sheet.name, *rows])


def _line(n: int, values: dict[str, object], original: str, match: Match, problems: list[Problem]) -> NoteLine:
    units, code = values.get(UNITS, 0), str(values.get(CODE, "") or original)
    said = [_said(problem, match) for problem in problems]
    if isinstance(units, int) and not 0 <= units <= MAX_UNITS:
        said.append(f"quantity {units:,} must be between 0 and {MAX_UNITS:,}")
    shown = "".join(c if c.isprintable() else " " for c in code)[:LONGEST_CODE].strip() or "?"
    cost = values.get(COST)
    return NoteLine(
        line=n,
        code=shown,
        units=0 if said or not isinstance(units, int) else units,
        unit_cost=cost if not isinstance(cost, str) else None,  # type: ignore[arg-type]
        original=original,
        problem=f"Line {n}: {'; '.join(said)}." if said else None,
    )


def _said(problem: Problem, match: Match) -> str:
    called = next((field.called for field in match.fields if field.name == problem.field), problem.field)
    value = f" “{problem.value}”" if problem.value else ""
    return f"{called}{value} {problem.why}"
