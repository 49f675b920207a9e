"""Servers that others wrote to play Stripe, each as a process of its own: localstripe, and `seahaven-stripe-world`.

The latter needs a newer Python than ours. It is installed once, into a virtual environment in this user's cache. Where
that is not possible, `NotHere` says why in a sentence.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

WORLD = "seahaven-stripe-world[http]==0.3.0"
PYTHONS = ("python3.14", "python3.13")
HERE = Path(__file__).parent
INSTALL_SECONDS = 300


class NotHere(Exception):
    """A server cannot be had on this machine, with the reason as a sentence."""


@contextmanager
def serving(python: Path, script: str) -> Iterator[str]:
    """Run a server's script and yield its URL."""
    with subprocess.Popen(
        [python, "-W", "ignore", HERE / script], stdout=subprocess.PIPE, text=True, cwd=tempfile.gettempdir()
    ) as process:
        assert process.stdout is not None
        try:
            port = process.stdout.readline().strip()
            assert port.isdecimal(), f"{script} did not start"
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@contextmanager
def localstripe() -> Iterator[str]:
    """Run localstripe and yield its URL."""
    with serving(Path(sys.executable), "localstripe_server.py") as url:
        yield url


@contextmanager
def stripe_world() -> Iterator[str]:
    """Run `seahaven-stripe-world` and yield its URL; each `/worlds/<name>` is an account. Raises NotHere."""
    with serving(_installed(), "world_server.py") as url:
        yield url


def _installed() -> Path:
    """Return the Python of a virtual environment with the server, made now if it is not in the cache yet."""
    home = Path(platformdirs.user_cache_dir("stockroom-tests")) / WORLD.replace("[http]", "")
    found = home / "bin" / "python"
    home.parent.mkdir(parents=True, exist_ok=True)
    with Path(f"{home}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another test process may install it
        if not ((home / "is-whole").exists() and found.exists()):
            shutil.rmtree(home, ignore_errors=True)
            _run([_newer_python(), "-m", "venv", home])
            _run([found, "-m", "pip", "install", "--quiet", "--retries", "1", "--ignore-requires-python", WORLD])
            (home / "is-whole").touch()
    return found


def _newer_python() -> Path:
    """Return a Python that runs. A name on the path may be a shim without one behind it."""
    folders = sorted(Path.home().glob(".pyenv/versions/3.1[34]*/bin"), reverse=True)
    for name in PYTHONS:
        for place in (None, *map(str, folders)):
            found = shutil.which(name, path=place)
            if found and subprocess.run([found, "--version"], capture_output=True, check=False).returncode == 0:
                return Path(found)
    raise NotHere("seahaven-stripe-world needs Python 3.13 or newer, and none is installed on this machine.")


def _run(command: list[Path | str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", "") or error).strip().splitlines()[-1:]
        raise NotHere(f"seahaven-stripe-world cannot be installed on this machine: {' '.join(said)}") from error
