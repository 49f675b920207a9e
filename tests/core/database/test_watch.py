"""The embedded PostgreSQL that dies under a running process is started again, by one of those that use it."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from core.alerts import system
from core.database import embedded
from core.database import watch as watching
from core.database.embedded import EmbeddedServer
from core.database.host import first_number, process_ids, processes_in
from core.database.startup import bring_up_to_date, open_database
from core.database.watch import ServerWatch
from core.foundation.addresses import libpq_url
from core.foundation.settings import load_settings
from tests.support.builders import Shop
from tests.support.servers import new_folder

pytestmark = pytest.mark.slow  # it starts servers

PATIENCE = 60


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder that the database's user can enter."""
    path = new_folder()
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def running(short_folder: Path) -> Iterator[EmbeddedServer]:
    with embedded.start(short_folder) as running:
        yield running


def postmaster(folder: Path) -> int:
    pid = first_number(folder / "postgresql" / "data" / "postmaster.pid")
    assert pid is not None
    return pid


def test_a_server_that_is_killed_runs_again_once_for_all_who_use_it(
    running: EmbeddedServer, short_folder: Path
) -> None:
    with psycopg.connect(running.owner_url.replace("+psycopg", "", 1), autocommit=True) as connection:
        connection.execute("create table kept (n int); insert into kept values (7)")
    before = datetime.now(UTC)
    told, back = list[tuple[datetime, float]](), threading.Barrier(3, timeout=PATIENCE)

    def tell(died_at: datetime, seconds: float) -> None:
        told.append((died_at, seconds))
        back.wait()

    with embedded.start(short_folder) as same:
        watches = [ServerWatch(each, tell) for each in (running, same)]
        for watch in watches:
            watch.start()
        killed = postmaster(short_folder)
        os.kill(killed, signal.SIGKILL)
        back.wait()
        for watch in watches:
            watch.stop()
    assert len(told) == 2
    assert all(before < died_at < datetime.now(UTC) - timedelta(seconds=seconds) for died_at, seconds in told)
    assert postmaster(short_folder) != killed
    with psycopg.connect(running.owner_url.replace("+psycopg", "", 1)) as connection:
        assert connection.execute("select n from kept").fetchall() == [(7,)]


def test_a_server_that_was_stopped_on_purpose_stays_stopped(running: EmbeddedServer, short_folder: Path) -> None:
    assert not running.has_died()
    running.stop()
    assert not running.has_died()
    running.start_again()
    data = short_folder / "postgresql" / "data"
    assert processes_in(data) == [] or not process_ids()


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.005)


def test_a_server_that_is_killed_again_while_it_recovers_comes_back_with_all_that_was_confirmed(
    running: EmbeddedServer, short_folder: Path
) -> None:
    with psycopg.connect(libpq_url(running.owner_url), autocommit=True) as connection:
        connection.execute("create table kept as select n, repeat('x', 400) from generate_series(1, 200000) n")
    back = threading.Event()
    watch = ServerWatch(running, lambda _, __: back.set())
    watch.start()
    os.kill(postmaster(short_folder), signal.SIGKILL)
    log = short_folder / "postgresql" / "server.log"
    until(lambda: "redo starts at" in log.read_text())
    os.kill(postmaster(short_folder), signal.SIGKILL)
    assert back.wait(PATIENCE)
    watch.stop()
    assert "interrupted while in recovery" in log.read_text()
    with psycopg.connect(libpq_url(running.owner_url)) as connection:
        assert connection.execute("select count(*) from kept").fetchall() == [(200_000,)]


def test_a_folder_that_was_removed_is_named_once_and_never_replaced_by_an_empty_shop(
    running: EmbeddedServer, short_folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "SHORTEST_WAIT", 0.01)
    monkeypatch.setattr(watching, "LONGEST_WAIT", 0.05)
    tries, back, begin = list[str](), threading.Event(), running.start_again

    def counted() -> None:
        tries.append("")
        begin()

    monkeypatch.setattr(running, "start_again", counted)
    watch = ServerWatch(running, lambda _, __: back.set())
    data, away = short_folder / "postgresql" / "data", short_folder / "away"
    pid = postmaster(short_folder)
    os.kill(pid, signal.SIGKILL)
    data.rename(away)
    watch.start()
    until(lambda: len(tries) > 5)
    told = [record.message for record in caplog.records if "was removed while Stockroom was running" in record.message]
    assert len(told) == 1
    assert not data.exists()
    away.rename(data)
    assert back.wait(PATIENCE)
    watch.stop()
    assert postmaster(short_folder) != pid


class Odd:
    """A server whose look fails in ways that nobody foresaw, and that has died after them."""

    def __init__(self) -> None:
        self.looks, self.starts = 0, 0

    def has_died(self) -> bool:
        self.looks += 1
        if self.looks <= 3:
            raise PermissionError(13, "Permission denied")
        return self.starts == 0

    def start_again(self) -> None:
        self.starts += 1


def test_the_watch_outlives_its_own_errors_and_those_of_what_it_tells(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "LOOK_SECONDS", 0.001)
    odd, told = Odd(), threading.Event()

    def tell(_: datetime, __: float) -> None:
        told.set()
        raise ValueError("nobody listens")

    watch = ServerWatch(odd, tell)
    watch.start()
    assert told.wait(PATIENCE)
    looks = odd.looks
    until(lambda: odd.looks > looks + 2)
    watch.stop()
    said = [record.message for record in caplog.records if "goes on" in record.message]
    assert [line.rpartition(": ")[2] for line in said] == ["[Errno 13] Permission denied", "nobody listens"]


def test_each_absence_opens_one_case_with_its_moment_whichever_process_tells_of_it(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("STOCKROOM_DATA", str(short_folder))
    with open_database(load_settings()) as database:
        bring_up_to_date(database)
        assert database.server is not None
        shop = Shop.open(database.app_url, database.owner_url)
        for number in (1, 2):
            told = threading.Barrier(3, timeout=PATIENCE)

            def tell(died_at: datetime, seconds: float, told: threading.Barrier = told) -> None:
                shop.engine.dispose()
                system.tell_return(shop.engine, died_at, seconds)
                told.wait()

            watches = [ServerWatch(database.server, tell) for _ in range(2)]
            for watch in watches:
                watch.start()
            before = datetime.now(UTC)
            os.kill(postmaster(short_folder), signal.SIGKILL)
            told.wait()
            for watch in watches:
                watch.stop()
            shop.owner.dispose()
            cases = shop.rows(
                "select sentence, facts, seen from stockroom.alerts where kind = 'database_died' order by id"
            )
            assert [case.seen for case in cases] == [1] * number
            died_at = datetime.fromisoformat(cases[-1].facts["died_at"])
            assert before - timedelta(seconds=1) <= died_at <= datetime.now(UTC)
            assert f"{died_at:%H:%M:%S} UTC" in cases[-1].sentence
        shop.close()
