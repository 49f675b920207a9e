"""Plans how an existing database is adopted. Reads everything, changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import join, quote
from typing import TypedDict

from psycopg import sql

from core.adoption.around import Around, look_around
from core.adoption.catalogue import weigh
from core.adoption.columns import Carried, carried, read_mapping
from core.adoption.dependents import Dependent, dependents
from core.adoption.doors import look_for_doors
from core.adoption.histories import find_histories, other_history
from core.adoption.kept import kept_columns, same_columns
from core.adoption.look import Database, Table, aside, ask, public
from core.adoption.movements import judge, left_out
from core.adoption.proposal import (
    STANDS,
    add_own_sku,
    add_unmistakable,
    propose,
    rows_as_they_would_stand,
    with_levels,
)
from core.adoption.report import Guess, Proposal, Report, listed
from core.adoption.shapes import (
    LEVELS,
    NAMES,
    OWN_LEVELS,
    Levels,
    Shape,
    Words,
    cannot,
    level_names,
    levels_of,
    recognise,
    stock_tables,
)
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

    def words(self) -> list[str]:
        """Return the options without the mapping, as they are written after `adopt`."""
        kept = [word for name in self.keep_open for word in ("--keep-open", name)]
        flags = {"--keep-reading": self.keep_reading, "--keep-writing": self.keep_writing}
        return [*(flag for flag, chosen in flags.items() if chosen), *kept]


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
    mapping: dict[tuple[str, str], str]


def plan(database: Database, options: Options) -> Plan:
    """Read the database and check every row. The results are also in temporary tables."""
    database.execute("set local search_path = pg_catalog")  # so that every name is shown with its schema
    report = Report()
    shape = recognise(database, options.mapping)
    find_histories(database, shape)
    old, beside = shape.old, None
    mapping = _mapping(database, shape, shape.words)
    levels, level_word, several = levels_of(database, shape)
    if needs_levels := "product_variants" in old and not level_names(old["product_variants"], mapping):
        report.cannot = several
    report.cannot = cannot(database, shape, mapping) or report.cannot
    report.obstacles += [report.cannot] if report.cannot else shape.obstacles
    if report.cannot:
        return Plan(
            old=old, catalogue={}, around=Around(), dependents=[], report=report, kept_doors=[], mapping=mapping
        )
    _refuse_odd_tables(database, old, report)
    catalogued = _catalogue(shape, mapping, levels if needs_levels and not level_word else None)
    if shape.beside:
        beside = carried(shape.beside, mapping)
    for table in old.values():
        then = f"kept as {aside(table.name)}; "
        then += "correct rows go into the ledger" if table.name == "stock_movements" else "same ids in the new table"
        then += f" {table.ours}, and a view keeps the old name" if table.name != table.ours else ""
        report.found(table.name, many(table.rows, "row"), then)
    _propose(database, shape, catalogued, mapping, levels if needs_levels else None, options, report)
    if report.possible and weigh(database, catalogued, report, beside):
        _refuse_an_empty_shelf(database, report)
        history = old.get("stock_movements") or other_history(shape, mapping, report)
        judge(database, history, mapping, report)
        _draft(database, history, report)
        report.left_out = left_out(database)
    _report_left_out(database, shape, report)
    if kept := [column.name for column in kept_columns(old.get("stock_movements"))]:
        report.found("columns of stock_movements", listed(kept, 8), "kept on the ledger, for reading")
    around = look_around(database, old, options.keep_reading or options.keep_writing, report, options.keep_writing)
    return Plan(
        old=old,
        catalogue=catalogued,
        beside=beside,
        around=around,
        dependents=dependents(database, old, set(same_columns(old.get("stock_movements"))), mapping, report),
        report=report,
        kept_doors=look_for_doors(database, options.keep_open, report),
        mapping=mapping,
    )


def _mapping(database: Database, shape: Shape, words: Sequence[str]) -> Words:
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


def _catalogue(shape: Shape, mapping: Words, levels: Levels | None) -> dict[str, Carried]:
    found: dict[str, Carried] = {}
    found |= {name: carried(shape.old[name], mapping) for name in ("products", "product_variants") if name in shape.old}
    if levels and "product_variants" in found:
        found["product_variants"] = with_levels(found["product_variants"], levels.table, levels.column, levels.link)
    return found


def _propose(
    database: Database,
    shape: Shape,
    catalogued: dict[str, Carried],
    mapping: Words,
    levels: Levels | None,
    options: Options,
    report: Report,
) -> None:
    """Report what names and content suggest. A guess that only the shop can decide prevents adopting."""
    guesses = propose(database, shape, catalogued, mapping)
    if levels and "product_variants" in catalogued and not catalogued["product_variants"].of("stock_quantity"):
        name = f"{levels.table.name}.{levels.column}"
        guesses.insert(
            0, Guess(word=f"{name}=stock_quantity", theirs=name, ours="stock_quantity", why="a table of levels")
        )
    if not guesses:
        return
    new = [guess.word for guess in guesses]
    wanted = _catalogue(
        shape, _mapping(database, shape, [*shape.words, *(w for w in new if not _is_level(w, levels))]), levels
    )
    for guess in guesses:
        if guess.ours not in ("stock_quantity", "sku", "name") or guess.theirs.startswith("products."):
            report.obstacles.append(
                f"{guess.theirs} may be {guess.ours} ({guess.why}). Say so with --map {quote(guess.word)}, or else "
                f"--map {quote(guess.theirs + '=none')}."
            )
    obstacles = [each for table in catalogued.values() for each in table.obstacles]
    report.obstacles += [each for each in obstacles if each not in report.obstacles]
    command = [
        ".venv/bin/python",
        "-m",
        "core",
        "adopt",
        *(["--keep-reading"] if options.keep_reading else []),
        "--map",
    ]
    report.proposal = Proposal(
        guesses=tuple(guesses),
        heads=STANDS,
        rows=rows_as_they_would_stand(database, wanted),
        command=join([*command, *options.mapping, *new]),
    )


def _is_level(word: str, levels: Levels | None) -> bool:
    return levels is not None and word == f"{levels.table.name}.{levels.column}=stock_quantity"


def _refuse_an_empty_shelf(database: Database, report: Report) -> None:
    """Refuse to adopt if the shelf would be empty although the old tables show stock."""
    (shelf,) = ask(database, "select coalesce(sum(shelf), 0) as units from adoption_variants")
    if not shelf.units and (where := _stock_elsewhere(database)):
        report.obstacles.append(
            f"{where}, but every shelf would be empty. "
            "Name the column that holds the level: --map COLUMN=stock_quantity."
        )


def _report_left_out(database: Database, shape: Shape, report: Report) -> None:
    """Report the units of an old table `sneakers` that stays out."""
    known = {table.name for table in (*shape.old.values(), *filter(None, [shape.beside]))}
    for table in stock_tables(database):
        level = next((name for name in OWN_LEVELS if name in table.columns), None)
        if table.name == "sneakers" and table.name not in known and level:
            query = sql.SQL("select coalesce(sum({}), 0)::bigint as units from {}")
            (found,) = ask(database, query.format(sql.Identifier(level), public(table.name)))
            what = f"{many(table.rows, 'row')}, {many(found.units, 'unit')}"
            report.found(table.name, what, "unchanged; these units are not on the shelf: import-catalog can add them")


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


def _stock_elsewhere(database: Database) -> str:
    """Return where the old tables show stock: the first column with units above zero, or an empty text."""
    for table in stock_tables(database):
        for name in (each for each in LEVELS if each in table.columns):
            is_flag_only = table.columns[name].type == "boolean" and name == "in_stock" and {*NAMES} & {*table.columns}
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
                return f"public.{table.name}.{name} shows {what}"
    return ""


_TAKEN = "select relname from pg_class where relnamespace = 'public'::regnamespace and relname = any (%s)"
