"""Works out what the fields of a line can be where only their order tells them apart: code, size, quantity or price.

A field has the same meaning in every line of a cart. Which reading is right, the catalogue and the amount decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import product

from core.carts.names import plain
from core.carts.values import LONGEST_CODE, Row, has_control, price_of, shown, text_of, units_of
from core.foundation.errors import UnreadableCart
from core.foundation.model import MAX_UNITS
from core.foundation.sales import CartLine

MOST_READINGS = 24
"""The most readings, counted by code, size and quantity, that are worth showing to a person."""

MOST_POSITIONS = 20
ANYTHING = "*"
"""In a mapping: any code in a key, and the value itself in a map."""

_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,4})?")
_WHOLE = re.compile(r"(?!0*[0-9]{1,3}\.000$)0*[1-9][0-9]{0,6}(\.0{1,4})?")  # 1.000 is a thousand or one
_LARGE = 10_000  # next to other numbers, such a number is no quantity
# Sizes of shoes and clothes in numbers, those of children up to 188, and short texts.
_SIZE = re.compile(r"[0-9]{1,2}([.,][0-9])?|1[0-8][02468]|(?=.*[^\W\d]).{1,20}")
# Texts that are not codes: addresses of the web and of mail, and dates.
_NO_CODE = re.compile(r"(https?:|//|data:).*|[^@\s]+@[^@\s]+\.[^@\s]+|[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?", re.DOTALL)
_NO_CODE_NAME = re.compile(
    "name|title|descr|label|url|link|image|img|photo|src|href|date|time|mail|phone|address|street|city|country|zip|postal"
    "|currency|amount|total|price|cost|tax|ship|discount|coupon|promo|note|message|comment|user|customer|client|buyer"
    "|session|token|secret|locale|language|color|colour|status|state|mode|type|source|channel|brand|category|weight|unit"
    "|size|quantit|qty|count|order|payment|invoice|account|tenant|store|shop|site|company|plan|campaign|utm|ip$|test|env"
    "|more|further|additional|remain|omit|hidden|trunc|skip"
)
_FIRST, _SHORT, _WIDE = 5, 3, 8
_UNUSED = "something else"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to read the lines of a cart. `fields` are those of a mapping that reads them in this way."""

    rows: tuple[Row, ...]
    how: str
    fields: Mapping[str, str] | None
    has_quantity: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Rows that were read, and their layout. `doubt` says why some may be missing.

    `ways` are all ways to read them, the first of which gives `rows`; there are none where fields have names.
    `key` is where the mapping finds them, and `path` where in its JSON. `used` are the keys that hold them, if they are
    spread over several. `counts` are those of its lines or units in the same JSON.
    """

    shape: str
    rows: tuple[Row, ...]
    doubt: str = ""
    ways: tuple[Way, ...] = ()
    key: str = ""
    path: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    used: frozenset[str] = frozenset()

    @property
    def readings(self) -> list[tuple[Row, ...]]:
        """The rows of every way to read them."""
        return [way.rows for way in self.ways] or [self.rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """The values of one field in all lines, and its name in a mapping: a position or a key."""

    name: str
    texts: tuple[str, ...]

    @property
    def is_number(self) -> bool:
        """Whether every value is a number."""
        return all(map(_NUMBER.fullmatch, self.texts))

    @property
    def can_be_code(self) -> bool:
        """Whether every value can name a product."""
        return all(map(can_be_code, self.texts))

    @property
    def can_be_size(self) -> bool:
        """Whether the values are short texts or numbers such as 42 and 9.5. Some lines may have none."""
        given = [text for text in self.texts if text]
        return bool(given) and all(map(_SIZE.fullmatch, given))

    def can_be_quantity(self, *, alone: bool) -> bool:
        """Return whether every value is a positive whole number, and not a large one if it is not `alone`."""
        most = MAX_UNITS if alone else _LARGE - 1
        return all(_WHOLE.fullmatch(text) and int(text.split(".")[0]) <= most for text in self.texts)

    @property
    def can_be_price(self) -> bool:
        """Whether every value is a positive amount."""
        return all(price_of(text) and text.strip("0.") for text in self.texts)

    @property
    def counts_lines(self) -> bool:
        """Whether the values are the numbers of the lines, from 0 or from 1."""
        numbers = [str(n) for n in range(len(self.texts) + 1)]
        return list(self.texts) in (numbers[:-1], numbers[1:])


def is_code_name(name: str) -> bool:
    """Return whether a field with an unknown name may hold a code: not a title, an address, a date or an amount."""
    return _NO_CODE_NAME.search(plain(name)) is None


def can_be_code(text: str) -> bool:
    """Return whether a text can name a product: not an amount with decimals, an address or a date."""
    if not text or len(text) > LONGEST_CODE or has_control(text) or _NO_CODE.fullmatch(text):
        return False
    return text.isdecimal() or (not _NUMBER.fullmatch(text) and any(map(str.isalnum, text)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """The columns that are the code, the size, the quantity and the price."""

    code: Column
    size: Column | None = None
    quantity: Column | None = None
    price: Column | None = None

    @property
    def used(self) -> tuple[str, ...]:
        """The names of these columns."""
        named = (self.code, self.size, self.quantity, self.price)
        return tuple(column.name for column in named if column is not None)


def _cell(value: object) -> str:
    """Return a value as text. A number with an exponent is none of the fields of a line, whether it is whole or not."""
    text = text_of(value)
    is_plain = not isinstance(value, Decimal) or ("." in text and _NUMBER.fullmatch(text))
    return text if is_plain else ""


def columns_of(table: Sequence[Sequence[object]]) -> list[Column]:
    """Return the columns of lines by position, from 1. A shorter line ends with empty values."""
    width = max(map(len, table))
    if width > MOST_POSITIONS:
        raise UnreadableCart(f"its lines have more than {MOST_POSITIONS} fields")
    padded = [[*map(_cell, cells), *[""] * (width - len(cells))] for cells in table]
    return [Column(name=str(n), texts=texts) for n, texts in enumerate(zip(*padded, strict=True), start=1)]


def ways_of(columns: Sequence[Column], layout: Mapping[str, str]) -> tuple[Way, ...]:
    """Return every way to read the columns, the most usual first. `layout` is the rest of the mapping.

    Raises UnreadableCart if there are too many.
    """
    numbers = [column for column in columns if column.is_number]
    takes = _narrowed(columns, numbers)
    found = (roles for take in takes for roles in _priced(take, columns, numbers))
    return tuple(way_of(roles, columns, layout) for roles in found)


def _narrowed(columns: Sequence[Column], numbers: Sequence[Column]) -> list[Roles]:
    """Return the ways to take goods. If there are too many, only those whose code is a text or the first field.

    In very wide lines the code is the first text, and what counts is among the first fields. Raises UnreadableCart if
    there are still too many ways.
    """
    able = [column for column in columns if column.can_be_code]
    texts = [column for column in able if column not in numbers]
    long = [column for column in able if column in numbers and all(len(text) > 2 for text in column.texts)]
    plain_texts = any(" " not in text for column in texts for text in column.texts)
    short = not plain_texts and (len(columns) <= _SHORT or not long)
    codes = [column for column in able if column in texts or column in long or short]
    tried = [(codes, columns)]
    if plain_texts:
        tried.append(([column for column in codes if column in texts or column is columns[0]], columns))
    if texts and len(columns) > _WIDE:
        tried += [(texts[:1], columns), (texts[:1], columns[:_FIRST])]
    for few, among in tried:
        takes = [take for code in few for take in _takes(code, among, numbers)]
        if len(takes) <= MOST_READINGS:
            return takes
    raise UnreadableCart(f"its lines have {len(columns)} fields without names, which can be read in too many ways")


def _takes(code: Column, columns: Sequence[Column], numbers: Sequence[Column]) -> Iterator[Roles]:
    rest = [column for column in columns if column is not code]
    alone = sum(column is not code and column.can_be_quantity(alone=True) for column in numbers) == 1
    sizes = [None, *(column for column in rest if column.can_be_size)]
    quantities = [*(column for column in rest if column.can_be_quantity(alone=alone)), None]
    for quantity, size in product(quantities, sizes):
        if quantity is None or quantity is not size:
            yield Roles(code=code, size=size, quantity=quantity)


def _priced(take: Roles, columns: Sequence[Column], numbers: Sequence[Column]) -> Iterator[Roles]:
    """Yield a way to take goods with every column that can be the price, and without one.

    In lines of two fields a number always has a meaning, unless it comes before the code and numbers the lines.
    """
    free = [column for column in columns if column.name not in take.used]
    for price in (column for column in (free if len(columns) <= _WIDE else free[:_FIRST]) if column.can_be_price):
        yield Roles(code=take.code, size=take.size, quantity=take.quantity, price=price)
    idle = [column for column in free if column in numbers]
    numbered = all(column.counts_lines and columns.index(column) < columns.index(take.code) for column in idle)
    if len(columns) > 2 or numbered:
        yield take


def way_of(
    roles: Roles, columns: Sequence[Column], layout: Mapping[str, str] | None, name: Column | None = None
) -> Way:
    """Return the rows that these roles of the columns give. The name is the first text that has no role."""
    free = [column for column in columns if column.name not in roles.used and not column.is_number]
    name = name or next((column for column in free if any(column.texts)), None)
    parts = {"code": roles.code, "size": roles.size, "quantity": roles.quantity, "price": roles.price, "name": name}
    fields = {part: column.name for part, column in parts.items() if column is not None}
    words = {column: part for part, column in reversed(fields.items())}
    order = [words.get(column.name, _UNUSED) for column in columns if any(column.texts)]
    while order[-2:] == [_UNUSED, _UNUSED]:
        order.pop()
    how = ", ".join(order) if roles.quantity else f"{', '.join(order)}; one unit each"
    return Way(
        rows=tuple(_rows(roles, name)),
        how=how,
        fields=None if layout is None else {**layout, **fields},
        has_quantity=roles.quantity is not None,
    )


def _rows(roles: Roles, name: Column | None) -> Iterator[Row]:
    for n, code in enumerate(roles.code.texts):
        line = CartLine(
            code=code,
            quantity=units_of(roles.quantity.texts[n], code) if roles.quantity else 1,
            size=(roles.size.texts[n] or None) if roles.size else None,
            name=(shown(name.texts[n], 200) or None) if name else None,
        )
        yield Row(line, price_of(roles.price.texts[n]) if roles.price else "")


def distinct(ways: Iterable[Way]) -> tuple[Way, ...]:
    """Return the ways without those that say the same as one before them."""
    found: dict[tuple[Row, ...], Way] = {}
    for way in ways:
        found.setdefault(way.rows, way)
    return tuple(found.values())


def ways_of_map(values: Sequence[tuple[str, object]], layout: Mapping[str, str] | None) -> tuple[Way, ...]:
    """Return every way to read a map from a code to a number: its quantity, its price or its size."""
    code = Column(name="", texts=tuple(key for key, _ in values))
    value = Column(name=ANYTHING, texts=tuple(text_of(each) for _, each in values))
    found = []
    if value.can_be_quantity(alone=True):
        found.append(Roles(code=code, quantity=value))
    if value.can_be_price:
        found.append(Roles(code=code, price=value))
    if found and value.can_be_size:
        found.append(Roles(code=code, size=value))
    return tuple(way_of(roles, (code, value), layout) for roles in found)
