"""The watch of the embedded server for a worker that is a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from sqlalchemy import Engine

from core.alerts import system
from core.database.embedded import EmbeddedServer
from core.database.watch import ServerWatch


@contextmanager
def watched(server: EmbeddedServer | None, engine: Engine) -> Iterator[None]:
    """Start the embedded server of this process again whenever it dies; without one, do nothing."""
    if server is None:
        yield
        return
    watch = ServerWatch(server, partial(system.tell_return, engine))
    watch.start()
    try:
        yield
    finally:
        watch.stop()
