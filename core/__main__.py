"""`python -m core COMMAND`: operate Stockroom without the dashboard. An error is one sentence and exit code 1."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from core.commands.accounts import add_user_parser
from core.commands.adopt import add_adopt_parser
from core.commands.backup import add_backup_parsers
from core.commands.imports import add_import_parsers
from core.commands.proof import add_proof_parsers
from core.commands.shop import add_shop_parsers
from core.database.engine import create_engine
from core.database.startup import bring_up_to_date, open_database
from core.foundation.errors import StockError
from core.foundation.settings import load_settings


def main(words: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = _parser().parse_args(words)
    try:
        return _run(arguments) or 0
    except StockError as error:
        print(error.message, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m core", description="Operate Stockroom from the command line.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_shop_parsers(commands)
    add_import_parsers(commands)
    add_backup_parsers(commands)
    add_adopt_parser(commands)
    add_user_parser(commands)
    add_proof_parsers(commands)
    return parser


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
