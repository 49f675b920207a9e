"""`make psql`: a SQL prompt on the shop's database, with the embedded server's own `psql` where none is installed."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence

from core.archive import reachable
from core.errors import SetupError
from core.programs import client_program
from core.settings import load_settings
from core.startup import open_database


def main(arguments: Sequence[str]) -> int:
    """Run psql as the database's owner and return its exit code."""
    settings = load_settings()
    with open_database(settings) as database:
        # Ctrl-C belongs to psql: it cancels a statement there and must not end us.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        address, environment = reachable(database.owner_url)
        return subprocess.call([_program(database.embedded), address, *arguments], env=environment)


def _program(embedded: bool) -> str:
    installed = None if embedded else shutil.which("psql")
    return installed or str(client_program("psql"))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except SetupError as error:
        sys.exit(f"Stockroom cannot open its database. {error}")
