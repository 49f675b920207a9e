"""Opens a file of any format as a sheet: finds the header, drops what is empty, and says what it noticed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from core.foundation.errors import Unreadable
from core.foundation.text import many
from core.sheets.known import TITLES
from core.sheets.model import DateCell, FormulaCell, NumberCell, Sheet
from core.sheets.texts import decoded
from core.sheets.texts import records as text_records
from core.sheets.words import cell, key
from core.sheets.workbooks import is_workbook, tabs
from core.sheets.workbooks import records as workbook_records

MAX_BYTES = 50_000_000
MAX_ROWS = 100_000
_LOOKED_AT = 20
_STORED = (NumberCell, DateCell, FormulaCell)
Record = tuple[int, list[str]]


def open_sheet(
    content: bytes, name: str, *, tab: str = "", most_bytes: int = MAX_BYTES, most_rows: int = MAX_ROWS
) -> Sheet:
    """Return the header and the rows of a CSV, TSV, XLSX, XLS or ODS file called `name`; its content decides.

    `tab` names the sheet of a workbook; by default it is the first that holds something. Raises Unreadable if the
    file is too large, damaged or empty, or is no table.
    """
    if len(content) > most_bytes:
        raise Unreadable(f"{name} is larger than {most_bytes // 1_000_000} MB; split it. Nothing was changed.")
    if is_workbook(content):
        found = tabs(content, name)
        if not found or (tab and tab not in found):
            raise Unreadable(f"{name} has no sheet {f'“{tab[:40]}”' if tab else 'with values'}; nothing was changed.")
        chosen = tab or found[0]
        others = tuple(each for each in found if each != chosen)
        notes = [f"The sheet “{chosen[:40]}” was read, {many(len(others), 'other sheet')} was not."] if others else []
        return _sheet(workbook_records(content, name, chosen), name, notes, most_rows, tab=chosen, others=others)
    text, notes = decoded(content, name)
    return _sheet(text_records(text, name), name, notes, most_rows)


def _sheet(
    records: Iterator[Record], name: str, notes: list[str], most_rows: int, tab: str = "", others: tuple[str, ...] = ()
) -> Sheet:
    start = [(line, _cells(values)) for line, values in islice(records, _LOOKED_AT)]
    place = _header_place([values for _, values in start])
    if place is None:
        raise Unreadable(f"{name} is empty; nothing was changed.")
    notes += [_about_title(values) for _, values in start[:place]]
    header = start[place][1]
    rest = chain(start[place + 1 :], ((line, _cells(values)) for line, values in records))
    lines, rows = _gathered(rest, name, most_rows)
    header, rows, dropped = _without_empty_columns(header, rows)
    if dropped:
        notes.append(f"{many(dropped, 'empty column')} {'was' if dropped == 1 else 'were'} left out.")
    return Sheet(name=name, header=tuple(header), records=rows, lines=lines, notes=tuple(notes), tab=tab, others=others)


def _cells(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(value if isinstance(value, _STORED) else cell(value) for value in values)


def _gathered(
    records: Iterable[tuple[int, tuple[str, ...]]], name: str, most: int
) -> tuple[list[int], list[tuple[str, ...]]]:
    lines: list[int] = []
    rows: list[tuple[str, ...]] = []
    for line, values in records:
        if not any(values):
            continue
        if len(rows) == most:
            raise Unreadable(f"{name} has more than {most:,} rows; split it. Nothing was changed.")
        lines.append(line)
        rows.append(values)
    return lines, rows


def _header_place(start: Sequence[tuple[str, ...]]) -> int | None:
    """Return which of the first records is the header: the one with known titles, else the first wide enough."""
    if not start:
        return None
    known = [sum(key(value) in TITLES for value in values if value) for values in start]
    best = max(known)
    if best >= 2 or (best == 1 and known[0] == 1):
        return known.index(best)
    usual = Counter(len(values) for values in start).most_common(1)[0][0]
    for place, values in enumerate(start):
        filled = sum(map(bool, values))
        if len(values) == usual and filled * 2 > usual and not any(isinstance(value, NumberCell) for value in values):
            return place
    return 0


def _about_title(values: Sequence[str]) -> str:
    shown = " ".join(value for value in values if value)
    return f"“{shown[:60]}” above the names of the columns was left out."


def _without_empty_columns(
    header: tuple[str, ...], rows: list[tuple[str, ...]]
) -> tuple[tuple[str, ...], list[tuple[str, ...]], int]:
    """Drop the columns without a name and without a value. Rows of another width stay as they are."""
    width = len(header)
    unnamed = [place for place, title in enumerate(header) if not title]
    empty = {place for place in unnamed if not any(row[place] for row in rows if len(row) == width)}
    if not empty or any(len(row) != width for row in rows):
        return header, rows, 0
    kept = [place for place in range(width) if place not in empty]
    return tuple(header[p] for p in kept), [tuple(row[p] for p in kept) for row in rows], len(empty)
