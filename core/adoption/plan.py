"""What adopting an existing database would do. Looks at everything, changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.adoption.around import Around, look_around
from core.adoption.catalogue import weigh
from core.adoption.columns import Carried, carried, read_mapping, with_levels
from core.adoption.dependents import Dependent, dependents
from core.adoption.history import draft
from core.adoption.look import Database, Table, aside, ask, tables
from core.adoption.movements import judge, left_out
from core.adoption.report import Report, many

LEDGER_COLUMNS = frozenset(
    (
        *("id", "variant_id", "sku", "movement_type", "reason", "quantity", "quantity_before", "quantity_after"),
        *("variant_sequence", "operation_id", "reference_type", "reference_id", "reverses_id", "performed_by", "note"),
        *("occurred_at", "created_at", "chain_hash"),
    )
)
"""The columns of our stock_movements, as the migrations make them."""


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
        draft(database, report)
        report.left_out = left_out(database)
    around = look_around(database, old, keep_reading, report)
    hanging = dependents(database, old, set(LEDGER_COLUMNS), mapping, report)
    return Plan(old=old, catalogue=catalogued, around=around, dependents=hanging, report=report)


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
