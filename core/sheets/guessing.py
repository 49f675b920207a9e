"""Guesses by its values which column holds a field that no title names. A person must confirm a guess."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from core.sheets.model import Field, Sheet

_ROWS = 200
_DIGITS = re.compile(r"\d{8}|\d{12,14}")
_CODE = re.compile(r"[^\s].{0,39}")


def guess(sheet: Sheet, fields: Sequence[Field], columns: Mapping[str, int], chosen: set[str]) -> dict[str, int]:
    """Return the columns of fields that have none: barcodes by their check digit, SKUs and products by their look."""
    found: dict[str, int] = {}
    rows = [row for row in sheet.records[:_ROWS] if len(row) == len(sheet.header)]
    for name, is_like in (("barcode", _are_barcodes), ("sku", _are_codes), ("product", _are_names)):
        field = next((each for each in fields if each.name == name), None)
        if field is None or name in columns or name in chosen or not (field.is_required or name == "barcode"):
            continue
        used = set(columns.values()) | set(found.values())
        free = (place for place in range(len(sheet.header)) if place not in used)
        place = next((each for each in free if is_like([row[each] for row in rows])), None)
        if place is not None:
            found[name] = place
    return found


def _are_barcodes(values: Sequence[str]) -> bool:
    filled = [value for value in values if value]
    return len(filled) > 1 and _most(filled, is_gtin)


def _are_codes(values: Sequence[str]) -> bool:
    is_whole = len(values) > 1 and all(values) and len(set(values)) == len(values)
    has_letters = any(character.isalpha() for value in values for character in value)
    has_digits = any(character.isdigit() for value in values for character in value)
    return (
        is_whole
        and has_digits
        and has_letters
        and all(_CODE.fullmatch(value) and value.count(" ") < 2 for value in values)
    )


def _are_names(values: Sequence[str]) -> bool:
    filled = [value for value in values if value]
    return len(filled) > 1 and all(filled) and _most(filled, lambda value: value[:1].isalpha() and len(value) > 3)


def _most(values: Sequence[str], test: Callable[[str], bool]) -> bool:
    return sum(map(test, values)) * 10 >= len(values) * 9


def is_gtin(text: str) -> bool:
    """Return whether a text is an EAN, UPC or GTIN with a right check digit."""
    if not _DIGITS.fullmatch(text):
        return False
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(text)))
    return weighted % 10 == 0
