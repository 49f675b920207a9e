"""`python -m core export-month`: a month for the accountant, which `verify-ledger` proves."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from core.commands import command
from core.database.engine import run
from core.foundation.errors import BackupFailed, Unreadable, invalid
from core.foundation.model import COMMAND_LINE
from core.valuation import month, month_check, month_file
from core.valuation.month_check import Late
from core.valuation.month_file import Format


def add_parsers(subparsers: Any) -> None:
    """Add the command."""
    what = "write a month in units and money for the accountant, as XLSX or Parquet"
    made = command(subparsers, "export-month", what, operate=export_month)
    made.add_argument("month", metavar="YYYY-MM", help="a month that is over")
    made.add_argument("file", type=Path, metavar="FILE", help="the file to write; its ending is .xlsx or .parquet")


def export_month(engine: Engine, arguments: argparse.Namespace) -> int:
    """Write a month to a file."""
    ending = arguments.file.suffix.removeprefix(".").lower()
    if ending not in list(Format):
        raise invalid("file", "must end in .xlsx or .parquet")
    try:
        first = date.fromisoformat(f"{arguments.month}-01")
    except ValueError:
        raise invalid("month", "must be a year and a month, such as 2026-10") from None
    found = run(engine, month.read, COMMAND_LINE, month=first)
    try:
        arguments.file.write_bytes(month_file.written(found, Format(ending)))
    except OSError as error:
        raise Unreadable(f"{arguments.file} cannot be written: {error.strerror or error}.") from error
    variants = len(found.rows)
    print(f"Wrote {first:%Y-%m} with {variants:,} variants to {arguments.file}. The head hash is {found.head_hash}.")
    return 0


def verify_month(engine: Engine, path: Path) -> int:
    """Check a month's file against the ledger, and print what came into the month since. Raises BackupFailed."""
    found, figures = month_file.read(path.read_bytes(), path.name)
    verified = run(engine, month_check.verify, COMMAND_LINE, month=found, figures=figures)
    if verified.faults:
        raise BackupFailed("\n".join([f"{path.name} fails the check:", *(f"  {each}" for each in verified.faults)]))
    rows = len(found.rows)
    made = f"{found.read_at:%Y-%m-%d %H:%M} UTC"
    print(f"All figures of {found.month:%Y-%m} pass: {rows:,} variants, as the ledger was at {made}.")
    print(f"The head hash is {found.head_hash}.")
    if verified.late:
        units = sum(each.quantity for each in verified.late)
        value = sum(((each.value_change or 0) + each.revalued for each in verified.late), start=0)
        print(
            f"Since then, {len(verified.late):,} movements came into it or before it: "
            f"{units:+,} units, {value:+,} {found.currency}."
        )
        for each in verified.late[: month_check.MOST]:
            print(f"  {_said(each)}")
    return 0


def _said(late: Late) -> str:
    value = "no known cost" if late.value_change is None else f"{late.value_change + late.revalued:+,}"
    when = f"happened {late.occurred_at:%Y-%m-%d}, recorded {late.recorded_at:%Y-%m-%d} by {late.performed_by}"
    return f"movement {late.movement_id}, {late.sku}: {late.quantity:+,} units, {value}, {late.part}, {when}"
