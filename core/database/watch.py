"""Starts the embedded PostgreSQL again when it has died under a running process.

Every process that uses the server watches it; the lock of its start lets one of them start it. A server that the last
process stopped stays stopped, because that process has ended its watch before. The thread outlives all its errors, and
says the same trouble once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from core.foundation.errors import SetupError

log = logging.getLogger("stockroom")

LOOK_SECONDS = 0.5
SHORTEST_WAIT, LONGEST_WAIT = 1.0, 30.0
"""The wait after a start that failed. It doubles up to the longest."""

Tell = Callable[[datetime, float], None]
"""What is called when the server runs again: with the moment of its death and the seconds that it was away."""


class Server(Protocol):
    """What is watched."""

    def has_died(self) -> bool:
        """Return whether it ended although this process uses it."""

    def start_again(self) -> None:
        """Start it unless it runs. Raises SetupError."""


class ServerWatch:
    """A thread that looks at the server of this process, and calls `tell` after each absence."""

    def __init__(self, server: Server, tell: Tell) -> None:
        self._server, self._tell = server, tell
        self._stopping = threading.Event()
        self._said = ""
        self._thread = threading.Thread(target=self._keep_watching, name="stockroom-database", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread before the server is stopped on purpose."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _keep_watching(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                if self._server.has_died():
                    self._revive()
                self._said = ""
            except Exception as error:
                self._say("The watch of the embedded PostgreSQL failed and goes on", error)

    def _revive(self) -> None:
        died_at, began = datetime.now(UTC), time.monotonic()
        log.error("The embedded PostgreSQL has died. It is started again")
        if self._start():
            away = time.monotonic() - began
            log.warning("The embedded PostgreSQL runs again after %.1f seconds", away)
            self._tell(died_at, away)

    def _start(self) -> bool:
        """Start the server, trying until it runs or this watch is stopped; return whether it runs."""
        wait = SHORTEST_WAIT
        while not self._stopping.is_set():
            try:
                self._server.start_again()
                return True
            except (SetupError, OSError) as error:
                self._say("The embedded PostgreSQL could not be started and is tried again", error)
            self._stopping.wait(wait)
            wait = min(wait * 2, LONGEST_WAIT)
        return False

    def _say(self, what: str, error: Exception) -> None:
        """Log a trouble, but not the same one again and again."""
        sentence = f"{what}: {str(error) or type(error).__name__}"
        if sentence != self._said:
            self._said = sentence
            expected = isinstance(error, (SetupError, OSError))
            log.error("%s", sentence, exc_info=None if expected else error)
