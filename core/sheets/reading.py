"""Reads the rows of a matched sheet as values of our fields, and names everything that is wrong with them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

from core.foundation.cells import Problem, shown
from core.foundation.errors import Unreadable
from core.foundation.model import MAX_UNITS
from core.sheets.asking import total_lines, with_questions
from core.sheets.model import (
    COMMA,
    DECIMAL,
    LEAVE_OUT,
    LOCATION,
    TOTAL,
    DateCell,
    Field,
    FormulaCell,
    Kind,
    Match,
    NumberCell,
    ReadFile,
    ReadRow,
)
from core.sheets.numbers import SPOILT, NoNumber, is_scientific, number

MAX_AMOUNT = Decimal("9999999.99")
_YES = frozenset(("yes", "true", "1", "active", "ja", "wahr", "oui", "vrai", "si", "sì", "sí", "y", "t"))
_NO = frozenset(("no", "false", "0", "inactive", "nein", "falsch", "non", "faux", "nee", "n", "f"))
_INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")  # codes that look alike must be alike
_ERRORS = frozenset(("#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#NV", "#WERT!", "#BEZUG!"))
_CENT = Decimal("0.01")
_CENTS = re.compile(r"\d{1,7}\.\d\d", re.ASCII)
_TOLD_EVERY = 2_000
_NO_RESULT = (
    "is a formula, and the file does not hold its result; open the file in a spreadsheet program and save it, "
    "or save it as CSV"
)
Tell = Callable[[int, int], None]
_MONTHS = (
    "jan|januar|janv|ene|gen|feb|févr|fev|mar|mär|mrz|märz|mars|mrt|apr|avr|abr|may|mai|mei|mag|maj|jun|juin|giu|jul|juil|lug"
    "|aug|août|ago|sep|sept|set|oct|okt|ott|nov|dec|dez|déc|dic"
)
_DATE = re.compile(
    rf"\d{{1,4}}[-. /]{{1,2}}(?:{_MONTHS})[a-z]*\.?(?:[-. /]{{1,2}}\d{{2,4}})?"
    rf"|(?:{_MONTHS})[a-z]*\.?[-. /]{{1,2}}\d{{1,4}}"
    r"|\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{4}-\d{2}-\d{2}(?:[T ].*)?",
    re.IGNORECASE,
)
_A_DATE = (
    "is a date; a spreadsheet has changed what was typed. Format its column as text, type the value again and save"
)


def read(match: Match, answers: Mapping[str, str] | None = None, tell: Tell = lambda *_: None) -> ReadFile:
    """Return the rows of a sheet with their values, and every problem. `answers` adds to those of the match.

    `tell` is called with the rows done and the rows in all. Raises Unreadable if a question is open or a required
    field has no column.
    """
    if answers:
        match = with_questions(replace(match, answers={**match.answers, **answers}), match.questions)
    _refuse_unsettled(match)
    reads = _Reads(match)
    rows: list[ReadRow] = []
    left_out: list[int] = []
    total = len(match.sheet.lines)
    for done, (line, record) in enumerate(zip(match.sheet.lines, match.sheet.records, strict=True)):
        if not done % _TOLD_EVERY:
            tell(done, total)
        if reads.is_left_out(line, record):
            left_out.append(line)
        else:
            rows.append(ReadRow(line=line, values=reads.row(line, record)))
    return ReadFile(name=match.sheet.name, rows=tuple(rows), problems=tuple(reads.problems), left_out=tuple(left_out))


class _Reads:
    """Reads the rows of one file, and gathers what is wrong with them."""

    def __init__(self, match: Match) -> None:
        style = match.answers.get(DECIMAL)
        self._width = len(match.sheet.header)
        self._fields = [
            (field.name, match.columns[field.name], reader(field, style), field.is_required and not field.may_be_empty)
            for field in match.fields
            if field.name in match.columns
        ]
        self._totals = set(total_lines(match)) if match.answers.get(TOTAL) == LEAVE_OUT else set()
        self._place, self._wanted = match.location, match.answers.get(LOCATION)
        self.problems: list[Problem] = []

    def is_left_out(self, line: int, record: tuple[str, ...]) -> bool:
        """Return whether the row is a total, or of another place."""
        if self._place is None or self._wanted is None or len(record) != self._width:
            return line in self._totals
        return line in self._totals or record[self._place] != self._wanted

    def row(self, line: int, record: tuple[str, ...]) -> dict[str, Any]:
        """Return the values of a row by field, without those that are empty."""
        if len(record) == self._width:
            return self._values(line, record, self.problems)
        why = f"has {len(record)} values where the first line names {self._width} columns"
        self.problems.append(Problem(line=line, field="row", why=why))
        filled = (*record, *("" for _ in range(self._width)))[: self._width]
        return self._values(line, filled, [])

    def _values(self, line: int, record: tuple[str, ...], problems: list[Problem]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, place, read_value, is_required in self._fields:
            value = record[place]
            if value:
                try:
                    _refuse_formula(value)
                    values[name] = read_value(value)
                except ValueError as error:
                    problems.append(Problem(line=line, field=name, why=str(error), value=shown(value)))
                    if is_required:
                        values[name] = shown(value)
            elif is_required:
                problems.append(Problem(line=line, field=name, why="is missing"))
        return values


def _refuse_formula(value: str) -> None:
    if isinstance(value, FormulaCell):
        raise ValueError(_NO_RESULT)


def _refuse_unsettled(match: Match) -> None:
    if match.missing:
        names = ", ".join(field.name for field in match.missing)
        raise Unreadable(f"{match.sheet.name} has no column for {names}. Name it and try again; nothing was changed.")
    if match.questions:
        asked = match.questions[0]
        raise Unreadable(f"{match.sheet.name}: {asked.sentence} Answer this and try again; nothing was changed.")


def reader(field: Field, style: str | None = None) -> Callable[[str], Any]:
    """Return the function that reads a value of a field. It raises ValueError with a reason."""
    readers: dict[Kind, Callable[[str], Any]] = {
        Kind.TEXT: partial(_text, field.longest),
        Kind.CODE: partial(_code, field.longest),
        Kind.SIZE: partial(_size, field.longest),
        Kind.UNITS: partial(_units, style),
        Kind.CHANGE: partial(_change, style),
        Kind.AMOUNT: partial(_amount, style),
        Kind.MOMENT: str,
        Kind.YES: _yes_or_no,
    }
    return readers[field.kind]


def _text(longest: int, value: str) -> str:
    if isinstance(value, DateCell):
        raise ValueError(_A_DATE)
    if value[0] == "#" and value in _ERRORS:
        raise ValueError("is an error that the spreadsheet shows; correct its formula and save again")
    if len(value) > longest:
        raise ValueError(f"has more than {longest} characters")
    if not value.isprintable() and any(unicodedata.category(each) in _INVISIBLE for each in value):
        raise ValueError("has a control or invisible character")
    return str(value)


def _code(longest: int, value: str) -> str:
    if ("E" in value.upper() and is_scientific(value)) or (
        isinstance(value, NumberCell) and len(value.lstrip("-")) > 15
    ):
        raise ValueError(SPOILT)
    return _text(longest, value)


def _size(longest: int, value: str) -> str:
    if _DATE.fullmatch(value):
        raise ValueError(_A_DATE)
    return _text(longest, value)


def _number(style: str | None, value: str, otherwise: str) -> Decimal:
    if isinstance(value, DateCell):
        raise ValueError(_A_DATE)
    try:
        return number(value, style)
    except NoNumber:
        raise ValueError(otherwise) from None


def _units(style: str | None, value: str) -> int:
    if value.isdigit() and value.isascii() and len(value) < 7:
        return int(value)
    otherwise = "is not a whole number, zero or more"
    found = _whole(_number(style, value, otherwise), otherwise)
    if found < 0:
        raise ValueError(otherwise)
    return found


def _change(style: str | None, value: str) -> int:
    otherwise = f"is not a whole number up to {MAX_UNITS:,}"
    return _whole(_number(style, value, otherwise), otherwise)


def _whole(found: Decimal, otherwise: str) -> int:
    if found != found.to_integral_value():
        raise ValueError(otherwise)
    if abs(found) > MAX_UNITS:
        raise ValueError(f"is more than {MAX_UNITS:,}")
    return int(found)


def _amount(style: str | None, value: str) -> Decimal:
    if style != COMMA and _CENTS.fullmatch(value):
        return Decimal(value)
    otherwise = "is not an amount such as 129.90"
    found = _number(style, value, otherwise)
    if found < 0 or found != found.quantize(_CENT):
        raise ValueError(otherwise)
    if found > MAX_AMOUNT:
        raise ValueError(f"is more than {MAX_AMOUNT:,}")
    return found.quantize(_CENT)


def _yes_or_no(value: str) -> bool:
    if value.casefold() not in _YES | _NO:
        raise ValueError("is neither yes nor no")
    return value.casefold() in _YES
