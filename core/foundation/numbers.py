"""Numbers as people type them. A text is read as one number or refused; it is never cut, and never has two readings.

A point or comma before three digits separates thousands for some readers, and decimals for others: 1.000 is a thousand
in German and one in English. It is read only if the reader's own language separates thousands with it.
"""

from __future__ import annotations

import re
from decimal import Decimal

from core.foundation.errors import InvalidInput, invalid

_SPACES = "\u0020\u00a0\u2007\u2009\u202f"
_QUOTES = "'\u2019"  # thousands in Switzerland: 1'000
_MINUS = re.compile("^[\u2212\u2013]")  # as pages show a minus, and as a keyboard on a phone may type it
_GROUPED = re.compile(rf"\d{{1,3}}(?P<mark>[{_SPACES}{_QUOTES}.,])\d{{3}}((?P=mark)\d{{3}})*", re.ASCII)
_WHOLE = re.compile(r"\d{1,18}", re.ASCII)
_EXAMPLE = "Type a whole number, such as 12"
# CLDR, "Number Symbols": the languages whose thousands are separated by a point; the others here use a comma. Where a
# language is in neither list, both are refused before three digits.
_POINT = ("da", "de", "el", "es", "gl", "hr", "id", "is", "it", "nl", "pt", "ro", "sl", "sr", "tr", "vi")
_COMMA = ("en", "he", "hi", "ja", "ko", "th", "zh")
_OTHERWISE = {"de-AT": "", "de-CH": "", "de-LI": "", "it-CH": "", "en-ZA": "", "en-CH": "", "es-MX": ",", "pt-PT": ""}
"""Regions that differ from their language, and those that use several ways side by side."""


def group_mark(locale: str | None) -> str:
    """Return what separates thousands for readers of `locale` (`de-DE`): a point, a comma, or "" if uncertain."""
    language, _, region = (locale or "").replace("_", "-").partition("-")
    known = _OTHERWISE.get(f"{language.lower()}-{region.upper()}")
    if known is not None:
        return known
    return "." if language.lower() in _POINT else "," if language.lower() in _COMMA else ""


def whole(typed: str | int | None, field: str, *, lowest: int, highest: int, mark: str = "") -> int:
    """Return the whole number that was typed. `mark` is the reader's `group_mark`.

    Raises InvalidInput naming `field` if it is empty, is not a whole number, has two readings or is out of range.
    """
    found = typed if isinstance(typed, int) else _read_whole(typed or "", field, mark)
    if found < lowest:
        raise invalid(field, f"must be at least {lowest:,}")
    if found > highest:
        raise invalid(field, f"must be at most {highest:,}")
    return found


def _read_whole(typed: str, field: str, mark: str) -> int:
    text = _MINUS.sub("-", typed.strip())
    if not text:
        raise _missing(field)
    sign, digits = (text[0], text[1:].strip()) if text[0] in "+-" else ("", text)
    plain = _ungrouped(digits, field, mark, typed)
    if not _WHOLE.fullmatch(plain):
        raise invalid(field, f"must be a whole number, not {_shown(typed)}. {_EXAMPLE}")
    return int(sign + plain)


def amount(typed: str, field: str, *, digits: int, mark: str = "") -> Decimal:
    """Return the amount that was typed, with at most `digits` decimals after a point or a comma. It may be negative.

    Raises InvalidInput naming `field` if it is empty, is no amount or has two readings.
    """
    text = _MINUS.sub("-", typed.strip())
    if not text:
        raise _missing(field)
    sign, rest = (text[0], text[1:].strip()) if text[0] in "+-" else ("", text)
    decimals = _decimals(digits, mark).fullmatch(rest)
    before, after = (decimals[1], decimals[2]) if decimals else (rest, None)
    plain = _ungrouped(before, field, mark, typed, decimal=("," if mark == "." else ".") if digits else "")
    if not _WHOLE.fullmatch(plain):
        example = "129.90" if digits else "129"
        raise invalid(field, f"must be an amount such as {example}, not {_shown(typed)}")
    return Decimal(f"{sign}{plain}.{after or 0}")


def _decimals(digits: int, mark: str) -> re.Pattern[str]:
    """Return the pattern of a number with decimals. Three of them are certain only after the reader's decimal mark."""
    few = rf"[.,]\d{{1,{min(digits, 2)}}}" if digits else "(?!)"
    three = {",": r"\.\d{3}", ".": r",\d{3}"}.get(mark, "(?!)") if digits == 3 else "(?!)"
    return re.compile(rf"(.*?)(?:(?={few}$|{three}$)[.,](\d+))", re.ASCII)


def _ungrouped(text: str, field: str, mark: str, typed: str, decimal: str = "") -> str:
    """Return the digits without separators of thousands. Raises InvalidInput if a separator has two readings.

    `decimal` is the sign before decimals in the example of the refusal; it is empty if there can be none.
    """
    grouped = _GROUPED.fullmatch(text)
    if not grouped:
        return text
    used = grouped["mark"]
    if used in ".," and used != mark:
        raise _two_readings(field, typed, decimal)
    return text.replace(used, "")


def _two_readings(field: str, typed: str, decimal: str) -> InvalidInput:
    if decimal:  # without the sign, 1.299,90 would be a hundred times as much
        example = f"1299{decimal}90"
        return invalid(
            field,
            f"must not be {_shown(typed)}: that is a thousand in some languages, and decimals in others. "
            f"Type it with two decimals and without a separator of thousands, such as {example}",
        )
    return invalid(
        field,
        f"must not be {_shown(typed)}: that is a thousand in some languages, and decimals in others. "
        "Type the digits without a point or comma",
    )


def _shown(typed: str) -> str:
    return f'"{typed.strip()[:40]}"'


def _missing(field: str) -> InvalidInput:
    return invalid(field, f"{'are' if field.endswith('s') else 'is'} required")
