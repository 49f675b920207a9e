"""`python -m core import-history FILE`: a shop's past from a file into the ledger."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from core.foundation.model import COMMAND_LINE
from core.ledger.history import HistoryImport, import_history

_STEPS = {"read": "Read and checked", "staged": "Staged", "posted": "Posted"}


def add_history_parser(subparsers: Any) -> None:
    """Add `import-history` to the commands."""
    what = "take a shop's past in CSV or Parquet into the ledger"
    parser = subparsers.add_parser("import-history", help=what, description=what[0].upper() + what[1:] + ".")
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="columns: occurred_at, sku, movement_type, reason, quantity (signed), reference and perhaps name",
    )
    parser.add_argument("--into-sample", action="store_true", help="add it to the sample data")
    parser.set_defaults(operate=take_history)


def take_history(engine: Engine, arguments: argparse.Namespace) -> int:
    """Import the file, with progress on stderr, and print what became of it."""
    into_sample = arguments.into_sample
    done = import_history(engine, COMMAND_LINE, arguments.file, progress=show_progress, into_sample=into_sample)
    print(told(done))
    return 0


def show_progress(step: str, done: int, total: int) -> None:
    """Show a step's count on stderr: on a terminal each step is one line that counts up."""
    line = f"{_STEPS[step]} {done:,} of {total:,} rows"
    if sys.stderr.isatty():
        print(f"\r{line}", end="\n" if done >= total else "", file=sys.stderr, flush=True)
    else:
        print(line, file=sys.stderr)


def told(done: HistoryImport) -> str:
    """Return what an import did, in sentences."""
    if done.already:
        return f"{done.file_name} was already imported ({_many(done.rows, 'row')}); nothing was changed."
    said = f"Imported {done.file_name}: {_many(done.rows, 'movement')}, {_many(done.new_codes or 0, 'new SKU')}."
    if done.opening_codes:
        first = f"{_many(done.opening_codes, 'SKU')} got an opening count of {_many(done.opening_units, 'unit')} in all"
        said += f"\n{first}: the smallest that keeps every level at zero or above, dated just before its first row."
    return said


def _many(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
