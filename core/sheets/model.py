"""What a file is to a reader: a sheet of rows, the fields we want of it, and which column holds which field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from core.foundation.cells import Problem


class NumberCell(str):
    """A number that the file stores as a number, written with a decimal point. It cannot be misread."""

    __slots__ = ()


class DateCell(str):
    """A date that the file stores as a date, in ISO 8601."""

    __slots__ = ()


class FormulaCell(str):
    """A formula whose result the file does not hold, as a program writes it that does not calculate."""

    __slots__ = ()


class Kind(StrEnum):
    """What the values of a field are."""

    TEXT = "text"
    CODE = "code"
    SIZE = "size"
    UNITS = "units"
    CHANGE = "change"
    AMOUNT = "amount"
    MOMENT = "moment"
    YES = "yes or no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of ours. `titles` are other names under which files have it; capitals, accents and signs do not matter.

    A title that two fields share is asked about. `is_required`: the file must have the column, and each row a value,
    unless it `may_be_empty`. `longest` limits a text.
    """

    name: str
    titles: tuple[str, ...] = ()
    kind: Kind = Kind.TEXT
    is_required: bool = False
    may_be_empty: bool = False
    longest: int = 300
    label: str = ""

    @property
    def called(self) -> str:
        """The name that people see."""
        return self.label or self.name.replace("_", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The header and the rows of a file as text, whatever its format.

    `records` and `lines` have the same length: the values of a row, and the line of the file on which it begins. A
    record may have more or fewer values than the header; it is refused when it is read. `notes` say what was noticed
    about the file. `others` are the workbook's other sheets that hold something.
    """

    name: str
    header: tuple[str, ...]
    records: Sequence[tuple[str, ...]]
    lines: Sequence[int]
    notes: tuple[str, ...] = ()
    tab: str = ""
    others: tuple[str, ...] = ()


DECIMAL, TOTAL, LOCATION, MEANING = "decimal", "total", "location", "meaning"
POINT, COMMA = "point", "comma"
LEAVE_OUT, KEEP = "leave-out", "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Something that only a person knows about the file. `choices` maps each answer to the text that people see.

    `examples` are cells or rows of the file that show what the question is about.
    """

    name: str
    sentence: str
    choices: Mapping[str, str]
    examples: tuple[str, ...] = ()
    proposed: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which column of a sheet holds which field, and what is left to ask.

    `columns` maps the name of a field to the position of its column. `guessed` are fields found by their values, not
    by their title. `missing` are required fields without a column. `left_out` are titles that no field reads.
    """

    sheet: Sheet
    fields: tuple[Field, ...]
    columns: Mapping[str, int]
    source: str = ""
    guessed: frozenset[str] = frozenset()
    missing: tuple[Field, ...] = ()
    left_out: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    location: int | None = None

    @property
    def is_settled(self) -> bool:
        """Whether the file can be read."""
        return not self.missing and not self.questions

    def title(self, name: str) -> str:
        """Return the title of the column that holds a field, or nothing."""
        position = self.columns.get(name)
        return "" if position is None else self.sheet.header[position]

    def field(self, name: str) -> Field:
        """Return a field by its name."""
        return next(each for each in self.fields if each.name == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRow:
    """One row of a file: the line on which it begins, and its values by field. A field without a value is None."""

    line: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFile:
    """The rows of a file and everything that is wrong with them. A bad row has the values that could be read.

    `left_out` are the lines of rows that were left out on request: totals, other locations.
    """

    name: str
    rows: tuple[ReadRow, ...]
    problems: tuple[Problem, ...]
    left_out: tuple[int, ...] = ()

    @property
    def bad_lines(self) -> frozenset[int]:
        """The lines of the rows with problems."""
        return frozenset(problem.line for problem in self.problems)
