"""`python -m core import-orders --since DATE`: what was paid, refunded and disputed in some days, from Stripe."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from typing import Any

from sqlalchemy import Engine

from core.foundation.model import COMMAND_LINE
from core.foundation.sales import Policy
from core.foundation.settings import load_settings
from core.inbox.range_import import Range, Stage, import_orders, many, told
from core.stripe import gateway as stripe_gateway

AUTO = "auto"


def add_orders_parser(subparsers: Any) -> None:
    """Add `import-orders` to the commands."""
    what = "import the orders of some days from Stripe; run again it goes on where it was"
    parser = subparsers.add_parser("import-orders", help=what, description=what[0].upper() + what[1:] + ".")
    parser.add_argument("--since", required=True, type=_day, metavar="DATE", help="the first day, such as 2026-10-01")
    parser.add_argument("--until", type=_day, metavar="DATE", help="the last day; without it, up to now")
    parser.add_argument(
        "--policy",
        choices=[AUTO, *Policy],
        default=AUTO,
        help="auto: what was paid before going live is recorded only; normal: take stock; skip: record only; "
        "force: take what is there, the rest is oversold",
    )
    parser.set_defaults(operate=take_orders)


def take_orders(engine: Engine, arguments: argparse.Namespace) -> int:
    """Import the range, with progress on stderr, apply it, and print what came of it; 130 after Ctrl-C."""
    policy = None if arguments.policy == AUTO else Policy(arguments.policy)
    days = Range(since=arguments.since, until=arguments.until, policy=policy)
    gateway = stripe_gateway.from_settings(load_settings())
    lines = ProgressLines()
    try:
        done = import_orders(engine, gateway, COMMAND_LINE, days=days, tell=lines.show)
    except KeyboardInterrupt:
        lines.end()
        print("Stopped. What was read is kept; the same command goes on from there.", file=sys.stderr)
        return 130
    finally:
        lines.end()
    print(told(done))
    return 0


class ProgressLines:
    """Each stage as a line on stderr: on a terminal one that counts up, else one whenever something changed."""

    def __init__(self) -> None:
        """Begin with nothing said."""
        self._doing = ""
        self._said = ""

    def show(self, stage: Stage) -> bool:
        """Show a stage; always goes on."""
        if stage.doing != self._doing:
            self.end()
            self._doing = stage.doing
        line = said(stage)
        if line != self._said:
            print(f"\r{line}" if sys.stderr.isatty() else line, end=self._end(), file=sys.stderr, flush=True)
            self._said = line
        return True

    def end(self) -> None:
        """End a line that counts up."""
        if self._said and sys.stderr.isatty():
            print(file=sys.stderr)
        self._said = ""

    def _end(self) -> str:
        return "" if sys.stderr.isatty() else "\n"


def said(stage: Stage) -> str:
    """Return a stage in words."""
    if stage.applied or not stage.doing.startswith("Reading"):
        return f"{stage.doing}: {many(stage.applied, 'message')}"
    return f"{stage.doing}: {stage.seen:,} seen, {stage.stored:,} new"


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day such as 2026-10-01") from None
