"""Backups: from one snapshot, verified by restoring them, and clear errors if one cannot be created or read."""

from __future__ import annotations

import threading
from pathlib import Path

import psycopg
import pytest

from core import __main__ as core_main
from core.backups import archive
from core.backups import record as backup_record
from core.backups import routine as backups
from core.backups.manifest import read_manifest
from core.database.programs import client_program
from core.foundation.addresses import libpq_url
from core.foundation.errors import BackupFailed, Forbidden
from core.foundation.model import Line
from core.ledger import changes as ledger
from tests.support.backing_up import (
    empty_database,
    made,
    on_record,
    scratch_left,
    whole,
)
from tests.support.builders import Shop, key
from tests.support.servers import Server

pytestmark = pytest.mark.slow

LEDGER = "select id, encode(chain_hash, 'hex') from public.stock_movements order by id"


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
    assert core_main.main(["restore", str(path), "--replace", operated.owner.url.database or ""]) == 0
    assert "What others have on Stockroom's tables is there as before." in capsys.readouterr().out
    operated.owner.dispose()
    assert read_manifest(path).client_version.startswith("18")
    assert client_program("pg_dump").exists()
