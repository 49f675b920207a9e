"""Where the benchmarks run: the PostgreSQL that Stockroom brings along, as it ships, in a folder of its own."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from core.database import embedded
from core.database.embedded import EmbeddedServer
from core.database.migrate import migrate

CONNECTIONS = 200
"""More than the default of 100: the clients of every way stay connected while the others have their turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A migrated database: its address for the app's role and for the superuser."""

    name: str
    app_url: str
    owner_url: str

    def connect(self) -> psycopg.Connection:
        """Connect as the superuser; every statement commits by itself."""
        return psycopg.connect(libpq_url(self.owner_url), autocommit=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A running, durable server."""

    server: EmbeddedServer

    def database(self, name: str) -> tuple[Database, bool]:
        """Return the database of this name, and whether it was just made."""
        with psycopg.connect(libpq_url(self.server.owner_url), autocommit=True) as connection:
            is_new = connection.execute("select from pg_database where datname = %s", [name]).fetchone() is None
            if is_new:
                connection.execute(f"create database {name}".encode())
        urls = (make_url(url).set(database=name) for url in (self.server.app_url, self.server.owner_url))
        app_url, owner_url = (url.render_as_string(hide_password=False) for url in urls)
        migrate(owner_url)
        return Database(name=name, app_url=app_url, owner_url=owner_url), is_new

    def drop(self, name: str) -> None:
        """Drop a database, whoever is still connected to it."""
        with psycopg.connect(libpq_url(self.server.owner_url), autocommit=True) as connection:
            connection.execute(f"drop database if exists {name} with (force)".encode())


@contextmanager
def open_place(keep: Path | None) -> Iterator[Place]:
    """Start the server in `keep`, which stays, or in a temporary folder, which is removed at the end."""
    folder = keep or Path(tempfile.mkdtemp(prefix="stockroom-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # under root another user runs the server
    try:
        with (
            embedded.start(folder) as server,
            psycopg.connect(libpq_url(server.owner_url), autocommit=True) as connection,
        ):
            connection.execute(f"alter system set max_connections = {CONNECTIONS}".encode())
        with embedded.start(folder) as server:
            yield Place(server=server)
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def libpq_url(url: str) -> str:
    """Return the address as PostgreSQL's own programs and its driver read it."""
    return url.replace("+psycopg", "", 1)


def machine(place: Place) -> str:
    """Name the machine and the server in one line, as docs/benchmarks.md shows it."""
    with psycopg.connect(libpq_url(place.server.owner_url)) as connection:
        row = connection.execute(
            "select split_part(version(), ' ', 2), current_setting('fsync'), current_setting('synchronous_commit')"
        ).fetchone()
    assert row is not None
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GB of memory, {platform.system()} {platform.machine()}; "
        f"PostgreSQL {row[0]}, fsync {row[1]}, synchronous_commit {row[2]}, otherwise as it ships; "
        f"Python {platform.python_version()}, client on the same machine"
    )
