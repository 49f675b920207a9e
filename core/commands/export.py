"""`python -m core export`: every list of the shop as CSV and Parquet in one folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from core.commands import command
from core.database.replicas import run
from core.foundation.model import COMMAND_LINE
from core.screens.files import README, write_all


def add_parsers(subparsers: Any) -> None:
    """Add the command."""
    export = command(subparsers, "export", "write every list as CSV and Parquet to a new folder", operate=export_lists)
    export.add_argument("folder", type=Path, metavar="FOLDER", help="a folder that does not exist yet")


def export_lists(engine: Engine, arguments: argparse.Namespace) -> None:
    """Write every list, and say how many."""
    is_terminal = sys.stderr.isatty()

    def tell(title: str, rows: int) -> None:
        if is_terminal:
            print(f"\r\x1b[K{title}: {rows:,} rows", end="", file=sys.stderr, flush=True)

    lists = run(engine, write_all, COMMAND_LINE, folder=arguments.folder, tell=tell)
    if is_terminal:
        print(file=sys.stderr)
    print(f"Wrote {lists} lists to {arguments.folder}. {README} there explains their columns.")
