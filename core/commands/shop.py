"""`python -m core ...`: the commands of the shop as a whole.

Each leaves one function in the parsed arguments: `start()` needs nothing, `before(database, arguments)` the database as
it is, `manage(database, arguments)` the database brought up to date, `operate(engine, arguments)` the shop as the app
sees it.
"""

from __future__ import annotations

import argparse
import os
import sys
import uuid
from pathlib import Path
from typing import Any

from core.catalog.file import UnreadableCatalog, read_catalog
from core.catalog.imports import CatalogPreview, RowStatus, import_catalog, preview_catalog
from core.commands import psql
from core.database.engine import create_engine, run
from core.database.migrate import migrate
from core.database.startup import Database, open_database
from core.foundation.errors import SetupError, Unreadable
from core.foundation.model import COMMAND_LINE
from core.foundation.settings import load_settings
from core.sample.load import SHOP_NAME, load_sample
from core.sample.removal import remove_sample, sample_name


def add_parsers(subparsers: Any) -> None:
    """Add the commands."""
    _command(subparsers, "run", "serve the dashboard until Ctrl-C", start=serve)
    _command(subparsers, "migrate", "bring the database up to this release", start=migrate_database)
    _command(subparsers, "psql", "open a SQL prompt on the database, as its owner", start=open_prompt)
    sample = _command(subparsers, "sample", "fill an empty database with the sample shop", manage=sample_shop)
    sample.add_argument("--remove", action="store_true", help="replace the sample shop by an empty one instead")
    catalog = _command(subparsers, "import-catalog", "take a catalogue in CSV into the shop", manage=take_catalog)
    catalog.add_argument(
        "file", type=Path, metavar="FILE", help="one row for each SKU; the first line names the columns"
    )
    catalog.add_argument("--preview", action="store_true", help="only tell what each row would do")
    catalog.add_argument(
        "--into-sample", action="store_true", help="add it to the sample data instead of replacing that"
    )


def _command(subparsers: Any, name: str, what: str, **function: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        name, help=what, description=what[0].upper() + what[1:] + "."
    )
    parser.set_defaults(**function)
    return parser


def serve() -> int:
    """Become the dashboard's own program."""
    os.execv(sys.executable, [sys.executable, "-m", "dashboard"])  # noqa: S606 - ourselves


def migrate_database() -> None:
    """Migrate, and say whether there was anything to do."""
    with open_database(load_settings()) as database:
        changed = migrate(database.owner_url)
    print("The database is up to date now." if changed else "The database was up to date already.")


def open_prompt() -> int:
    """Hand over to psql."""
    return psql.main([])


def sample_shop(database: Database, arguments: argparse.Namespace) -> None:
    """Load the sample shop, or replace it by an empty one."""
    if arguments.remove:
        _replace_sample(database)
        print("The shop is empty. Begin with `.venv/bin/python -m core import-catalog FILE`, or on the page.")
        return
    engine = create_engine(database.app_url, pool_size=1)
    try:
        load_sample(engine)
    finally:
        engine.dispose()
    print(f"The sample shop {SHOP_NAME} is loaded.")


def take_catalog(database: Database, arguments: argparse.Namespace) -> int:
    """Import a catalogue, or tell what it would do. Where the sample data stands in its way, offer to replace that."""
    content, name = _read(arguments.file), arguments.file.name
    bad = read_catalog(content, name).problems
    sample_stays = arguments.into_sample or arguments.preview or sample_name(database.owner_url) is None
    if bad and not sample_stays:
        raise UnreadableCatalog(name, bad)
    if not sample_stays:
        _replace_sample(database)
    engine = create_engine(database.app_url, pool_size=1)
    try:
        if arguments.preview:
            return _tell(run(engine, preview_catalog, COMMAND_LINE, content=content, file_name=name))
        done = run(
            engine, import_catalog, COMMAND_LINE, content=content, file_name=name, key=f"catalogue:{uuid.uuid4()}",
            into_sample=arguments.into_sample,
        )  # fmt: skip
    finally:
        engine.dispose()
    print(
        f"Imported {name}: {_many(done.products_added, 'new product')}, {_many(done.variants_added, 'new variant')}, "
        f"{done.variants_known:,} known before; {_many(done.units_counted, 'unit')} counted."
    )
    return 0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror or error}.") from error


def _tell(preview: CatalogPreview) -> int:
    """Print what each row would do, and count the unchanged ones; the exit code is 1 if the file has bad rows."""
    for row in preview.rows:
        changes = ", ".join(f"{change.field} {change.before or 'nothing'} -> {change.after}" for change in row.changes)
        if row.status is RowStatus.ERROR:
            print("\n".join(str(problem) for problem in row.problems))
        elif row.status is not RowStatus.UNCHANGED:
            what = row.status.replace("_", " ")
            print(f"line {row.line.line}: {row.line.sku} {what}{': ' if changes else ''}{changes}")
    added = ((preview.products_added, "new product"), (preview.variants_added, "new variant"))
    counts = [_many(number, noun) for number, noun in added if number]
    for status, called in ((RowStatus.CHANGE, "changed"), (RowStatus.UNCHANGED, "unchanged"), (RowStatus.ERROR, "bad")):
        counts += [f"{preview.counts[status]:,} {called}"] if preview.counts[status] else []
    units = _many(preview.units_counted, "unit")
    print(f"{preview.file_name}: {', '.join(counts)}; {units} would be counted. Nothing was changed.")
    return 1 if preview.problems else 0


def _many(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _replace_sample(database: Database) -> None:
    """Replace the sample shop by an empty one, after whoever asks for it has typed its name."""
    name = sample_name(database.owner_url)
    if name is None:
        raise SetupError("This shop does not hold the sample data, so nothing was removed.")
    if not database.embedded:
        raise SetupError(
            "This shop holds the sample data in a database of your own, which Stockroom does not drop. Create an empty "
            "database and set DATABASE_URL to it. Nothing was changed."
        )
    print("This shop holds the sample data. It will be removed for good, with all that was tried in it; accounts stay.")
    try:
        typed = input(f"Type the shop's name, {name}, to remove it: ")
    except EOFError:
        typed = ""
    if typed.strip() != name:
        raise SetupError("That is not its name; nothing was changed.")
    remove_sample(database.owner_url)
