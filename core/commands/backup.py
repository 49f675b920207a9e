"""`python -m core backup`, `verify-backup`, `restore`, `export-ledger` and `verify-ledger`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from core.backups import ledger_file
from core.backups import routine as backups
from core.backups.manifest import Manifest, manifest_of, read_manifest
from core.backups.restoring import missing_roles
from core.commands import command
from core.commands.months import verify_month
from core.database.engine import create_engine
from core.database.startup import Database, bring_up_to_date, open_database
from core.foundation.errors import BackupFailed
from core.foundation.settings import load_settings
from core.valuation import month_file


def add_parsers(subparsers: Any) -> None:
    """Add the commands."""
    made = command(subparsers, "backup", "write the shop into an archive, with a manifest next to it", manage=back_up)
    made.add_argument("--to", type=Path, metavar="FOLDER", help="another folder than the usual one")
    what = "verify a backup by restoring it into a scratch database"
    verified = command(subparsers, "verify-backup", what, manage=verify)
    verified.add_argument("file", type=Path, nargs="?", metavar="FILE", help="the archive; by default the newest")
    restored = command(subparsers, "restore", "restore a backup into an empty database", before=restore)
    restored.add_argument("file", type=Path, metavar="FILE", help="the archive; its manifest is next to it")
    restored.add_argument("--replace", metavar="NAME", help="the name of the database whose shop is to be replaced")
    taken = command(subparsers, "export-ledger", "write the ledger with its hashes as Parquet", operate=export_ledger)
    taken.add_argument("file", type=Path, metavar="FILE", help="the file to write")
    checked = command(
        subparsers,
        "verify-ledger",
        "check an exported ledger without a database, or a month against the ledger",
        ask=verify_ledger,
    )
    checked.add_argument("file", type=Path, metavar="FILE", help="a file that `export-ledger` or `export-month` wrote")


def back_up(database: Database, arguments: argparse.Namespace) -> int:
    """Make a backup."""
    settings = load_settings()
    folder = (arguments.to or settings.backup_dir).absolute()
    path = backups.make(database.owner_url, folder, keep=settings.backups_kept)
    print(f"The backup is {path}. Verify it with `python -m core verify-backup`.")
    _say_left_out(read_manifest(path))
    return 0


def verify(database: Database, arguments: argparse.Namespace) -> int:
    """Verify a backup."""
    path = arguments.file or backups.newest(load_settings().backup_dir)
    manifest = backups.verify(database.owner_url, path.absolute())
    print(f"{manifest.file} is verified: {_held(manifest)} were restored, R1 and R2 pass.")
    _say_left_out(manifest)
    return 0


def restore(database: Database, arguments: argparse.Namespace) -> int:
    """Restore a backup."""
    path = arguments.file.absolute()
    manifest = backups.restore(database.owner_url, path, replace=arguments.replace)
    print(f"{manifest.file} is restored: {_held(manifest)}, R1 and R2 pass.")
    if arguments.replace:
        print("What others have on Stockroom's tables is there as before.")
        return 0
    _say_left_out(manifest)
    if not manifest.contents.lists_others:
        print("An earlier release made it, without a list of what it leaves out: no policies were restored.")
    if missing := missing_roles(database.owner_url, manifest):
        print(
            f"No rights and policies were restored, because this server lacks the role {', '.join(missing)}. Create it "
            "and restore again, or grant the rights by hand."
        )
    return 0


def _say_left_out(manifest: Manifest) -> None:
    """Print what of others is not in a backup. An empty database cannot have it."""
    held, file = manifest.contents, manifest_of(Path(manifest.file)).name
    if held.sentences:
        print("It leaves out what does not belong to Stockroom; back that up with pg_dump or at your host:")
    for sentence in held.sentences:
        print(f"  {sentence}")
    if held.left_out:
        print(f"The statements that create these again on Stockroom's tables are in {file}.")


def _held(manifest: Manifest) -> str:
    rows = sum(manifest.contents.tables.values())
    return f"{rows:,} rows with {manifest.movements:,} movements of {manifest.made_at:%Y-%m-%d %H:%M} UTC"


def export_ledger(engine: Engine, arguments: argparse.Namespace) -> int:
    """Write the ledger to a file."""
    head = ledger_file.export(engine, arguments.file)
    print(f"Wrote {head.movements:,} movements to {arguments.file}. The head hash is {head.head_hash}.")
    return 0


def verify_ledger(arguments: argparse.Namespace) -> int:
    """Check an exported ledger, or open the database and check a month against it."""
    if month_file.is_month(arguments.file):
        with open_database(load_settings()) as database:
            bring_up_to_date(database)
            engine = create_engine(database.app_url, pool_size=1)
            try:
                return verify_month(engine, arguments.file)
            finally:
                engine.dispose()
    found = ledger_file.verify(arguments.file)
    if found.fault:
        raise BackupFailed(f"{arguments.file.name} fails the check: {found.fault}.")
    print(f"{found.movements:,} movements of {found.variants:,} variants pass. The head hash is {found.head_hash}.")
    return 0
