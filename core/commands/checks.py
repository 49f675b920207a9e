"""`python -m core check-flow` and `check-api`: two checks of a living installation, safe while the shop sells."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Engine

from core.foundation.errors import SetupError
from core.foundation.settings import api_key
from core.storefront.api_check import check_api
from core.storefront.flow_check import Step, check_flow


def add_check_parsers(subparsers: Any) -> None:
    """Add the two checks."""
    what = "go through receipt, sale, restoration and undo with a scratch variant, and leave nothing behind"
    flow = subparsers.add_parser("check-flow", help=what, description=f"{what[0].upper()}{what[1:]}.")
    flow.set_defaults(operate=tell_flow)
    what = "ask a running shop over HTTP what a storefront asks, and hold and release one unit"
    api = subparsers.add_parser("check-api", help=what, description=f"{what[0].upper()}{what[1:]}.")
    api.add_argument("url", metavar="URL", help="where the dashboard answers, such as https://stock.example.com")
    api.add_argument("--key", help="an API key with the scopes validate and reserve; better in STOCKROOM_API_KEY")
    api.add_argument("--sku", required=True, help="a variant of which there is at least one")
    api.set_defaults(ask=tell_api)


def tell_flow(engine: Engine, arguments: argparse.Namespace) -> int:
    """Say each step in a line; the exit code is 1 if one of them fails."""
    return tell(check_flow(engine))


def tell_api(arguments: argparse.Namespace) -> int:
    """Say each step in a line; needs no database, so that it can run anywhere."""
    key = arguments.key or api_key()
    if not key:
        raise SetupError("Set STOCKROOM_API_KEY to an API key with the scopes validate and reserve, or give --key.")
    return tell(check_api(arguments.url, key=key, sku=arguments.sku))


def tell(steps: Iterable[Step]) -> int:
    """Print steps as they are done; returns 1 if one of them fails."""
    failed = 0
    for step in steps:
        print(f"{'ok   ' if step.holds else 'FAILS'}  {step.title}: {step.said}", flush=True)
        failed |= not step.holds
    return int(failed)
