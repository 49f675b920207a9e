"""`python -m core worker`: the jobs in a process of their own, beside or instead of the dashboard's."""

from __future__ import annotations

import argparse
import signal
import threading
from types import FrameType
from typing import Any

from core.database.engine import create_engine
from core.database.startup import Database
from core.foundation import journal
from core.foundation.settings import load_settings
from core.health.measures import Keeper
from core.jobs.worker import Worker
from core.stripe.gateway import from_settings


def add_worker_parser(subparsers: Any) -> None:
    """Add `worker`."""
    what = "apply what Stripe tells, and ask Stripe, until Ctrl-C"
    parser = subparsers.add_parser("worker", help=what, description=f"{what[0].upper()}{what[1:]}.")
    parser.set_defaults(manage=work)


def work(database: Database, arguments: argparse.Namespace) -> int:
    """Work until told to stop; a round that did something is one line."""
    settings = load_settings()
    journal.begin(settings.log)
    gateway = from_settings(settings)
    engine = create_engine(database.app_url, pool_size=8, direct=database.embedded)
    worker = Worker(engine, gateway, lambda said: print(said, flush=True))
    told = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)  # whoever asks twice means at once
        told.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    worker.start()
    keeper = Keeper(engine)
    keeper.start()
    asked = "" if gateway else " There is no STRIPE_SECRET_KEY, so nobody asks Stripe."
    print(f"The worker is ready; Ctrl-C stops it.{asked}", flush=True)
    try:
        told.wait()
    finally:
        worker.stop()
        keeper.stop()
        engine.dispose()
    print("The worker has stopped.", flush=True)
    return 0
