"""`python -m core reconcile`: the checks as a table, or an old head hash; exit code 1 when one fails, 0 otherwise."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from sqlalchemy import Engine

from core import proof, proof_notice, stripe_gateway
from core.database import run
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
    head = "hold a head hash that was received earlier against the ledger, instead of running the checks"
    parser.add_argument("--head", metavar="HASH", help=head)
    parser.set_defaults(operate=reconcile)


def reconcile(engine: Engine, arguments: argparse.Namespace) -> int:
    """Print what each check found; the exit code is 1 if one of them fails. Not compared is neither."""
    if arguments.head:
        return check_head(engine, arguments.head)
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


def check_head(engine: Engine, head: str) -> int:
    """Say whether the ledger up to the run with this head hash is as it was then; the exit code is 1 if it is not."""
    found = run(engine, proof_notice.check_head, COMMAND_LINE, head=head)
    if found is None:
        print("No run on record had this head hash: it is not whole, of another shop, or the record was changed.")
        return 1
    print(f"Run {found.run_id} of {found.ended_at:%Y-%m-%d %H:%M} UTC had this head hash.")
    if found.holds:
        print(f"All {found.movements:,} movements up to then are as they were: they come to the same hash.")
        return 0
    if not found.is_same:
        print("The movements up to then come to ANOTHER hash now: the ledger was changed since.")
    if found.broken:
        print(f"{found.broken:,} of them break their chain, the first is movement {found.first_broken}.")
    return 1


def _show(result: CheckResult) -> None:
    state = "holds" if result.holds else "FAILS"
    print(f"{result.code:<4} {state}  {result.title}: {result.failures:,} of {result.checked:,} rows fail")
    if result.not_compared:
        print(f"       {result.not_compared}")
    for example in result.examples:
        print(f"       {example}")
    if result.failures > len(result.examples):
        print(f"       and {result.failures - len(result.examples):,} more")
