"""`python -m core run`, `worker`, `migrate` and `psql`: what runs the shop."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from types import FrameType
from typing import Any

from core.backups.archive import reachable
from core.commands import command
from core.database.engine import create_engine
from core.database.migrate import migrate
from core.database.programs import client_program
from core.database.startup import Database, open_database
from core.foundation import journal
from core.foundation.settings import load_settings
from core.health.measures import Keeper
from core.jobs.absence import watched
from core.jobs.worker import Worker
from core.sandbox import connection

SECONDS_TO_LOOK = 0.5


def add_parsers(subparsers: Any) -> None:
    """Add the commands."""
    command(subparsers, "run", "serve the dashboard until Ctrl-C", start=serve)
    command(subparsers, "worker", "process Stripe's messages and poll Stripe until Ctrl-C", manage=work)
    command(subparsers, "migrate", "bring the database up to this release", start=migrate_database)
    command(subparsers, "psql", "open a SQL prompt on the database, as its owner", start=open_prompt)


def serve() -> int:
    """Replace this process with the dashboard's own."""
    os.execv(sys.executable, [sys.executable, "-m", "dashboard"])  # noqa: S606 - ourselves


def work(database: Database, arguments: argparse.Namespace) -> int:
    """Run the jobs in this process until a signal stops it; each round that did something prints a line."""
    settings = load_settings()
    journal.begin(settings.log)
    engine = create_engine(database.app_url, pool_size=8)
    find = connection.finder(settings, lambda: engine)
    worker = Worker(engine, find, lambda line: print(line, flush=True))
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)  # a second signal ends the process at once
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    worker.start()
    keeper = Keeper(engine)
    keeper.start()
    no_key = "" if find() else " STRIPE_SECRET_KEY is not set, so Stripe is not polled."
    print(f"The worker is ready; Ctrl-C stops it.{no_key}", flush=True)
    try:
        with watched(database.server, engine):
            # A signal that comes between two instructions is only noticed when a wait ends, so none is long.
            while not stopping.wait(SECONDS_TO_LOOK):
                pass
    finally:
        worker.stop()
        keeper.stop()
        engine.dispose()
    print("The worker has stopped.", flush=True)
    return 0


def migrate_database() -> None:
    """Migrate, and say whether there was anything to do."""
    with open_database(load_settings()) as database:
        changed = migrate(database.owner_url)
    print("The database is now up to date." if changed else "The database was up to date already.")


def open_prompt(arguments: Sequence[str] = ()) -> int:
    """Run psql as the database's owner and return its exit code; the embedded server's own where none is installed."""
    with open_database(load_settings()) as database:
        # Ctrl-C belongs to psql, where it cancels a statement. It must not end this process.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        address, environment = reachable(database.owner_url)
        installed = None if database.embedded else shutil.which("psql")
        return subprocess.call([installed or str(client_program("psql")), address, *arguments], env=environment)
