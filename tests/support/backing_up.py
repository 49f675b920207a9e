"""Backups for tests: creating and damaging them, and old or failing programs of PostgreSQL."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg

from core.backups import manifest
from core.backups import record as backup_record
from core.backups import routine as backups
from core.backups.manifest import Manifest, digest, manifest_of, read_manifest
from core.backups.record import Backup
from core.database.programs import client_program
from core.foundation.addresses import libpq_url
from tests.support.builders import Shop, key
from tests.support.servers import Server

DATABASES = "select datname::text from pg_database where starts_with(datname, 'stockroom_scratch_')"
CLIENTS = ("pg_dump", "pg_restore", "psql")


def made(shop: Shop, folder: Path, *, keep: int = 14) -> Path:
    """A backup of this shop."""
    return backups.make(shop.owner_url, folder, keep=keep)


_RECORD = """
    insert into stockroom.backups (file, made_at, size_bytes, sha256, head_hash, movements, server_version, proven_at)
    values (:file, now() - cast(:age as interval), 1, encode(sha256(convert_to(:file, 'UTF8')), 'hex'), 'x', 1, '18.1',
            now())
    on conflict do nothing"""


def backed_up(shop: Shop, age: str = "1 minute") -> Shop:
    """The shop, with the record of a verified backup of that age."""
    shop.sql(_RECORD, file=f"{age}.dump", age=age)
    return shop


def whole(folder: Path) -> list[str]:
    """The backups in a folder that have their manifest, the oldest first."""
    return sorted(path.name for path in folder.glob("*.dump") if manifest_of(path).exists())


def remade(path: Path, *, movements: int | None = None, head_hash: str | None = None) -> Manifest:
    """The manifest a forger would write: fitting the file as it is, and telling of what he likes."""
    was = read_manifest_without_seal(path)
    tables = was.contents.tables | ({} if movements is None else {"public.stock_movements": movements})
    contents = replace(was.contents, tables=tables, head_hash=head_hash or was.contents.head_hash)
    return replace(was, size_bytes=path.stat().st_size, sha256=digest(path), contents=contents)


def read_manifest_without_seal(path: Path) -> Manifest:
    """The manifest, its seal made to fit first."""
    values = json.loads(manifest_of(path).read_text())
    values.pop("seal")
    manifest_of(path).write_text(json.dumps(values | {"seal": manifest._seal(values)}))
    return read_manifest(path)


@contextmanager
def limited_programs() -> Iterator[Path]:
    """PostgreSQL's programs as on a disk with eight kilobytes left."""
    with tempfile.TemporaryDirectory() as room:
        for name in CLIENTS:
            path = Path(room, name)
            path.write_text(f'#!/bin/sh\nulimit -f 8\nexec "{client_program(name)}" "$@"\n')
            path.chmod(0o755)
        yield Path(room)


@contextmanager
def programs_of(major: int, root: Path) -> Iterator[Path]:
    """The programs of an installed version; where it is not installed, ones that say they are of it."""
    if (root / str(major) / "bin/pg_dump").exists():
        yield root / str(major) / "bin"
        return
    with tempfile.TemporaryDirectory() as room:
        for name in CLIENTS:
            path = Path(room, name)
            path.write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {major}.4'\n")
            path.chmod(0o755)
        yield Path(room)
        shutil.rmtree(room, ignore_errors=True)


def on_record(shop: Shop) -> list[Backup]:
    return list(shop.run(backup_record.backups, "Ada"))


def scratch_left(shop: Shop) -> list[str]:
    return [row[0] for row in shop.rows(DATABASES)]


class empty_database:  # noqa: N801 - reads as a word in a `with`
    """An empty database of a server, for a moment."""

    def __init__(self, server: Server) -> None:
        self.server, self.name = server, f"empty_{key()[:8]}"

    def __enter__(self) -> str:
        self._do(f"create database {self.name}")
        return self.server.url(self.name)

    def __exit__(self, *_: object) -> None:
        self._do(f"drop database {self.name} with (force)")

    def _do(self, statement: str) -> None:
        with psycopg.connect(libpq_url(self.server.url("postgres")), autocommit=True) as connection:
            connection.execute(statement.encode())


def forge(shop: Shop) -> None:
    for statement in (
        "alter table stock_movements disable trigger stock_movements_append_only",
        "update stock_movements set performed_by = 'Nobody' where variant_sequence = 1",
        "alter table stock_movements enable trigger stock_movements_append_only",
    ):
        shop.sql(statement)
