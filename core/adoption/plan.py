"""Plans how an existing database is adopted. Reads everything, changes nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from core.adoption.around import Around, look_around
from core.adoption.catalogue import weigh
from core.adoption.columns import Carried, carried, history_columns, read_mapping, with_levels
from core.adoption.dependents import Dependent, dependents
from core.adoption.doors import look_for_doors
from core.adoption.kept import kept_columns, same_columns
from core.adoption.look import Column, Database, Table, aside, ask, other_histories, tables
from core.adoption.movements import judge, left_out
from core.adoption.report import Report, listed
from core.foundation.text import many

NOBODY = "Before Stockroom"
"""The name on movements for which the old history has none."""

_DRAFT = Path(__file__).with_name("history.sql").read_text(encoding="utf-8")

_COUNTS = """
select count(*) filter (where phase = 1) as rows, count(*) filter (where phase = 0) as openings,
       count(*) filter (where phase = 2) as closings,
       coalesce(sum(abs(quantity)) filter (where phase = 2), 0)::int as units,
       count(*) filter (where phase = 1 and begins <> before) as elsewhere
  from adoption_lines"""


class Choices(TypedDict, total=False):
    """The options of adopting, each with a default in `Options`."""

    mapping: Sequence[str]
    keep_reading: bool
    keep_writing: bool
    keep_open: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the shop decides about adopting.

    `mapping` holds `COLUMN=OURS` for columns with other names. `keep_reading` lets the public roles read the catalogue
    as before, and `keep_writing` lets `authenticated` also write it, except for stock. `keep_open` names what may move
    stock although others than the named roles can use it.
    """

    mapping: Sequence[str] = ()
    keep_reading: bool = False
    keep_writing: bool = False
    keep_open: Sequence[str] = ()


@dataclass(slots=True, kw_only=True)
class Plan:
    """Everything that adopting needs to know."""

    old: dict[str, Table]
    catalogue: dict[str, Carried]
    around: Around
    dependents: list[Dependent]
    report: Report
    kept_doors: list[str]
    mapping: dict[tuple[str, str], str]


def plan(database: Database, options: Options) -> Plan:
    """Read the database and check every row. The results are also in temporary tables."""
    database.execute("set local search_path = pg_catalog")  # so that every name is shown with its schema
    report, mapping_words = Report(), options.mapping
    old = tables(database)
    begins = [re.split("[.=]", word)[0] for word in mapping_words]
    others = {} if "stock_movements" in old else other_histories(database, begins)
    named = {word.partition("=")[0] for word in mapping_words if word.endswith("=stock_movements")} & others.keys()
    words = [word for word in mapping_words if word.partition("=")[0] not in named]
    mapping = read_mapping(words, old | {name: table for name, (table, _) in others.items()})
    named |= {word.partition(".")[0] for word in words} & others.keys()
    _refuse_odd_tables(database, old, report)
    catalogued: dict[str, Carried] = {
        name: carried(old[name], mapping) for name in ("products", "product_variants") if name in old
    }
    if "product_variants" in catalogued:
        levels = tables(database, ["stock_levels"]).get("stock_levels")
        catalogued["product_variants"] = with_levels(catalogued["product_variants"], levels)
    for table in old.values():
        then = f"kept as {aside(table.name)}; "
        then += "correct rows go into the ledger" if table.name == "stock_movements" else "same ids in the new table"
        report.found(table.name, many(table.rows, "row"), then)
    if report.possible and weigh(database, catalogued, report):
        history = old.get("stock_movements") or _other_history(others, named, mapping, report)
        judge(database, history, mapping, report)
        _draft(database, history, report)
        report.left_out = left_out(database)
    if kept := [column.name for column in kept_columns(old.get("stock_movements"))]:
        report.found("columns of stock_movements", listed(kept, 8), "kept on the ledger, for reading")
    around = look_around(database, old, options.keep_reading or options.keep_writing, report, options.keep_writing)
    hanging = dependents(database, old, set(same_columns(old.get("stock_movements"))), mapping, report)
    return Plan(
        old=old,
        catalogue=catalogued,
        around=around,
        dependents=hanging,
        report=report,
        kept_doors=look_for_doors(database, options.keep_open, report),
        mapping=mapping,
    )


_LIKE_A_HISTORY = re.compile(
    "(stock|inventory|variant|quantity|sku).*(movement|transaction|histor|log|ledger|change|adjust|event)"
)
_PLAIN = ("quantity", "qty", "units", "amount", "adjustment")
"""Names that say how many, but not that something changed: order items have them, too."""


def _other_history(
    others: dict[str, tuple[Table, str | None]], named: set[str], mapping: dict[tuple[str, str], str], report: Report
) -> Table | None:
    """Return the history under another name: the one that `--map` names, or the only one that its columns tell."""
    understood = {}
    for name, (table, variant) in others.items():
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


def _draft(database: Database, history: Table | None, report: Report) -> None:
    """Fill `adoption_lines` with the lines to post, in their order, and report how many there are of each kind."""
    with database.cursor() as cursor:
        cursor.execute(_DRAFT, {"nobody": NOBODY, "us": "Command line"})
    (counts,) = ask(database, _COUNTS)
    (judged,) = ask(database, "select count(*) as rows, count(why) as left_out from adoption_judged")
    if judged.rows and history:
        where = aside(history.name) if history.name == "stock_movements" else history.name
        report.found("correct history", many(counts.rows, "row"), "goes into the ledger, in order of time")
        report.found("incorrect history", many(judged.left_out, "row"), f"stays in {where}; listed below")
    if counts.openings:
        report.found("histories that begin above 0", many(counts.openings, "variant"), "one opening count each")
    if counts.elsewhere:
        then = "carried over with the levels that follow from earlier rows"
        report.found("levels that do not join", many(counts.elsewhere, "row"), then)
    if counts.closings:
        then = f"one count each, {many(counts.units, 'unit')} in all"
        report.found("levels unlike their history", many(counts.closings, "variant"), then)


def _refuse_odd_tables(database: Database, old: dict[str, Table], report: Report) -> None:
    taken = {row.relname for row in ask(database, _TAKEN, [aside(name) for name in old])}
    for table in old.values():
        if table.kind != "r":
            report.obstacles.append(f"public.{table.name} is not a plain table, so its rows cannot be moved.")
        elif not table.is_ours_to_change:
            report.obstacles.append(f"public.{table.name} belongs to another account. Adopt as its owner.")
        if aside(table.name) in taken:
            report.obstacles.append(f"The name public.{aside(table.name)} is taken. Rename that table first.")


_TAKEN = "select relname from pg_class where relnamespace = 'public'::regnamespace and relname = any (%s)"
