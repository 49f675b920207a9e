"""The dashboard and the worker as programs of their own, started again whenever they end, as systemd does it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import httpx

from tests.support.dashboards import free_port

ROOT = Path(__file__).resolve().parents[2]
SECRET = "whsec_TheSecretOfTheShop"
PATIENCE = 60.0


class Program:
    """One of them."""

    def __init__(self, module: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._command, self._environment, self._log = [sys.executable, "-m", *module], environment, log
        self.starts = 0
        self.start()

    def start(self) -> None:
        """Start it."""
        self.starts += 1
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command, cwd=ROOT, env=dict(self._environment), stdout=log, stderr=log, start_new_session=True
            )

    def kill(self) -> None:
        """Kill it as the machine does when memory is short."""
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        """Stop it as systemd does."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()


class Programs:
    """A dashboard without jobs, and a worker."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        port = free_port()
        more = {"STOCKROOM_PORT": str(port), "STOCKROOM_SAMPLE": "0", "STOCKROOM_WORKER": "0",
                "STRIPE_WEBHOOK_SECRET": SECRET}  # fmt: skip
        settings = {name: value for name, value in os.environ.items() if not name.startswith("STOCKROOM_")}
        settings |= more | dict(environment)
        self.url = f"http://127.0.0.1:{port}"
        self.dashboard = Program(["dashboard"], settings, folder / "dashboard.log")
        self.worker = Program(["core", "worker"], settings, folder / "worker.log")
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._thread.start()

    def _keep(self) -> None:
        while not self._stopping.wait(0.2):
            for program in (self.dashboard, self.worker):
                if program.process.poll() is not None:
                    program.start()

    def until_ready(self) -> None:
        """Wait until the dashboard answers."""
        end = time.monotonic() + PATIENCE
        while not self.is_ready():
            assert time.monotonic() < end, "the dashboard did not come back"
            time.sleep(0.1)

    def is_ready(self) -> bool:
        """Return whether the dashboard answers."""
        try:
            return httpx.get(f"{self.url}/healthz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def end(self) -> None:
        """End both for good."""
        self._stopping.set()
        self._thread.join()
        for program in (self.dashboard, self.worker):
            program.end()


def kill_process(pid: int | None) -> None:
    """Kill a process, if it is still there."""
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
