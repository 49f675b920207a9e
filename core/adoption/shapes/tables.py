"""Finds the old tables, under our names or others, and says which cannot be adopted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from psycopg import sql

from core.adoption.look import Database, Table, ask, public, tables
from core.adoption.report import listed
from core.adoption.shapes.words import Words, snake
from core.database.migrate import OUR_TABLES
from core.foundation.errors import SetupError
from core.foundation.text import many

LEVELS = (
    *("stock_quantity", "stock", "stock_qty", "stock_count", "stock_level", "current_stock", "quantity_in_stock"),
    *("inventory_quantity", "inventory_count", "inventory", "quantity_on_hand", "qty_on_hand", "on_hand", "quantity"),
    *("qty", "available_stock", "available_quantity", "available", "in_stock", "units"),
)
OTHER_LEVELS = ("stocked_quantity", "stock_on_hand", "count_on_hand", "units_in_stock", "num_in_stock")
"""Names of levels in systems whose tables are not understood: they show that there is stock."""
OWN_LEVELS = ("stock_quantity", "stock", "available_stock")
"""Names of a product's level that are used without asking where no table of variants exists."""
SKUS = (
    *("sku", "variant_sku", "sku_code", "product_code", "custom_code", "variant_code", "item_code", "code"),
    *("article_no", "article_number", "style_code"),
)
SIZES = (
    *("size_value", "size_label", "size_name", "shoe_size", "us_size", "eu_size", "uk_size", "option1", "option_1"),
    *("label", "variant_name", "name", "title"),
)
NAMES = ("name", "title", "product_name", "model")
_VARIANT_LINKS = ("variant_id", "product_variant_id", "sku_id")
_PLACES = re.compile(r"(inventory_)?(warehouse|location|store|branch|depot)(_id|_name|_code)?")
_PRODUCTS = re.compile(r"product|sneaker|shoe|item|model|article", re.IGNORECASE)
_STOCK = re.compile(r"stock|inventor|variant|sku|size|product|sneaker|shoe|item|article|catalog", re.IGNORECASE)
_NOT_STOCK = re.compile(
    r"order|cart|wish|basket|movement|transaction|histor|(?<!cata)log|reserv|alert|review|image|media|purchase|supplier|return"
    r"|refund|legacy|favo|count|transfer|adjust|bundle|coupon|discount|analytic|view",
    re.IGNORECASE,
)
_LEVEL_IN_JSON = r'"(stock|stock_quantity|quantity|qty|inventory|available|on_hand|count)"\s*:\s*"?[0-9]'
FILES = (
    "Move in with files: export products, SKUs, sizes, prices and levels as CSV, load them into an empty "
    "database with import-catalog and import-history, and let the storefront call the HTTP API."
)
_SHAPES = """
    select c.relname::text as name, array_agg(a.attname::text) as columns,
           array(select f.relname::text from pg_constraint k join pg_class f on f.oid = k.confrelid
                  where k.conrelid = c.oid and k.contype = 'f') as refers
      from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
       and has_table_privilege(c.oid, 'select')
     group by c.oid, c.relname order by c.relname"""
LEVEL_NAMES = ("stock_quantity", "quantity_on_hand", "on_hand", "current_stock", "quantity")
"""Common names of the level in `stock_levels`, for shops whose product_variants does not have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """A table of levels: its column with the level, and the column that refers to the variant."""

    table: Table
    column: str
    link: str


@dataclass(slots=True, kw_only=True)
class Shape:
    """The old tables by the names of ours, and what stands next to them."""

    old: dict[str, Table]
    words: list[str]
    """The words of `--map` that name columns of these tables."""
    beside: Table | None = None
    """An old table of products, next to `products`, whose rows become products with one variant each."""
    level_words: list[str] = field(default_factory=list)
    """The words of `--map` that name the column of a table of levels."""
    obstacles: list[str] = field(default_factory=list)
    histories: dict[str, tuple[Table, str | None]] = field(default_factory=dict)
    """Tables that may be a history under another name, with the column that refers to the variants."""
    named: set[str] = field(default_factory=set)
    """Those that `--map` names."""
    nothing: set[str] = field(default_factory=set)
    """Tables that mean nothing here, as `--map` says."""


def recognise(database: Database, words: Sequence[str]) -> Shape:
    """Return the old tables, under our names or others, and the words that are about their columns."""
    shape = Shape(old=tables(database), words=list(words))
    rows = {row.name: row for row in ask(database, _SHAPES)}
    named = _named_tables(shape, rows)
    if taken := [f"{name}={ours}" for name, ours in named.items() if ours in shape.old]:
        raise SetupError(
            f'--map "{taken[0]}" fits no table here: there is a table {taken[0].rpartition("=")[2]} already.'
        )
    unclaimed = [name for name in rows if name not in OUR_TABLES and named.get(name) != "none"]
    if "product_variants" not in shape.old:
        _take(database, shape, "product_variants", [n for n in named if named[n] == "product_variants"]
              or [n for n in unclaimed if _is_like_variants(rows[n], set(rows))])  # fmt: skip
    if "products" not in shape.old:
        referred = rows[shape.old["product_variants"].name].refers if "product_variants" in shape.old else []
        _take(database, shape, "products", [n for n in named if named[n] == "products"]
              or [n for n in unclaimed if n in referred and _PRODUCTS.search(n) and {*NAMES} & {*rows[n].columns}]
              or [n for n in unclaimed if _is_like_sneakers(rows[n])])  # fmt: skip
    elif found := [n for n in unclaimed if _is_like_sneakers(rows[n])]:
        sneakers = replace(tables(database, found)[found[0]], ours="products")
        shape.beside = sneakers if "id" in sneakers.columns and sneakers.columns["id"].type == "uuid" else None
    shape.old = {name: shape.old[name] for name in OUR_TABLES if name in shape.old}
    others = {*rows} - {table.name for table in shape.old.values()}
    shape.level_words = [w for w in words if w.endswith("=stock_quantity") and w.partition(".")[0] in others]
    shape.words = [word for word in shape.words if word not in shape.level_words]
    return shape


def _named_tables(shape: Shape, rows: dict[str, Any]) -> dict[str, str]:
    """Return what `TABLE=OURS` says about tables, and take these words out of the shape's."""
    named: dict[str, str] = {}
    for word in list(shape.words):
        name, _, ours = word.rpartition("=")
        if name in rows and ours in ("products", "product_variants", "none"):
            named[name] = ours
            shape.words.remove(word)
    shape.nothing = {name for name, ours in named.items() if ours == "none"}
    return named


def _take(database: Database, shape: Shape, ours: str, names: list[str]) -> None:
    if len(names) > 1:
        shape.obstacles.append(
            f"Each of {listed(names)} could be the table of {ours}. Name the right one: --map {names[0]}={ours}."
        )
    elif names:
        shape.old[ours] = replace(tables(database, names)[names[0]], ours=ours)


def _is_like_variants(row: Any, known: set[str]) -> bool:
    columns = {snake(name) for name in row.columns}
    if _NOT_STOCK.search(row.name) or not columns & {*LEVELS} or columns & {*_VARIANT_LINKS}:
        return False
    linked = (
        "products" in row.refers or "product_id" in columns
        if "products" in known
        else any(_PRODUCTS.search(name) for name in row.refers)
    )
    has_label = columns & {*SKUS, *SIZES, "size", "options", "attributes", "option_values"}
    return bool(linked and (has_label or re.search(r"stock|inventor|variant|sku|size", row.name.lower())))


def _is_like_sneakers(row: Any) -> bool:
    return row.name == "sneakers" and bool({*row.columns} & {*NAMES}) and bool({*row.columns} & {*OWN_LEVELS})


def levels_of(database: Database, shape: Shape) -> tuple[Levels | None, str, str]:
    """Return the table with the levels of variants; if it is only likely, the word that names it; and an obstacle."""
    for table in stock_tables(database):
        link = next((name for name in _VARIANT_LINKS if name in table.columns), None)
        names: Sequence[str] = LEVEL_NAMES if table.name == "stock_levels" else LEVELS
        if shape.level_words:
            names = [name for name in table.columns if f"{table.name}.{name}=stock_quantity" in shape.level_words]
        column = next((name for name in names if name in table.columns and table.columns[name].category == "N"), None)
        if link is None or column is None:
            continue
        word = f"{table.name}.{column}=stock_quantity"
        asked = word in shape.level_words
        if not asked and (sentence := _places(database, table, word)):
            return None, "", sentence
        return Levels(table=table, column=column, link=link), "" if asked or table.name == "stock_levels" else word, ""
    if shape.level_words:
        raise SetupError(f'--map "{shape.level_words[0]}" fits no table here: it must name a number of each variant.')
    return None, "", ""


def level_names(variants: Table, mapping: Words) -> list[str]:
    """Return the columns of the variants that hold the level, or may hold it."""
    if (variants.name, "stock_quantity") in mapping.ignored:
        return []
    decided = [column for (name, column), ours in mapping.items() if (name, ours) == (variants.name, "stock_quantity")]
    return decided + [
        column
        for name in LEVELS
        for column in variants.columns
        if snake(column) == name and (variants.name, column) not in mapping.ignored
    ]


def stock_tables(database: Database) -> Iterator[Table]:
    """Yield the tables whose names suggest that they hold stock."""
    for row in ask(database, _SHAPES):
        if _STOCK.search(row.name) and not _NOT_STOCK.search(row.name):
            yield tables(database, [row.name])[row.name]


def _places(database: Database, table: Table, word: str = "") -> str:
    """Return why a table with levels in several warehouses cannot be adopted, or an empty text."""
    for name in filter(_PLACES.fullmatch, table.columns):
        query = sql.SQL("select count(distinct {}) as places from {}").format(sql.Identifier(name), public(table.name))
        places = ask(database, query)[0].places
        if places > 1:
            add = f"To add them up, adopt with --map {word}. " if word else ""
            return (
                f"public.{table.name} has levels in {many(places, 'warehouse')} ({name}), and Stockroom keeps "
                f"one level for each variant. {add}{FILES}"
            )
    return ""


def cannot(database: Database, shape: Shape, mapping: Words) -> str:
    """Return the sentence that says why these tables cannot be adopted in any way, or an empty text."""
    for table in (shape.old[name] for name in ("products", "product_variants") if name in shape.old):
        own = next((column for (name, column), ours in mapping.items() if (name, ours) == (table.name, "id")), "id")
        if own not in table.columns:
            return f"{table.name} has no column id, and Stockroom needs a uuid for every row. {FILES}"
        if (kind := table.columns[own].type) != "uuid":
            return f"{table.name}.{own} is {kind}, which cannot safely become uuid. {FILES}"
        if table.name not in OUR_TABLES and (sentence := _places(database, table)):
            return sentence
    products = None if "product_variants" in shape.old else shape.old.get("products")
    if products and "stock_quantity" not in mapping.decided(products.name):
        return _in_json(database, products)
    return ""


def _in_json(database: Database, products: Table) -> str:
    for column in products.columns.values():
        if column.type in ("jsonb", "json"):
            query = sql.SQL("select count(*) as rows from {} l where {}::text ~ {}").format(
                public(products.name), sql.Identifier("l", column.name), _LEVEL_IN_JSON
            )
            if rows := ask(database, query)[0].rows:
                return (
                    f"{products.name}.{column.name} keeps levels inside a jsonb value in {many(rows, 'row')}, and "
                    f"Stockroom needs a row for each variant. {FILES}"
                )
    return ""
