"""A worker that is killed in the middle of a job, to try in the sample shop: python -m core.jobs.killed TRY.

It is a process of its own. It takes the job that applies the inbox, claims a message about a new payment, and is gone
as if somebody had pulled the plug. It reports to nobody. A living worker notices its silence and takes the job
up again.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from sqlalchemy import Engine

from core.database.engine import create_engine, run
from core.foundation.addresses import render
from core.foundation.errors import StockError, Unavailable
from core.foundation.settings import load_settings
from core.inbox import messages as inbox
from core.inbox import polling
from core.inbox.messages import WORKER
from core.jobs import runs as job_runs
from core.jobs.chores import APPLY
from core.jobs.round import WORKER_NAME
from core.jobs.worker import take
from core.sample import trying
from core.sandbox import connection, play

ROOT = Path(__file__).resolve().parents[2]
WAIT_SECONDS = 20.0


def start(engine: Engine, try_id: int) -> None:
    """Start the process for a try that has begun."""
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, str(try_id)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    url = render(engine.url)  # a secret: neither an argument nor a variable
    threading.Thread(target=process.communicate, args=(url.encode(),), name="killed-worker", daemon=True).start()


def main(try_id: int, url: str) -> None:
    """Take the job, claim a message, and die. What prevents it is noted at the try."""
    engine = create_engine(url, pool_size=2)
    try:
        _begin(engine, try_id)
    except StockError as error:
        run(engine, trying.note, WORKER, try_id=try_id, facts={"problem": error.message})
        return
    os.kill(os.getpid(), signal.SIGKILL)


def _begin(engine: Engine, try_id: int) -> None:
    goods = trying.one(engine)
    end = time.monotonic() + WAIT_SECONDS
    while not take(engine, APPLY):
        if time.monotonic() > end:
            raise Unavailable("The worker is busy. Try again in a moment.")
        time.sleep(0.2)
    run_id = run(engine, job_runs.begin, WORKER, name=APPLY, worker=WORKER_NAME)
    facts = trying.pay(engine, goods, 1) | {"run_id": run_id}
    gateway = connection.find(load_settings(), engine)
    if not play.deliver(engine) and gateway:
        polling.poll(engine, gateway)
    claimed = run(engine, inbox.claim_payment, WORKER, payment_id=facts["payment_id"])
    run(engine, trying.note, WORKER, try_id=try_id, facts=facts | {"claimed": len(claimed), "killed_at": time.time()})


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.stdin.read())
