"""`make psql`: a SQL prompt on the shop's database, with the embedded server's own `psql` where none is installed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence

from sqlalchemy.engine import make_url

from core.errors import SetupError
from core.programs import client_program
from core.settings import load_settings, render
from core.startup import libpq_url, open_database


def main(arguments: Sequence[str]) -> int:
    """Run psql as the database's owner and return its exit code."""
    settings = load_settings()
    with open_database(settings) as database:
        # Ctrl-C belongs to psql: it cancels a statement there and must not end us.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        url = make_url(database.owner_url)
        # The password travels in the environment: a command line can be read by everybody on the machine.
        environment = os.environ | ({"PGPASSWORD": url.password} if url.password else {})
        address = libpq_url(render(url.set(password=None)))
        return subprocess.call([_program(database.embedded), address, *arguments], env=environment)


def _program(embedded: bool) -> str:
    installed = None if embedded else shutil.which("psql")
    return installed or str(client_program("psql"))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except SetupError as error:
        sys.exit(f"Stockroom cannot open its database. {error}")
