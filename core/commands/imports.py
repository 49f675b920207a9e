"""`python -m core import-catalog`, `import-history` and `import-orders`: bring products, the past and orders in."""

from __future__ import annotations

import argparse
import shlex
import sys
import uuid
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from core.catalog.extras import Warned, extras, read_values, warnings
from core.catalog.file import UnreadableCatalog, read_catalog
from core.catalog.imports import CatalogPreview, RowStatus, import_catalog, preview_catalog
from core.commands import command, file_choices
from core.commands.shop import replace_sample
from core.database.engine import create_engine, run
from core.database.startup import Database
from core.foundation.errors import Unreadable
from core.foundation.model import COMMAND_LINE
from core.foundation.sales import Policy
from core.foundation.settings import load_settings
from core.foundation.text import many
from core.inbox import range_import
from core.inbox.range_import import Range, Stage, import_orders
from core.ledger.history import HistoryImport, import_history
from core.sample.removal import sample_name
from core.sandbox import connection
from core.sheets import Choices

AUTO = "auto"
_STEPS = {"read": "Read and checked", "staged": "Staged", "posted": "Posted"}


def add_parsers(subparsers: Any) -> None:
    """Add the commands."""
    catalog = command(subparsers, "import-catalog", "import a catalogue from a file", manage=take_catalog)
    catalog.add_argument("file", type=Path, metavar="FILE", help="one row a SKU; the first line names the columns")
    catalog.add_argument("--preview", action="store_true", help="only show what each row would do")
    catalog.add_argument("--into-sample", action="store_true", help="add it to the sample data, do not replace that")
    own = "the value of a column of your own in new rows, such as status=active; repeat it for more columns"
    catalog.add_argument("--set", action="append", default=[], metavar="COLUMN=VALUE", dest="values", help=own)
    file_choices.add_to(catalog)
    history = command(subparsers, "import-history", "import a shop's past from a file", operate=take_history)
    columns = "columns: occurred_at, sku, movement_type, reason, quantity (signed), reference and optionally name"
    history.add_argument("file", type=Path, metavar="FILE", help=columns)
    history.add_argument("--into-sample", action="store_true", help="add it to the sample data")
    file_choices.add_to(history)
    what = "import the orders of a range of days from Stripe; run it again to continue"
    orders = command(subparsers, "import-orders", what, operate=take_orders)
    orders.add_argument("--since", required=True, type=_day, metavar="DATE", help="the first day, such as 2026-10-01")
    orders.add_argument("--until", type=_day, metavar="DATE", help="the last day; by default up to now")
    policies = (
        "auto: record orders from before going live without taking stock, take stock for later ones; normal: take "
        "stock; skip: record only; force: take what is there, the rest is oversold"
    )
    orders.add_argument("--policy", choices=[AUTO, *Policy], default=AUTO, help=policies)


# ---------------------------------------------------------------- import-catalog


def take_catalog(database: Database, arguments: argparse.Namespace) -> int:
    """Import a catalogue, or show what it would do. If the shop holds the sample data, offer to replace it first."""
    content, name, values = _read(arguments.file), arguments.file.name, tuple(arguments.values)
    choices = file_choices.of(arguments)
    bad = read_catalog(content, name, choices).problems
    sample_stays = arguments.into_sample or arguments.preview or sample_name(database.owner_url) is None
    if bad and not sample_stays:
        raise UnreadableCatalog(name, bad)
    if not sample_stays:
        replace_sample(database)
    engine = create_engine(database.app_url, pool_size=1)
    try:
        if arguments.preview:
            return _show(
                run(
                    engine,
                    preview_catalog,
                    COMMAND_LINE,
                    content=content,
                    file_name=name,
                    values=values,
                    choices=choices,
                )
            )
        columns = run(engine, extras, COMMAND_LINE)
        done = run(
            engine, import_catalog, COMMAND_LINE, content=content, file_name=name, key=f"catalogue:{uuid.uuid4()}",
            into_sample=arguments.into_sample, values=values, choices=choices,
        )  # fmt: skip
    finally:
        engine.dispose()
    print(
        f"Imported {name}: {many(done.products_added, 'new product')}, {many(done.variants_added, 'new variant')}, "
        f"{done.variants_known:,} known before; {many(done.units_counted, 'unit')} counted."
    )
    added = {"product": done.products_added, "variant": done.variants_added}
    _warn(warnings(columns, read_values(values, columns), added))
    return 0


def _warn(warned: Sequence[Warned]) -> None:
    for each in warned:
        print(f"Warning: {each.sentence}" + (f" Add --set {shlex.quote(each.value)}" if each.value else ""))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror or error}.") from error


def _show(preview: CatalogPreview) -> int:
    """Print what each row would do, and count the unchanged ones; the exit code is 1 if the file has bad rows."""
    for row in preview.rows:
        changes = ", ".join(f"{change.field} {change.before or 'nothing'} -> {change.after}" for change in row.changes)
        if row.status is RowStatus.ERROR:
            print("\n".join(str(problem) for problem in row.problems))
        elif row.status is not RowStatus.UNCHANGED:
            what = row.status.replace("_", " ")
            print(f"line {row.line.line}: {row.line.sku} {what}{': ' if changes else ''}{changes}")
    added = ((preview.products_added, "new product"), (preview.variants_added, "new variant"))
    counts = [many(number, noun) for number, noun in added if number]
    for status, called in ((RowStatus.CHANGE, "changed"), (RowStatus.UNCHANGED, "unchanged"), (RowStatus.ERROR, "bad")):
        counts += [f"{preview.counts[status]:,} {called}"] if preview.counts[status] else []
    units = many(preview.units_counted, "unit")
    print(*preview.told, sep="\n", end="\n" if preview.told else "")
    _warn(preview.warnings)
    print(f"{preview.file_name}: {', '.join(counts)}; {units} would be counted. Nothing was changed.")
    return 1 if preview.problems else 0


# ---------------------------------------------------------------- import-history


def take_history(engine: Engine, arguments: argparse.Namespace) -> int:
    """Import the file, with progress on stderr, and print the result."""
    chosen = file_choices.of(arguments)
    done = import_history(
        engine, COMMAND_LINE, arguments.file, progress=show_progress, into_sample=arguments.into_sample,
        choices=None if chosen == Choices() else chosen,
    )  # fmt: skip
    print(_history_text(done))
    return 0


def show_progress(step: str, done: int, total: int) -> None:
    """Show a step's count on stderr: on a terminal each step is one line that counts up."""
    line = f"{_STEPS[step]} {done:,} of {total:,} rows"
    if sys.stderr.isatty():
        print(f"\r{line}", end="\n" if done >= total else "", file=sys.stderr, flush=True)
    else:
        print(line, file=sys.stderr)


def _history_text(done: HistoryImport) -> str:
    if done.already:
        return f"{done.file_name} was already imported ({many(done.rows, 'row')}); nothing was changed."
    new = done.rows - done.rows_known
    text = f"Imported {done.file_name}: {many(new, 'movement')}, {many(done.new_codes or 0, 'new SKU')}."
    if done.rows_known:
        text += f" {many(done.rows_known, 'row')} had been imported before and stayed as they were."
    if done.opening_codes:
        first = f"{many(done.opening_codes, 'SKU')} got an opening count of {many(done.opening_units, 'unit')} in all"
        text += f"\n{first}: the smallest that keeps every level at zero or above, dated just before its first row."
    return text


# ---------------------------------------------------------------- import-orders


def take_orders(engine: Engine, arguments: argparse.Namespace) -> int:
    """Import the range and apply it, with progress on stderr, and print the result; 130 after Ctrl-C."""
    policy = None if arguments.policy == AUTO else Policy(arguments.policy)
    days = Range(since=arguments.since, until=arguments.until, policy=policy)
    gateway = connection.find(load_settings(), engine)
    lines = ProgressLines()
    try:
        done = import_orders(engine, gateway, COMMAND_LINE, days=days, tell=lines.show)
    except KeyboardInterrupt:
        lines.end()
        print("Stopped. What was read is stored; run the same command to continue.", file=sys.stderr)
        return 130
    finally:
        lines.end()
    print(range_import.told(done))
    return 0


class ProgressLines:
    """Each stage as a line on stderr: on a terminal one line that counts up, else a line for each change."""

    def __init__(self) -> None:
        """Begin with nothing shown."""
        self._doing = ""
        self._shown = ""

    def show(self, stage: Stage) -> bool:
        """Show a stage. Returns True: the import goes on."""
        if stage.doing != self._doing:
            self.end()
            self._doing = stage.doing
        line = _stage_text(stage)
        is_terminal = sys.stderr.isatty()
        if line != self._shown:
            end = "" if is_terminal else "\n"
            print(f"\r{line}" if is_terminal else line, end=end, file=sys.stderr, flush=True)
            self._shown = line
        return True

    def end(self) -> None:
        """End a line that counts up."""
        if self._shown and sys.stderr.isatty():
            print(file=sys.stderr)
        self._shown = ""


def _stage_text(stage: Stage) -> str:
    if stage.applied or not stage.doing.startswith("Reading"):
        return f"{stage.doing}: {many(stage.applied, 'message')}"
    return f"{stage.doing}: {stage.seen:,} seen, {stage.stored:,} new"


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day such as 2026-10-01") from None
