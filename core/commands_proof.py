"""`python -m core reconcile`: the checks as a table; exit code 1 when one fails, 0 otherwise."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from sqlalchemy import Engine

from core import proof, stripe_gateway
from core.model import COMMAND_LINE
from core.reconciliation import CODES, CheckResult
from core.settings import load_settings


def add_proof_parser(subparsers: Any) -> None:
    """Add `reconcile` to the commands."""
    what = "check that ledger, sales and house hold, and keep what was found"
    parser = subparsers.add_parser("reconcile", help=what, description=what[0].upper() + what[1:] + ".")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument("--full", action="store_true", help="follow every chain from its first movement (the default)")
    parser.add_argument("--recent", action="store_true", help="follow the chains only from where they were proven last")
    parser.add_argument("--only", metavar="R1,R2", help="run only these checks")
    parser.set_defaults(operate=reconcile)


def reconcile(engine: Engine, arguments: argparse.Namespace) -> int:
    """Print what each check found; the exit code is 1 if one of them fails. Not compared is neither."""
    codes = tuple(code.strip().upper() for code in arguments.only.split(",")) if arguments.only else CODES
    full = arguments.full or not arguments.recent
    gateway = stripe_gateway.from_settings(load_settings())
    done = proof.prove(engine, gateway, COMMAND_LINE, codes=codes, full=full)
    if arguments.json:
        print(json.dumps({"run": done.id, "holds": done.holds, "checks": [asdict(each) for each in done.results]}))
    else:
        for result in done.results:
            _show(result)
    return 0 if done.holds else 1


def _show(result: CheckResult) -> None:
    state = "holds" if result.holds else "FAILS"
    print(f"{result.code:<4} {state}  {result.title}: {result.failures:,} of {result.checked:,} rows fail")
    if result.not_compared:
        print(f"       {result.not_compared}")
    for example in result.examples:
        print(f"       {example}")
    if result.failures > len(result.examples):
        print(f"       and {result.failures - len(result.examples):,} more")
