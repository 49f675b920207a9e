"""Reads text files: finds the encoding and the delimiter, and yields records with their lines."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from core.foundation.errors import Unreadable

_DELIMITERS = ",;\t|"
_SEP = re.compile(r'^"?sep=(.)"?[;,]*\r?\n?$', re.IGNORECASE)
_ODD = re.compile(r"[^\s,;|\t\"]*[^\x00-\x7f][^\s,;|\t\"]*")
_SHOWN_ODD = 3
_SAMPLE = 60
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_BINARY = (b"PAR1", b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf")


def decoded(content: bytes, name: str) -> tuple[str, list[str]]:
    """Return the text of a file and what there is to say about its encoding. Raises Unreadable if it is not text."""
    if content.startswith(_BINARY):
        raise Unreadable(f"{name} is neither a text table nor a workbook. Save it as CSV or XLSX; nothing was changed.")
    encoding = next((named for mark, named in _MARKS.items() if content.startswith(mark)), None)
    encoding = encoding or _utf16_without_mark(content)
    if encoding is None and b"\0" in content:
        raise Unreadable(f"{name} contains binary data. Save it as CSV or XLSX; nothing was changed.")
    try:
        return content.decode(encoding or "utf-8"), []
    except UnicodeDecodeError as error:
        if encoding:
            line = content.count(b"\n", 0, error.start) + 1
            raise Unreadable(
                f"{name}: line {line} is damaged text. Save the file again; nothing was changed."
            ) from error
    return _windows(content, name)


def _utf16_without_mark(content: bytes) -> str | None:
    start = content[:400]
    if len(start) < 4 or b"\0" not in start:
        return None
    even, odd = start[::2].count(0), start[1::2].count(0)
    if odd > len(start) // 4 and not even:
        return "utf-16-le"
    return "utf-16-be" if even > len(start) // 4 and not odd else None


def _windows(content: bytes, name: str) -> tuple[str, list[str]]:
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        why = f"{name}: line {line} has a character that is neither UTF-8 nor Windows text"
        raise Unreadable(f"{why}. Save the file as UTF-8; nothing was changed.") from error
    odd = list(dict.fromkeys(found[0] for found in islice(_ODD.finditer(text), 200)))[:_SHOWN_ODD]
    shown = ", ".join(f"“{each[:40]}”" for each in odd)
    return text, [f"The file is not UTF-8; it was read as Windows text. Check its special characters: {shown}."]


def records(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the records of a text that are not empty, each with the line on which it begins.

    Any line ends do. A quoted value may contain line breaks. Raises Unreadable where quotes do not match.
    """
    first, _, rest = text.partition("\n")
    separator = _SEP.fullmatch(first.rstrip("\r"))
    before = 1 if separator else 0
    body = rest if separator else text
    if not separator and (old_mac := _SEP.fullmatch(text.partition("\r")[0])):
        separator, before, body = old_mac, 1, text.partition("\r")[2]
    delimiter = separator[1] if separator else _delimiter(body)
    csv.field_size_limit(1_000_000)
    reader = csv.reader(io.StringIO(body, newline=""), delimiter=delimiter, strict=True)
    start = 1
    try:
        for values in reader:
            if any(value.strip() for value in values):
                yield before + start, values
            start = reader.line_num + 1
    except csv.Error as error:
        where = f"line {before + start} cannot be read as CSV: {error}"
        raise Unreadable(f"{name}: {where}. Nothing was changed.") from error


def _delimiter(text: str) -> str:
    """Return the delimiter that cuts the most of the first records to the same number of values."""
    sample = text[:200_000]

    def evenness(delimiter: str) -> tuple[int, int]:
        reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
        try:
            widths = Counter(len(values) for values in islice(reader, _SAMPLE) if len(values) > 1)
        except csv.Error:
            widths = Counter()
        return max(((count, width) for width, count in widths.items()), default=(0, 0))

    return max(_DELIMITERS, key=evenness)
