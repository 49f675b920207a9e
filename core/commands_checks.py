"""`python -m core check-flow` and `check-api`: two checks of a living installation, safe while the shop sells."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Engine

from core.flow_check import Step, check_flow


def add_check_parsers(subparsers: Any) -> None:
    """Add the two checks."""
    what = "go through receipt, sale, restoration and undo with a scratch variant, and leave nothing behind"
    flow = subparsers.add_parser("check-flow", help=what, description=f"{what[0].upper()}{what[1:]}.")
    flow.set_defaults(operate=tell_flow)


def tell_flow(engine: Engine, arguments: argparse.Namespace) -> int:
    """Say each step in a line; the exit code is 1 if one of them fails."""
    return tell(check_flow(engine))


def tell(steps: Iterable[Step]) -> int:
    """Print steps as they are done; returns 1 if one of them fails."""
    failed = 0
    for step in steps:
        print(f"{'ok   ' if step.holds else 'FAILS'}  {step.title}: {step.said}", flush=True)
        failed |= not step.holds
    return int(failed)
