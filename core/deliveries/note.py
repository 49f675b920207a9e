"""Reads the lines of a delivery as people paste them: SKU, quantity and perhaps the unit cost, one line each.

The values are separated by tabs, semicolons, commas or spaces. A first line that names its columns is understood. What
cannot be read becomes a line with a problem; nothing is lost and nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.foundation.errors import Unreadable
from core.foundation.model import MAX_UNITS
from core.foundation.text import folded

LONGEST_CODE = 200
MOST_CHARACTERS = 1_000_000
MOST_LINES = 10_000
HIGHEST_COST = Decimal(1_000_000_000)
CODE, UNITS, COST = "code", "units", "unit_cost"
TITLES = {
    CODE: ("sku", "code", "item", "item no", "item number", "article", "article no", "article number", "artikel",
           "artikelnummer", "artikel-nr", "artikelnr", "art-nr", "ean", "gtin", "barcode", "part number",
           "product code", "style", "référence", "reference", "ref"),
    UNITS: ("quantity", "qty", "units", "pieces", "pcs", "amount", "menge", "anzahl", "stück", "stueck", "stk",
            "quantité", "delivered", "shipped", "qty shipped", "qty delivered", "shipped qty", "ordered", "geliefert"),
    COST: ("unit cost", "cost", "unit_cost", "price", "unit price", "net price", "ek", "ek-preis", "ek preis",
           "einkaufspreis", "einzelpreis", "preis", "prix", "prix unitaire", "cost price"),
}  # fmt: skip
"""What other people call the three columns, in small letters without full stops."""

_WHOLE = re.compile(r"[0-9]+")
_NUMBER = re.compile(r"[0-9][0-9.,'e+]*")
_MONEY = re.compile(r"[0-9]{1,10}(?:[.,]([0-9]{1,4}))?")
_GROUPED = re.compile(r"[0-9]{1,3}(?:[.'\u2019 ][0-9]{3})+,[0-9]{1,2}|[0-9]{1,3}(?:[,'\u2019 ][0-9]{3})+\.[0-9]{1,2}")
_CURRENCY = re.compile(r"^(?:[€$£¥]|[A-Z]{3}\b)\s*|\s*(?:[€$£¥]|\b[A-Z]{3})$")
_LONE_CURRENCY = re.compile(r"(?<=[0-9])\s+(?:[€$£¥]|[A-Z]{3})$")


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteLine:
    """One line of a note. `problem` says what could not be read; its `units` are then 0 and `original` has the text."""

    line: int
    code: str
    units: int
    unit_cost: Decimal | None = None
    original: str
    problem: str | None = None


class _Odd(ValueError):
    """A value that cannot be read; the message is read after the name of its column."""


def parse(text: str, *, bare: int | None = None) -> tuple[NoteLine, ...]:
    """Return the lines of pasted text. `bare`: the units of a line that is a code alone, or None to refuse it.

    Raises Unreadable if there are too many.
    """
    if len(text) > MOST_CHARACTERS:
        raise Unreadable(f"The text has more than {MOST_CHARACTERS:,} characters; split it. Nothing was saved.")
    rows = [(n, raw) for n, raw in enumerate(text.splitlines(), 1) if raw.strip(" \t;,\ufeff")]
    columns: tuple[str, ...] = (CODE, UNITS, COST)
    if rows and (named := _columns(_split(rows[0][1], is_head=True))):
        columns, rows = named, rows[1:]
    return read_rows([(n, raw, _split(raw)) for n, raw in rows], columns, bare=bare)


def read_rows(
    rows: Sequence[tuple[int, str, Sequence[str]]],
    columns: Sequence[str] = (CODE, UNITS, COST),
    *,
    bare: int | None = None,
) -> tuple[NoteLine, ...]:
    """Return the lines of rows of text: their number, their original, and their values in the order of `columns`.

    Raises Unreadable if there are too many.
    """
    if len(rows) > MOST_LINES:
        raise Unreadable(f"The note has {len(rows):,} lines; the limit is {MOST_LINES:,}. Split it; nothing was saved.")
    return tuple(
        _line(n, raw.strip(), [folded(value).strip('"') for value in values], columns, bare) for n, raw, values in rows
    )


def _line(n: int, raw: str, values: list[str], columns: Sequence[str], bare: int | None) -> NoteLine:
    named = dict(zip(columns, values, strict=False))
    code = named.get(CODE, "")
    units, cost, problems = 0, None, []
    extra = [value for value in values[len(columns) :] if value]
    if extra:
        problems.append(f"has {len(values)} values instead of SKU, quantity and unit cost")
    if not code:
        problems.append("has no SKU")
    elif len(code) > LONGEST_CODE or not code.isprintable():
        problems.append(f"has a SKU of more than {LONGEST_CODE} characters or with control characters")
    if not extra:
        try:
            units = bare if bare and not named.get(UNITS) else whole_units(named.get(UNITS, ""))
        except _Odd as odd:
            problems.append(f"has a quantity that {odd}")
        try:
            cost = money(named.get(COST, ""))
        except _Odd as odd:
            problems.append(f"has a unit cost that {odd}")
    shown = "".join(c if c.isprintable() else " " for c in code or raw)[:LONGEST_CODE].strip() or "?"
    problem = f"Line {n} {' and '.join(problems)}." if problems else None
    return NoteLine(line=n, code=shown, units=0 if problem else units, unit_cost=cost, original=raw, problem=problem)


def whole_units(text: str) -> int:
    """Return units that are written in digits alone. Raises ValueError with what is wrong, to be read after "that"."""
    if not text:
        raise _Odd("is missing")
    if not (text.isascii() and _WHOLE.fullmatch(text)):
        raise _Odd(f"is “{text[:40]}”: write a whole number in digits alone, without a point, a comma or a sign")
    units = int(text[:12])
    if not 1 <= units <= MAX_UNITS:
        raise _Odd(f"is {text[:12]}: it must be between 1 and {MAX_UNITS:,}")
    return units


def money(text: str) -> Decimal | None:
    """Return a cost as people write it (12.50, 12,50, € 1.234,50), or None if there is none.

    Raises ValueError, to be read after "that", for what could be read in two ways: 1.234.
    """
    bare = _CURRENCY.sub("", text).strip()
    if not bare:
        return None
    if _GROUPED.fullmatch(bare):
        whole, cents = re.split(r"[.,](?=[0-9]{1,2}$)", bare)
        return Decimal(f"{re.sub(r'[^0-9]', '', whole)}.{cents}")
    found = _MONEY.fullmatch(bare) if bare.isascii() else None
    if found is None:
        raise _Odd(f"is “{text[:40]}”: write it like 12.50")
    if len(found[1] or "") == 3:
        raise _Odd(f"is “{text[:40]}”: it could mean a thousand or a fraction; write it with two or four decimals")
    cost = Decimal(bare.replace(",", "."))
    if cost > HIGHEST_COST:
        raise _Odd(f"is “{text[:40]}”: that is too high")
    return cost


def _split(raw: str, *, is_head: bool = False) -> list[str]:
    raw = raw.strip(" \r\n\ufeff")
    for mark in ("\t", ";"):
        if mark in raw:
            return [value.strip() for value in raw.split(mark)]
    words = _LONE_CURRENCY.sub("", raw).split()
    spaced = len(words) in (2, 3) and "," not in words[0] and all(_NUMBER.fullmatch(word) for word in words[1:])
    if "," in raw and not spaced:
        return [value.strip() for value in raw.split(",")]
    return [raw] if is_head and len(words) == 1 else words


def names_code(title: str) -> bool:
    """Return whether this is a name of the column of codes, as in the first line of a copied column."""
    return _plain_title(title) in TITLES[CODE]


def _plain_title(title: str) -> str:
    return folded(title).lower().replace(".", "").strip()


def _columns(titles: list[str]) -> tuple[str, ...]:
    """Return our columns in the order of these titles, if a SKU and a quantity are among them."""
    by_title = {title: name for name, known in TITLES.items() for title in known}
    found: list[str] = []
    for title in titles:
        name = by_title.get(_plain_title(title), "")
        found.append(name if name not in found else "")
    return tuple(found) if {CODE, UNITS} <= set(found) else ()
