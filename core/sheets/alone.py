"""Matches a file where there is nobody to ask: what is unclear is refused, naming the option that answers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.foundation.errors import Unreadable
from core.sheets.matching import match
from core.sheets.model import DECIMAL, LOCATION, TOTAL, Field, Match, Question, Sheet
from core.sheets.words import listed

OPTIONS = {
    DECIMAL: "--decimal comma or --decimal point",
    TOTAL: "--total leave-out or --total keep",
    LOCATION: "--location NAME",
}
"""The option of the command line that answers a question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What was chosen about a file beforehand: the sheet of a workbook, columns by field, answers to questions.

    `leaves_out`: columns that no field reads are left out; else they are refused, because one may be misspelled.
    """

    tab: str = ""
    columns: Mapping[str, str | None] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    leaves_out: bool = False


def match_alone(sheet: Sheet, fields: Sequence[Field], choices: Choices) -> Match:
    """Return a match with nothing left to ask. Raises Unreadable with the sentence that says how to settle it."""
    chosen = {name: title for name, title in choices.columns.items() if title != ""}
    found = match(sheet, fields, chosen=chosen, answers=choices.answers)
    guessed = [each for each in found.fields if each.name in found.guessed and each.is_required]
    missing = [each.name for each in (*found.missing, *guessed)]
    is_strict = not choices.leaves_out and not found.source
    unknown = list(found.left_out) if is_strict else []
    if missing or unknown:
        raise Unreadable(_about_columns(sheet.name, fields, missing, unknown))
    if found.questions:
        raise Unreadable(_about_question(sheet.name, found.questions[0]))
    return found


def _about_columns(name: str, fields: Sequence[Field], missing: list[str], unknown: list[str]) -> str:
    faults = {"lacks": missing, "has the unknown": [title or "(no name)" for title in unknown]}
    found = "; it ".join(f"{verb} {listed(titles)}" for verb, titles in faults.items() if titles)
    must = [each.name for each in fields if each.is_required]
    may = [each.name for each in fields if not each.is_required]
    expected = f"It must name {' and '.join(must) if len(must) < 3 else ', '.join(must)}, and may name {', '.join(may)}"
    how = "--column FIELD=TITLE says which column is which" if missing else "--ignore-columns leaves other columns out"
    return f"The first line of {name} {found}. {expected}; {how}. Nothing was imported."


def _about_question(name: str, question: Question) -> str:
    shown = f" ({'; '.join(question.examples)})" if question.examples else ""
    option = OPTIONS.get(question.name, "--column FIELD=TITLE")
    places = f" of: {', '.join(list(question.choices)[:10])}" if question.name == LOCATION else ""
    return f"{name}: {question.sentence}{shown} Say so with {option}{places}. Nothing was imported."
