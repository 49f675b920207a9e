"""The server of one process, and how it leaves: it says so first, so that a proxy sends its visitors elsewhere."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable
from types import FrameType

import uvicorn

from core.foundation.errors import SetupError

SECONDS_TO_LEAVE = 4.0
"""How long a process behind a proxy goes on answering after SIGTERM, while /readyz answers 503."""

_leaving_since: float | None = None


def is_leaving() -> bool:
    """Return whether this process was asked to stop."""
    return _leaving_since is not None


def leave() -> None:
    """Say from now on that this process stops soon."""
    global _leaving_since
    _leaving_since = _leaving_since or time.monotonic()


class Server(uvicorn.Server):
    """Calls `ready` as soon as requests are answered. With `drains`, SIGTERM stops it a few seconds later.

    A second SIGTERM, or SIGINT (Ctrl-C), stops it at once. Requests that are running are finished in any case.
    """

    def __init__(self, config: uvicorn.Config, *, ready: Callable[[], None], drains: bool = False) -> None:
        super().__init__(config)
        self._ready, self._drains = ready, drains

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and turn a failed start of the application into a SetupError."""
        try:
            await super().startup(sockets)
        except SystemExit as error:
            raise SetupError("The dashboard failed to start; the lines above say why.") from error
        self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to leave, or stop."""
        if self._drains and sig == signal.SIGTERM and not is_leaving():
            self._captured_signals.append(sig)
            leave()
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Return whether it is time to stop."""
        if _leaving_since is not None and time.monotonic() - _leaving_since >= SECONDS_TO_LEAVE:
            self.should_exit = True
        return await super().on_tick(counter)
