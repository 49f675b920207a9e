"""The engines of this process: a bounded number of connections for each kind of work, so that none takes another's."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from threading import Lock

from sqlalchemy import Engine

from core.database import embedded
from core.database import engine as database
from core.database.watch import ServerWatch, Tell
from core.foundation.settings import load_settings


class Share(StrEnum):
    """A kind of work with connections of its own."""

    PAGES = "pages"
    SIGN_IN = "sign_in"
    API = "api"
    WEBHOOK = "webhook"
    JOBS = "jobs"


LIMITS = {
    Share.PAGES: (10, 10.0),
    Share.SIGN_IN: (6, 3.0),
    Share.API: (18, 1.0),
    Share.WEBHOOK: (3, 10.0),
    Share.JOBS: (10, 10.0),
}
"""The most connections of each kind of work, and the seconds that it waits for one. They are opened when needed."""

_lock = Lock()
_on_return: Tell = lambda _, __: None  # noqa: E731 - replaced by `on_return`
_engines: dict[Share, Engine] = {}
_server: embedded.EmbeddedServer | None = None
_watch: ServerWatch | None = None


def engine(share: Share = Share.PAGES) -> Engine:
    """Return the engine of this kind of work on the configured database, or else on the embedded PostgreSQL."""
    known = _engines.get(share)
    if known is not None:
        return known
    with _lock:
        if share not in _engines:
            _engines[share] = _create(share)
        return _engines[share]


def _create(share: Share) -> Engine:
    global _server, _watch
    settings, (most, patience) = load_settings(), LIMITS[share]
    if settings.database_url is not None:
        return database.create_engine(settings.database_url, pool_size=most, overflow=0, patience=patience)
    if _server is None:
        _server = embedded.start(settings.data_dir)
        _watch = ServerWatch(_server, _tell)
        _watch.start()
    return database.create_engine(_server.app_url, pool_size=most, overflow=0, patience=patience)


def engines() -> tuple[Engine, ...]:
    """Return the engines that this process has opened."""
    with _lock:
        return tuple(_engines.values())


def on_return(tell: Tell) -> None:
    """Have `tell` called each time that the embedded server was started again."""
    global _on_return
    _on_return = tell


def _tell(died_at: datetime, seconds: float) -> None:
    _on_return(died_at, seconds)


def close() -> None:
    """Close the connections and stop using the embedded server. The next `engine()` starts again."""
    global _server, _watch
    if _watch is not None:  # before the lock: what it tells may need an engine
        _watch.stop()
        _watch = None
    with _lock:
        for each in _engines.values():
            each.dispose()
        _engines.clear()
        if _server is not None:
            _server.stop()
            _server = None
