"""`python -m core reconcile`, `check-flow` and `check-api`: checks that exit with 1 if one fails, else with 0."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from core.commands import command
from core.database.engine import run
from core.foundation.errors import SetupError
from core.foundation.model import COMMAND_LINE
from core.foundation.settings import api_key, load_settings
from core.proof import notice
from core.proof import reads as proof_reads
from core.proof import runs as proof
from core.proof.checks import CODES, CheckResult
from core.sandbox import connection
from core.storefront.api_check import check_api
from core.storefront.flow_check import Step, check_flow


def add_parsers(subparsers: Any) -> None:
    """Add the commands."""
    parser = command(subparsers, "reconcile", "run the checks of ledger, sales and database", operate=reconcile)
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument("--full", action="store_true", help="check every movement from the first (the default)")
    parser.add_argument("--recent", action="store_true", help="check the ledger only from where it was verified last")
    parser.add_argument("--only", metavar="R1,R2", help="run only these checks")
    head = "compare the ledger with a head hash that was received earlier, instead of running the checks"
    parser.add_argument("--head", metavar="HASH", help=head)
    what = "post a receipt, a sale, a restoration and an undo with a scratch variant, and leave nothing behind"
    command(subparsers, "check-flow", what, operate=tell_flow)
    what = "call a running shop over HTTP as a storefront does, and hold and release one unit"
    api = command(subparsers, "check-api", what, ask=tell_api)
    api.add_argument("url", metavar="URL", help="the address of the dashboard, such as https://stock.example.com")
    api.add_argument("--key", help="an API key with the scopes validate and reserve; better in STOCKROOM_API_KEY")
    api.add_argument("--sku", required=True, help="a variant with at least one unit available")


def reconcile(engine: Engine, arguments: argparse.Namespace) -> int:
    """Print what each check found; the exit code is 1 if one fails. A check that was not compared does not fail."""
    if arguments.head:
        return check_head(engine, arguments.head)
    codes = tuple(code.strip().upper() for code in arguments.only.split(",")) if arguments.only else CODES
    full = arguments.full or not arguments.recent
    gateway = connection.find(load_settings(), engine)
    done = proof.prove(engine, gateway, COMMAND_LINE, codes=codes, full=full)
    recorded = run(engine, proof_reads.whole_run, COMMAND_LINE, run_id=done.id)
    assert recorded is not None
    head = recorded.run.head_hash
    movers = run(engine, proof_reads.stock_movers, COMMAND_LINE) if "R12" in codes else ()
    if arguments.json:
        checks = [asdict(each) for each in done.results]
        found = {"run": done.id, "holds": done.holds, "head_hash": head, "checks": checks, "stock_movers": movers}
        print(json.dumps(found, default=datetime.isoformat))
    else:
        who = [f"Named roles, which may move stock: {', '.join(movers)}."] if movers else []
        print("\n".join([*_table(done.results), *_remarks(done), *who, f"Head hash of the ledger: {head}"]))
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
    return "not compared" if result.not_compared else "passes"


def _remarks(done: proof.Run) -> Iterator[str]:
    """Yield the lines below the table: examples of what failed, what was not compared, and the result."""
    for result in done.results:
        if not result.holds:
            yield f"\n{result.code}: {result.title}"
            yield from (f"  {example}" for example in result.examples)
            if result.failures > len(result.examples):
                yield f"  and {result.failures - len(result.examples):,} more"
    yield ""
    yield from (f"{each.code}: {each.not_compared}" for each in done.results if each.not_compared)
    for each in done.results:
        if each.covers and each.since:
            yield f"{each.code} after the proof of {each.since:%Y-%m-%d %H:%M} UTC: {each.covers}"
    failing = sum(not each.holds for each in done.results)
    yield (
        f"{failing} of {len(done.results)} checks {'fails' if failing == 1 else 'fail'}."
        if failing
        else "No check fails."
    )


def check_head(engine: Engine, head: str) -> int:
    """Print whether the ledger up to the run with this head hash is unchanged; the exit code is 1 if it is not."""
    found = run(engine, notice.check_head, COMMAND_LINE, head=head)
    if found is None:
        print("No recorded run has this head hash: it is incomplete, from another shop, or the record was changed.")
        return 1
    print(f"Run {found.run_id} of {found.ended_at:%Y-%m-%d %H:%M} UTC had this head hash.")
    if found.holds:
        print(f"All {found.movements:,} movements up to then are unchanged: they give the same hash.")
        return 0
    if not found.is_same:
        print("The movements up to then give ANOTHER hash now: the ledger was changed since.")
    if found.broken:
        print(f"{found.broken:,} of them break their chain; the first is movement {found.first_broken}.")
    return 1


def tell_flow(engine: Engine, arguments: argparse.Namespace) -> int:
    """Print each step of the flow check; safe while the shop sells."""
    return _print_steps(check_flow(engine))


def tell_api(arguments: argparse.Namespace) -> int:
    """Print each step of the API check. It needs no database, so it runs on any machine."""
    key = arguments.key or api_key()
    if not key:
        raise SetupError("Set STOCKROOM_API_KEY to an API key with the scopes validate and reserve, or give --key.")
    return _print_steps(check_api(arguments.url, key=key, sku=arguments.sku))


def _print_steps(steps: Iterable[Step]) -> int:
    """Print steps as they are done; return 1 if one of them fails."""
    failed = 0
    for step in steps:
        print(f"{'ok   ' if step.holds else 'FAILS'}  {step.title}: {step.said}", flush=True)
        failed |= not step.holds
    return int(failed)
