"""Starts the embedded PostgreSQL again when it has died under a running process.

Every process that uses the server watches it; the lock of its start lets one of them start it. A server that the last
process stopped stays stopped, because that process has ended its watch before.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from core.database.embedded import EmbeddedServer
from core.foundation.errors import SetupError

log = logging.getLogger("stockroom")

LOOK_SECONDS = 0.5
SHORTEST_WAIT, LONGEST_WAIT = 1.0, 30.0
"""The wait after a start that failed. It doubles up to the longest."""


class ServerWatch:
    """A thread that looks at the server of this process. `tell` is called with the seconds that it was away."""

    def __init__(self, server: EmbeddedServer, tell: Callable[[float], None]) -> None:
        self._server, self._tell = server, tell
        self._stopping = threading.Event()
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
            if self._server.has_died():
                self._revive()

    def _revive(self) -> None:
        began, wait = time.monotonic(), SHORTEST_WAIT
        log.error("The embedded PostgreSQL has died. It is started again")
        while not self._stopping.is_set():
            try:
                self._server.start_again()
                break
            except (SetupError, OSError) as error:
                log.error("The embedded PostgreSQL could not be started, next attempt in %.0f s: %s", wait, error)
            self._stopping.wait(wait)
            wait = min(wait * 2, LONGEST_WAIT)
        else:
            return
        away = time.monotonic() - began
        log.warning("The embedded PostgreSQL runs again after %.1f seconds", away)
        self._tell(away)
