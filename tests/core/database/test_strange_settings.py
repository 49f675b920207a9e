"""Databases whose settings are not the usual ones: how dates, texts and strings are written, and read-only ones."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from core.backups import routine as backups
from core.database import engine as database
from core.database.hosts import connect, settle, settle_engine
from core.database.migrate import migrate
from core.database.scratch import scratch_database
from core.foundation.errors import BackupFailed, SetupError
from core.proof import checks as reconciliation
from tests.support.builders import Shop
from tests.support.servers import DOORS, Server, administer, drop_database, start_pgbouncer

STRANGE = {
    "dates of Germany": "DateStyle to 'German, DMY'",
    "dates of SQL": "DateStyle to 'SQL, DMY'",
    "backslashes": "standard_conforming_strings to off",
    "another encoding": "client_encoding to 'LATIN1'",
}


@pytest.fixture(params=STRANGE)
def strange(server: Server, request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """The name of an empty database with such a setting, and its owner's URL."""
    name = f"strange_{uuid.uuid4().hex[:8]}"
    administer(server, f"create database {name}")
    administer(server, f"alter database {name} set {STRANGE[request.param]}")
    yield name, server.url(name)
    drop_database(server, name)


def test_a_shop_is_set_up_sells_is_proven_and_backed_up_whatever_the_database_is_set_to(
    server: Server, strange: tuple[str, str], tmp_path: Path
) -> None:
    name, owner_url = strange
    assert migrate(owner_url)
    shop = Shop.open(server.url(name, "stockroom_app"), owner_url)
    settle_engine(shop.owner)  # only tests have it
    try:
        shoe = shop.variant(3, product="Škoda \\ 100 €")
        shop.adjust(shoe, -1)
        assert [row.occurred_at.tzinfo is not None for row in shop.history(shoe)] == [True, True]
        assert [check.code for check in shop.run(reconciliation.run_checks, "Mia", full=True) if not check.holds] == []
        made = backups.make(owner_url, tmp_path, keep=2)
        assert backups.verify(owner_url, made).contents.tables["public.stock_movements"] == 2
    finally:
        shop.close()


def test_a_connection_to_such_a_database_reads_moments_texts_and_backslashes(
    server: Server, strange: tuple[str, str]
) -> None:
    _, owner_url = strange
    moment, statement = datetime(2026, 3, 4, 5, 6, tzinfo=UTC), "select timestamptz '2026-03-04 05:06+00', 'Š\\'"
    with connect(owner_url) as direct:
        assert direct.execute(statement.encode()).fetchall() == [(moment, "Š\\")]
    engine = database.create_engine(owner_url)
    with engine.connect() as pooled:
        assert tuple(pooled.execute(text(statement.replace(":06", "\\:06"))).one()) == (moment, "Š\\")
    engine.dispose()


def test_an_account_with_strange_settings_of_its_own_may_set_up_a_shop(server: Server) -> None:
    role = name = f"strange_{uuid.uuid4().hex[:8]}"
    administer(server, f"create role {role} superuser login")
    administer(server, f"create database {name}")
    for setting in STRANGE.values():
        administer(server, f"alter role {role} set {setting}")
    try:
        assert migrate(server.url(name, role)) is True
        assert migrate(server.url(name)) is False
    finally:
        drop_database(server, name)
        administer(server, f"drop role {role}")


@pytest.mark.parametrize("door", DOORS)
def test_strange_settings_do_not_matter_through_a_pooler_either(
    server: Server, strange: tuple[str, str], door: str
) -> None:
    name, _ = strange
    question = """select current_setting('DateStyle') like 'ISO%' and current_setting('client_encoding') = 'UTF8'
                         and current_setting('standard_conforming_strings') = 'on'"""
    pooler = start_pgbouncer(server, connections=2) if door == "pooler" else None
    url = (pooler or server).url(name)
    engine = database.create_engine(url)
    try:
        assert migrate(url) is True
        with engine.connect() as first, engine.connect() as second:
            for turn in (first, second), (second, first), (first, second):  # they change places on the server
                assert [each.execute(text(question)).scalar_one() for each in turn] == [True, True]
                first.rollback()
                second.rollback()
    finally:
        engine.dispose()
        if pooler:
            pooler.stop()


def test_a_connection_with_the_usual_settings_sends_nothing_for_them(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(shop.app_url, autocommit=True) as connection:
        monkeypatch.setattr(psycopg.Connection, "execute", None)
        settle(connection)


def test_a_backup_is_not_verified_on_a_server_that_takes_no_changes_and_says_so(server: Server) -> None:
    role = f"strange_{uuid.uuid4().hex[:8]}"
    administer(server, f"create role {role} superuser login")
    administer(server, f"alter role {role} set default_transaction_read_only to on")
    try:
        with pytest.raises(BackupFailed, match="takes no changes"), scratch_database(server.url(user=role)):
            raise AssertionError
    finally:
        administer(server, f"drop role {role}")


def test_a_database_that_takes_no_changes_is_not_set_up_and_says_so(server: Server) -> None:
    name = f"strange_{uuid.uuid4().hex[:8]}"
    administer(server, f"create database {name}")
    administer(server, f"alter database {name} set default_transaction_read_only to on")
    try:
        with pytest.raises(SetupError) as refused:
            migrate(server.url(name))
        assert "takes no changes" in refused.value.message
        assert "Nothing was changed." in refused.value.message
    finally:
        drop_database(server, name)
