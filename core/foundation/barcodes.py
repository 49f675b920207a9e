"""Reads barcodes: GTINs with their check digits, GS1 element strings with a GTIN and a count, and UPC-E."""

from __future__ import annotations

import re
from dataclasses import dataclass

from biip import ParseError
from biip.checksums import gs1_standard_check_digit
from biip.gs1_messages import GS1Message
from biip.upc import Upc

from core.foundation.text import folded

LENGTHS = (8, 12, 13, 14)
"""How many digits a GTIN has."""
FNC1 = "\x1d"
"""What a scanner sends between the elements of a GS1 code."""
_DIGITS = re.compile(r"[0-9]+")
_AIM = re.compile(r"\][A-Za-z][0-9A-Za-z]")
_ELEMENTS = re.compile(r"0[12][0-9]{14}")
_MOST_COUNT = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What a scan can mean: a code to look up, and how many of it a GS1 element string counts (1 without a count)."""

    code: str
    count: int = 1


def check_digit(number: str) -> str:
    """Return the last digit that a number of 8, 12, 13 or 14 digits needs to be a GTIN."""
    return str(gs1_standard_check_digit(number[:-1]))


def is_gtin(text: str) -> bool:
    """Return whether a text is a number of 8, 12, 13 or 14 digits that ends with its right check digit."""
    return len(text) in LENGTHS and _DIGITS.fullmatch(text) is not None and check_digit(text) == text[-1]


def code_key(code: str) -> str:
    """Return what a code is compared by: a GTIN as 14 digits, any other text folded. SQL has the same function."""
    key = folded(code)
    return key.zfill(14) if is_gtin(key) else key


def upc_a(text: str) -> str | None:
    """Return the UPC-A of twelve digits that a UPC-E of eight digits stands for, or None if it is not one."""
    if len(text) != 8 or not _DIGITS.fullmatch(text) or is_gtin(text):
        return None
    try:
        return Upc.parse(text).as_upc_a()
    except ParseError:
        return None


def read_scan(text: str) -> tuple[Scanned, ...]:
    """Return what a scanned or typed text can mean, to be looked up in this order until one is known.

    First the text itself, without the prefix by which a scanner names the kind of barcode; then the GTIN of (01) or
    (02) of a GS1 element string with the count of (37); then the UPC-A that a UPC-E stands for.
    """
    bare = text.strip(" \t\r\n")
    if prefix := _AIM.match(bare):
        bare = bare[prefix.end() :]
    bare = bare.lstrip(FNC1)
    found = [Scanned(code=bare)]
    if element := _elements(bare):
        found.append(element)
    if longer := upc_a(bare):
        found.append(Scanned(code=longer))
    return tuple(found)


def _elements(text: str) -> Scanned | None:
    if not (text.startswith("(") or FNC1 in text or _ELEMENTS.match(text)):
        return None
    try:
        message = GS1Message.parse_hri(text) if text.startswith("(") else GS1Message.parse(text)
    except ParseError:
        return None
    gtin = message.element_strings.get(ai="01") or message.element_strings.get(ai="02")
    if gtin is None or not is_gtin(gtin.value):
        return None
    counted = message.element_strings.get(ai="37")
    count = int(counted.value) if counted else 1
    return Scanned(code=gtin.value, count=count) if 1 <= count <= _MOST_COUNT else None
