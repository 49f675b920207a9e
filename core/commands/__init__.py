"""The command line: `python -m core COMMAND`.

Each module adds the parsers of one subject and prints what the operation returned. Nothing imports this package but
`core/__main__.py` and `core/psql.py`. `command` adds one parser.

Uses: jobs, sample, storefront, screens, backups, health, proof, inbox, adoption, catalog, shop, valuation, ledger,
sandbox, people, database, sheets, foundation.
"""

from __future__ import annotations

import argparse
from typing import Any


def command(subparsers: Any, name: str, what: str, **function: Any) -> argparse.ArgumentParser:
    """Add a command and return its parser. `function` is the one function that runs it, under the name of its needs.

    `start()` and `ask(arguments)` need no database, `before(database, arguments)` the database as it is,
    `manage(database, arguments)` a migrated database, `operate(engine, arguments)` an engine of the app's role.
    """
    description = f"{what[0].upper()}{what[1:]}."
    parser: argparse.ArgumentParser = subparsers.add_parser(name, help=what, description=description)
    parser.set_defaults(**function)
    return parser
