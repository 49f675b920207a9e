"""Reads workbooks: XLSX, XLS and ODS. The only module that imports `python_calamine`."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

import python_calamine

from core.foundation.errors import Unreadable
from core.sheets.model import DateCell, NumberCell

_MARKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_MOST_UNPACKED = 400_000_000
_MOST_CELLS = 20_000_000
_USED = re.compile(rb'<dimension ref="[A-Z]+\d+:([A-Z]+)(\d+)"')


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
        for number, row in enumerate(book.get_sheet_by_name(tab).iter_rows(), start=1):
            if any(value != "" for value in row):
                yield number, [_text(each) for each in row]


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
    width = 0
    for letter in used[1]:
        width = width * 26 + letter - 64
    return width * int(used[2])


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
