"""Writes tables as CSV and XLSX: exports and templates. Texts stay texts, so a spreadsheet runs and changes nothing.

The only module that imports `xlsxwriter`.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

import xlsxwriter

from core.foundation.csv_file import as_csv, escaped
from core.sheets.model import Field, Kind

MOST_ROWS = 1_048_575
"""Rows that a sheet holds below its header."""
_WIDEST = 40
_AS_TEXT = (Kind.TEXT, Kind.CODE, Kind.SIZE)


class Format(StrEnum):
    """A format of a table; its value is the ending of the file's name."""

    CSV = "csv"
    XLSX = "xlsx"


class Workbook:
    """A workbook with one sheet that is written row by row. Numbers are numbers, everything else is text."""

    def __init__(self, to: Path | io.BytesIO, header: Sequence[str], *, sheet: str = "Sheet1") -> None:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        self._book = xlsxwriter.Workbook(to, options)
        self._text = self._book.add_format({"num_format": "@"})
        bold = self._book.add_format({"bold": True})
        self._sheet = self._book.add_worksheet(sheet)
        self._sheet.freeze_panes(1, 0)
        self._next = 1
        for place, title in enumerate(header):
            self._sheet.set_column(place, place, min(max(len(title) + 2, 12), _WIDEST))
        for place, title in enumerate(header):
            self._sheet.write_string(0, place, title, bold)

    def as_text(self, places: Iterable[int], width: int = 20) -> None:
        """Format whole columns as text, so that what is typed there is not changed."""
        for place in places:
            self._sheet.set_column(place, place, width, self._text)

    def add(self, row: Iterable[Any]) -> None:
        """Write a row."""
        for place, value in enumerate(row):
            if value is None or value == "":
                continue
            if isinstance(value, bool):
                self._sheet.write_string(self._next, place, "true" if value else "false")
            elif isinstance(value, int | float | Decimal):
                self._sheet.write_number(self._next, place, value)
            else:
                self._sheet.write_string(self._next, place, escaped(str(value)), self._text)
        self._next += 1

    def add_sheet(self, name: str, pairs: Iterable[tuple[str, str]]) -> None:
        """Add a sheet of names and values, after all rows."""
        sheet = self._book.add_worksheet(name)
        sheet.set_column(0, 0, 20)
        sheet.set_column(1, 1, _WIDEST)
        for place, pair in enumerate(pairs):
            for column, value in enumerate(pair):
                sheet.write_string(place, column, escaped(value), self._text)

    def close(self) -> None:
        """End the file."""
        self._book.close()


def as_xlsx(header: Sequence[str], rows: Iterable[Iterable[Any]]) -> bytes:
    """Return a header and rows as a workbook."""
    file = io.BytesIO()
    book = Workbook(file, header)
    for row in rows:
        book.add(row)
    book.close()
    return file.getvalue()


def template(fields: Sequence[Field], rows: Sequence[Sequence[Any]], format: Format) -> bytes:  # noqa: A002
    """Return an example file with a column for each field. In XLSX, codes and sizes are formatted as text."""
    header = [field.name for field in fields]
    if format is Format.CSV:
        return as_csv(header, rows)
    file = io.BytesIO()
    book = Workbook(file, header)
    book.as_text(place for place, field in enumerate(fields) if field.kind in _AS_TEXT)
    for row in rows:
        book.add(row)
    book.close()
    return file.getvalue()
