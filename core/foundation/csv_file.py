"""CSV files: reads UTF-8 with comma, semicolon or tab, and writes files that a spreadsheet opens."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from core.foundation.errors import Unreadable

_NOT_CSV = {
    b"PK\x03\x04": "is an Excel workbook",
    b"\xd0\xcf\x11\xe0": "is an old Excel workbook",
    b"PAR1": "is a Parquet file",
    b"\xff\xfe": "is UTF-16",
    b"\xfe\xff": "is UTF-16",
}
_FORMULA_MARKS = ("=", "+", "-", "@", "\t", "\r")
_SAVE_AS = "Save it as CSV in UTF-8 and try again; nothing was changed."


def decoded(content: bytes, name: str, *, most_bytes: int) -> str:
    """Return the text of a file called `name`. Raises Unreadable if it is too large or not UTF-8 text."""
    if len(content) > most_bytes:
        raise Unreadable(f"{name} is larger than {most_bytes // 1_000_000} MB; split it. Nothing was changed.")
    found = next((what for mark, what in _NOT_CSV.items() if content.startswith(mark)), None)
    if found or b"\0" in content:
        raise Unreadable(f"{name} {found or 'contains binary data'}, not CSV. {_SAVE_AS}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Unreadable(f"{name}: line {line} has a character that is not UTF-8. {_SAVE_AS}") from error


def records(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each non-empty record with the line it begins on; a quoted value may contain line breaks."""
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    start = 1
    try:
        for values in reader:
            if any(value.strip() for value in values):
                yield start, [value.strip() for value in values]
            start = reader.line_num + 1
    except csv.Error as error:
        raise Unreadable(f"{name}: line {start} cannot be read as CSV: {error}. Nothing was changed.") from error


def as_csv(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> bytes:
    """Return a header and rows as CSV in UTF-8 with a byte order mark, which spreadsheets need."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([safe(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def safe(value: Any) -> Any:
    """Return a cell value that no spreadsheet runs as a formula. Numbers stay numbers."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_MARKS) else value
