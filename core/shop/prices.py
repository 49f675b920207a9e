"""What a variant costs: an expression over columns, read by a small parser; and the shop's tax.

    coalesce(sale_price, price) + product_variants.price_adjustment

A rule is the parsed expression as nested lists: `["+", ["price"], ["column", "product_variants", "price_adjustment"]]`.
`price` alone is the variant's price, else its product's. The rule is stored as data, and `stockroom_api.price_of`
evaluates it. It is never compiled: so nothing that a person types becomes SQL, a backup restores it as a row, and a new
release needs nothing generated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, DecimalException
from enum import StrEnum

from sqlalchemy import Connection

from core.database import engine as database
from core.database.engine import call, rows_of
from core.foundation.errors import InvalidInput, invalid
from core.foundation.model import Actor
from core.people.access import Permission
from core.people.guard import ask, require

TABLES = ("product_variants", "products")
LONGEST, DEEPEST = 300, 20
_TOKEN = re.compile(r'\s*(?:(\d{1,12}(?:\.\d{1,6})?)|([A-Za-z_][A-Za-z0-9_]*)|"([^"\x00-\x1f]{1,63})"|([-+*/(),.]))')
_FUNCTIONS = ("coalesce", "least", "greatest")


class TaxBy(StrEnum):
    """Who computes the tax of a payment: nobody, the shop by a rate, or Stripe."""

    NONE = "none"
    RATE = "rate"
    STRIPE = "stripe"


Rule = list["str | Rule"]
Columns = Mapping[str, Mapping[str, bool]]
"""By table: its columns, and whether each holds numbers."""
Row = Mapping[tuple[str, str], Decimal | None]
"""By table and column: the numbers of a variant and its product."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing:
    """The rule of prices as written (None: the plain price), the columns that leave it in doubt, and the tax."""

    price_words: str | None
    price_doubt: str | None
    tax: TaxBy
    tax_rate: Decimal | None


# ---------------------------------------------------------------- reading an expression


def parse(words: str, columns: Columns) -> Rule:
    """Return the rule of an expression over these columns: + - * / and coalesce, least, greatest of numbers.

    Raises InvalidInput that names what is wrong.
    """
    if len(words) > LONGEST:
        raise _wrong(words, f"is longer than {LONGEST} characters")
    reader = _Reader(words, list(_tokens(words)), columns)
    rule = reader._sum(0)
    if reader.rest:
        raise _wrong(words, f"has {reader.rest[0][1]!r} where it should end")
    if not columns_of(rule):
        raise _wrong(words, "names no column")
    return rule


def _tokens(words: str) -> Iterator[tuple[str, str]]:
    place, text = 0, words.rstrip()
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            said = "has a character that is not allowed; it may have columns, numbers, + - * /, parentheses"
            raise _wrong(words, f"{said} and {', '.join(_FUNCTIONS)}")
        number, name, quoted, sign = found.groups()
        yield (
            ("number", number) if number else ("name", name) if name else ("quoted", quoted) if quoted else (sign, sign)
        )
        place = found.end()


def _wrong(words: str, why: str) -> InvalidInput:
    return invalid("price", f'"{words.strip()[:LONGEST]}" {why}')


@dataclass(slots=True)
class _Reader:
    """Reads tokens from left to right; every method takes what it understands from `rest`."""

    words: str
    rest: list[tuple[str, str]]
    columns: Columns

    def _sum(self, depth: int) -> Rule:
        found = self._product(depth)
        while self._sees("+", "-"):
            found = [self._take()[1], found, self._product(depth)]
        return found

    def _product(self, depth: int) -> Rule:
        found = self._part(depth)
        while self._sees("*", "/"):
            found = [self._take()[1], found, self._part(depth)]
        return found

    def _part(self, depth: int) -> Rule:
        if depth > DEEPEST:
            raise _wrong(self.words, "is nested too deeply")
        kind, text = self._take()
        if kind == "number":
            return ["number", text]
        if kind == "-":
            return ["-", ["number", "0"], self._part(depth + 1)]
        if kind == "(":
            found = self._sum(depth + 1)
            self._expect(")")
            return found
        if kind == "name" and self._sees("("):
            return self._function(text.lower(), depth)
        if kind in ("name", "quoted"):
            return self._column(kind, text)
        raise _wrong(self.words, f"has {text!r} where a column or a number should be")

    def _function(self, name: str, depth: int) -> Rule:
        if name not in _FUNCTIONS:
            raise _wrong(self.words, f"calls {name}; only {', '.join(_FUNCTIONS)} are allowed")
        self._expect("(")
        found: Rule = [name, self._sum(depth + 1)]
        while self._sees(","):
            self._take()
            found.append(self._sum(depth + 1))
        self._expect(")")
        return found

    def _column(self, kind: str, text: str) -> Rule:
        if not self._sees("."):
            return self._known(kind, text, TABLES)
        self._take()
        if text not in TABLES:
            raise _wrong(self.words, f"names {text!r}, which is neither products nor product_variants")
        kind, name = self._take()
        if kind not in ("name", "quoted"):
            raise _wrong(self.words, f"names no column after {text}.")
        return self._known(kind, name, (text,))

    def _known(self, kind: str, name: str, tables: tuple[str, ...]) -> Rule:
        if name.lower() == "price" and kind == "name" and tables == TABLES:
            return ["price"]
        name = (
            name.lower() if kind == "name" and not any(name in self.columns.get(each, {}) for each in tables) else name
        )
        found = [table for table in tables if name in self.columns.get(table, {})]
        if not found:
            raise _wrong(self.words, f"names {name!r}, which is not a column of {' or '.join(sorted(tables))} here")
        if len(found) > 1:
            raise _wrong(self.words, f"names {name!r}, a column of both tables: write products.{name} or "
                                     f"product_variants.{name}")  # fmt: skip
        if not self.columns[found[0]][name]:
            raise _wrong(self.words, f"names {found[0]}.{name}, which does not hold numbers")
        return ["column", found[0], name]

    def _sees(self, *kinds: str) -> bool:
        return bool(self.rest) and self.rest[0][0] in kinds

    def _take(self) -> tuple[str, str]:
        if not self.rest:
            raise _wrong(self.words, "is not complete")
        return self.rest.pop(0)

    def _expect(self, sign: str) -> None:
        if not self._sees(sign):
            raise _wrong(self.words, f"lacks a {sign!r}")
        self._take()


# ---------------------------------------------------------------- using a rule


def columns_of(rule: Rule) -> set[tuple[str, str]]:
    """Return the columns that a rule names, by table and name. `price` counts as both prices."""
    if rule[0] == "column":
        return {(str(rule[1]), str(rule[2]))}
    if rule[0] == "price":
        return {(table, "price") for table in TABLES}
    return {found for part in rule[1:] if isinstance(part, list) for found in columns_of(part)}


def value_of(rule: Rule, row: Row) -> Decimal | None:
    """Return the price of a row, or None if the rule gives none: the same as `stockroom_api.price_of`."""
    try:
        return _value(rule, row)
    except DecimalException:
        return None


def _value(rule: Rule, row: Row) -> Decimal | None:
    what, parts = rule[0], rule[1:]
    if what == "number":
        return Decimal(str(parts[0]))
    if what == "price":
        own = row.get(("product_variants", "price"))
        return row.get(("products", "price")) if own is None else own
    if what == "column":
        return row.get((str(parts[0]), str(parts[1])))
    values = [_value(part, row) for part in parts if isinstance(part, list)]
    known = [value for value in values if value is not None]
    if what in _FUNCTIONS:
        return (known[0] if what == "coalesce" else min(known) if what == "least" else max(known)) if known else None
    if len(known) < 2:
        return None
    left, right = known
    if what == "/":
        return left / right if right else None
    return left + right if what == "+" else left - right if what == "-" else left * right


# ---------------------------------------------------------------- the settings


def pricing(connection: Connection, actor: Actor) -> Pricing:
    """Return how the shop prices and taxes. Raises Forbidden, SignInRequired."""
    require(connection, actor, Permission.MANAGE_SHOP)
    rows = call(connection, "select price_words, price_doubt, tax, tax_rate from stockroom_api.pricing", {})
    return rows_of(Pricing, rows, tax=TaxBy)[0]


def set_price(connection: Connection, actor: Actor, *, words: str) -> None:
    """Make an expression the rule of prices, and so confirm it. Raises InvalidInput, Forbidden, SignInRequired."""
    rule = parse(words, _columns_here(connection))
    store_price(connection, actor, words=words, rule=rule, doubt=None)


def store_price(
    connection: Connection, actor: Actor, *, words: str | None, rule: Rule | None, doubt: str | None
) -> None:
    """Store a rule, or the columns that leave the price in doubt."""
    values = {"words": words, "rule": None if rule is None else json.dumps(rule), "doubt": doubt}
    ask(connection, actor, Permission.MANAGE_SHOP, "set_price", **values)


@database.one_statement
def set_tax(connection: Connection, actor: Actor, *, tax: str) -> None:
    """Set the tax: `none`, `stripe`, or a rate in percent such as 8.25.

    Raises InvalidInput, Forbidden, SignInRequired.
    """
    kind, rate = tax.strip().lower().removesuffix("%").strip(), None
    if kind not in (TaxBy.NONE, TaxBy.STRIPE):
        if not re.fullmatch(r"\d{1,2}(\.\d{1,3})?", kind) or not Decimal(kind):
            raise invalid(
                "tax", f'"{tax.strip()[:40]}" is not one; use none, stripe, or a rate in percent such as 8.25'
            )
        kind, rate = TaxBy.RATE, Decimal(kind)
    ask(connection, actor, Permission.MANAGE_SHOP, "set_tax", tax=kind, rate=rate)


def _columns_here(connection: Connection) -> Columns:
    rows = call(connection, _COLUMNS, {"tables": list(TABLES)})
    return {table: {name: is_number for of, name, is_number in rows if of == table} for table in TABLES}


_COLUMNS = """
    select c.relname::text, a.attname::text, t.typcategory = 'N' and t.typname <> 'money'
      from pg_attribute a
      join pg_class c on c.oid = a.attrelid
      join pg_type t on t.oid = a.atttypid
     where c.relnamespace = 'public'::regnamespace and c.relname = any (%(tables)s) and a.attnum > 0
       and not a.attisdropped"""
