"""`python -m core reconcile`: the checks as a table, or an old head hash; exit code 1 when one fails, 0 otherwise."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Engine

from core.database.engine import run
from core.foundation.model import COMMAND_LINE
from core.foundation.settings import load_settings
from core.proof import notice
from core.proof import reads as proof_reads
from core.proof import runs as proof
from core.proof.checks import CODES, CheckResult
from core.stripe import gateway as stripe_gateway


def add_proof_parser(subparsers: Any) -> None:
    """Add `reconcile` to the commands."""
    what = "check that ledger, sales and house hold, and keep what was found"
    parser = subparsers.add_parser("reconcile", help=what, description=what[0].upper() + what[1:] + ".")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument("--full", action="store_true", help="follow every chain from its first movement (the default)")
    parser.add_argument("--recent", action="store_true", help="look at the ledger only from where it was proven last")
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
    recorded = run(engine, proof_reads.whole_run, COMMAND_LINE, run_id=done.id)
    assert recorded is not None
    head = recorded.run.head_hash
    if arguments.json:
        checks = [asdict(each) for each in done.results]
        print(json.dumps({"run": done.id, "holds": done.holds, "head_hash": head, "checks": checks}))
    else:
        print("\n".join([*_table(done.results), *_remarks(done), f"Head hash of the ledger: {head}"]))
    return 0 if done.holds else 1


def _table(results: Sequence[CheckResult]) -> Iterator[str]:
    """Yield a line for each check under a heading, as wide as its figures need."""
    rows = [(each.code, _state(each), f"{each.failures:,}", f"{each.checked:,}", each.title) for each in results]
    table = [("Check", "State", "Failures", "Looked at", "What must be true"), *rows]
    code, state, failures, checked = (max(len(row[place]) for row in table) for place in range(4))
    for row in table:
        yield f"{row[0]:<{code}}  {row[1]:<{state}}  {row[2]:>{failures}}  {row[3]:>{checked}}  {row[4]}"


def _state(result: CheckResult) -> str:
    if not result.holds:
        return "FAILS"
    return "not compared" if result.not_compared else "holds"


def _remarks(done: proof.Run) -> Iterator[str]:
    """Yield below the table what failed, sentence by sentence, what Stripe was not asked, and how it came out."""
    for result in done.results:
        if not result.holds:
            yield f"\n{result.code}: {result.title}"
            yield from (f"  {example}" for example in result.examples)
            if result.failures > len(result.examples):
                yield f"  and {result.failures - len(result.examples):,} more"
    yield ""
    yield from (f"{each.code}: {each.not_compared}" for each in done.results if each.not_compared)
    failing = sum(not each.holds for each in done.results)
    yield (
        f"{failing} of {len(done.results)} checks {'fails' if failing == 1 else 'fail'}."
        if failing
        else "Nothing fails."
    )


def check_head(engine: Engine, head: str) -> int:
    """Say whether the ledger up to the run with this head hash is as it was then; the exit code is 1 if it is not."""
    found = run(engine, notice.check_head, COMMAND_LINE, head=head)
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
