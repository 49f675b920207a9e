"""Two hundred people on two dashboards behind Caddy, with a worker apart: all on the cores of one machine."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import ExitStack

from tests.bench.place import Database
from tests.bench.serving import Shop, crowd, waits
from tests.support.dashboards import free_ports
from tests.support.shared.proxied import Dashboard, caddy

CROWDS = (100, 200)
PROCESSES = 2


def compare(where: Database) -> list[tuple[str, ...]]:
    """Return a row for each crowd, as `waits` says."""
    settings = {"DATABASE_URL": where.app_url, "STOCKROOM_WORKER": "0"}
    dashboards = [Dashboard(port, settings) for port in free_ports(PROCESSES)]
    worker = [sys.executable, "-m", "core", "worker"]
    with ExitStack() as stack:
        started = subprocess.Popen(worker, env=dict(os.environ) | settings, stdout=subprocess.DEVNULL)
        stack.callback(started.wait)
        stack.callback(started.terminate)
        for each in dashboards:
            stack.callback(each.stop)
            each.start()
        for each in dashboards:
            each.wait()
        proxy = stack.enter_context(caddy([each.port for each in dashboards]))
        return [waits(asyncio.run(crowd(Shop(where, proxy.url), size, proxy.tls))) for size in CROWDS]
