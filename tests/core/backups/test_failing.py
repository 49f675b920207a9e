"""Backups that cannot be created, read or restored: clear errors, and nothing changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from core.backups import archive, contents
from core.backups import routine as backups
from core.backups.manifest import digest, manifest_of, write_manifest
from core.foundation.addresses import libpq_url
from core.foundation.errors import BackupFailed
from tests.conftest import open_prepared
from tests.support.backing_up import (
    empty_database,
    forge,
    limited_programs,
    made,
    on_record,
    programs_of,
    remade,
    scratch_left,
    whole,
)
from tests.support.builders import Shop
from tests.support.servers import SYSTEM_ROOT, Server

pytestmark = pytest.mark.slow

LEDGER = "select id, encode(chain_hash, 'hex') from public.stock_movements order by id"
CASE = "select sentence from stockroom.alerts where cause = 'backup' and state <> 'resolved'"


@dataclass(frozen=True)
class Earlier:
    """A shop and its verified backup."""

    shop: Shop
    path: Path

    @property
    def folder(self) -> Path:
        return self.path.parent


@pytest.fixture(scope="module")
def verified(embedded: Server, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Shop], Path]:
    """Trade, back up and verify, in a folder that tests copy."""

    def back_up(shop: Shop) -> Path:
        shop.adjust(shop.variant(20, sku="TR-42"), -3)
        path = made(shop, tmp_path_factory.mktemp("backups"))
        backups.verify(shop.owner_url, path)
        return path

    return back_up


@pytest.fixture
def earlier(embedded: Server, verified: Callable[[Shop], Path], tmp_path: Path) -> Iterator[Earlier]:
    """A verified backup, which must stay unchanged whatever goes wrong afterwards."""
    for shop, source in open_prepared(embedded, verified):
        folder = shutil.copytree(source.parent, tmp_path / "backups")
        path, was = folder / source.name, digest(source)
        yield Earlier(shop=shop, path=path)
        assert digest(path) == was
        assert [file.name for file in folder.glob("*.part")] == []


def refused(shop: Shop, folder: Path, what: str) -> None:
    """Assert that a backup fails with this message and opens a case with the same sentence."""
    with pytest.raises(BackupFailed, match=what) as failure:
        made(shop, folder, keep=1)
    assert shop.sql(CASE) == failure.value.message
    assert len(whole(folder)) == 1


def test_a_full_disk_is_reported_and_the_next_good_backup_resolves_the_case(
    earlier: Earlier, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, limited_programs() as folder:
        patch.setattr(archive, "folders", lambda: [folder])
        refused(earlier.shop, earlier.folder, "pg_dump could not write the backup: .*Earlier backups are unchanged")
    backups.verify(earlier.shop.owner_url, made(earlier.shop, earlier.folder))
    assert earlier.shop.sql(CASE) is None


def test_a_server_newer_than_pg_dump_is_explained(earlier: Earlier, monkeypatch: pytest.MonkeyPatch) -> None:
    with programs_of(15, SYSTEM_ROOT) as folder:
        monkeypatch.setattr(archive, "folders", lambda: [folder])
        refused(earlier.shop, earlier.folder, "The server is PostgreSQL 18, and the newest pg_dump here is of 15")


def test_a_missing_pg_dump_is_reported(earlier: Earlier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "folders", lambda: [earlier.folder])
    refused(earlier.shop, earlier.folder, "There is no pg_dump here")


def test_a_folder_that_cannot_be_written_is_reported(earlier: Earlier) -> None:
    with pytest.raises(BackupFailed, match=r"could not be written to .*Earlier backups are unchanged"):
        made(earlier.shop, earlier.path / "below a file")
    assert "could not be written" in earlier.shop.sql(CASE)


def unproven(shop: Shop, path: Path, what: str) -> None:
    with pytest.raises(BackupFailed, match=what) as failure:
        backups.verify(shop.owner_url, path)
    assert shop.sql(CASE) == failure.value.message
    assert scratch_left(shop) == []


def test_a_truncated_archive_is_not_whole(earlier: Earlier) -> None:
    path = made(earlier.shop, earlier.folder)
    path.write_bytes(path.read_bytes()[:-2000])
    unproven(earlier.shop, path, "it is not whole")
    assert {backup.file: backup.why is None for backup in on_record(earlier.shop)} == {
        earlier.path.name: True,
        path.name: False,
    }


def test_an_archive_truncated_with_its_manifest_made_to_fit_restores_nothing(earlier: Earlier) -> None:
    """The transaction is committed only after the archive was read to its end, so nothing is changed."""
    path = made(earlier.shop, earlier.folder)
    path.write_bytes(path.read_bytes()[:-2000])
    write_manifest(path, remade(path))
    unproven(earlier.shop, path, "could not be restored|is not a whole archive")


def test_a_tampered_archive_is_found_by_its_hash(earlier: Earlier) -> None:
    path = made(earlier.shop, earlier.folder)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    unproven(earlier.shop, path, "was changed since it was written")


def test_a_tampered_manifest_is_found_by_its_seal_and_if_resealed_by_its_numbers(earlier: Earlier) -> None:
    path = made(earlier.shop, earlier.folder)
    values = json.loads(manifest_of(path).read_text())
    values["contents"]["tables"]["public.stock_movements"] = 1
    manifest_of(path).write_text(json.dumps(values))
    unproven(earlier.shop, path, "was changed since it was written")
    write_manifest(path, remade(path, movements=1))
    unproven(earlier.shop, path, "restores 2 rows of public.stock_movements, but its manifest has 1")
    write_manifest(path, remade(path, movements=2, head_hash="00" * 32))
    unproven(earlier.shop, path, "the head hash differs")


def test_a_missing_manifest_is_reported(earlier: Earlier) -> None:
    path = made(earlier.shop, earlier.folder)
    manifest_of(path).unlink()
    unproven(earlier.shop, path, "has no manifest")


def test_a_backup_with_a_forged_chain_is_not_verified(traded: Shop, tmp_path: Path) -> None:
    forge(traded)
    unproven(traded, made(traded, tmp_path), "The restored database fails R2: TR-42, movement no. 1")


def test_an_account_that_may_not_create_databases_gets_the_right_it_needs_named(earlier: Earlier) -> None:
    earlier.shop.sql("create role keeper login in role stockroom_owner, pg_read_all_data")
    url = earlier.shop.owner_url.replace("postgres@", "keeper@")
    try:
        path = backups.make(url, earlier.folder, keep=9)
        with pytest.raises(BackupFailed, match="the account 'keeper' may not create one"):
            backups.verify(url, path)
    finally:
        earlier.shop.sql("drop role keeper")


def test_a_database_that_fails_during_the_backup_is_reported_and_opens_the_case(
    earlier: Earlier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise psycopg.errors.AdminShutdown("terminating connection due to administrator command")

    monkeypatch.setattr(contents, "contents", broken)
    refused(earlier.shop, earlier.folder, "The database failed during the backup: terminating connection")


def test_a_shop_is_not_replaced_by_a_backup_that_does_not_hold(earlier: Earlier) -> None:
    write_manifest(earlier.path, remade(earlier.path, movements=1))
    before = earlier.shop.rows(LEDGER)
    try:
        with pytest.raises(BackupFailed, match="restores 2 rows"):
            backups.restore(earlier.shop.owner_url, earlier.path, replace=earlier.shop.owner.url.database)
        assert earlier.shop.rows(LEDGER) == before
    finally:
        write_manifest(earlier.path, remade(earlier.path, movements=2))


@pytest.mark.parametrize(
    ("other", "why"),
    [({"movements": 1}, "restores 6 rows of public.stock_movements"), ({"head_hash": "00" * 32}, "head hash")],
)
def test_an_empty_database_stays_empty_if_the_restore_differs_from_the_manifest(
    stocked: Shop, server: Server, tmp_path: Path, other: dict[str, Any], why: str
) -> None:
    path = made(stocked, tmp_path)
    write_manifest(path, remade(path, **other))
    with empty_database(server) as url:
        with pytest.raises(BackupFailed, match=f"{why}.*The database was not changed"):
            backups.restore(url, path)
        with psycopg.connect(libpq_url(url)) as connection:
            assert connection.execute("select to_regnamespace('stockroom')").fetchall() == [(None,)]


def test_an_empty_database_that_got_a_forged_chain_is_said_to_hold_it(
    stocked: Shop, server: Server, tmp_path: Path
) -> None:
    forge(stocked)
    path = made(stocked, tmp_path)
    with empty_database(server) as url, pytest.raises(BackupFailed, match="was restored, but failed its checks"):
        backups.restore(url, path)
