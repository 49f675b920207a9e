"""The browser of the browser tests: one that is installed, else installed if root, else an error.

`python -m tests.browser.chromium` makes sure that there is one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

# Chromium without windows first: it draws the same pages, and takes a fifth less of the processor for them.
NAMES = (
    "chromium-headless-shell", "chrome-headless-shell", "chromium", "chromium-browser", "google-chrome",
    "google-chrome-stable", "chrome", "microsoft-edge",
)  # fmt: skip
PACKAGES = ("chromium-headless-shell", "chromium")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
ADVICE = (
    "The browser tests need Chromium or Chrome, and none was found. Install it (Debian: sudo apt-get install "
    "chromium-headless-shell), or name yours with STOCKROOM_CHROMIUM=/path/to/program, then try again."
)


def find() -> str | None:
    """The path of a browser that Playwright can drive."""
    chosen = os.environ.get("STOCKROOM_CHROMIUM")
    if chosen:
        return shutil.which(chosen)
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    return found or (str(MAC) if MAC.exists() else None)


def install() -> None:
    """Install Chromium if that needs no password: as root, on a system with apt."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    print("Installing Chromium for the browser tests ...", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], *(["install", "--yes", package] for package in PACKAGES)):
        if find() is None:
            subprocess.run(["apt-get", "-qq", *command], env=environment, stdout=subprocess.DEVNULL, check=False)


if __name__ == "__main__":
    if find() is None:
        install()
    if find() is None:
        sys.exit(ADVICE)
