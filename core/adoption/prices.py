"""Columns of the old shop that may change a price: found by name, shown with examples, and confirmed by `--price`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from psycopg import sql
from sqlalchemy import Connection

from core.adoption.catalogue import product_of
from core.adoption.columns import NUMBER, Carried
from core.adoption.look import Column, Database, ask, public
from core.adoption.report import PriceCheck, PriceExample, Report, listed
from core.foundation.errors import InvalidInput
from core.foundation.model import COMMAND_LINE
from core.foundation.text import many
from core.shop.prices import TABLES, Rule, columns_of, parse, store_price, value_of

_CHANGES_A_PRICE = re.compile(
    r"(^|_)(prices?|discounts?|discounted|surcharge|markup|markdown|msrp|rrp|uplift|compare_at|on_sale|percent_off)(_|$)"
    r"|(^|_)sale_(amount|percent|percentage|rate)$"
)
_IS_NO_PRICE = re.compile(
    r"(^|_)(id|cost|wholesale|purchase|buying|supplier|stripe|currency|url|label|code|notes?|type|name|from|until|starts?|"
    r"ends?|date|updated|created)(_|$)|(?<!compare)_at$"
)
_INSTEAD = re.compile(
    r"^(sale|discount|discounted|special|promo|promotional|offer|reduced|final|override|selling|current|unit|variant|"
    r"retail)_price$|^price_override$"
)
_PERCENT = re.compile(r"^(discount|sale)_(percent|percentage)$|^percent_off$")
_ADDED = re.compile(r"adjust|modif|delta|diff|offset|surcharge|extra|additional|markup|uplift")
_TAKEN_OFF = re.compile(r"^discount_amount$|^markdown$")
_EXAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """What adopting stores about prices: a confirmed rule, or the columns that leave it in doubt."""

    words: str | None
    rule: Rule | None
    doubt: str | None


@dataclass(frozen=True, slots=True)
class _Row:
    sku: str
    texts: Mapping[tuple[str, str], str | None]
    numbers: Mapping[tuple[str, str], Decimal | None]

    def has(self, column: tuple[str, str]) -> bool:
        """Whether the column is set to anything but nothing, false or 0."""
        number = self.numbers.get(column)
        return self.texts.get(column) not in (None, "", "false") if number is None else number != 0


def look_at_prices(database: Database, catalogue: Mapping[str, Carried], words: str | None, report: Report) -> Priced:
    """Find the columns that may change a price, and report them with examples. Raises InvalidInput for bad `words`."""
    columns = {name: _columns(catalogue[name]) if name in catalogue else {} for name in TABLES}
    rule = None if words is None else parse(words, columns)
    found = [(table, name) for table in reversed(TABLES) if table in catalogue for name in _found(catalogue[table])]
    if not found and rule is None:
        return Priced(words=None, rule=None, doubt=None)
    proposal = _proposal([each for each in found if columns[each[0]][each[1]]], columns)
    rows = list(_rows(database, catalogue, {*found, *columns_of(rule or ["price"])}, columns))
    for each in found:
        used = sum(1 for row in rows if row.has(each))
        report.found(f"{each[0]}.{each[1]}", f"set for {many(used, 'variant')}", _then(each, rule, columns))
    doubt = None if rule else listed([f"{table}.{name}" for table, name in found])
    report.prices = _check(rows, words, rule, parse(proposal, columns), proposal, found, doubt)
    return Priced(words=words, rule=rule, doubt=doubt)


def _then(column: tuple[str, str], rule: Rule | None, columns: Mapping[str, Mapping[str, bool]]) -> str:
    if rule:
        return "used by --price" if column in columns_of(rule) else "not used: --price leaves it out"
    if not columns[column[0]][column[1]]:
        return "may change the price; it holds no numbers, so --price cannot use it"
    return "may change the price"


def store(connection: Connection, priced: Priced) -> None:
    """Store the rule in the adopted shop, or why no payment is begun there."""
    if priced.rule or priced.doubt:
        store_price(connection, COMMAND_LINE, words=priced.words, rule=priced.rule, doubt=priced.doubt)


def _columns(carried: Carried) -> dict[str, bool]:
    """Return the columns that the adopted table will have, and whether each holds numbers."""
    found = {column.name: _is_number(column) for column in carried.extra}
    return found | {"price": True} | {name: True for name in ("unit_cost",) if carried.of(name)}


def _is_number(column: Column) -> bool:
    return column.category == "N" and column.type != "money"


def _found(carried: Carried) -> Iterator[str]:
    """Yield the columns whose names say that they may change a price, but for the price itself."""
    mirrored = {each.theirs.name for each in carried.copied}
    for column in carried.extra:
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column.name).lower().replace(" ", "_")
        if column.name not in mirrored and _CHANGES_A_PRICE.search(name) and not _IS_NO_PRICE.search(name):
            yield column.name


def _proposal(found: list[tuple[str, str]], columns: Mapping[str, Mapping[str, bool]]) -> str:
    """Return the expression that the names suggest: the sale price if any, percentages off, adjustments."""
    instead = sorted((each for each in found if _INSTEAD.search(each[1].lower())), key=_rank)
    written = [_written(each, columns) for each in instead]
    words = f"coalesce({', '.join([*written, 'price'])})" if written else "price"
    for each in found:
        if _PERCENT.search(each[1].lower()):
            words += f" * (1 - coalesce({_written(each, columns)}, 0) / 100)"
    for each in found:
        name = each[1].lower()
        if _TAKEN_OFF.search(name) or (_ADDED.search(name) and not _INSTEAD.search(name)):
            words += f" {'-' if _TAKEN_OFF.search(name) else '+'} coalesce({_written(each, columns)}, 0)"
    try:
        parse(words, columns)
    except InvalidInput:  # too many columns, or a name that cannot be written
        return "price"
    return words


def _rank(column: tuple[str, str]) -> tuple[bool, bool, str]:
    """Return the place of a price that stands for the plain one: sales first, then those of variants."""
    table, name = column
    return "sale" not in name.lower(), table != TABLES[0], name


def _written(column: tuple[str, str], columns: Mapping[str, Mapping[str, bool]]) -> str:
    table, name = column
    quoted = name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else f'"{name}"'
    return f"{table}.{quoted}" if all(name in columns[each] for each in TABLES) else quoted


def _rows(
    database: Database,
    catalogue: Mapping[str, Carried],
    wanted: Iterable[tuple[str, str]],
    columns: Mapping[str, Mapping[str, bool]],
) -> Iterator[_Row]:
    """Yield every variant with the numbers that are wanted of it and of its product."""
    variants = catalogue.get("product_variants")
    if variants is None:
        return
    sku = variants.of("sku")
    assert sku is not None, "its absence is an obstacle"
    wanted = [each for each in sorted(set(wanted)) if each[0] in catalogue]
    values = [_value(catalogue[table], name) for table, name in wanted]
    own = [value for (table, _), value in zip(wanted, values, strict=True) if table == "product_variants"]
    theirs = [value for (table, _), value in zip(wanted, values, strict=True) if table == "products"]
    query = sql.SQL(
        "select {sku} as sku, array[{own}]::text[] as own, {theirs} as theirs from {variants} l order by 1"
    ).format(
        sku=sku.value,
        own=sql.SQL(", ").join(own),
        theirs=_of_product(catalogue, theirs),
        variants=public(variants.table.name),
    )
    for row in ask(database, query):
        by_table = {"product_variants": iter(row.own), "products": iter(row.theirs or [None] * len(theirs))}
        texts = {each: next(by_table[each[0]]) for each in wanted}
        yield _Row(row.sku, texts, {each: _decimal(text) for each, text in texts.items()})


def _of_product(catalogue: Mapping[str, Carried], values: list[sql.Composable]) -> sql.Composable:
    """Return the SQL of the numbers of a variant's product."""
    if not values:
        return sql.SQL("null::text[]")
    products, product = catalogue["products"], product_of(catalogue["product_variants"])
    own = products.of("id")
    assert own is not None, "its absence is an obstacle"
    return sql.SQL(
        "(select array[{values}]::text[] from (select {product} as of) x, {products} l where {id} = x.of)"
    ).format(values=sql.SQL(", ").join(values), product=product, products=public(products.table.name), id=own.value)


def _value(carried: Carried, name: str) -> sql.Composable:
    copied = carried.of(name)
    if copied is not None:
        return sql.SQL("({})::text").format(copied.value)
    if name not in carried.table.columns:
        return sql.SQL("null::text")
    return sql.SQL("{}::text").format(sql.Identifier("l", name))


def _decimal(text: str | None) -> Decimal | None:
    return Decimal(text) if text is not None and re.fullmatch(NUMBER.replace(r"\s*", ""), text) else None


def _check(
    rows: list[_Row], words: str | None, rule: Rule | None, proposed: Rule, proposal: str, found: list[tuple[str, str]],
    doubt: str | None,
) -> PriceCheck:  # fmt: skip
    """Return what the columns do to the prices of three variants."""
    chosen = rule or proposed
    examples = {row.sku: _example(row, chosen, found) for row in _typical(rows, found)}
    return PriceCheck(
        columns=tuple(f"{table}.{name}" for table, name in found),
        examples=tuple(examples.values()),
        words=words,
        proposal=proposal,
        doubt=doubt,
        unpriced=sum(1 for row in rows if value_of(chosen, row.numbers) is None),
    )


def _typical(rows: list[_Row], found: list[tuple[str, str]]) -> list[_Row]:
    """Return three variants: first one for each combination of columns that are set, those with most of them first."""

    def set_of(row: _Row) -> tuple[bool, ...]:
        return tuple(map(row.has, found))

    ordered = sorted(rows, key=lambda row: (-sum(set_of(row)), row.sku))
    first = {set_of(row): row for row in reversed(ordered)}
    chosen = [row for row in ordered if first[set_of(row)] is row]
    return (chosen + [row for row in ordered if row not in chosen])[:_EXAMPLES]


def _example(row: _Row, rule: Rule, found: list[tuple[str, str]]) -> PriceExample:
    return PriceExample(
        sku=row.sku,
        plain=_money(value_of(["price"], row.numbers)),
        parts=tuple(row.texts.get(each) or "-" for each in found),
        price=_money(value_of(rule, row.numbers)),
    )


def _money(value: Decimal | None) -> str:
    return "none" if value is None else f"{value.quantize(Decimal('0.01'), ROUND_HALF_UP):f}"
