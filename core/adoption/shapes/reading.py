"""Reads `--map`, and matches what needs no word: links, titles, levels and SKUs of products without variants."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from psycopg import sql

from core.adoption.columns import Carried, Copied, carried, is_amount, lacks, places
from core.adoption.look import Database, Table, ask
from core.adoption.shapes.evidence import is_unique_text
from core.adoption.shapes.tables import OWN_LEVELS, SKUS, Levels, Shape
from core.adoption.shapes.words import ON_PRODUCTS, Made, Words, is_flag, snake
from core.foundation.errors import SetupError

_LINKS = ("product_id", "sneaker_id", "shoe_id", "item_id")
_REFERS = """
    select a.attname::text as column
      from pg_constraint k join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
     where k.conrelid = %s and k.confrelid = %s and k.contype = 'f' and cardinality(k.conkey) = 1 order by 1"""
_WORD = re.compile(r"(?P<theirs>.+)=(?P<ours>\w+?)(/(?P<by>10{1,3}))?")
_KEY = re.compile(r"[\w -]{1,40}")


def read_mapping(words: Sequence[str], tables: Iterable[Table]) -> Words:
    """Read `COLUMN=OURS` (or `TABLE.COLUMN=OURS`) for every table that has this column and for which we have OURS.

    `COLUMN=price/100` divides minor units, `COLUMN.KEY=size` reads a jsonb column, `COLUMN=none` maps it to nothing.
    """
    mapping = Words()
    for word in words:
        fits = [_read_word(word, table, mapping) for table in tables]
        if not any(fits):
            raise SetupError(f'--map "{word}" fits no table here. Write COLUMN=OURS, such as variant_sku=sku.')
    return mapping


def _read_word(word: str, table: Table, mapping: Words) -> bool:
    """Add the word to the mapping if it fits this table, and return whether it does."""
    read = _WORD.fullmatch(word)
    if read is None or read["ours"] not in places(table.ours):
        return False
    ours, by = read["ours"], int(read["by"] or 1)
    column, key = _column_named(read["theirs"], table), None
    if not column:
        before, _, key = read["theirs"].rpartition(".")
        column = _column_named(before, table)
        if not column or table.columns[column].type not in ("jsonb", "json") or not _KEY.fullmatch(key):
            return False
    if ours == "is_active" and is_flag(table.columns[column]) is None:
        return False
    if by > 1 and not is_amount(table.ours, ours):
        return False
    if ours == "none":
        mapping.ignored.add((table.name, column))
    elif by > 1 or key or (ours, column) == ("sku", "id") or ours in _computed_on(table):
        mapping.made.setdefault((table.name, ours), []).append(Made(column=column, by=by if by > 1 else None, key=key))
    else:
        mapping[table.name, column] = ours
    return True


def _computed_on(table: Table) -> tuple[str, ...]:
    return ON_PRODUCTS if table.ours == "products" else ("is_active",) if table.ours == "product_variants" else ()


def _column_named(theirs: str, table: Table) -> str:
    """Return the column with this name, with or without the table's name before it, or an empty text."""
    named = theirs.removeprefix(f"{table.name}.")
    return next((name for name in (theirs, named) if name in table.columns), "")


def mapping_of(database: Database, shape: Shape, words: Sequence[str]) -> Words:
    """Return what the words and unmistakable names say about the columns of the old tables."""
    found = [*shape.old.values(), *([shape.beside] if shape.beside else [])]
    mapping = read_mapping(words, [*found, *(table for table, _ in shape.histories.values())])
    add_unmistakable(database, shape, mapping)
    if shape.level_words and (variants := shape.old.get("product_variants")):
        mapping.ignored.add((variants.name, "stock_quantity"))  # the shop says where the level is
    for table in found:
        if table.ours == "products" and "stock_quantity" in mapping.decided(table.name):
            add_own_sku(database, table, mapping)
    return mapping


def catalogue_of(shape: Shape, mapping: Words, levels: Levels | None) -> dict[str, Carried]:
    """Return the columns of the old products and variants that become ours."""
    found: dict[str, Carried] = {}
    found |= {name: carried(shape.old[name], mapping) for name in ("products", "product_variants") if name in shape.old}
    if levels and "product_variants" in found:
        found["product_variants"] = with_levels(found["product_variants"], levels.table, levels.column, levels.link)
    return found


def add_unmistakable(database: Database, shape: Shape, mapping: Words) -> None:
    """Add what needs no `--map`: the foreign key to the products, the old tables' titles, and a product's level."""
    products, variants = shape.old.get("products"), shape.old.get("product_variants")
    if products and variants and "product_id" not in variants.columns:
        links = [row.column for row in ask(database, _REFERS, variants.oid, products.oid)]
        links = links or [column for name in _LINKS for column in variants.columns if snake(column) == name]
        if links and "product_id" not in mapping.decided(variants.name):
            mapping[variants.name, links[0]] = "product_id"
    history = shape.old.get("stock_movements")
    names = {*history.columns} if history else set()
    is_by_product = "product_id" in names and not {"variant_id", "product_variant_id"} & names and not variants
    if history and is_by_product and "variant_id" not in mapping.decided(history.name):
        mapping[history.name, "product_id"] = "variant_id"  # the variant of a product without any has its id
    for table in filter(None, (products, shape.beside)):
        if "name" not in table.columns and "name" not in mapping.decided(table.name) and "title" in table.columns:
            mapping[table.name, "title"] = "name"
        if "stock_quantity" not in mapping.decided(table.name):
            level = next((n for n in OWN_LEVELS if n in table.columns and table.columns[n].category == "N"), None)
            if level and (table.name, level) not in mapping.ignored:
                mapping.made[table.name, "stock_quantity"] = [Made(column=level)]


def with_levels(carried: Carried, levels: Table | None, name: str, link: str) -> Carried:
    """Take each variant's level from a table of levels, column `name`, if the variants have none.

    `link` is its column that refers to the variant. Several rows of one variant are added up.
    """
    own = carried.of("id")
    if levels is None or carried.of("stock_quantity") or own is None:
        return carried
    value = sql.SQL("greatest(coalesce((select sum(s.{}) from {} s where s.{} = {}), 0), 0)::int").format(
        sql.Identifier(name), sql.Identifier("public", levels.name), sql.Identifier(link), own.value
    )
    column = replace(levels.columns[name], name="stock_quantity", generated=True)  # there is no column to write back
    copied = (*carried.copied, Copied(ours="stock_quantity", theirs=column, kind="level", value=value))
    missing = lacks(carried.table.name, "stock_quantity")
    return replace(carried, copied=copied, obstacles=tuple(each for each in carried.obstacles if each != missing))


def add_own_sku(database: Database, table: Table, mapping: Words) -> None:
    """Let the variants of products without any take their SKU from a column with one text for each product."""
    if "sku" in mapping.decided(table.name):
        return
    free = (name for name in (*SKUS, "slug") if (table.name, name) not in mapping.ignored)
    if name := next((name for name in free if is_unique_text(database, table, name, every=False)), None):
        mapping.made[table.name, "sku"] = [Made(column=name)]
