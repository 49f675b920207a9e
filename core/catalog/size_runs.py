"""The sizes of a product as people type them, and the SKUs that are proposed for them."""

from __future__ import annotations

import re
import unicodedata

from core.foundation.errors import invalid
from core.foundation.text import clean_line

SIZE = "{size}"
"""Stands for the size in a pattern of SKUs."""
MOST_SIZES = 60
LONGEST_SIZE = 40
_RANGE = re.compile(r"(\d{1,3})\s*[-\u2013]\s*(\d{1,3})", re.ASCII)
_QUOTED = re.compile(r'"([^"]*)"')
_LETTERS = re.compile(r"M|(?:(?P<times>[0-9]{1,2})X|(?P<x>X*))(?P<end>[SL])", re.IGNORECASE)
_NUMBER = re.compile(
    r"(?P<system>[^0-9]*)(?P<whole>[0-9]+(?:[.,][0-9]+)?)"
    r"(?:\s*(?P<sign>[\u00bc-\u00be\u2153\u2154])|\s+(?P<over>[0-9])/(?P<under>[1-9]))?"
)
_NOT_IN_SKU = re.compile(r"[^A-Z0-9.]+")


def sizes(typed: str) -> list[str]:
    """Return the sizes of what was typed, each once and in its order; one without a name if there is none.

    `36-46` are all whole sizes from 36 to 46; `36, 37, 38.5` and `S M L XL` are what they say. Commas or semicolons
    separate sizes, spaces only where there are none. Within quotes a range is one size: `"35-38"`. Raises InvalidInput.
    """
    found = dict.fromkeys(size for part in _parts(typed) for size in _of_part(part))
    if len(found) > MOST_SIZES:
        raise invalid("sizes", f"must be at most {MOST_SIZES}; these are {len(found)}")
    return list(found) or [""]


def _parts(typed: str) -> list[str]:
    text = re.sub(r"(\d)\s*([-\u2013])\s*(\d)", r"\1\2\3", typed) if '"' not in typed else typed
    separator = r"[,;\n]" if re.search(r"[,;\n]", text) else r"\s+"
    return [part.strip() for part in re.split(separator, text) if part.strip()]


def _of_part(part: str) -> list[str]:
    if quoted := _QUOTED.fullmatch(part):
        return [clean_line(quoted[1], "size", LONGEST_SIZE)]
    found = _RANGE.fullmatch(part)
    if found is None:
        return [clean_line(part, "size", LONGEST_SIZE)]
    first, last = int(found[1]), int(found[2])
    if last <= first:
        raise invalid("sizes", f"{part} do not rise. Write the smaller one first")
    if last - first >= MOST_SIZES:
        raise invalid("sizes", f"must be at most {MOST_SIZES}; {part} are {last - first + 1}")
    return [str(size) for size in range(first, last + 1)]


def size_order(size: str | None) -> tuple[int, str, float, str]:
    """Return a sort key for sizes: numbers by value, then letters from small to large, then the rest.

    `42 2/3`, `42\u2154` and `42,5` are numbers. `104/110` and `6Y` are placed by their first number. `EU 42` comes
    after the letters, with others of its system. The function size_order in core/sql orders the lines of a count.
    """
    text = (size or "").strip()
    if letters := _LETTERS.fullmatch(text):
        return (1, "", _width(letters), text)
    number = _NUMBER.match(text)
    if number is None:
        return (3, text.upper(), 0, text)
    system = number["system"].strip().upper()
    return (2 if system else 0, system, _value(number), text)


def _width(letters: re.Match[str]) -> int:
    """Return the distance from M: `S` is -1, `XL` is 2 and `3XL` is 4."""
    if letters["end"] is None:
        return 0
    more = int(letters["times"]) if letters["times"] else len(letters["x"] or "")
    return (1 + more) * (1 if letters["end"].upper() == "L" else -1)


def _value(number: re.Match[str]) -> float:
    value = float(number["whole"].replace(",", "."))
    if number["sign"]:
        return value + unicodedata.numeric(number["sign"])
    return value + int(number["over"]) / int(number["under"]) if number["over"] else value


def pattern_of(product: str, sku: str = "", size: str | None = None) -> str:
    """Return a pattern for the SKUs of a product: that of a known SKU that ends with its size, else from the name."""
    if sku and size and sku.upper().endswith(size.upper()):
        return sku[: len(sku) - len(size)] + SIZE
    words = [word for word in _NOT_IN_SKU.split(product.upper()) if word]
    start = words[0][:4] if len(words) == 1 else "".join(word[0] for word in words[:4])
    return f"{start}-{SIZE}" if start else ""


def sku_of(pattern: str, size: str) -> str:
    """Return the SKU that a pattern proposes for a size. Without a size, what stands before it."""
    if not size:
        return pattern.replace(SIZE, "").strip("-_/. ")
    return pattern.replace(SIZE, _NOT_IN_SKU.sub("-", size.upper()).strip("-")) if SIZE in pattern else ""
