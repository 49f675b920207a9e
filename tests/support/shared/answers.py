"""What libraries find out each time, found out once: what a server is, and which certificates this machine trusts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg


@pytest.fixture(scope="session", autouse=True)
def _servers_are_asked_once() -> Iterator[None]:
    """SQLAlchemy asks five questions for every engine. Keep the answers for the next engine on the same server."""
    ask, known = PGDialect_psycopg.initialize, dict[Any, dict[str, Any]]()

    def initialize(dialect: PGDialect_psycopg, connection: Connection) -> None:
        driver: Any = connection.connection.dbapi_connection
        server = (driver.info.host, driver.info.port, driver.info.server_version)
        if server not in known:
            before = dict(dialect.__dict__)
            ask(dialect, connection)  # type: ignore[no-untyped-call]
            known[server] = {
                name: value
                for name, value in dialect.__dict__.items()
                if isinstance(value, tuple | str | bool) and before.get(name) != value
            }
        dialect.__dict__.update(known[server])

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(PGDialect_psycopg, "initialize", initialize)
        yield


@pytest.fixture(scope="session", autouse=True)
def _certificates_are_read_once() -> Iterator[None]:
    """httpx reads all certificates for each client, in 0.06 s."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("httpx._transports.default.create_ssl_context", cache(httpx.create_ssl_context))
        yield
