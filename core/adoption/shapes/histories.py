"""Finds the history of a shop under another name than `stock_movements`."""

from __future__ import annotations

import re

from core.adoption.look import NEIGHBOURS, Column, Database, Table, ask, tables
from core.adoption.report import Report
from core.adoption.shapes.names import history_columns
from core.adoption.shapes.tables import Shape
from core.adoption.shapes.words import Words
from core.database.migrate import OUR_TABLES
from core.foundation.text import many

_HISTORIES = """
    select c.relname,
           (select a.attname::text from pg_constraint k
              join pg_attribute a on a.attrelid = c.oid and a.attnum = k.conkey[1]
             where k.contype = 'f' and k.conrelid = c.oid and cardinality(k.conkey) = 1
               and k.confrelid = %s::oid limit 1) as variant
      from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
       and c.relname <> all (%s) and c.relname !~ '_legacy$' and has_table_privilege(c.oid, 'select')
       and (c.relname = any (%s)
            or c.relname !~* '(order|cart|reserv|hold|wish|review|image|price|alert)'
               and (c.relname ~* '(stock|inventory)' or exists (
                    select from pg_constraint k where k.contype = 'f' and k.conrelid = c.oid
                       and k.confrelid = %s::oid) or exists (
                    select from pg_attribute a where a.attrelid = c.oid and a.attname ~ '(variant|sku)_id$'
                       and not a.attisdropped)))
     order by c.relname"""


def find_histories(database: Database, shape: Shape) -> None:
    """Find the tables that may be a history under another name, and take `TABLE=stock_movements` out of the words."""
    if "stock_movements" in shape.old:
        return
    known = {table.name for table in (*shape.old.values(), *filter(None, [shape.beside]))}
    variants = shape.old.get("product_variants")
    oid = variants.oid if variants else None
    begins = [re.split("[.=]", word)[0] for word in shape.words]
    rows = ask(database, _HISTORIES, oid, [*OUR_TABLES, *NEIGHBOURS, *known], begins, oid)
    led = {row.relname: row.variant for row in rows}
    shape.histories = {name: (table, led[name]) for name, table in tables(database, list(led)).items()}
    chosen = [word for word in shape.words if word.endswith("=stock_movements")]
    shape.named = {word.partition("=")[0] for word in chosen} & shape.histories.keys()
    shape.words = [word for word in shape.words if word.partition("=")[0] not in shape.named]
    shape.named |= {word.partition(".")[0] for word in shape.words} & shape.histories.keys()


_LIKE_A_HISTORY = re.compile(
    "(stock|inventory|variant|quantity|sku).*(movement|transaction|histor|log|ledger|change|adjust|event)"
)
_PLAIN = ("quantity", "qty", "units", "amount", "adjustment")
"""Names that say how many, but not that something changed: order items have them, too."""


def other_history(shape: Shape, mapping: Words, report: Report) -> Table | None:
    """Return the history under another name: the one that `--map` names, or the only one that its columns tell."""
    understood, named = {}, shape.named
    for name, (table, variant) in shape.histories.items():
        if variant and "variant_id" not in history_columns(table, mapping):
            mapping[name, variant] = "variant_id"
        columns = history_columns(table, mapping)
        lacks = _lacks(columns)
        if name in named and lacks:
            report.obstacles.append(f"{name} cannot be read as the history: {_to_name(name, lacks)}.")
        elif name in named or (not lacks and _changes_stock(name, columns)):
            understood[name] = table
        elif lacks and _LIKE_A_HISTORY.search(name) and len(lacks) < 3:
            then = f"not understood as the history; {_to_name(name, lacks)}"
            report.found(name, many(table.rows, "row"), then)
    chosen = {name: table for name, table in understood.items() if name in named or not named}
    if len(chosen) == 1:
        (table,) = chosen.values()
        then = "unchanged; its correct rows go into the ledger, and later movements are only in stock_movements"
        report.found(table.name, many(table.rows, "row"), then)
        return table
    for name, table in chosen.items():
        report.found(
            name, many(table.rows, "row"), f"may be the history; to carry it over, --map {name}=stock_movements"
        )
    return None


def _lacks(columns: dict[str, Column]) -> list[str]:
    """Return our names of the columns that a history must have and this table does not."""
    levels = {"quantity_before", "quantity_after"} <= columns.keys()
    found = {
        "variant_id": "variant_id" in columns and columns["variant_id"].type in ("uuid", "text"),
        "quantity": levels or ("quantity" in columns and columns["quantity"].category in "NS"),
        "occurred_at": "occurred_at" in columns and columns["occurred_at"].category == "D",
    }
    return [ours for ours, has in found.items() if not has]


def _to_name(name: str, lacks: list[str]) -> str:
    return "name the columns that hold these: " + ", ".join(f"--map {name}.COLUMN={ours}" for ours in lacks)


def _changes_stock(name: str, columns: dict[str, Column]) -> bool:
    """Tell a history from other tables with quantities: by levels, by the name of its quantity, or by its own name."""
    if columns.keys() & {"quantity_before", "quantity_after"}:
        return "quantity" in columns or _LIKE_A_HISTORY.search(name) is not None
    return columns["quantity"].name.lower() not in _PLAIN or _LIKE_A_HISTORY.search(name) is not None
