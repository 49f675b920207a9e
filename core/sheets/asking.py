"""The questions that only a person can answer, each with three rows of their own file as the example."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from core.sheets.model import (
    COMMA,
    DECIMAL,
    KEEP,
    LEAVE_OUT,
    LOCATION,
    POINT,
    TOTAL,
    Field,
    Kind,
    Match,
    NumberCell,
    Question,
    Sheet,
)
from core.sheets.numbers import has_two_readings, number
from core.sheets.words import is_total

NUMBERS = (Kind.UNITS, Kind.CHANGE, Kind.AMOUNT)
_EXAMPLES = 3
_LAST_ROWS = 5
_MOST_PLACES = 50
_THREE = re.compile(r"[.,]\d{3}(?!\d)")


def with_questions(match: Match, asked: Sequence[Question] = ()) -> Match:
    """Return the match with the questions that its answers leave open."""
    found = [*asked, *_location(match), *_decimal(match), *_total(match)]
    return replace(match, questions=tuple(each for each in found if match.answers.get(each.name) not in each.choices))


def about_location(names: Sequence[str]) -> Question:
    """Return the question which place of a file with several is meant."""
    return Question(
        name=LOCATION,
        sentence="The file has the stock of several places. Which one is this shop's?",
        choices={name: name or "(no name)" for name in names[:_MOST_PLACES]},
    )


def about_meaning(name: str, title: str, rivals: Sequence[Field], sheet: Sheet, place: int) -> Question:
    """Return the question which of two fields a column holds."""
    rows = (row for row in sheet.records if len(row) == len(sheet.header) and row[place])
    return Question(
        name=name,
        sentence=f"What does the column “{title}” say?",
        choices={field.name: field.called for field in rivals},
        examples=tuple(example(row, place) for row, _ in zip(rows, range(_EXAMPLES), strict=False)),
    )


def example(row: Sequence[str], place: int) -> str:
    """Return a row as an example: its first two texts and the value in question."""
    others = [value for at, value in enumerate(row) if value and at != place][:2]
    return f"{', '.join(others)[:60]}: {row[place][:40]}"


def total_lines(match: Match) -> tuple[int, ...]:
    """Return the lines of the rows at the end that sum the rows above them."""
    sheet, sku = match.sheet, match.columns.get("sku")
    last = list(zip(sheet.lines, sheet.records, strict=True))[-_LAST_ROWS:]
    said = [line for line, row in last if is_total(row)]
    if not said and len(sheet.records) > 2 and sku is not None and sku < len(sheet.records[-1]):
        row = sheet.records[-1]
        if not row[sku] and any(_is_sum(match, row, place) for place in _number_places(match)):
            said = [sheet.lines[-1]]
    return tuple(said)


def _is_sum(match: Match, row: Sequence[str], place: int) -> bool:
    try:
        values = [int(each[place] or 0) for each in match.sheet.records if place < len(each)]
    except ValueError:
        return False
    return place < len(row) and values[-1] != 0 and sum(values[:-1]) == values[-1]


def _number_places(match: Match) -> list[int]:
    kinds = {field.name: field.kind for field in match.fields}
    return [place for name, place in match.columns.items() if kinds[name] in NUMBERS]


def _location(match: Match) -> Iterator[Question]:
    if match.location is not None:
        names = list(dict.fromkeys(row[match.location] for row in match.sheet.records if match.location < len(row)))
        if len(names) > 1:
            yield about_location(names)


def _decimal(match: Match) -> Iterator[Question]:
    places = _number_places(match)
    doubtful = list(_two_readings(match, places))
    if doubtful:
        value = doubtful[0].rpartition(": ")[2]
        mark = "," if "," in value else "."
        digits = value.replace(mark, "")
        cut = f"{number(value, POINT if mark == '.' else COMMA).normalize():f}"
        yield Question(
            name=DECIMAL,
            sentence=f"What does {value} mean in this file?",
            choices={
                COMMA: f"{digits if mark == '.' else cut}: the file has a decimal comma, as in 0,5",
                POINT: f"{digits if mark == ',' else cut}: the file has a decimal point, as in 0.5",
            },
            examples=tuple(doubtful),
            proposed=_usual_mark(match, places),
        )


def _two_readings(match: Match, places: Sequence[int]) -> Iterator[str]:
    width, shown = len(match.sheet.header), 0
    for row in match.sheet.records:
        if len(row) != width:
            continue
        for place in places:
            value = row[place]
            if _THREE.search(value) and not isinstance(value, NumberCell) and has_two_readings(value):
                yield example(row, place)
                shown += 1
                break
        if shown == _EXAMPLES:
            return


def _usual_mark(match: Match, places: Sequence[int]) -> str | None:
    """Return the decimal mark of the first number that has one reading."""
    for row in match.sheet.records[:1000]:
        for place in places:
            value = row[place] if place < len(row) else ""
            if not isinstance(value, NumberCell) and ("." in value or "," in value) and not has_two_readings(value):
                return COMMA if value.rfind(",") > value.rfind(".") else POINT
    return None


def _total(match: Match) -> Iterator[Question]:
    lines = total_lines(match)
    if lines:
        rows = dict(zip(match.sheet.lines, match.sheet.records, strict=True))
        shown = tuple(f"line {line}: {', '.join(value for value in rows[line] if value)[:80]}" for line in lines)
        yield Question(
            name=TOTAL,
            sentence="The file ends with what looks like a total.",
            choices={LEAVE_OUT: "Leave it out", KEEP: "Read it as a row like any other"},
            examples=shown,
            proposed=LEAVE_OUT,
        )
