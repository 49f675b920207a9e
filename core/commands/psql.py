"""`make psql`: a SQL prompt on the shop's database, with the embedded server's own `psql` where none is installed."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Sequence

from core.backups.archive import reachable
from core.database.programs import client_program
from core.database.startup import open_database
from core.foundation.settings import load_settings


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
