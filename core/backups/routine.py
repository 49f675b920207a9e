"""Creating, verifying and restoring backups. A failure opens a case.

A backup is an archive of pg_dump, taken from one snapshot, with a manifest next to it. It counts as verified only after
it was restored into a scratch database, its rows and head hash equalled the manifest, and the ledger's checks passed.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from core.backups import archive, contents, restoring
from core.backups.archive import Tools, tools_for
from core.backups.hanging import hanging
from core.backups.manifest import Contents, Manifest, check_file, digest, manifest_of, read_manifest, write_manifest
from core.backups.record import judge, record, resolve, telling
from core.database import hosts
from core.database.startup import open_database
from core.foundation.errors import BackupFailed, StockError
from core.foundation.settings import load_settings
from core.stripe.gateway import Gateway

_BEGINS, _ENDS = "stockroom-", ".dump"


# ---------------------------------------------------------------- creating


def make(owner_url: str, folder: Path, *, keep: int) -> Path:
    """Create a backup, record it, delete the oldest beyond `keep`, and return the archive.

    Raises BackupFailed, and opens a case, if it cannot be created; then earlier ones are unchanged.
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
        tools = tools_for(restoring.server_major(connection))
        found = contents.contents(connection)
        archive.dump(tools, owner_url, draft, snapshot=name, leave_out=contents.of_others(connection))
        return tools, found


def _settle(path: Path) -> None:
    """Wait until a file or a folder is written to the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Lock the folder against other backups, and delete what a killed one left."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (folder / ".lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BackupFailed("Another backup is running now. Wait for it to end.") from None
            for left in folder.glob(f"{_BEGINS}*.part"):
                left.unlink(missing_ok=True)
            yield
    except OSError as error:
        raise BackupFailed(
            f"The backup could not be written to {folder}: {error.strerror or error}. Free some space, or set "
            "STOCKROOM_BACKUPS to another folder. Earlier backups are unchanged."
        ) from error


def _let_go(owner_url: str, folder: Path, keep: int) -> None:
    """Delete the oldest beyond `keep`, but never the last verified one."""
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
    """Return the newest backup in a folder. Raises BackupFailed if there is none."""
    found = max((path for path in folder.glob(f"{_BEGINS}*{_ENDS}") if manifest_of(path).exists()), default=None)
    if found is None:
        raise BackupFailed(f"There is no backup in {folder} yet. Create one: `python -m core backup`.")
    return found


# ---------------------------------------------------------------- verifying


def verify(owner_url: str, path: Path) -> Manifest:
    """Verify a backup: restore it into a scratch database, compare it with its manifest, and run the checks.

    Raises BackupFailed, records that and opens a case, if anything differs.
    """
    with telling(owner_url):
        try:
            manifest = read_manifest(path)
            check_file(path, manifest)
            record(owner_url, manifest)
            restoring.try_out(owner_url, path, manifest)
        except BackupFailed as error:
            judge(owner_url, path.name, error.message)
            raise
        judge(owner_url, path.name, None)
    resolve(owner_url, f"{path.name} was restored and verified.")
    return manifest


# ---------------------------------------------------------------- restoring


def restore(owner_url: str, path: Path, *, replace: str | None = None) -> Manifest:
    """Restore a backup into an empty database, or replace the shop in the database named `replace`; migrate and check.

    Before a shop is replaced, the backup is tried in a scratch database. Raises BackupFailed; then the database is
    unchanged, unless the message says that the backup was restored.
    """
    manifest = read_manifest(path)
    check_file(path, manifest)
    if _holds_a_shop(owner_url, replace):
        hanging(owner_url)  # refuses at once what could not be put up again
        restoring.try_out(owner_url, path, manifest)
        restoring.replay(owner_url, path, manifest, hanging(owner_url))
    else:
        restoring.replay(owner_url, path, manifest)
    try:
        restoring.check(owner_url, manifest)
    except (StockError, psycopg.Error, DBAPIError) as error:
        why = error.message if isinstance(error, StockError) else str(error).partition("\n")[0]
        said = f"{path.name} was restored, but failed its checks; do not use this database: {why}"
        raise BackupFailed(said) from error
    record(owner_url, manifest)
    judge(owner_url, manifest.file, None)
    return manifest


_USED = """
    select to_regnamespace('stockroom') is not null or to_regnamespace('stockroom_api') is not null
        or to_regnamespace('procrastinate') is not null or to_regclass('public.products') is not null
        or to_regclass('public.product_variants') is not null or to_regclass('public.stock_movements') is not null"""


def _holds_a_shop(url: str, replace: str | None) -> bool:
    """Return whether a shop is to be replaced. Raises BackupFailed unless `replace` names its database."""
    database = make_url(url).database or ""
    with hosts.connect(url) as connection:
        used = bool(contents.one(connection, _USED))
    if replace is not None and replace != database:
        raise BackupFailed(f"The database is called {database}, not {replace}. Nothing was changed.")
    if used and replace is None:
        raise BackupFailed(
            f"The database {database} is not empty: it holds a shop, which restoring would replace. If that is what "
            f"you want, stop Stockroom and add --replace {database}. Nothing was changed."
        )
    return used


# ---------------------------------------------------------------- every night


def nightly(engine: Engine, _: Gateway | None, say: Callable[[str], None], stopping: threading.Event) -> bool:
    """Create a backup and verify it."""
    if not stopping.is_set():
        settings = load_settings()
        with open_database(settings) as database:
            path = make(database.owner_url, settings.backup_dir, keep=settings.backups_kept)
            manifest = verify(database.owner_url, path)
        say(f"Created the backup {path.name} with {manifest.movements:,} movements, restored it and verified it.")
    return False
