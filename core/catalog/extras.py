"""The columns of the catalogue that a shop brought with it, and the values that an import gives them in new rows.

They are given as texts such as `status=active`; `product.status=active` where products and variants both have the
column. What is not given gets the column's default. A `slug` of products is made from their names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection

from core.database.engine import call, rows_of
from core.database.reading import read_only
from core.foundation.errors import invalid
from core.foundation.model import Actor
from core.people.access import Permission
from core.people.guard import ASKER, asker

LONGEST_VALUE = 1_000
MOST_VALUES = 100
SLUG = "slug"
Values = Mapping[str, Mapping[str, str]]
"""Values by column, by `product` and `variant`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """A column that products or variants (`of`) of this shop have beside ours, and what existing rows have in it.

    `fallback` is its default if that is a plain value, else `formula` is. `common`: the word that most rows have.
    """

    of: str
    name: str
    type: str
    is_required: bool
    fallback: str | None
    formula: str | None
    total: int
    filled: int
    common: str | None
    common_rows: int

    @property
    def is_slug(self) -> bool:
        """Whether it is the address of a product, which is made from its name."""
        return (self.of, self.name) == ("product", SLUG)


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """What buyers may miss in new rows, and the value that mends it (`status=active`), if it is known."""

    sentence: str
    value: str | None


@read_only
def extras(connection: Connection, actor: Actor) -> tuple[Extra, ...]:
    """Return the shop's own columns of products and variants. Raises Forbidden, SignInRequired."""
    statement = f"select * from stockroom_api.extra_facts({ASKER})"  # noqa: S608 - nothing of a caller is in it
    return tuple(rows_of(Extra, call(connection, statement, asker(actor, Permission.IMPORT_CATALOG))))


def products_have_prices(connection: Connection) -> bool:
    """Return whether products of this shop have prices of their own; a new one then gets its lowest in the file."""
    return call(connection, "select stockroom_api.products_have_prices()", {})[0][0] is True


def read_values(texts: Sequence[str], columns: Sequence[Extra]) -> Values:
    """Return the values of texts such as `status=active`. Raises InvalidInput that names the text and what is wrong."""
    values: dict[str, dict[str, str]] = {}
    if len(texts) > MOST_VALUES:
        raise invalid("values", f"must be at most {MOST_VALUES}")
    for given in texts:
        named, has_value, value = given.partition("=")
        of, column = _column(named.strip(), columns)
        if not has_value or not value.strip() or len(value) > LONGEST_VALUE or not value.isprintable():
            raise invalid(column, f"needs a value of 1 to {LONGEST_VALUE:,} characters, as in {column}=active")
        if column in values.setdefault(of, {}):
            raise invalid(column, "is given twice")
        values[of][column] = value.strip()
    return values


def _column(named: str, columns: Sequence[Extra]) -> tuple[str, str]:
    prefix, dot, name = named.partition(".")
    of = {"product": "product", "products": "product", "variant": "variant", "variants": "variant"}.get(prefix)
    found = [each for each in columns if each.name == named or (dot and each.name == name and each.of == of)]
    if not found:
        known = ", ".join(f"{each.of}.{each.name}" for each in columns) or "none"
        raise invalid(named[:63] or "column", f"is no column of this shop beside ours. There are: {known[:500]}")
    if len(found) > 1:
        raise invalid(named, f"is a column of products and of variants: write product.{named} or variant.{named}")
    return found[0].of, found[0].name


def as_json(values: Values) -> str:
    """Return values as the database takes them."""
    return json.dumps({of: dict(inside) for of, inside in values.items() if inside})


# ---------------------------------------------------------------- what the preview says


def told(columns: Sequence[Extra], values: Values, added: Mapping[str, int]) -> tuple[str, ...]:
    """Return a sentence for products and one for variants: which value each column gets in the rows to be `added`."""
    return tuple(filter(None, (_told(of, columns, values) for of, number in added.items() if number)))


def _told(of: str, columns: Sequence[Extra], values: Values) -> str:
    mine = [each for each in columns if each.of == of]
    found = [(each, _value(each, values)) for each in mine]
    parts = [f"{each.name} {value}" for each, value in found if value is not None]
    empty = [each.name for each, value in found if value is None]
    parts += [f"nothing in {', '.join(empty)}"] if empty else []
    return f"New {of}s get {'; '.join(parts)}." if parts else ""


def _value(column: Extra, values: Values) -> str | None:
    """Return what the preview says about the value of a column in a new row, or None if it stays empty."""
    if (given := values.get(column.of, {}).get(column.name)) is not None:
        return f'"{given}"'
    if column.is_slug:
        return "from the name"
    if column.fallback is not None:
        return f'"{column.fallback}" by default'
    return f"{column.formula} by default" if column.formula else None


def warnings(columns: Sequence[Extra], values: Values, added: Mapping[str, int]) -> tuple[Warned, ...]:
    """Return what new rows would lack that existing rows have. Nothing for columns whose value is given."""
    asked = [each for each in columns if added.get(each.of) and each.name not in values.get(each.of, {})]
    shared = {each.name for each in columns if each.of == "product"} & {
        each.name for each in columns if each.of == "variant"
    }
    return tuple(warned for each in asked if not each.is_slug for warned in _warned(each, each.name in shared))


def uneven(prices: Mapping[str, set[Decimal]]) -> Iterator[Warned]:
    """Yield a warning if new products, by name, have several prices in the file: the product itself gets the lowest."""
    found = [f"{name} ({min(each)} to {max(each)})" for name, each in prices.items() if len(each) > 1]
    if found:
        more = f" and {len(found) - 5:,} more" if len(found) > 5 else ""
        yield Warned(
            sentence="Products of this shop have a price of their own, and new ones get the lowest of their variants. "
            f"The file has several prices for {', '.join(found[:5])}{more}; check which one the storefront shows.",
            value=None,
        )


def _warned(column: Extra, is_shared: bool) -> Iterator[Warned]:
    named = f"{column.of}.{column.name}" if is_shared else column.name
    usual = column.common if column.common_rows * 2 > column.total else None
    mend = f"{named}={usual}" if usual else None
    if column.fallback is not None:
        if usual is not None and usual != column.fallback:
            have = f"{column.common_rows:,} of {column.total:,} {column.of}s have {column.name} {usual}"
            yield Warned(sentence=f"{have}; new ones would get {column.fallback}.", value=mend)
    elif column.formula is None and (column.is_required or 0 < column.total == column.filled):
        required = f"This shop requires a value in {column.name} of every {column.of}; none is imported without it."
        every = f"Every {column.of} has a value in {column.name}; new ones would have none."
        yield Warned(sentence=required if column.is_required else every, value=mend)
