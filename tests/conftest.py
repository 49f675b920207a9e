"""The real PostgreSQL under every test that needs one: the embedded 18, and each installed 15 or newer beside it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from functools import lru_cache

import psycopg
import pytest

from core.database.migrate import OLDEST_SERVER, migrate
from tests.support.builders import ZONE, Shop
from tests.support.servers import EMBEDDED_MAJOR, Server, has_pgbouncer, start_embedded, start_system, system_majors

MAJORS = [EMBEDDED_MAJOR, *(major for major in system_majors() if OLDEST_SERVER <= major < EMBEDDED_MAJOR)]
_running: dict[int, Server] = {}


def pytest_report_header() -> str:
    """Say which servers the database tests run on."""
    servers = [f"PostgreSQL {major} ({'embedded' if major == EMBEDDED_MAJOR else 'installed'})" for major in MAJORS]
    return f"database tests run on: {', '.join(servers)}; PgBouncer: {'yes' if has_pgbouncer() else 'not installed'}"


def _server(major: int) -> Server:
    if major not in _running:
        _running[major] = start_embedded() if major == EMBEDDED_MAJOR else start_system(major)
        prepare(_running[major].owner_url)
    return _running[major]


def prepare(owner_url: str) -> None:
    """Migrate a database and put its shop into the tests' time zone."""
    migrate(owner_url)
    with psycopg.connect(owner_url.replace("+psycopg", "")) as connection:
        connection.execute("update stockroom.shop set zone = %s", [ZONE])


@pytest.fixture(scope="session", autouse=True)
def _stop_servers() -> Iterator[None]:
    yield
    for server in _running.values():
        server.stop()


@pytest.fixture(scope="session")
def embedded() -> Server:
    """The embedded server, for tests of which one engine is enough (pages, browser)."""
    return _server(EMBEDDED_MAJOR)


@pytest.fixture(scope="session", params=MAJORS, ids=lambda major: f"pg{major}")
def server(request: pytest.FixtureRequest) -> Server:
    """Each PostgreSQL of this machine in turn."""
    return _server(request.param)


@pytest.fixture(scope="session")
def shop(server: Server) -> Iterator[Shop]:
    """A migrated shop that tests share: they use variants of their own and clean nothing."""
    opened = Shop.open(server.url(user="stockroom_app"), server.owner_url)
    yield opened
    opened.close()


@pytest.fixture
def fresh_shop(server: Server) -> Iterator[Shop]:
    """A migrated shop of its own, for tests that look at the whole database."""
    yield from open_fresh(server)


@pytest.fixture
def embedded_shop(embedded: Server) -> Iterator[Shop]:
    """A shop of its own on the embedded server."""
    yield from open_fresh(embedded)


def open_fresh(server: Server) -> Iterator[Shop]:
    """Copy the migrated, still empty database and drop the copy at the end."""
    name = f"shop_{uuid.uuid4().hex[:12]}"
    _as_admin(server, f"create database {name} template {_template(server)}")
    opened = Shop.open(server.url(name, "stockroom_app"), server.url(name))
    yield opened
    opened.close()
    _as_admin(server, f"drop database {name} with (force)")


@lru_cache
def _template(server: Server) -> str:
    _as_admin(server, "create database empty_shop")
    prepare(server.url("empty_shop"))
    return "empty_shop"


def _as_admin(server: Server, statement: str) -> None:
    with psycopg.connect(server.url("postgres").replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(statement.encode())
