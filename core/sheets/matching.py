"""Finds which column of a sheet holds which of our fields, by name, by program and by content, and what to ask."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

from core.foundation.errors import Unreadable
from core.sheets.asking import about_location, about_meaning, with_questions
from core.sheets.guessing import guess
from core.sheets.known import USUAL, Source
from core.sheets.model import LOCATION, MEANING, Field, Match, Question, Sheet
from core.sheets.shaping import COLOR, SIZE, shaped, source_of
from core.sheets.words import key, listed

_NOTHING: Mapping[str, str] = {}


def match(
    sheet: Sheet,
    fields: Sequence[Field],
    *,
    chosen: Mapping[str, str | None] = _NOTHING,
    answers: Mapping[str, str] = _NOTHING,
) -> Match:
    """Return which column holds which field. `chosen` maps a field to the title that a person chose, or to None.

    Raises Unreadable if the header repeats a name, or a chosen title is not in it.
    """
    _refuse_repeated(sheet)
    source = source_of(sheet.header)
    whole = shaped(sheet, source) if source else sheet
    found = _Found(whole, fields, source, answers)
    found.choose(chosen)
    found.find_exact()
    found.find_of_source()
    found.find_usual()
    guessed = guess(whole, fields, found.columns, set(chosen))
    columns = found.columns | guessed
    used = set(columns.values()) | found.in_question
    location = found.places.get(key(source.location)) if source and source.location else None
    bare = Match(
        sheet=whole,
        fields=tuple(fields),
        columns=columns,
        source=source.name if source else "",
        guessed=frozenset(guessed),
        missing=tuple(
            each for each in fields if each.is_required and each.name not in columns and not found.asks(each)
        ),
        left_out=tuple(
            title for place, title in enumerate(whole.header) if place not in used and title not in (SIZE, COLOR)
        ),
        answers=dict(answers),
        location=location,
    )
    return with_questions(bare, found.questions)


def fingerprint(sheet: Sheet) -> str:
    """Return what files of one shape share: a digest of the names of their columns."""
    return hashlib.sha256("\n".join(map(key, sheet.header)).encode()).hexdigest()


def _refuse_repeated(sheet: Sheet) -> None:
    first: dict[str, int] = {}
    named = [(place, title) for place, title in enumerate(sheet.header) if title]
    twice = list(dict.fromkeys(title for place, title in named if first.setdefault(title.casefold(), place) != place))
    if twice:
        why = f"The first line of {sheet.name} repeats {listed(twice)}"
        raise Unreadable(f"{why}. Give each column a name of its own; nothing was changed.")


class _Found:
    """The columns found so far. A column holds one field."""

    def __init__(
        self, sheet: Sheet, fields: Sequence[Field], source: Source | None, answers: Mapping[str, str]
    ) -> None:
        self.sheet, self.fields, self.source, self.answers = sheet, fields, source, answers
        self.places = {key(title): place for place, title in reversed(list(enumerate(sheet.header))) if key(title)}
        self.columns: dict[str, int] = {}
        self.settled: set[str] = set()
        self.questions: list[Question] = []
        self.asked: set[str] = set()
        self.in_question: set[int] = set()

    def asks(self, field: Field) -> bool:
        """Return whether a question will settle which column holds the field."""
        return field.name in self.asked

    def choose(self, chosen: Mapping[str, str | None]) -> None:
        """Take what a person chose."""
        for name, title in chosen.items():
            self.settled.add(name)
            if not title:
                continue
            place = self.sheet.header.index(title) if title in self.sheet.header else self.places.get(key(title))
            if place is None:
                raise Unreadable(f"{self.sheet.name} has no column “{title[:40]}”; nothing was changed.")
            self.columns[name] = place

    def find_exact(self) -> None:
        """Find the columns that have our names."""
        for field in self._open():
            self._take(field, self.places.get(key(field.name)))

    def find_of_source(self) -> None:
        """Find the columns of the program that wrote the file."""
        if self.source is None:
            return
        self._ask_place()
        for field in self._open():
            if field.name in self.source.columns:
                self._take(field, self._of_source(self.source.columns[field.name]))
                self.settled.add(field.name)
            elif field.name == "size":
                self._take(field, self._option(SIZE))
            elif field.name == "color":
                self._take(field, self._option(COLOR))

    def find_usual(self) -> None:
        """Find columns under their usual names. A name that two fields share is asked about."""
        named = {
            field.name: [key(title) for title in (*field.titles, *USUAL.get(field.name, ()))] for field in self._open()
        }
        for field in list(self._open()):
            for title in named[field.name] if field.name not in self.settled else ():
                place = self.places.get(title)
                if place is None or place in self.columns.values():
                    continue
                rivals = [each for each in self._open() if title in named[each.name]]
                if len(rivals) > 1:
                    self._ask_meaning(place, rivals)
                else:
                    self._take(field, place)
                break

    def _open(self) -> Iterator[Field]:
        return (each for each in self.fields if each.name not in self.columns and each.name not in self.settled)

    def _take(self, field: Field, place: int | None) -> None:
        if place is not None and place not in self.columns.values():
            self.columns[field.name] = place

    def _option(self, title: str) -> int | None:
        place = self.sheet.header.index(title) if title in self.sheet.header else None
        has_values = place is not None and any(row[place] for row in self.sheet.records if place < len(row))
        return place if has_values else None

    def _of_source(self, title: str) -> int | None:
        if not title.endswith("*"):
            return self.places.get(key(title))
        found = self._starred(title)
        wanted = self.answers.get(LOCATION)
        return next((place for rest, place in found.items() if wanted in (None, rest)), None)

    def _starred(self, title: str) -> dict[str, int]:
        start = title.removesuffix("*").strip()
        return {
            each[len(start) :].strip(): place
            for place, each in enumerate(self.sheet.header)
            if each.casefold().startswith(start.casefold())
        }

    def _ask_place(self) -> None:
        assert self.source is not None
        wanted = {each.name for each in self._open()}
        starred = [self._starred(t) for name, t in self.source.columns.items() if t.endswith("*") and name in wanted]
        several = next((each for each in starred if len(each) > 1), None)
        if several and LOCATION not in self.answers:
            self.questions.append(about_location(list(several)))

    def _ask_meaning(self, place: int, rivals: Sequence[Field]) -> None:
        title = self.sheet.header[place]
        name = f"{MEANING}:{key(title)}"
        answer = self.answers.get(name)
        for field in rivals:
            if answer == field.name:
                self._take(field, place)
            self.settled.add(field.name)
        if answer is None and name not in {each.name for each in self.questions}:
            self.asked.update(field.name for field in rivals)
            self.in_question.add(place)
            self.questions.append(about_meaning(name, title, rivals, self.sheet, place))
