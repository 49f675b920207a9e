"""What adopting an existing database would do. Looks at everything, changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.adoption.around import Around, look_around
from core.adoption.catalogue import weigh
from core.adoption.columns import Carried, carried, read_mapping, with_levels
from core.adoption.dependents import Dependent, dependents
from core.adoption.look import Database, Table, aside, ask, tables
from core.adoption.movements import judge, left_out
from core.adoption.report import Report
from core.foundation.text import many

LEDGER_COLUMNS = frozenset(
    (
        *("id", "variant_id", "sku", "movement_type", "reason", "quantity", "quantity_before", "quantity_after"),
        *("variant_sequence", "operation_id", "reference_type", "reference_id", "reverses_id", "performed_by", "note"),
        *("occurred_at", "created_at", "chain_hash"),
    )
)
"""The columns of our stock_movements, as the migrations make them."""
NOBODY = "Before Stockroom"
"""Who did what the old history gives no name for."""

_DRAFT = Path(__file__).with_name("history.sql").read_text(encoding="utf-8")

_TOLD = """
select count(*) filter (where phase = 1) as rows, count(*) filter (where phase = 0) as openings,
       count(*) filter (where phase = 2) as closings,
       coalesce(sum(abs(quantity)) filter (where phase = 2), 0)::int as units,
       count(*) filter (where phase = 1 and begins <> before) as elsewhere
  from adoption_lines"""


@dataclass(slots=True, kw_only=True)
class Plan:
    """Everything that adopting needs to know."""

    old: dict[str, Table]
    catalogue: dict[str, Carried]
    around: Around
    dependents: list[Dependent]
    report: Report


def plan(database: Database, mapping_words: Sequence[str], keep_reading: bool) -> Plan:
    """Look at the database and judge every row; leaves its findings in temporary tables, too."""
    database.execute("set local search_path = pg_catalog")  # so that every name is told with its schema
    report = Report()
    old = tables(database)
    mapping = read_mapping(mapping_words, old)
    _refuse_odd_tables(database, old, report)
    catalogued: dict[str, Carried] = {
        name: carried(old[name], mapping) for name in ("products", "product_variants") if name in old
    }
    if "product_variants" in catalogued:
        levels = tables(database, ["stock_levels"]).get("stock_levels")
        catalogued["product_variants"] = with_levels(catalogued["product_variants"], levels)
    for table in old.values():
        then = f"kept as {aside(table.name)}; "
        then += "what is right goes into the ledger" if table.name == "stock_movements" else "same ids in the new table"
        report.found(table.name, many(table.rows, "row"), then)
    if report.possible and weigh(database, catalogued, report):
        judge(database, old.get("stock_movements"), mapping)
        _draft(database, report)
        report.left_out = left_out(database)
    around = look_around(database, old, keep_reading, report)
    hanging = dependents(database, old, set(LEDGER_COLUMNS), mapping, report)
    return Plan(old=old, catalogue=catalogued, around=around, dependents=hanging, report=report)


def _draft(database: Database, report: Report) -> None:
    """Fill `adoption_lines` in the order they are posted in, and say what they are."""
    with database.cursor() as cursor:
        cursor.execute(_DRAFT, {"nobody": NOBODY, "us": "Command line"})
    (told,) = ask(database, _TOLD)
    (judged,) = ask(database, "select count(*) as rows, count(why) as left_out from adoption_judged")
    if judged.rows:
        report.found("history that is right", many(told.rows, "row"), "goes into the ledger, in order of time")
        report.found(
            "history that is not", many(judged.left_out, "row"), "stays in stock_movements_legacy; listed below"
        )
    if told.openings:
        report.found("histories that begin above 0", many(told.openings, "variant"), "one opening count each")
    if told.elsewhere:
        report.found(
            "levels that do not join",
            many(told.elsewhere, "row"),
            "carried with the levels that follow from the rows before",
        )
    if told.closings:
        then = f"one count each, {many(told.units, 'unit')} in all"
        report.found("shelf unlike its history", many(told.closings, "variant"), then)


def _refuse_odd_tables(database: Database, old: dict[str, Table], report: Report) -> None:
    taken = {row.relname for row in ask(database, _TAKEN, [aside(name) for name in old])}
    for table in old.values():
        if table.kind != "r":
            report.obstacles.append(f"public.{table.name} is no plain table, so its rows cannot be moved.")
        elif not table.is_ours_to_change:
            report.obstacles.append(f"public.{table.name} belongs to another account. Adopt as its owner.")
        if aside(table.name) in taken:
            report.obstacles.append(f"The name public.{aside(table.name)} is taken. Rename that table first.")


_TAKEN = "select relname from pg_class where relnamespace = 'public'::regnamespace and relname = any (%s)"
