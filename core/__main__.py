"""`python -m core COMMAND`: operate Stockroom without the dashboard. An error is one sentence and exit code 1."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from core.database.engine import create_engine
from core.database.startup import bring_up_to_date, open_database
from core.foundation.errors import StockError
from core.foundation.settings import load_settings

COMMANDS = {
    "service": ("run", "worker", "migrate", "psql"),
    "shop": ("sample", "shop"),
    "imports": ("import-catalog", "import-history", "import-orders"),
    "export": ("export",),
    "months": ("export-month",),
    "backup": ("backup", "verify-backup", "restore", "export-ledger", "verify-ledger"),
    "adopt": ("adopt",),
    "accounts": ("user",),
    "proof": ("reconcile", "check-flow", "check-api"),
}
"""The commands of each module of `core/commands`, in the order of the help."""


def main(words: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = sys.argv[1:] if words is None else words
    arguments = parser(*words[:1]).parse_args(words)
    try:
        return _run(arguments) or 0
    except StockError as error:
        print(error.message, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def parser(word: str = "") -> argparse.ArgumentParser:
    """Return the parser of one command, or of all of them if `word` is not a command.

    Only the modules of these commands are imported: all of them take a second.
    """
    whole = argparse.ArgumentParser(prog="python -m core", description="Operate Stockroom from the command line.")
    subparsers = whole.add_subparsers(required=True, metavar="COMMAND")
    named = [module for module, commands in COMMANDS.items() if word in commands]
    for module in named or COMMANDS:
        import_module(f"core.commands.{module}").add_parsers(subparsers)
    return whole


def _run(arguments: argparse.Namespace) -> int | None:
    if "start" in arguments:
        return arguments.start()  # type: ignore[no-any-return]
    if "ask" in arguments:
        return arguments.ask(arguments)  # type: ignore[no-any-return]
    with open_database(load_settings()) as database:
        if "before" in arguments:
            return arguments.before(database, arguments)  # type: ignore[no-any-return]
        bring_up_to_date(database)
        if "manage" in arguments:
            return arguments.manage(database, arguments)  # type: ignore[no-any-return]
        engine = create_engine(database.app_url, pool_size=1)
        try:
            return arguments.operate(engine, arguments)  # type: ignore[no-any-return]
        finally:
            engine.dispose()


if __name__ == "__main__":
    sys.exit(main())
