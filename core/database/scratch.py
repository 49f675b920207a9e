"""A temporary database on the same server: created empty, always dropped. Backups are verified in it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from core.database import hosts
from core.foundation.addresses import render
from core.foundation.errors import BackupFailed

PREFIX = "stockroom_scratch_"
_STALE = timedelta(days=1)
_FORMAT = "%Y%m%d%H%M%S"
_LEFT = "select datname::text from pg_database where starts_with(datname, %s)"


@contextmanager
def scratch_database(owner_url: str) -> Iterator[str]:
    """Give the URL of an empty database. Raises BackupFailed where this account may not create one."""
    name = f"{PREFIX}{datetime.now(UTC).strftime(_FORMAT)}_{secrets.token_hex(4)}"
    with hosts.connect(owner_url, autocommit=True) as connection:
        _drop_stale(connection)
        try:
            connection.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))
        except psycopg.errors.InsufficientPrivilege as error:
            raise BackupFailed(
                f"A backup is verified by restoring it into a temporary database, and the account "
                f"{make_url(owner_url).username!r} may not create one. Allow it: alter role ... createdb. "
                "The backup is kept."
            ) from error
        except psycopg.errors.ReadOnlySqlTransaction as error:
            raise BackupFailed(
                "The database takes no changes: it is a replica, or default_transaction_read_only is on, as hosts set "
                "it when a disk is full. Make room or name the primary, then try again. The backup is kept."
            ) from error
    try:
        yield render(make_url(owner_url).set(database=name))
    finally:
        with hosts.connect(owner_url, autocommit=True) as connection:
            _drop(connection, name)


def _drop_stale(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Drop scratch databases that a killed process left behind."""
    before = (datetime.now(UTC) - _STALE).strftime(_FORMAT)
    for (name,) in connection.execute(_LEFT, [PREFIX]).fetchall():
        if str(name).removeprefix(PREFIX)[:14] < before:
            _drop(connection, str(name))


def _drop(connection: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    drop = sql.SQL("drop database if exists {}").format(sql.Identifier(name))
    try:
        connection.execute(sql.SQL("{} with (force)").format(drop))
    except psycopg.errors.InsufficientPrivilege:
        # `force` may not end an autovacuum worker, which belongs to no account of ours. Without it, the server does.
        connection.execute(drop)
