"""The engine of this process, whose connections routes, pages and jobs share."""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import Engine

from core.database import embedded
from core.database import engine as database
from core.foundation.settings import load_settings

_server: embedded.EmbeddedServer | None = None


@lru_cache(maxsize=1)
def engine() -> Engine:
    """Return the engine on the configured database, or else on the embedded PostgreSQL."""
    global _server
    settings = load_settings()
    if settings.database_url is None:
        _server = embedded.start(settings.data_dir)
        return database.create_engine(_server.app_url, direct=True)
    return database.create_engine(settings.database_url)


def close() -> None:
    """Close the connections and stop using the embedded server. The next `engine()` starts again."""
    global _server
    if engine.cache_info().currsize:
        engine().dispose()
        engine.cache_clear()
    if _server is not None:
        _server.stop()
        _server = None
