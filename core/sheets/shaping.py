"""Turns another program's file into one row a variant: product names on every row, options as size and colour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from core.sheets.known import SOURCES, USUAL, Source
from core.sheets.model import Sheet
from core.sheets.words import key

SIZE, COLOR = "Size (option)", "Colour (option)"
_COLORS = frozenset(map(key, ("color", *USUAL["color"])))
_NO_OPTION = frozenset(("", "default title", "default", "title"))
_NOT_STOCKED = "not stocked"
Record = tuple[str, ...]


def source_of(header: Sequence[str]) -> Source | None:
    """Return the program that wrote a file with this header, if it is known."""
    titles = set(map(key, header))
    return next((each for each in SOURCES if titles.issuperset(map(key, each.marks))), None)


def shaped(sheet: Sheet, source: Source) -> Sheet:
    """Return the sheet with one whole row a variant. Rows that do not fit the header stay, and are refused later."""
    at = {key(title): place for place, title in enumerate(sheet.header)}
    width = len(sheet.header)
    steps = [step for step in (_filled(source, at), _named(source, at, sheet)) if step]
    is_skipped = _skipping(source, at)
    options = [(at[key(n)], at[key(v)]) for n, v in source.options if key(n) in at and key(v) in at]
    kept: list[Record] = []
    lines: list[int] = []
    for line, record in zip(sheet.lines, sheet.records, strict=True):
        if len(record) == width:
            for step in steps:
                record = step(record)
            if is_skipped(record):
                continue
            if options:
                record = (*record, *_size_and_color(record, options))
        elif options:
            record = (*record, "", "")
        kept.append(tuple("" if value.casefold() == _NOT_STOCKED else value for value in record))
        lines.append(line)
    skipped = len(sheet.lines) - len(lines)
    verb = "row has no variant of its own and was" if skipped == 1 else "rows have no variants of their own and were"
    note = (f"{skipped:,} {verb} left out.",) if skipped else ()
    header = (*sheet.header, SIZE, COLOR) if options else sheet.header
    return replace(sheet, header=header, records=kept, lines=lines, notes=(*sheet.notes, *note))


def _filled(source: Source, at: dict[str, int]) -> Callable[[Record], Record] | None:
    """Return a step that repeats on each row what only the first row of its product says."""
    places = [at[key(title)] for title in source.same if key(title) in at]
    if key(source.by) not in at or not places:
        return None
    by = at[key(source.by)]
    known: dict[str, dict[int, str]] = {}

    def fill(record: Record) -> Record:
        said = known.setdefault(record[by], {})
        whole = list(record)
        for place in places:
            whole[place] = record[place] or said.get(place, "")
            if whole[place]:
                said.setdefault(place, whole[place])
        return tuple(whole)

    return fill


def _named(source: Source, at: dict[str, int], sheet: Sheet) -> Callable[[Record], Record] | None:
    """Return a step that gives a variation the name of its parent."""
    if source.parent is None or any(key(title) not in at for title in source.parent):
        return None
    parent, code, name = (at[key(title)] for title in source.parent)
    number = at.get("id")
    names: dict[str, str] = {}
    for record in sheet.records:
        if len(record) == len(sheet.header) and not record[parent]:
            names[record[code]] = record[name]
            if number is not None:
                names[f"id:{record[number]}"] = record[name]

    def give(record: Record) -> Record:
        known = names.get(record[parent]) if record[parent] else None
        return (*record[:name], known, *record[name + 1 :]) if known else record

    return give


def _skipping(source: Source, at: dict[str, int]) -> Callable[[Record], bool]:
    tests = [(at[key(title)], values) for title, values in (source.skips or {}).items() if key(title) in at]

    def is_skipped(record: Record) -> bool:
        return bool(tests) and all(record[place].split(",")[0].strip().casefold() in values for place, values in tests)

    return is_skipped


def _size_and_color(record: Record, options: Sequence[tuple[int, int]]) -> tuple[str, str]:
    size, color = "", ""
    for name, value in options:
        if record[value].casefold() in _NO_OPTION:
            continue
        if key(record[name]) in _COLORS:
            color = color or record[value]
        else:
            size = f"{size} / {record[value]}" if size else record[value]
    return size, color
