"""The dashboard as a program of its own, for tests that reach it the way a browser does: over HTTP and a websocket."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60


# As `make run` serves it, but for a database that the test has opened, and without a link on the terminal.
_SERVE = """
import sys, uvicorn
from core.foundation.settings import load_settings
from dashboard.__main__ import configuration
config = configuration(load_settings())
config.port, config.timeout_graceful_shutdown = int(sys.argv[1]), 1
uvicorn.Server(config).run()
"""


@contextmanager
def serve(app_url: str, *, trusted_proxies: str = "", more: Mapping[str, str] | None = None) -> Iterator[str]:
    """Serve the dashboard of the database at `app_url` on a free port and give its address; `more` are variables."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"DATABASE_URL": app_url, "STOCKROOM_TRUSTED_PROXIES": trusted_proxies, **(more or {})}
    process = subprocess.Popen([sys.executable, "-c", _SERVE, str(port)], cwd=ROOT, env=os.environ | settings)
    try:
        _wait(process, f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    with httpx.Client() as client:
        while time.monotonic() < deadline:
            assert process.poll() is None, "the dashboard ended while it was starting"
            try:
                if client.get(f"{url}/healthz").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
    raise AssertionError(f"the dashboard did not answer within {PATIENCE} seconds")
