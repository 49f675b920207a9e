"""`python -m core run`, `worker`, `migrate`, `psql`, `sample` and `shop`: the shop as a whole."""

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

from sqlalchemy import Connection, Engine

from core.backups.archive import reachable
from core.commands import command
from core.database.engine import create_engine, run
from core.database.migrate import migrate
from core.database.programs import client_program
from core.database.startup import Database, open_database
from core.foundation import journal
from core.foundation.errors import SetupError
from core.foundation.model import COMMAND_LINE, Actor, Shop
from core.foundation.settings import load_settings
from core.health.measures import Keeper
from core.jobs.worker import Worker
from core.sample.load import SHOP_NAME, load_sample
from core.sample.removal import remove_sample, sample_name
from core.shop import profile
from core.stripe.gateway import from_settings


def add_shop_parsers(subparsers: Any) -> None:
    """Add the commands."""
    command(subparsers, "run", "serve the dashboard until Ctrl-C", start=serve)
    command(subparsers, "worker", "process Stripe's messages and poll Stripe until Ctrl-C", manage=work)
    command(subparsers, "migrate", "bring the database up to this release", start=migrate_database)
    command(subparsers, "psql", "open a SQL prompt on the database, as its owner", start=open_prompt)
    sample = command(subparsers, "sample", "fill an empty database with the sample shop", manage=sample_shop)
    sample.add_argument("--remove", action="store_true", help="replace the sample shop with an empty one instead")
    what = "show the shop's name, time zone and currency, or change them"
    shop = command(subparsers, "shop", what, operate=show_or_change)
    shop.add_argument("--name", help="the name of the shop")
    shop.add_argument("--zone", help="the time zone in which its days begin and end, such as Europe/Berlin")
    shop.add_argument("--currency", help="the currency of its prices, such as EUR")


def serve() -> int:
    """Replace this process with the dashboard's own."""
    os.execv(sys.executable, [sys.executable, "-m", "dashboard"])  # noqa: S606 - ourselves


def work(database: Database, arguments: argparse.Namespace) -> int:
    """Run the jobs in this process until a signal stops it; each round that did something prints a line."""
    settings = load_settings()
    journal.begin(settings.log)
    gateway = from_settings(settings)
    engine = create_engine(database.app_url, pool_size=8, direct=database.embedded)
    worker = Worker(engine, gateway, lambda line: print(line, flush=True))
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)  # a second signal ends the process at once
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    worker.start()
    keeper = Keeper(engine)
    keeper.start()
    no_key = "" if gateway else " STRIPE_SECRET_KEY is not set, so Stripe is not polled."
    print(f"The worker is ready; Ctrl-C stops it.{no_key}", flush=True)
    try:
        stopping.wait()
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


# ---------------------------------------------------------------- the sample shop


def sample_shop(database: Database, arguments: argparse.Namespace) -> None:
    """Load the sample shop, or replace it with an empty one."""
    if arguments.remove:
        replace_sample(database)
        print("The shop is empty. Begin with `.venv/bin/python -m core import-catalog FILE`, or on the page.")
        return
    engine = create_engine(database.app_url, pool_size=1)
    try:
        load_sample(engine)
    finally:
        engine.dispose()
    print(f"The sample shop {SHOP_NAME} is loaded.")


def replace_sample(database: Database) -> None:
    """Replace the sample shop with an empty one, once the person at the terminal has typed its name."""
    name = sample_name(database.owner_url)
    if name is None:
        raise SetupError("This shop does not hold the sample data, so nothing was removed.")
    if not database.embedded:
        raise SetupError(
            "This shop holds the sample data in a database of your own, which Stockroom does not drop. Create an empty "
            "database and set DATABASE_URL to it. Nothing was changed."
        )
    print("This shop holds the sample data. All of it will be removed for good, with your changes. Accounts stay.")
    try:
        typed = input(f"Type the shop's name, {name}, to remove it: ")
    except EOFError:
        typed = ""
    if typed.strip() != name:
        raise SetupError("That is not the name of the shop; nothing was changed.")
    remove_sample(database.owner_url)


# ---------------------------------------------------------------- name, time zone and currency


def show_or_change(engine: Engine, arguments: argparse.Namespace) -> None:
    """Change what was given, then print the shop."""
    given = {name: getattr(arguments, name) for name in ("name", "zone", "currency")}
    wanted = {name: value for name, value in given.items() if value is not None}
    moved, found = run(engine, _change, COMMAND_LINE, wanted=wanted)
    if moved:
        print(f"Every day was summed again: days now begin at midnight in {found.zone}.")
    print(f"{found.name}: time zone {found.zone}, currency {found.currency}")


def _change(connection: Connection, actor: Actor, *, wanted: dict[str, str]) -> tuple[bool, Shop]:
    moved = bool(wanted) and profile.change_shop(connection, actor, **wanted)
    return moved, profile.settings(connection, actor)
