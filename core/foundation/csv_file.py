"""Writes CSV files that a spreadsheet opens without running anything, and that come back as they were."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

_APOSTROPHE = "'"
_FORMULA_MARKS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"


def as_csv(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> bytes:
    """Return a header and rows as CSV in UTF-8 with a byte order mark, which spreadsheets need."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([safe(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def safe(value: Any) -> Any:
    """Return a cell value that no spreadsheet runs as a formula. Numbers stay numbers, also below zero.

    A text that begins like a formula gets an apostrophe, which `unprotected` takes off when the file is read.
    """
    if isinstance(value, Decimal):
        return f"{value:f}"
    if not isinstance(value, str):
        return value
    bare = value.lstrip()
    if (bare and bare[0] in _FORMULA_MARKS) or value[:1] in ("\t", "\r", "\n"):
        return _APOSTROPHE + value
    return escaped(value)


def escaped(text: str) -> str:
    """Return a text whose own first apostrophe is not taken for a protecting one."""
    return _APOSTROPHE + text if _is_protected(text) else text


def unprotected(text: str) -> str:
    """Return a text without the apostrophe that keeps a spreadsheet from changing it, as in `'00123` or `'=1+1`."""
    return text[1:] if _is_protected(text) else text


def _is_protected(text: str) -> bool:
    if not text.startswith(_APOSTROPHE):
        return False
    rest = text[1:].lstrip()
    return bool(rest) and (rest[0] in _FORMULA_MARKS or rest[0] in "0123456789'")
