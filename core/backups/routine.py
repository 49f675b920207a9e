"""Backups: made of one snapshot, proven by restoring them, kept by number, and what failed told as a case.

A backup is an archive of pg_dump and a manifest beside it. It counts as proven only after it was restored into a
scratch database where rows and head hash were those of the manifest and the ledger's checks held.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from core.backups import archive, contents
from core.backups.archive import Tools, tools_for
from core.backups.manifest import Contents, Manifest, check_file, digest, manifest_of, read_manifest, write_manifest
from core.backups.record import judge, record, resolve, telling
from core.database.engine import create_engine, run
from core.database.migrate import migrate
from core.database.scratch import scratch_database
from core.database.startup import open_database
from core.foundation.addresses import libpq_url
from core.foundation.errors import BackupFailed, StockError
from core.foundation.model import COMMAND_LINE
from core.foundation.settings import load_settings
from core.proof.checks import run_checks
from core.stripe.gateway import Gateway

PROOFS = ("R1", "R2")
_BEGINS, _ENDS = "stockroom-", ".dump"


# ---------------------------------------------------------------- making


def make(owner_url: str, folder: Path, *, keep: int) -> Path:
    """Make a backup, put it on record, and let the oldest beyond `keep` go; returns the archive.

    Raises BackupFailed, and opens a case, where it cannot be made; then earlier ones are untouched.
    """
    with telling(owner_url), _alone(folder):
        path = _write(owner_url, folder)
        _let_go(owner_url, folder, keep)
        return path


def _write(owner_url: str, folder: Path) -> Path:
    made_at = datetime.now(UTC)
    path = folder / f"{_BEGINS}{made_at.strftime('%Y%m%dT%H%M%S%fZ')}{_ENDS}"
    draft = path.with_name(path.name + ".part")
    try:
        draft.touch(mode=0o600)
        tools, found = _dump(owner_url, draft)
        _settle(draft)
        manifest = Manifest(
            file=path.name,
            made_at=made_at,
            database=make_url(owner_url).database or "",
            size_bytes=draft.stat().st_size,
            sha256=digest(draft),
            client_version=tools.version,
            contents=found,
        )
        write_manifest(path, manifest)
        draft.rename(path)
        _settle(folder)
    except BaseException:
        draft.unlink(missing_ok=True)
        manifest_of(path).unlink(missing_ok=True)
        raise
    record(owner_url, manifest)
    return path


def _dump(owner_url: str, draft: Path) -> tuple[Tools, Contents]:
    with contents.snapshot(owner_url) as (connection, name):
        tools = tools_for(_major(connection))
        found = contents.contents(connection)
        archive.dump(tools, owner_url, draft, snapshot=name, leave_out=contents.of_others(connection))
        return tools, found


def _settle(path: Path) -> None:
    """Wait until a file or a folder is on the disk itself."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep others from making one in the same folder meanwhile, and clear away what a killed one left."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (folder / ".lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BackupFailed("Another backup is being made at this moment; wait for it.") from None
            for left in folder.glob(f"{_BEGINS}*.part"):
                left.unlink(missing_ok=True)
            yield
    except OSError as error:
        raise BackupFailed(
            f"The backup could not be written to {folder}: {error.strerror or error}. Make room there, or set "
            "STOCKROOM_BACKUPS to another folder. Earlier backups are untouched."
        ) from error


def _let_go(owner_url: str, folder: Path, keep: int) -> None:
    """Delete the oldest beyond `keep`, but never the last proven one."""
    whole = sorted(path for path in folder.glob(f"{_BEGINS}*{_ENDS}") if manifest_of(path).exists())
    with contents.as_owner(owner_url) as connection:
        query = "select file from stockroom_api.backups where proven_at is not null order by made_at desc limit 1"
        proven = contents.one(connection, query)
        for path in whole[:-keep]:
            if path.name != proven:
                path.unlink()
                manifest_of(path).unlink(missing_ok=True)
                connection.execute("select stockroom_api.forget_backup(%s)", [path.name])


def newest(folder: Path) -> Path:
    """Return the newest backup in a folder. Raises BackupFailed where there is none."""
    found = max((path for path in folder.glob(f"{_BEGINS}*{_ENDS}") if manifest_of(path).exists()), default=None)
    if found is None:
        raise BackupFailed(f"There is no backup in {folder} yet. Make one: `python -m core backup`.")
    return found


# ---------------------------------------------------------------- proving


def verify(owner_url: str, path: Path) -> Manifest:
    """Restore a backup into a scratch database, compare and check it there; only then it is proven.

    Raises BackupFailed, puts that on record and opens a case, where anything is not as it was.
    """
    with telling(owner_url):
        try:
            manifest = read_manifest(path)
            check_file(path, manifest)
            record(owner_url, manifest)
            _try_out(owner_url, path, manifest)
        except BackupFailed as error:
            judge(owner_url, path.name, error.message)
            raise
        judge(owner_url, path.name, None)
    resolve(owner_url, f"{path.name} was restored and proven.")
    return manifest


def _try_out(owner_url: str, path: Path, manifest: Manifest) -> None:
    with scratch_database(owner_url) as scratch:
        _replay(scratch, path, manifest, hosted=False)
        _compare(scratch, manifest)
        _bring_up(scratch)
        _check(scratch)


def _replay(url: str, path: Path, manifest: Manifest, *, hosted: bool, before: str = "", after: str = "") -> None:
    with psycopg.connect(libpq_url(url), connect_timeout=30) as connection:
        major = _major(connection)
    if manifest.server_major > major:
        raise BackupFailed(
            f"{path.name} was made on PostgreSQL {manifest.server_major}, and this server is {major}: restore it on "
            f"{manifest.server_major} or newer."
        )
    tools = tools_for(major)
    known = manifest.contents
    entries = archive.wanted(archive.contents(tools, path), needs=known.needs, beyond=known.beyond, hosted=hosted)
    archive.replay(tools, url, path, entries, before=before, after=after)


def _compare(url: str, manifest: Manifest) -> None:
    """Raise BackupFailed unless the restored database holds what the manifest tells of."""
    with contents.snapshot(url) as (connection, _):
        found = contents.contents(connection)
    told = manifest.contents
    for table in sorted(told.tables | found.tables):
        if told.tables.get(table) != found.tables.get(table):
            raise BackupFailed(
                f"{manifest.file} restores {found.tables.get(table, 0):,} rows of {table}, where its manifest tells of "
                f"{told.tables.get(table, 0):,}."
            )
    if told.head_hash != found.head_hash:
        raise BackupFailed(f"{manifest.file} restores another ledger than it should: the head hash differs.")


def _bring_up(url: str) -> None:
    """Build functions and grants of this release anew, and migrate where the backup is of an older one."""
    with contents.as_owner(url) as connection:
        connection.execute("delete from stockroom.sql_text")
    migrate(url)


def _check(url: str) -> None:
    engine = create_engine(url, pool_size=1)
    try:
        results = run(engine, run_checks, COMMAND_LINE, codes=PROOFS)
    finally:
        engine.dispose()
    for result in results:
        if not result.holds:
            raise BackupFailed(f"What was restored does not hold, {result.code}: {result.examples[0]}.")


# ---------------------------------------------------------------- restoring


def restore(owner_url: str, path: Path, *, replace: str | None = None) -> Manifest:
    """Restore a backup into an empty database, or in place of what `replace` names; bring it up to date, and check it.

    A shop is replaced only by what was proven in a scratch database at once before. Raises BackupFailed: the database
    is as it was, unless the message says that something was restored.
    """
    manifest = read_manifest(path)
    check_file(path, manifest)
    with psycopg.connect(libpq_url(owner_url), connect_timeout=30) as connection:
        used = contents.one(connection, _USED)
        roles = {row[0] for row in connection.execute("select rolname::text from pg_roles")}
    _refuse_used(make_url(owner_url).database or "", used, replace)
    hosted = set(manifest.contents.roles) <= roles and bool(manifest.contents.roles)
    if used:
        _try_out(owner_url, path, manifest)
    _replay(
        owner_url, path, manifest, hosted=hosted, before=_CLEAR if used else "", after=contents.held(manifest.contents)
    )
    try:
        _compare(owner_url, manifest)
        _bring_up(owner_url)
        _check(owner_url)
    except (StockError, psycopg.Error) as error:
        why = error.message if isinstance(error, StockError) else str(error).partition("\n")[0]
        raise BackupFailed(f"{path.name} was restored and does not hold; do not work with it: {why}") from error
    record(owner_url, manifest)
    judge(owner_url, manifest.file, None)
    return manifest


_USED = """
    select to_regnamespace('stockroom') is not null or to_regnamespace('stockroom_api') is not null
        or to_regnamespace('procrastinate') is not null or to_regclass('public.products') is not null
        or to_regclass('public.product_variants') is not null or to_regclass('public.stock_movements') is not null"""
_CLEAR = """
    drop schema if exists stockroom_api, procrastinate, stockroom cascade;
    drop table if exists public.stock_movements, public.product_variants, public.products;
    do $$
    declare
        _function regprocedure;
    begin
        for _function in select p.oid from pg_proc p
                          where p.pronamespace = 'public'::regnamespace and p.proowner = 'stockroom_owner'::regrole loop
            execute format('drop function %s', _function);
        end loop;
    end $$;"""


def _refuse_used(database: str, used: bool, replace: str | None) -> None:
    if replace is not None and replace != database:
        raise BackupFailed(f"The database is called {database}, not {replace}. Nothing was changed.")
    if used and replace is None:
        raise BackupFailed(
            f"The database {database} is not empty: it holds a shop, which restoring would replace. If that is what "
            f"you want, stop Stockroom and add --replace {database}. Nothing was changed."
        )


def _major(connection: Connection[tuple[Any, ...]]) -> int:
    return int(contents.one(connection, "show server_version_num")) // 10_000


# ---------------------------------------------------------------- every night


def nightly(engine: Engine, _: Gateway | None, say: Callable[[str], None], stopping: threading.Event) -> bool:
    """Make a backup and prove it."""
    if not stopping.is_set():
        settings = load_settings()
        with open_database(settings) as database:
            path = make(database.owner_url, settings.backup_dir, keep=settings.backups_kept)
            manifest = verify(database.owner_url, path)
        say(f"Made the backup {path.name} of {manifest.movements:,} movements, restored it, and found it right.")
    return False
