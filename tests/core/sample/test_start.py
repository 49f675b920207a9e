"""A start loads the sample shop only into an embedded database that was never used."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import Engine

from core.database import startup
from core.database.engine import run
from core.foundation.addresses import libpq_url
from core.foundation.model import COMMAND_LINE
from core.foundation.settings import Settings, load_settings
from core.sample import load as sample
from tests.support.servers import Server


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replaces the loading of the sample shop by a note that it was requested."""
    asked: list[str] = []

    def load(engine: Engine, seconds: float) -> None:
        asked.append(str(engine.url.username))
        assert 0 < seconds < 10, "the worker plays the rest"

    monkeypatch.setattr(sample, "load_sample", load)
    return asked


def _start(database: startup.Database, settings: Settings) -> None:
    startup.bring_up_to_date(database)
    sample.fill_untouched(database, settings, lambda _: None)


def _database(server: Server, name: str, *, is_embedded: bool) -> startup.Database:
    with psycopg.connect(libpq_url(server.url("postgres")), autocommit=True) as connection:
        connection.execute(f"drop database if exists {name}".encode())
        connection.execute(f"create database {name}".encode())
    return startup.Database(app_url=server.url(name, "stockroom_app"), owner_url=server.url(name), embedded=is_embedded)


def test_a_new_embedded_database_gets_the_sample_shop_once(embedded: Server, loaded: list[str]) -> None:
    database = _database(embedded, "with_sample", is_embedded=True)
    _start(database, load_settings({}))
    assert loaded == ["stockroom_app"]
    with psycopg.connect(libpq_url(database.owner_url)) as connection:
        connection.execute("insert into products (name) values ('Jordan 4 Retro')")
    _start(database, load_settings({}))
    assert loaded == ["stockroom_app"]


def test_with_the_sample_setting_off_there_is_no_sample_shop(embedded: Server, loaded: list[str]) -> None:
    database = _database(embedded, "without_sample", is_embedded=True)
    _start(database, load_settings({"STOCKROOM_SAMPLE": "0"}))
    assert loaded == []


def test_your_own_database_is_never_filled_with_a_sample(embedded: Server, loaded: list[str]) -> None:
    database = _database(embedded, "their_own", is_embedded=False)
    _start(database, load_settings({}))
    assert loaded == []


def test_of_two_starts_at_once_one_loads_the_sample_shop_and_the_other_goes_on(
    embedded: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, said = _database(embedded, "twice_at_once", is_embedded=True), list[str]()
    startup.bring_up_to_date(database)

    def too_late(engine: Engine, seconds: float) -> None:
        with psycopg.connect(libpq_url(database.owner_url)) as other:
            other.execute("insert into products (name) values ('Jordan 4 Retro')")
        run(engine, sample._load, COMMAND_LINE, now=datetime.now(UTC), days=1)

    monkeypatch.setattr(sample, "load_sample", too_late)
    sample.fill_untouched(database, load_settings({}), said.append)
    assert said == ["Loading the sample shop ...", "Another process has begun to load it."]
