"""Plans how an existing database is adopted. Reads everything, changes nothing."""

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
from core.adoption.prices import Priced, look_at_prices
from core.adoption.report import Report
from core.foundation.text import many

LEDGER_COLUMNS = frozenset(
    (
        *("id", "variant_id", "sku", "movement_type", "reason", "quantity", "quantity_before", "quantity_after"),
        *("variant_sequence", "operation_id", "reference_type", "reference_id", "reverses_id", "performed_by", "note"),
        *("occurred_at", "created_at", "chain_hash"),
    )
)
"""The columns of our stock_movements, as the migrations create them."""
NOBODY = "Before Stockroom"
"""The name on movements for which the old history has none."""

_DRAFT = Path(__file__).with_name("history.sql").read_text(encoding="utf-8")

_COUNTS = """
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
    priced: Priced


def plan(database: Database, mapping_words: Sequence[str], keep_reading: bool, price: str | None = None) -> Plan:
    """Read the database and check every row. The results are also in temporary tables."""
    database.execute("set local search_path = pg_catalog")  # so that every name is shown with its schema
    report, priced = Report(), Priced(words=None, rule=None, doubt=None)
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
        then += "correct rows go into the ledger" if table.name == "stock_movements" else "same ids in the new table"
        report.found(table.name, many(table.rows, "row"), then)
    if report.possible and weigh(database, catalogued, report):
        judge(database, old.get("stock_movements"), mapping)
        _draft(database, report)
        report.left_out = left_out(database)
        priced = look_at_prices(database, catalogued, price, report)
    around = look_around(database, old, keep_reading, report)
    hanging = dependents(database, old, set(LEDGER_COLUMNS), mapping, report)
    return Plan(old=old, catalogue=catalogued, around=around, dependents=hanging, report=report, priced=priced)


def _draft(database: Database, report: Report) -> None:
    """Fill `adoption_lines` with the lines to post, in their order, and report how many there are of each kind."""
    with database.cursor() as cursor:
        cursor.execute(_DRAFT, {"nobody": NOBODY, "us": "Command line"})
    (counts,) = ask(database, _COUNTS)
    (judged,) = ask(database, "select count(*) as rows, count(why) as left_out from adoption_judged")
    if judged.rows:
        report.found("correct history", many(counts.rows, "row"), "goes into the ledger, in order of time")
        report.found("incorrect history", many(judged.left_out, "row"), "stays in stock_movements_legacy; listed below")
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
