"""Proposes a mapping with three rows and the command, and refuses to leave a shelf empty without saying so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from shlex import join, quote

from psycopg import sql

from core.adoption.catalogue import product_of, value_of, with_ended_products, wrong_values
from core.adoption.columns import Carried
from core.adoption.look import Database, Table, ask, public
from core.adoption.report import Guess, Proposal, Report
from core.adoption.shapes.evidence import MINOR, PRICES, propose
from core.adoption.shapes.reading import catalogue_of, mapping_of
from core.adoption.shapes.tables import (
    FILES,
    LEVELS,
    NAMES,
    OTHER_LEVELS,
    OWN_LEVELS,
    SKUS,
    Levels,
    Shape,
    stock_tables,
)
from core.adoption.shapes.words import Words, snake
from core.foundation.text import many

STANDS = ("SKU", "product", "size", "price", "level", "sold")


def propose_mapping(
    database: Database,
    shape: Shape,
    catalogued: dict[str, Carried],
    mapping: Words,
    levels: Levels | None,
    words: Sequence[str],
    options: Sequence[str],
    report: Report,
) -> None:
    """Report what names and content suggest. A guess that only the shop can decide prevents adopting.

    `words` is the mapping that was given, `options` the other options.
    """
    guesses = propose(database, shape, catalogued, mapping)
    if levels and "product_variants" in catalogued and not catalogued["product_variants"].of("stock_quantity"):
        name = f"{levels.table.name}.{levels.column}"
        guesses.insert(
            0, Guess(word=f"{name}=stock_quantity", theirs=name, ours="stock_quantity", why="a table of levels")
        )
    if not guesses:
        return
    new = [guess.word for guess in guesses]
    wanted = catalogue_of(
        shape, mapping_of(database, shape, [*shape.words, *(w for w in new if not _is_level(w, levels))]), levels
    )
    for guess in guesses:
        if guess.ours not in ("stock_quantity", "sku", "name") or guess.theirs.startswith("products."):
            report.obstacles.append(
                f"{guess.theirs} may be {guess.ours} ({guess.why}). Say so with --map {quote(guess.word)}, or else "
                f"--map {quote(guess.theirs + '=none')}."
            )
    obstacles = [each for table in catalogued.values() for each in table.obstacles]
    report.obstacles += [each for each in obstacles if each not in report.obstacles]
    command = [".venv/bin/python", "-m", "core", "adopt", *options, "--map"]
    report.proposal = Proposal(
        guesses=tuple(guesses),
        heads=STANDS,
        rows=rows_as_they_would_stand(database, wanted),
        command=join([*command, *words, *new]),
    )


def _is_level(word: str, levels: Levels | None) -> bool:
    return levels is not None and word == f"{levels.table.name}.{levels.column}=stock_quantity"


def refuse_an_empty_shelf(database: Database, shape: Shape, report: Report) -> None:
    """Refuse to adopt if the shelf would be empty although the database shows stock, or a catalogue that stays out."""
    (shelf,) = ask(database, "select coalesce(sum(shelf), 0) as units from adoption_variants")
    if shelf.units:
        return
    taken = [table for name, table in shape.old.items() if name != "stock_movements"]
    table, where = _stock_elsewhere(database, shape)
    if table:
        how = "Name the column that holds the level: --map COLUMN=stock_quantity." if taken else _how(table)
        report.obstacles.append(f"{where}, but every shelf would be empty. {how}")
    elif not any(each.rows for each in (*taken, *filter(None, [shape.beside]))):
        table, where = _catalogue_elsewhere(database, shape)
        if table:
            report.obstacles.append(f"{where}, but nothing of it would be taken over. {_how(table)}")


def _how(table: Table) -> str:
    """Return what a shop can do with a table that was not recognised."""
    name = quote(f"{table.name}=product_variants")
    out = f"If it is no table of the shop's stock, leave it out with --map {quote(table.name + '=none')}."
    if "id" in table.columns and table.columns["id"].type == "uuid":
        return f"If its rows are the variants, say so with --map {name}. {out}"
    return f"Stockroom needs a uuid for every row, and this table has none in a column id. {FILES} {out}"


def report_left_out(database: Database, shape: Shape, report: Report) -> None:
    """Report the units of an old table `sneakers` that stays out."""
    known = {table.name for table in (*shape.old.values(), *filter(None, [shape.beside]))}
    for table in stock_tables(database):
        level = next((name for name in OWN_LEVELS if name in table.columns), None)
        if table.name == "sneakers" and table.name not in known and level:
            query = sql.SQL("select coalesce(sum({}), 0)::bigint as units from {}")
            (found,) = ask(database, query.format(sql.Identifier(level), public(table.name)))
            what = f"{many(table.rows, 'row')}, {many(found.units, 'unit')}"
            report.found(table.name, what, "unchanged; these units are not on the shelf: import-catalog can add them")


def _catalogue_elsewhere(database: Database, shape: Shape) -> tuple[Table | None, str]:
    """Return the first table with rows that looks like a catalogue, and a sentence's beginning that names it."""
    for table in stock_tables(database):
        named = (*NAMES, *MINOR, *PRICES) if _IS_CATALOGUE.search(table.name) else MINOR
        column = next((each for name in (*_SKUS, "price", *named, *LEVELS) for each in table.columns
                       if snake(each) == name and table.columns[each].category != "B"), None)  # fmt: skip
        if column and table.rows and table.name not in shape.nothing:
            return table, f"{_name(table, column)} looks like a catalogue of {many(table.rows, 'row')}"
    return None, ""


_SKUS = tuple(name for name in SKUS if name != "code")
_IS_CATALOGUE = re.compile(r"product|variant|sneaker|shoe|article|sku|catalog", re.IGNORECASE)


def _name(table: Table, column: str) -> str:
    return f"public.{_plain(table.name)}.{_plain(column)}"


def _plain(name: str) -> str:
    return name if re.fullmatch("[a-z_][a-z0-9_]*", name) else f'"{name}"'


def _stock_elsewhere(database: Database, shape: Shape) -> tuple[Table | None, str]:
    """Return the first table with units above zero, and a sentence's beginning that names its column."""
    for table in (each for each in stock_tables(database) if each.name not in shape.nothing):
        columns = {snake(column) for column in table.columns}
        for name in (column for each in (*LEVELS, *OTHER_LEVELS) for column in table.columns if snake(column) == each):
            is_flag_only = table.columns[name].type == "boolean" and snake(name) == "in_stock" and {*NAMES} & columns
            if table.columns[name].category != "N" and not is_flag_only:
                continue
            units = sql.SQL("{}::int" if is_flag_only else "greatest({}, 0)").format(sql.Identifier(name))
            query = sql.SQL("select coalesce(sum({}), 0)::bigint as units from {}").format(units, public(table.name))
            if found := ask(database, query)[0].units:
                what = (
                    f"{many(found, 'product')} in stock, and no number of units"
                    if is_flag_only
                    else many(found, "unit")
                )
                return table, f"{_name(table, name)} shows {what}"
    return None, ""


def rows_as_they_would_stand(database: Database, catalogue: dict[str, Carried]) -> tuple[tuple[str, ...], ...]:
    """Return three rows under STANDS, or none if a value of these columns cannot become ours."""
    tables = catalogue.values()
    catalogue = with_ended_products(catalogue)
    if any(carried.obstacles or wrong_values(database, carried) for carried in tables) or "products" not in catalogue:
        return ()
    products, variants = catalogue["products"], catalogue.get("product_variants")
    found = variants or products
    values = {each.ours: each.value for each in (*found.copied, *found.own)}
    columns = [values.get(ours, sql.SQL("null")) for ours in ("sku", "size", "price", "stock_quantity", "is_active")]
    price = products.of("price")
    query = sql.SQL(
        """select v.sku, p.name, v.size, coalesce(v.price::numeric, p.price) as price, v.shelf, v.is_active
             from (select {product} as product, {id} as id, {columns} from {table} l)
                  v (product, id, sku, size, price, shelf, is_active)
             left join (select {pid} as id, {pname} as name, {pprice}::numeric as price from {ptable} l) p
               on p.id = v.product
            order by v.shelf desc nulls last, v.id limit 3"""
    ).format(
        product=product_of(variants) if variants else value_of(products, "id"),
        id=value_of(found, "id"),
        columns=sql.SQL(", ").join(columns),
        table=public(found.table.name),
        pid=value_of(products, "id"),
        pname=value_of(products, "name"),
        pprice=price.value if price else sql.SQL("null"),
        ptable=public(products.table.name),
    )
    return tuple(
        (
            *(row.sku or "generated", row.name or row.sku or "", str(row.size or ""), str(row.price or "")),
            *(str(row.shelf or 0), "no" if row.is_active is False else "yes"),
        )
        for row in ask(database, query)
    )
