"""Reads a catalogue: a CSV file becomes checked lines, or all bad rows are named at once. Uses no database.

Columns: sku and product, and any of brand, size, color, barcode, price, unit_cost, reorder_point, shelf_place, opening,
active. An empty value changes nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from core.foundation.barcodes import code_key
from core.foundation.cells import Problem, shown
from core.foundation.csv_file import decoded, records
from core.foundation.errors import Unreadable
from core.foundation.model import MAX_UNITS
from core.foundation.text import folded, many

REQUIRED = ("sku", "product")
OPTIONAL = (
    "brand", "size", "color", "barcode", "price", "unit_cost", "reorder_point", "shelf_place", "opening", "active",
)  # fmt: skip
COLUMNS = REQUIRED + OPTIONAL
MAX_BYTES = 10_000_000
MAX_ROWS = 20_000
MAX_PRICE = Decimal("9999999.99")
SHOWN_PROBLEMS = 50
_YES, _NO = ("yes", "true", "1", "active"), ("no", "false", "0", "inactive")
_PRICE = re.compile(r"\d{1,12}([.,]\d{1,2})?", re.ASCII)
_WHOLE = re.compile(r"(\d{1,12})(\.0+)?", re.ASCII)
_CUT_BY_A_SPREADSHEET = re.compile(r"\d([.,]\d+)?[eE]\+\d+")
_INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")  # codes that look alike must be alike


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogLine:
    """One row of a catalogue and the number of its line. None is an empty value."""

    line: int
    sku: str
    product: str
    brand: str | None = None
    size: str | None = None
    color: str | None = None
    barcode: str | None = None
    price: Decimal | None = None
    unit_cost: Decimal | None = None
    reorder_point: int | None = None
    shelf_place: str | None = None
    opening: int | None = None
    active: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogFile:
    """A catalogue as read: its rows and their problems. A bad row has the values that could be read."""

    name: str
    lines: tuple[CatalogLine, ...]
    problems: tuple[Problem, ...]

    @property
    def good(self) -> tuple[CatalogLine, ...]:
        """The rows without problems."""
        bad = {problem.line for problem in self.problems}
        return tuple(line for line in self.lines if line.line not in bad)


class UnreadableCatalog(Unreadable):
    """This catalogue has bad rows; nothing was imported."""

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        super().__init__(_sentences(name, self.problems))


def read_catalog(content: bytes, name: str) -> CatalogFile:
    """Read the bytes of a CSV file called `name`. Raises Unreadable if the file as a whole is not a catalogue."""
    rows = records(decoded(content, name, most_bytes=MAX_BYTES), name)
    columns = _columns(next(rows, (1, []))[1], name)
    lines: list[CatalogLine] = []
    problems: list[Problem] = []
    for number, values in rows:
        if len(lines) == MAX_ROWS:
            raise Unreadable(f"{name} has more than {MAX_ROWS:,} rows; split it. Nothing was imported.")
        if len(values) != len(columns):
            why = f"has {len(values)} values where the first line names {len(columns)} columns"
            problems.append(Problem(line=number, field="row", why=why))
            values = (values + [""] * len(columns))[: len(columns)]
            lines.append(read_line(number, columns, values, []))
        else:
            lines.append(read_line(number, columns, values, problems))
    if not lines:
        raise Unreadable(f"{name} has no rows; nothing was imported.")
    lines = _as_first_written(lines)
    problems += _contradictions(lines)
    return CatalogFile(name=name, lines=tuple(lines), problems=tuple(sorted(problems, key=lambda p: p.line)))


def _columns(written: Sequence[str], name: str) -> list[str]:
    """Return our names of the file's columns. Raises Unreadable for missing, repeated or unknown columns."""
    known = [_name(title) for title in written]
    faults = {
        "lacks": [column for column in REQUIRED if column not in known],
        "has the unknown": [title or "(no name)" for title in written if _name(title) not in COLUMNS],
        "repeats": sorted({key for key in known if key in COLUMNS and known.count(key) > 1}),
    }
    found = [f"{verb} {_listed(titles)}" for verb, titles in faults.items() if titles]
    if found:
        expected = f"It must name {' and '.join(REQUIRED)}, and may name {', '.join(OPTIONAL)}"
        raise Unreadable(f"The first line of {name} {'; it '.join(found)}. {expected}. Nothing was imported.")
    return known


def _name(title: str) -> str:
    return re.sub(r"[\s-]+", "_", title.lower())


def _listed(titles: Sequence[str]) -> str:
    shown = ", ".join(title[:40] for title in titles[:10])
    return f"column{'s' if len(titles) > 1 else ''} {shown}{' and others' if len(titles) > 10 else ''}"


def read_line(number: int, columns: Sequence[str], values: Sequence[str], problems: list[Problem]) -> CatalogLine:
    """Return the values of one row, trimmed, as their types; adds what is wrong with them to `problems`."""
    read: dict[str, Any] = {"sku": "", "product": ""}
    for column, value in zip(columns, values, strict=True):
        try:
            read[column] = _READERS[column](value) if value else read.get(column)
        except ValueError as error:
            problems.append(Problem(line=number, field=column, why=str(error), value=shown(value)))
            if column in REQUIRED:
                read[column] = shown(value)
    missing = [column for column in REQUIRED if not read[column]]
    problems += [Problem(line=number, field=column, why="is missing") for column in missing]
    return CatalogLine(line=number, **read)


def _text(longest: int) -> Callable[[str], str]:
    def read(value: str) -> str:
        if len(value) > longest:
            raise ValueError(f"has more than {longest} characters")
        if any(unicodedata.category(character) in _INVISIBLE for character in value):
            raise ValueError("has a control or invisible character")
        return value

    return read


def _code(value: str) -> str:
    if _CUT_BY_A_SPREADSHEET.fullmatch(value):
        raise ValueError("was shortened by a spreadsheet; format its column as text and save again")
    return _text(80)(value)


def _price(value: str) -> Decimal:
    if not _PRICE.fullmatch(value):
        raise ValueError("is not an amount such as 129.90")
    amount = Decimal(value.replace(",", "."))
    if amount > MAX_PRICE:
        raise ValueError(f"is more than {MAX_PRICE:,}")
    return amount.quantize(Decimal("0.01"))


def _units(value: str) -> int:
    found = _WHOLE.fullmatch(value)
    if not found:
        raise ValueError("is not a whole number, zero or more")
    if int(found[1]) > MAX_UNITS:
        raise ValueError(f"is more than {MAX_UNITS:,}")
    return int(found[1])


def _yes_or_no(value: str) -> bool:
    if value.lower() not in _YES + _NO:
        raise ValueError("is neither yes nor no")
    return value.lower() in _YES


_READERS: dict[str, Callable[[str], Any]] = {
    "sku": _code,
    "product": _text(300),
    "brand": _text(100),
    "size": _text(40),
    "color": _text(100),
    "barcode": _code,
    "price": _price,
    "unit_cost": _price,
    "reorder_point": _units,
    "shelf_place": _text(40),
    "opening": _units,
    "active": _yes_or_no,
}


def _as_first_written(lines: Sequence[CatalogLine]) -> list[CatalogLine]:
    """Return the rows with each product and brand as it is first written: look-alikes are the same name."""
    names: dict[str, str] = {}

    def first(name: str) -> str:
        return names.setdefault(folded(name), name)

    return [
        replace(line, product=first(line.product), brand=line.brand and first(line.brand)) if line.product else line
        for line in lines
    ]


def _contradictions(lines: Sequence[CatalogLine]) -> Iterator[Problem]:
    """Yield a problem for each row that contradicts an earlier one, and name the earlier one."""
    skus: dict[str, CatalogLine] = {}
    barcodes: dict[str, CatalogLine] = {}
    products: dict[str, CatalogLine] = {}
    brands: dict[str, CatalogLine] = {}
    of_sku = {code_key(line.sku): line for line in reversed(lines)}
    for line in lines:
        same_sku = skus.setdefault(code_key(line.sku).casefold(), line)
        same_code = barcodes.setdefault(code_key(line.barcode), line) if line.barcode else line
        same_text = of_sku.get(code_key(line.barcode), line) if line.barcode else line
        same_product = products.setdefault(line.product.casefold(), line)
        same_brand = brands.setdefault(line.product.casefold(), line) if line.brand and line.product else line
        if line.sku and same_sku is not line:
            yield Problem(line=line.line, field="sku", why=_difference(line, same_sku), value=shown(line.sku))
        if same_code.sku != line.sku:
            why = f"is also the barcode of SKU {same_code.sku} on line {same_code.line}"
            yield Problem(line=line.line, field="barcode", why=why, value=line.barcode)
        elif same_text.sku != line.sku:
            why = f"is also the SKU on line {same_text.line}"
            yield Problem(line=line.line, field="barcode", why=why, value=line.barcode)
        if same_product.product != line.product:
            why = f'is spelled "{same_product.product}" on line {same_product.line}'
            yield Problem(line=line.line, field="product", why=why, value=shown(line.product))
        if same_brand.brand != line.brand:
            why = f'contradicts line {same_brand.line}: the same product has the brand "{same_brand.brand}"'
            yield Problem(line=line.line, field="brand", why=why, value=line.brand)


def _difference(line: CatalogLine, earlier: CatalogLine) -> str:
    if code_key(line.sku) != code_key(earlier.sku):
        return f'differs only in letter case from "{earlier.sku}" on line {earlier.line}'
    if line.sku != earlier.sku:
        return f'means the same as "{earlier.sku}" on line {earlier.line}'
    for column in COLUMNS:
        here, there = getattr(line, column), getattr(earlier, column)
        if here != there:
            return f"contradicts line {earlier.line}: {column} is {_quoted(there)} there and {_quoted(here)} here"
    return f"repeats line {earlier.line}"


def _quoted(value: object) -> str:
    return "empty" if value is None else f'"{value}"'


def _sentences(name: str, problems: Sequence[Problem]) -> str:
    bad_rows = len({problem.line for problem in problems})
    lines = [f"{name} has {many(bad_rows, 'bad row')}; nothing was imported."]
    lines += [f"  {problem}" for problem in problems[:SHOWN_PROBLEMS]]
    if len(problems) > SHOWN_PROBLEMS:
        lines.append(f"  and {len(problems) - SHOWN_PROBLEMS:,} more.")
    return "\n".join(lines)
