"""The record of backups: which exist and which are verified. Pages read it; only the owner's account writes it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import psycopg
from sqlalchemy import Connection

from core.backups.contents import as_owner
from core.backups.manifest import Manifest
from core.database.engine import call, rows_of
from core.foundation.errors import BackupFailed, SetupError, Unavailable
from core.foundation.model import Actor
from core.foundation.sales import AlertKind
from core.people.access import Permission
from core.people.guard import require

log = logging.getLogger("stockroom")

CAUSE = "backup"
LONGEST = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A recorded backup. Without `proven_at` it is not verified yet, or its verification failed, as `why` says."""

    file: str
    made_at: datetime
    size_bytes: int
    movements: int
    head_hash: str
    server_version: str
    proven_at: datetime | None
    failed_at: datetime | None
    why: str | None
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """When the last verified backup was verified and created, and since when the shop exists."""

    proven_at: datetime | None
    made_at: datetime | None
    since: datetime


def backups(connection: Connection, actor: Actor) -> tuple[Backup, ...]:
    """Return the existing backups, newest first. Raises Forbidden, SignInRequired."""
    require(connection, actor, Permission.MANAGE_SHOP)
    statement = """select file, made_at, size_bytes, movements, head_hash, server_version, proven_at, failed_at, why,
                          left_out
                     from stockroom_api.backups order by made_at desc limit 1000"""
    return rows_of(Backup, call(connection, statement, {}), left_out=tuple)


def proof(connection: Connection, actor: Actor) -> Proof:
    """Return the last verification of a backup. Raises Forbidden, SignInRequired."""
    require(connection, actor, Permission.VIEW)
    found = call(connection, "select proven_at, made_at, since from stockroom_api.backup_proof", {})
    return rows_of(Proof, found)[0]


def may_back_up(connection: Connection, actor: Actor) -> None:
    """Raise Forbidden or SignInRequired unless this person may back up the shop."""
    require(connection, actor, Permission.MANAGE_SHOP)


# ---------------------------------------------------------------- what the owner's account writes


def record(url: str, manifest: Manifest) -> None:
    """Record a backup; a known one keeps its verification."""
    values = [
        manifest.file, manifest.made_at, manifest.size_bytes, manifest.sha256,
        bytes.fromhex(manifest.contents.head_hash), manifest.movements, manifest.contents.server_version,
        manifest.contents.sentences[:LONGEST],
    ]  # fmt: skip
    with as_owner(url) as connection:
        connection.execute("select stockroom_api.record_backup(%s, %s, %s, %s, %s, %s, %s, %s)", values)


def judge(url: str, file: str, why: str | None) -> None:
    """Record that a backup is verified, or `why` its verification failed."""
    with as_owner(url) as connection:
        connection.execute("select stockroom_api.judge_backup(%s, %s)", [file, why])


@contextmanager
def telling(url: str) -> Iterator[None]:
    """Open a case if a backup fails; the next successful one resolves it.

    An error of the database, or of starting one, counts as a failed backup too.
    """
    try:
        with _failing():
            yield
    except BackupFailed as error:
        values = [AlertKind.BACKUP_FAILED, "urgent", CAUSE, error.message[:LONGEST], json.dumps({})]
        try:
            with as_owner(url) as connection:
                connection.execute("select stockroom_api.open_system_alert(%s, %s, %s, %s, %s::jsonb)", values)
        except (psycopg.Error, SetupError) as trouble:
            log.warning("No case could be opened for a failed backup: %s", type(trouble).__name__)
        raise


@contextmanager
def _failing() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        why = str(error).strip().partition("\n")[0] or type(error).__name__
        raise BackupFailed(f"The database failed during the backup: {why}. Earlier backups are unchanged.") from error
    except (SetupError, Unavailable) as error:
        raise BackupFailed(f"The database failed during the backup: {error.message}") from error


def resolve(url: str, resolution: str) -> None:
    """Resolve the case about a failed backup, if there is one."""
    with as_owner(url) as connection:
        connection.execute("select stockroom_api.resolve_system_alert(%s, %s)", [CAUSE, resolution])
