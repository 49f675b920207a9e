"""Reads workbooks: XLSX, XLS and ODS. The only module that imports `python_calamine`."""

from __future__ import annotations

import html
import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

import python_calamine

from core.foundation.errors import Unreadable
from core.sheets.model import DateCell, FormulaCell, NumberCell

_MARKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_MOST_UNPACKED = 400_000_000
_MOST_CELLS = 20_000_000
_MOST_UNSAVED = 20_000
_CHUNK = 1_000_000
_LONGEST_CELL = 200_000
_USED = re.compile(rb'<dimension ref="[A-Z]+\d+:([A-Z]+)(\d+)"')

_SHEET = re.compile(rb"<(?:\w+:)?(?:sheet|Relationship)\s[^>]*>")
_ATTRIBUTE = re.compile(rb"""([\w:]+)\s*=\s*["']([^"']*)["']""")
_RECALCULATED = re.compile(rb"""fullCalcOnLoad\s*=\s*["'](?:1|true)""")
_UNSAVED = (
    rb"<(?:\w+:)?c(?P<about>\s[^>]*)?>\s*<(?:\w+:)?f\b[^>]*?(?:/>|>(?P<formula>[^<]*)</(?:\w+:)?f>)\s*"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>%s</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_EMPTY, _EMPTY_OR_ZERO = re.compile(_UNSAVED % rb"\s*"), re.compile(_UNSAVED % rb"\s*0?\s*")
_PLACE = re.compile(rb"""\sr\s*=\s*["']([A-Z]{1,3})(\d{1,7})["']""")
_IS_TEXT = re.compile(rb"""\st\s*=\s*["']str["']""")  # an empty text is a result
_TABLE = re.compile(rb'<table:table\s[^>]*?table:name="([^"]*)"|<table:table-cell\s([^>]*table:formula="[^>]*)>')
_SAVE = "open the file in a spreadsheet program and save it, or save it as CSV"


def is_workbook(content: bytes) -> bool:
    """Return whether a file begins as a workbook does."""
    return content.startswith(_MARKS)


def tabs(content: bytes, name: str) -> list[str]:
    """Return the names of a workbook's visible sheets."""
    with _opened(content, name) as book:
        shown, sheet = python_calamine.SheetVisibleEnum.Visible, python_calamine.SheetTypeEnum.WorkSheet
        names = [each.name for each in book.sheets_metadata if each.visible is shown and each.typ is sheet]
        return [tab for tab in names if book.get_sheet_by_name(tab).total_height]


def records(content: bytes, name: str, tab: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of one sheet that are not empty, each with its number."""
    with _opened(content, name) as book:
        unsaved = _unsaved(content, name, tab)
        width = 0
        for number, row in enumerate(book.get_sheet_by_name(tab).iter_rows(), start=1):
            width = len(row)
            formulas = unsaved.pop(number, None)
            if formulas or any(value != "" for value in row):
                cells = [_text(each) for each in row]
                yield number, _with_formulas(cells, formulas) if formulas else cells
        for number in sorted(unsaved):
            yield number, _with_formulas([""] * width, unsaved[number])


def _with_formulas(cells: list[str], formulas: dict[int, str]) -> list[str]:
    """Return the cells of a row with its formulas that have no result. A column without a name is not read."""
    for place, formula in formulas.items():
        if place < len(cells):
            cells[place] = FormulaCell(f"={formula}")
    return cells


def _unsaved(content: bytes, name: str, tab: str) -> dict[int, dict[int, str]]:
    """Return the formulas of a sheet whose results the file does not hold, by row and column.

    Programs that write workbooks do not calculate them. Some write 0 for each result, and ask for it on opening.
    """
    if not content.startswith(b"PK"):
        return {}
    found: dict[int, dict[int, str]] = {}
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        names = {part.casefold(): part for part in parts.namelist()}
        if "xl/workbook.xml" not in names:
            _refuse_unsaved_table(parts, name, tab)
            return {}
        book = parts.read(names["xl/workbook.xml"])
        part = names.get(_part_of(parts, names, book, tab))
        if part is None:
            return {}
        pattern = _EMPTY_OR_ZERO if _RECALCULATED.search(book) else _EMPTY
        for count, match in enumerate(_matches(parts, part, pattern)):
            about = match["about"] or b""
            place = _PLACE.search(about)
            if _IS_TEXT.search(about):
                continue
            if place is None or count == _MOST_UNSAVED:
                raise Unreadable(f"{name} has formulas without stored results: {_SAVE}. Nothing was changed.")
            found.setdefault(int(place[2]), {})[_column(place[1]) - 1] = html.unescape(
                (match["formula"] or b"").decode("utf-8", "replace")
            )
    return found


def _part_of(parts: zipfile.ZipFile, names: dict[str, str], book: bytes, tab: str) -> str:
    """Return the part that holds a sheet, in small letters; empty if it is not named."""
    links = names.get("xl/_rels/workbook.xml.rels")
    sheets = [dict(_ATTRIBUTE.findall(each)) for each in _SHEET.findall(book)]
    targets = [dict(_ATTRIBUTE.findall(each)) for each in _SHEET.findall(parts.read(links) if links else b"")]
    wanted = {
        value
        for sheet in sheets
        if html.unescape(sheet.get(b"name", b"").decode("utf-8", "replace")) == tab
        for key, value in sheet.items()
        if key.endswith(b":id")
    }
    target = next((each.get(b"Target", b"").decode() for each in targets if each.get(b"Id") in wanted), "")
    return (target.removeprefix("/") if target.startswith("/") else f"xl/{target}").casefold()


def _refuse_unsaved_table(parts: zipfile.ZipFile, name: str, tab: str) -> None:
    """Raise Unreadable if a sheet of an ODS file has a formula without its result."""
    if "content.xml" not in parts.namelist():
        return
    table = ""
    for match in _matches(parts, "content.xml", _TABLE):
        if match[2] is None:
            table = html.unescape(match[1].decode("utf-8", "replace"))
        elif table == tab and b"office:value-type=" not in match[2]:
            raise Unreadable(f"{name} has formulas without stored results: {_SAVE}. Nothing was changed.")


def _matches(parts: zipfile.ZipFile, part: str, pattern: re.Pattern[bytes]) -> Iterator[re.Match[bytes]]:
    """Yield what a pattern finds in a part, which is read in pieces. A piece ends where a cell begins."""
    rest = b""
    with parts.open(part) as file:
        while piece := file.read(_CHUNK):
            held = rest + piece
            last = max(held.rfind(b"<c "), held.rfind(b"<table:table"))
            start = last if last >= 0 else held.rfind(b"<", 0, max(held.rfind(b":c "), 0))
            end = max(start, len(held) - _LONGEST_CELL, 0)
            yield from pattern.finditer(held, 0, end)
            rest = held[end:]
    yield from pattern.finditer(rest)


def _opened(content: bytes, name: str) -> python_calamine.CalamineWorkbook:
    _refuse_bomb(content, name)
    try:
        return python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
    except python_calamine.PasswordError as error:
        raise Unreadable(f"{name} has a password. Save it without one; nothing was changed.") from error
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise Unreadable(f"{name} is not a workbook that can be read. Save it again; nothing was changed.") from error


def _refuse_bomb(content: bytes, name: str) -> None:
    if not content.startswith(b"PK"):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            unpacked = sum(part.file_size for part in parts.infolist())
            cells = max((_cells(parts, part) for part in parts.infolist()), default=0)
    except zipfile.BadZipFile as error:
        raise Unreadable(f"{name} is damaged. Save it again; nothing was changed.") from error
    if unpacked > _MOST_UNPACKED:
        raise Unreadable(f"{name} holds more than {_MOST_UNPACKED // 1_000_000} MB. Split it; nothing was changed.")
    if cells > _MOST_CELLS:  # a lone value in the last corner would take all memory
        why = f"{name} has a sheet of {cells:,} cells, most of them empty"
        raise Unreadable(f"{why}. Delete the empty rows and columns and save again; nothing was changed.")


def _cells(parts: zipfile.ZipFile, part: zipfile.ZipInfo) -> int:
    """Return how many cells a sheet of a workbook spans."""
    if not part.filename.startswith("xl/worksheets/"):
        return 0
    with parts.open(part) as sheet:
        used = _USED.search(sheet.read(2_000))
    if used is None:
        return 0
    return _column(used[1]) * int(used[2])


def _column(letters: bytes) -> int:
    """Return the number of a column: 27 for AA."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return NumberCell(str(int(value)) if value.is_integer() else repr(value))
    if isinstance(value, int):
        return NumberCell(str(value))
    if isinstance(value, datetime | date | time):
        return DateCell(value.isoformat())
    if isinstance(value, timedelta):
        return DateCell(str(value))
    return str(value)
