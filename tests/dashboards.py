"""The dashboard as a program of its own, for tests that reach it the way a browser does: over HTTP and a websocket."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 60


@contextmanager
def serve(app_url: str) -> Iterator[str]:
    """Serve the dashboard of the database at `app_url` on a free port and give its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "dashboard.server:app", "--port", str(port)]
    options = [
        "--log-level",
        "warning",
        "--no-access-log",
        "--ws",
        "websockets-sansio",
        "--timeout-graceful-shutdown",
        "1",
        "--no-proxy-headers",
    ]
    process = subprocess.Popen(command + options, cwd=ROOT, env=os.environ | {"DATABASE_URL": app_url})
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
    while time.monotonic() < deadline:
        assert process.poll() is None, "the dashboard ended while it was starting"
        try:
            if httpx.get(f"{url}/healthz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"the dashboard did not answer within {PATIENCE} seconds")
