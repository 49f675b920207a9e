"""`python -m core shop`: the shop's name, time zone and currency."""

from __future__ import annotations

import argparse
from typing import Any

from sqlalchemy import Connection, Engine

from core.database.engine import run
from core.foundation.model import COMMAND_LINE, Actor, Shop
from core.shop import profile as shop


def add_shop_parser(subparsers: Any) -> None:
    """Add `shop` to the commands."""
    what = "show the shop's name, time zone and currency, or change them"
    parser = subparsers.add_parser("shop", help=what, description=what[0].upper() + what[1:] + ".")
    parser.add_argument("--name", help="what the shop is called")
    parser.add_argument("--zone", help="where its days begin and end, such as Europe/Berlin")
    parser.add_argument("--currency", help="what its prices are in, such as EUR")
    parser.set_defaults(operate=show_or_change)


def show_or_change(engine: Engine, arguments: argparse.Namespace) -> None:
    """Change what was given, then print the shop."""
    given = {name: getattr(arguments, name) for name in ("name", "zone", "currency")}
    wanted = {name: value for name, value in given.items() if value is not None}
    moved, found = run(engine, _change, COMMAND_LINE, wanted=wanted)
    if moved:
        print(f"Every day was summed anew: it begins at midnight in {found.zone}.")
    print(f"{found.name}: time zone {found.zone}, currency {found.currency}")


def _change(connection: Connection, actor: Actor, *, wanted: dict[str, str]) -> tuple[bool, Shop]:
    moved = bool(wanted) and shop.change_shop(connection, actor, **wanted)
    return moved, shop.settings(connection, actor)
