"""Engines that ask a server only once what it is: SQLAlchemy asks five questions for every engine that a test opens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg


@pytest.fixture(scope="session", autouse=True)
def _servers_are_asked_once() -> Iterator[None]:
    """Keep what a dialect found out about a server (or a pooler) for the next engine on it."""
    ask, known = PGDialect_psycopg.initialize, dict[Any, dict[str, Any]]()

    def initialize(dialect: PGDialect_psycopg, connection: Connection) -> None:
        driver: Any = connection.connection.dbapi_connection
        server = (driver.info.host, driver.info.port)
        if server not in known:
            before = dict(dialect.__dict__)
            ask(dialect, connection)
            known[server] = {
                name: value
                for name, value in dialect.__dict__.items()
                if isinstance(value, tuple | str | bool) and before.get(name) != value
            }
        dialect.__dict__.update(known[server])

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(PGDialect_psycopg, "initialize", initialize)
        yield
