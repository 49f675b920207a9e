"""Plans how an existing database is adopted. Reads everything, changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from core.adoption.around import Around, look_around
from core.adoption.carry import left_rules
from core.adoption.catalogue import weigh
from core.adoption.columns import Carried, carried
from core.adoption.dependents import Dependent, dependents
from core.adoption.doors import look_for_doors
from core.adoption.kept import kept_columns, same_columns
from core.adoption.look import Database, Table, aside, ask
from core.adoption.movements import judge, left_out
from core.adoption.prices import Priced, look_at_prices
from core.adoption.report import Report, listed, one_table
from core.adoption.shapes.histories import find_histories, other_history
from core.adoption.shapes.proposal import propose_mapping, refuse_an_empty_shelf, report_left_out
from core.adoption.shapes.reading import catalogue_of, mapping_of
from core.adoption.shapes.tables import cannot, level_names, levels_of, recognise
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
    price: str | None
    zone: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the shop decides about adopting.

    `mapping` holds `COLUMN=OURS` for columns with other names. `keep_reading` lets the public roles read the catalogue
    as before, and `keep_writing` lets `authenticated` also write it, except for stock. `keep_open` names what may move
    stock although others than the named roles can use it. `price` is the expression of what a variant costs. `zone` is
    the time zone of moments whose columns have none; without it, that of the database.
    """

    mapping: Sequence[str] = ()
    keep_reading: bool = False
    keep_writing: bool = False
    keep_open: Sequence[str] = ()
    price: str | None = None
    zone: str | None = None

    def words(self) -> list[str]:
        """Return the options without the mapping, as they are written after `adopt`."""
        kept = [word for name in self.keep_open for word in ("--keep-open", name)]
        flags = {"--keep-reading": self.keep_reading, "--keep-writing": self.keep_writing}
        price = ["--price", self.price] if self.price else []
        zone = ["--zone", self.zone] if self.zone else []
        return [*(flag for flag, chosen in flags.items() if chosen), *kept, *price, *zone]


@dataclass(slots=True, kw_only=True)
class Plan:
    """Everything that adopting needs to know."""

    old: dict[str, Table]
    catalogue: dict[str, Carried]
    beside: Carried | None = None
    around: Around
    dependents: list[Dependent]
    report: Report
    kept_doors: list[str]
    priced: Priced
    mapping: dict[tuple[str, str], str]


def plan(database: Database, options: Options) -> Plan:
    """Read the database and check every row. The results are also in temporary tables."""
    database.execute("set local search_path = pg_catalog")  # so that every name is shown with its schema
    report, priced = Report(), Priced(words=None, rule=None, doubt=None)
    shape = recognise(database, options.mapping)
    find_histories(database, shape)
    old, beside = shape.old, None
    mapping = mapping_of(database, shape, shape.words)
    levels, level_word, several = levels_of(database, shape)
    if needs_levels := "product_variants" in old and not level_names(old["product_variants"], mapping):
        report.cannot = several
    report.cannot = cannot(database, shape, mapping) or report.cannot
    report.obstacles += [report.cannot] if report.cannot else shape.obstacles
    if report.cannot:
        return Plan(
            old=old, catalogue={}, around=Around(), dependents=[], report=report, kept_doors=[], priced=priced,
            mapping=mapping,
        )  # fmt: skip
    _refuse_odd_tables(database, old, report)
    _refuse_without_roles(database, report)
    catalogued = catalogue_of(shape, mapping, levels if needs_levels and not level_word else None)
    if shape.beside:
        beside = carried(shape.beside, mapping)
    _report_tables(old, report)
    _report_zone(database, old, options.zone, report)
    propose_mapping(
        database, shape, catalogued, mapping, levels if needs_levels else None, options.mapping, options.words(), report
    )
    if report.possible and weigh(database, catalogued, report, beside):
        refuse_an_empty_shelf(database, shape, report)
        history = old.get("stock_movements") or other_history(shape, mapping, report)
        judge(database, history, mapping, report)
        _draft(database, history, report)
        report.left_out = left_out(database)
        priced = look_at_prices(database, catalogued, options.price, report)
    report_left_out(database, shape, report)
    if kept := [column.name for column in kept_columns(old.get("stock_movements"))]:
        report.found("columns of stock_movements", listed(kept, 8), "kept on the ledger, for reading")
    for name, rule, table in left_rules(database, catalogued):
        report.found(f"rule {name}", rule, f"stays with {aside(table)}: it is about columns that are Stockroom's now")
    around = look_around(database, old, options.keep_reading or options.keep_writing, report, options.keep_writing)
    return Plan(
        old=old,
        catalogue=catalogued,
        beside=beside,
        around=around,
        dependents=dependents(database, old, set(same_columns(old.get("stock_movements"))), mapping, report),
        report=report,
        kept_doors=look_for_doors(database, options.keep_open, report),
        priced=priced,
        mapping=mapping,
    )


def _report_tables(old: dict[str, Table], report: Report) -> None:
    for table in old.values():
        then = f"kept as {aside(table.name)}; "
        then += "correct rows go into the ledger" if table.name == "stock_movements" else "same ids in the new table"
        then += f" {table.ours}, and a view keeps the old name" if table.name != table.ours else ""
        report.found(table.name, many(table.rows, "row"), then)


def _report_zone(database: Database, old: dict[str, Table], chosen: str | None, report: Report) -> None:
    """Report the moments without a time zone, and in which they are read: a storefront may write them in another."""
    named = [
        f"{table.name}.{column.name}"
        for table in old.values()
        for column in table.columns.values()
        if column.type.startswith("timestamp") and column.type.endswith("without time zone")
    ]
    if named:
        (zone,) = ask(database, "select current_setting('TimeZone') as name")
        advice = "" if chosen else "; if your programs write them in another, name it with --zone"
        report.found("moments without a time zone", listed(named), f"read as times of {zone.name}{advice}")


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
            report.obstacles.append(f"public.{table.name} is not a plain table, so its rows cannot be moved. "
                                    + one_table(f"public.{table.name}"))  # fmt: skip
        elif not table.is_ours_to_change:
            report.obstacles.append(f"public.{table.name} belongs to another account. Adopt as its owner.")
        if aside(table.name) in taken:
            report.obstacles.append(f"The name public.{aside(table.name)} is taken. Rename that table first.")


_TAKEN = "select relname from pg_class where relnamespace = 'public'::regnamespace and relname = any (%s)"

_NO_MEMBER = """
select current_user as account, array_agg(r.name) as roles,
       coalesce(string_agg('create role ' || r.name || r.how, '; ') filter (where p.oid is null) || '; ', '') as missing
  from (values ('stockroom_owner', ''), ('stockroom_app', ' login')) r (name, how)
  left join pg_roles p on p.rolname = r.name
  join pg_roles me on me.rolname = current_user and not me.rolsuper
  join lateral (select current_setting('server_version_num')::int < 160000 as is_old) server on true
 where not coalesce(pg_has_role(p.oid, case when server.is_old then 'member' else 'set' end)
                    or pg_has_role(p.oid, 'member with admin option') or server.is_old and me.rolcreaterole,
                    me.rolcreaterole)
having count(*) > 0"""


def _refuse_without_roles(database: Database, report: Report) -> None:
    """Refuse an account that the migrations could not make a member of the two roles, as `roles.sql` does."""
    for row in ask(database, _NO_MEMBER):
        names = ", ".join(row.roles)
        report.obstacles.append(
            f"The account {row.account} cannot become a member of {names}. Let an administrator run: {row.missing}"
            f'grant {names} to "{row.account}";'
        )
