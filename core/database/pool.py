"""The one engine of this process: routes, pages and jobs share its connections."""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import Engine

from core.database import embedded
from core.database import engine as database
from core.foundation.settings import load_settings

_server: embedded.EmbeddedServer | None = None


@lru_cache(maxsize=1)
def engine() -> Engine:
    """Return the engine on the configured database; without one, on the PostgreSQL that Stockroom brings along."""
    global _server
    settings = load_settings()
    if settings.database_url is None:
        _server = embedded.start(settings.data_dir)
        return database.create_engine(_server.app_url, direct=True)
    return database.create_engine(settings.database_url)


def close() -> None:
    """Give the connections back and let go of the embedded server; the next `engine()` starts anew."""
    global _server
    if engine.cache_info().currsize:
        engine().dispose()
        engine.cache_clear()
    if _server is not None:
        _server.stop()
        _server = None
