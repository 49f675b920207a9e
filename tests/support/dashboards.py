"""The dashboard as a program of its own, for tests that reach it the way a browser does: over HTTP and a websocket."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path

import httpx
import uvicorn

from core.foundation.settings import load_settings
from dashboard.__main__ import configuration
from tests.support.shared.hashing import weaken
from tests.support.shared.processes import forking

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60


def _serve(port: int, environment: dict[str, str]) -> None:
    """As `make run` serves it, but for a database of the test, without a link on the terminal, and with weak hashes."""
    weaken()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    config = configuration(load_settings())
    config.port, config.timeout_graceful_shutdown = port, 1
    uvicorn.Server(config).run()


@contextmanager
def serve(
    app_url: str, *, trusted_proxies: str = "", more: Mapping[str, str] | None = None, port: int | None = None
) -> Iterator[str]:
    """Serve the dashboard of the database at `app_url` and give its address; `more` are variables.

    Without a port, on a free one.
    """
    port = port or free_port()
    settings = {"DATABASE_URL": app_url, "STOCKROOM_TRUSTED_PROXIES": trusted_proxies, **(more or {})}
    with forking() as context:
        process = context.Process(target=_serve, args=(port, dict(os.environ) | settings))
        process.start()
    try:
        _wait(process, f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.join(10)
        if process.is_alive():
            process.kill()
        process.join()
        process.close()


def free_port() -> int:
    """Return a port on which nothing listens."""
    return free_ports(1)[0]


def free_ports(number: int) -> list[int]:
    """Return ports that nobody uses now."""
    probes = [socket.socket() for _ in range(number)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    found = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return found


def _wait(process: BaseProcess, url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    with httpx.Client() as client:
        while time.monotonic() < deadline:
            assert process.is_alive(), "the dashboard ended while it was starting"
            try:
                if client.get(f"{url}/healthz").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
    raise AssertionError(f"the dashboard did not answer within {PATIENCE} seconds")
