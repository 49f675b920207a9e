"""Dashboards as `make run` starts them, and Caddy in front of them with the Caddyfile of the documents."""

from __future__ import annotations

import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

import httpx

from tests.support.dashboards import free_ports
from tests.support.servers import new_folder
from tests.support.shared.processes import forking

ROOT = Path(__file__).resolve().parents[3]
CADDY = Path(sys.executable).with_name("caddy")
PATIENCE = 90.0


def _run(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    from dashboard.__main__ import main

    sys.exit(main())


class Dashboard:
    """One dashboard as a process of its own."""

    def __init__(self, port: int, settings: Mapping[str, str]) -> None:
        self.port, self.url = port, f"http://127.0.0.1:{port}"
        self._settings = dict(os.environ) | dict(settings)
        self._settings |= {"STOCKROOM_PORT": str(port), "STOCKROOM_TRUSTED_PROXIES": "127.0.0.1"}
        self._process: BaseProcess | None = None

    def start(self) -> None:
        """Start it, without waiting."""
        with forking() as context:
            self._process = context.Process(target=_run, args=(self._settings,))
            self._process.start()

    def wait(self) -> None:
        """Wait until it answers."""
        assert self._process
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            assert self._process.is_alive(), "the dashboard ended while it was starting"
            try:
                if httpx.get(f"{self.url}/readyz?part=process", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise AssertionError("the dashboard did not answer")

    def terminate(self) -> None:
        """Ask it to stop, as a service manager does."""
        assert self._process
        assert self._process.pid
        os.kill(self._process.pid, signal.SIGTERM)

    def join(self) -> int | None:
        """Wait for its end and return its exit code."""
        assert self._process
        self._process.join(PATIENCE)
        return self._process.exitcode

    def stop(self) -> None:
        """Stop it at once."""
        if self._process and self._process.is_alive():
            self._process.kill()
            self._process.join()


@dataclass(frozen=True, kw_only=True)
class Proxied:
    """The address of the proxy, and what a client needs to trust it."""

    url: str
    tls: ssl.SSLContext


@contextmanager
def caddy(dashboards: Sequence[int]) -> Iterator[Proxied]:
    """Run Caddy in front of the dashboards at these ports of this machine."""
    http, https = free_ports(2)
    folder = new_folder()
    settings = {
        "HTTP_PORT": str(http), "HTTPS_PORT": str(https), "SITE": "localhost", "TLS": "internal",
        "DASHBOARDS": " ".join(f"127.0.0.1:{port}" for port in dashboards),
        "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "HOME": str(folder),
    }  # fmt: skip
    command: list[str | Path] = [CADDY, "run", "--config", ROOT / "docs/Caddyfile", "--adapter", "caddyfile"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, env=dict(os.environ) | settings, stdout=log, stderr=log)
    root = folder / "caddy/pki/authorities/local/root.crt"
    try:
        _wait_for(root, https, process, folder / "log")
        yield Proxied(url=f"https://localhost:{https}", tls=ssl.create_default_context(cafile=str(root)))
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(root: Path, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, re.sub(r'"ts":[\d.]+,', "", log.read_text())[-2_000:]
        if root.exists() and root.stat().st_size:
            try:
                context = ssl.create_default_context(cafile=str(root))
                httpx.get(f"https://localhost:{port}/healthz", verify=context, timeout=5)
                return
            except (httpx.TransportError, ssl.SSLError):
                pass
        time.sleep(0.05)
    raise AssertionError("Caddy did not answer")
