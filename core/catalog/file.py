"""Reads a catalogue: a file of any format becomes checked lines, or all bad rows are named at once. Uses no database.

Fields: sku and product, and any of brand, size, color, barcode, price, unit_cost, reorder_point, shelf_place, opening,
active. An empty value changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from core.foundation.barcodes import code_key
from core.foundation.cells import Problem, shown
from core.foundation.errors import Unreadable
from core.foundation.text import folded, many
from core.sheets import Choices, Field, Kind, Match, match_alone, open_sheet, read
from core.sheets.reading import Tell, reader

FIELDS = (
    Field(name="sku", kind=Kind.CODE, is_required=True, longest=80, label="SKU"),
    Field(name="product", is_required=True, longest=300),
    Field(name="brand", longest=100),
    Field(name="size", kind=Kind.SIZE, longest=40),
    Field(name="color", longest=100, label="colour"),
    Field(name="barcode", kind=Kind.CODE, longest=80),
    Field(name="price", kind=Kind.AMOUNT),
    Field(name="unit_cost", kind=Kind.AMOUNT),
    Field(name="reorder_point", kind=Kind.UNITS),
    Field(name="shelf_place", longest=40, label="shelf place"),
    Field(name="opening", kind=Kind.UNITS, label="units in stock"),
    Field(name="active", kind=Kind.YES),
)
REQUIRED = tuple(field.name for field in FIELDS if field.is_required)
OPTIONAL = tuple(field.name for field in FIELDS if not field.is_required)
COLUMNS = REQUIRED + OPTIONAL
EXAMPLES = (
    ("RUN-01-42", "Trail Runner", "Fjell", "42", "blue", "4006381333931", Decimal("129.90"), Decimal("61.00"), 3, "A-3",
     12, "yes"),
    ("RUN-01-43", "Trail Runner", "Fjell", "43", "blue", "4006381333948", Decimal("129.90"), Decimal("61.00"), 3, "A-3",
     8, "yes"),
)  # fmt: skip
"""Rows of the template."""

SHOWN_PROBLEMS = 50


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


def read_catalog(content: bytes, name: str, choices: Choices | None = None) -> CatalogFile:
    """Read the bytes of a file called `name` where nobody can be asked. Raises Unreadable if it is not a catalogue."""
    chosen = choices or Choices()
    return catalog_of(match_alone(open_sheet(content, name, tab=chosen.tab), FIELDS, chosen))


def catalog_of(match: Match, tell: Tell = lambda *_: None) -> CatalogFile:
    """Return the catalogue that a matched file is. Raises Unreadable if it has no rows or something is left to ask."""
    found = read(match, tell=tell)
    if not found.rows:
        raise Unreadable(f"{found.name} has no rows; nothing was imported.")
    lines = _as_first_written([_line(row.line, row.values) for row in found.rows])
    problems = [*found.problems, *_contradictions(lines)]
    return CatalogFile(name=found.name, lines=tuple(lines), problems=tuple(sorted(problems, key=lambda p: p.line)))


def _line(number: int, values: Mapping[str, Any]) -> CatalogLine:
    return CatalogLine(line=number, **{"sku": "", "product": "", **values})


def read_line(number: int, columns: Sequence[str], values: Sequence[str], problems: list[Problem]) -> CatalogLine:
    """Return the values of one row, trimmed, as their types; adds what is wrong with them to `problems`."""
    read: dict[str, Any] = {}
    for column, value in zip(columns, values, strict=True):
        try:
            read[column] = _READERS[column](value) if value else None
        except ValueError as error:
            problems.append(Problem(line=number, field=column, why=str(error), value=shown(value)))
            read[column] = shown(value) if column in REQUIRED else None
    missing = [column for column in REQUIRED if not read.get(column)]
    problems += [Problem(line=number, field=column, why="is missing") for column in missing]
    return _line(number, {name: value for name, value in read.items() if value is not None})


_READERS = {field.name: reader(field) for field in FIELDS}


def _as_first_written(lines: Sequence[CatalogLine]) -> list[CatalogLine]:
    """Return the rows with each product and brand as it is first written: look-alikes are the same name."""
    names: dict[str, str] = {}

    def first(name: str) -> str:
        return names.setdefault(folded(name), name)

    def rewritten(line: CatalogLine) -> CatalogLine:
        product, brand = line.product and first(line.product), line.brand and first(line.brand)
        is_same = (product, brand) == (line.product, line.brand)
        return line if is_same else replace(line, product=product, brand=brand)

    return [rewritten(line) if line.product else line for line in lines]


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
