"""Backups: from one snapshot, verified by restoring them, and clear errors if one cannot be created or read."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from core import __main__ as core_main
from core.backups import archive, contents
from core.backups import record as backup_record
from core.backups import routine as backups
from core.backups.manifest import digest, manifest_of, read_manifest, write_manifest
from core.backups.record import Backup
from core.database.programs import client_program
from core.foundation.addresses import libpq_url
from core.foundation.errors import BackupFailed, Forbidden
from core.foundation.model import Line
from core.ledger import changes as ledger
from tests.conftest import open_prepared
from tests.support.backing_up import DATABASES, limited_programs, made, programs_of, remade, whole
from tests.support.builders import Shop, key
from tests.support.servers import SYSTEM_ROOT, Server

LEDGER = "select id, encode(chain_hash, 'hex') from public.stock_movements order by id"
CASE = "select sentence from stockroom.alerts where cause = 'backup' and state <> 'resolved'"


@pytest.fixture
def stocked(fresh_shop: Shop) -> Shop:
    """A shop with a past."""
    for _ in range(3):
        variant = fresh_shop.variant(20)
        fresh_shop.adjust(variant, -3)
    return fresh_shop


@pytest.fixture
def traded(embedded_shop: Shop) -> Shop:
    """A shop with a past, where one engine is enough."""
    embedded_shop.adjust(embedded_shop.variant(20, sku="TR-42"), -3)
    return embedded_shop


def on_record(shop: Shop) -> list[Backup]:
    return list(shop.run(backup_record.backups, "Ada"))


def scratch_left(shop: Shop) -> list[str]:
    return [row[0] for row in shop.rows(DATABASES)]


def test_a_backup_is_verified_only_by_restoring_it(stocked: Shop, tmp_path: Path) -> None:
    path = made(stocked, tmp_path)
    assert [(backup.file, backup.proven_at) for backup in on_record(stocked)] == [(path.name, None)]
    manifest = backups.verify(stocked.owner_url, path)
    (found,) = on_record(stocked)
    assert found.proven_at is not None
    assert (found.movements, found.head_hash) == (6, manifest.contents.head_hash)
    assert manifest.contents.tables["public.product_variants"] == 3
    assert scratch_left(stocked) == []
    assert path.stat().st_mode & 0o077 == 0, "only its owner may read it"


def test_a_backup_has_the_same_snapshot_as_its_manifest(
    stocked: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sale between counting and dumping is in neither."""
    variant = stocked.variant(50)
    dump = archive.dump

    def dump_while_selling(*args: object, **values: object) -> None:
        seller = threading.Thread(target=stocked.adjust, args=(variant, -1))
        seller.start()
        seller.join()
        dump(*args, **values)  # type: ignore[arg-type]

    monkeypatch.setattr(archive, "dump", dump_while_selling)
    path = made(stocked, tmp_path)
    assert stocked.on_hand(variant) == 49
    assert backups.verify(stocked.owner_url, path).movements == 7


def test_a_backup_is_restored_into_an_empty_database_and_the_shop_goes_on(
    stocked: Shop, server: Server, tmp_path: Path
) -> None:
    path = made(stocked, tmp_path)
    with empty_database(server) as url:
        backups.restore(url, path)
        restored = Shop.open(url.replace("postgres@", "stockroom_app@"), url)
        try:
            assert restored.rows(LEDGER) == stocked.rows(LEDGER)
            variant = restored.sql("select id from public.product_variants limit 1")
            restored.run(ledger.receive, lines=[Line(variant_id=variant, quantity=2)], key=key())
            with (
                pytest.raises(psycopg.errors.InsufficientPrivilege),
                psycopg.connect(libpq_url(restored.app_url)) as app,
            ):
                app.execute("update public.product_variants set stock_quantity = 7")
            assert restored.run(backup_record.proof).proven_at is not None
        finally:
            restored.close()


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


def test_a_shop_is_replaced_only_by_its_databases_name_and_then_whole(traded: Shop, tmp_path: Path) -> None:
    path, name = made(traded, tmp_path), traded.owner.url.database
    before = traded.rows(LEDGER)
    traded.variant(9)
    after = traded.rows(LEDGER)
    for wrong in (None, "another"):
        with pytest.raises(BackupFailed, match=r"Nothing was changed\."):
            backups.restore(traded.owner_url, path, replace=wrong)
    assert traded.rows(LEDGER) == after
    backups.restore(traded.owner_url, path, replace=name)
    traded.owner.dispose()
    assert traded.rows(LEDGER) == before


def test_a_storefronts_own_tables_are_left_out_and_do_not_disturb(traded: Shop, tmp_path: Path) -> None:
    """Another's table, a view and a function on it, a trigger, a type and a foreign key on our tables."""
    for statement in (
        "create schema auth",
        "create table public.customers (id int primary key, mail text)",
        "insert into public.customers values (1, 'a@b.example')",
        "create function public.all_customers() returns setof public.customers language sql"
        " as 'select * from customers'",
        "create type public.colour_family as enum ('warm', 'cold')",
        "create function public.touch() returns trigger language plpgsql as 'begin return new; end'",
        "create trigger touched before update on public.products for each row execute function public.touch()",
        "alter table public.products add column family public.colour_family default 'warm',"
        " add column customer int references public.customers",
        "create function auth.uid() returns int language sql as 'select 1'",
        "create policy own on public.products for select using (customer = auth.uid())",
    ):
        traded.sql(statement)
    path = made(traded, tmp_path)
    manifest = backups.verify(traded.owner_url, path)
    assert "public.customers" not in manifest.contents.tables
    assert b"a@b.example" not in path.read_bytes()


def test_the_oldest_are_deleted_but_never_the_last_verified_one(traded: Shop, tmp_path: Path) -> None:
    proven = made(traded, tmp_path, keep=2)
    backups.verify(traded.owner_url, proven)
    later = [made(traded, tmp_path, keep=2) for _ in range(3)]
    assert whole(tmp_path) == [proven.name, later[1].name, later[2].name]
    assert {backup.file for backup in on_record(traded)} == set(whole(tmp_path))


# ---------------------------------------------------------------- what goes wrong


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


def forge(shop: Shop) -> None:
    for statement in (
        "alter table stock_movements disable trigger stock_movements_append_only",
        "update stock_movements set performed_by = 'Nobody' where variant_sequence = 1",
        "alter table stock_movements enable trigger stock_movements_append_only",
    ):
        shop.sql(statement)


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


def test_no_password_is_on_a_command_line() -> None:
    address, environment = archive.reachable("postgresql+psycopg://ada:s%40cret@db.example/shop?sslmode=require")
    assert "cret" not in address
    assert "sslmode=require" in address
    assert environment["PGPASSWORD"] == "s@cret"


def test_only_an_admin_sees_the_backups(traded: Shop) -> None:
    with pytest.raises(Forbidden):
        traded.run(backup_record.backups, "Mia")
    assert traded.run(backup_record.proof, "Wanda").proven_at is None


# ---------------------------------------------------------------- commands and the night


@pytest.fixture
def operated(traded: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop that the commands find by its settings."""
    monkeypatch.setenv("DATABASE_URL", traded.app_url)
    monkeypatch.setenv("STOCKROOM_OWNER_URL", traded.owner_url)
    monkeypatch.setenv("STOCKROOM_BACKUPS", str(tmp_path / "kept"))
    return traded


def test_the_nightly_job_creates_a_backup_and_verifies_it(operated: Shop, tmp_path: Path) -> None:
    said: list[str] = []
    assert backups.nightly(operated.engine, None, said.append, threading.Event()) is False
    (backup,) = on_record(operated)
    assert backup.proven_at is not None
    assert said == [f"Created the backup {backup.file} with 2 movements, restored it and verified it."]
    assert whole(tmp_path / "kept") == [backup.file]


def test_the_commands_back_up_verify_and_refuse_in_sentences(
    operated: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert core_main.main(["verify-backup"]) == 1
    assert "There is no backup in" in capsys.readouterr().err
    assert core_main.main(["backup"]) == 0
    assert core_main.main(["verify-backup"]) == 0
    assert "were restored, R1 and R2 pass." in capsys.readouterr().out
    assert core_main.main(["backup", "--to", str(tmp_path / "elsewhere")]) == 0
    (path,) = (tmp_path / "elsewhere").glob("*.dump")
    assert core_main.main(["restore", str(path)]) == 1
    assert "is not empty: it holds a shop" in capsys.readouterr().err
    assert read_manifest(path).client_version.startswith("18")
    assert client_program("pg_dump").exists()
