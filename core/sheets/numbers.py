"""Reads numbers as people and spreadsheets of any country write them, and asks where a text has two readings."""

from __future__ import annotations

import re
from decimal import Decimal

from core.sheets.model import COMMA, POINT, NumberCell

_CURRENCY = re.compile(
    r"[$€£¥₤₩₹₺₽₴₪₫฿₱₦]|\b(?:EUR|USD|GBP|CHF|SEK|NOK|DKK|PLN|CZK|HUF|RON|JPY|CNY|AUD|CAD|NZD|BRL|INR|TRY|ZAR|MXN)\b"
    r"|\b(?:kr|zł|Kč|Ft|lei|R)(?=[\s\d.]|$)\.?|\bFr\.?(?=[\s\d]|$)"
)
_SPACES = str.maketrans(dict.fromkeys("\xa0\u202f\u2009\u2007\u2002\u2003", " "))
_MINUS = str.maketrans(dict.fromkeys("\u2212\u2013\ufe63\uff0d", "-"))
_SCIENTIFIC = re.compile(r"[+-]?\d+([.,]\d+)?[eE][+-]?\d+")
_PLAIN = re.compile(r"\d+")
_GROUPED = re.compile(
    r"(?P<whole>\d{1,3}(?:(?P<group>[ '\u2019.,])\d{3})(?:(?P=group)\d{3})*)(?:(?P<mark>[.,])(?P<rest>\d+))?"
)
_DECIMAL = re.compile(r"(?P<whole>\d*)(?P<mark>[.,])(?P<rest>\d+)")
_LONGEST = 40

SPOILT = "was shortened by a spreadsheet; format its column as text, enter the value again and save"
"""Why a number in scientific notation is refused."""


class NoNumber(ValueError):
    """A text that is no number at all. What it should be is for the caller to say."""


class TwoReadings(ValueError):
    """A text such as `1.000`, which is a thousand in one country and one in another."""


def is_scientific(text: str) -> bool:
    """Return whether a spreadsheet has shortened a number, as in `4,00638E+12`."""
    return _SCIENTIFIC.fullmatch(text.strip()) is not None


def has_two_readings(text: str) -> bool:
    """Return whether a text is a thousand or one, depending on the country."""
    try:
        number(text)
    except TwoReadings:
        return True
    except ValueError:
        return False
    return False


def number(text: str, style: str | None = None) -> Decimal:
    """Return the number that a text means. `style` is the decimal mark of the file, POINT or COMMA, if it is known.

    Currency signs, spaces between thousands and a minus after the number are understood. Raises TwoReadings if the
    text has two readings and `style` is None, ValueError with a reason if it is no number.
    """
    if isinstance(text, NumberCell):
        return Decimal(text)
    if len(text) > _LONGEST:
        raise NoNumber
    written = _CURRENCY.sub("", text.translate(_SPACES).translate(_MINUS)).strip()
    if _SCIENTIFIC.fullmatch(written):
        raise ValueError(SPOILT)
    sign = -1 if written.startswith("-") or written.endswith("-") else 1
    bare = written.removeprefix("-").removeprefix("+").removesuffix("-").strip()
    if written.count("-") > 1 or (not bare.isascii() and "\u2019" not in bare):
        raise NoNumber
    return sign * _unsigned(bare, style)


def _unsigned(bare: str, style: str | None) -> Decimal:
    if _PLAIN.fullmatch(bare):
        return Decimal(bare)
    grouped = _GROUPED.fullmatch(bare)
    if grouped and grouped["group"] in " '\u2019":
        return _with_mark(grouped, style)
    if grouped and grouped["mark"] == grouped["group"]:
        raise NoNumber
    if grouped and grouped["mark"]:
        return _with_mark(grouped, style)
    if grouped and bare.count(grouped["group"]) > 1:
        return _thousands(grouped, style)
    found = _DECIMAL.fullmatch(bare)
    if not found:
        raise NoNumber
    if grouped and not bare.startswith("0"):  # one mark before three digits
        if style is None:
            raise TwoReadings("is a thousand in one country and one in another")
        if found["mark"] != _mark(style):
            return _thousands(grouped, style)
    _refuse_other_mark(found["mark"], style)
    return Decimal(f"{found['whole'] or '0'}.{found['rest']}")


def _with_mark(grouped: re.Match[str], style: str | None) -> Decimal:
    whole = re.sub(r"\D", "", grouped["whole"])
    if grouped["mark"] is None:
        return Decimal(whole)
    _refuse_other_mark(grouped["mark"], style)
    return Decimal(f"{whole}.{grouped['rest']}")


def _thousands(grouped: re.Match[str], style: str | None) -> Decimal:
    if style is not None and grouped["group"] == _mark(style):
        raise ValueError(f"does not fit a file with a decimal {style}")
    return Decimal(re.sub(r"\D", "", grouped["whole"]))


def _mark(style: str) -> str:
    return {POINT: ".", COMMA: ","}[style]


def _refuse_other_mark(mark: str, style: str | None) -> None:
    if style is not None and mark != _mark(style):
        raise ValueError(f"does not fit a file with a decimal {style}")
