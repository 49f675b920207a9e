"""The embedded PostgreSQL that dies under a running process is started again, by one of those that use it."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from core.database import embedded
from core.database.embedded import EmbeddedServer
from core.database.host import first_number, process_ids, processes_in
from core.database.watch import ServerWatch
from tests.support.servers import new_folder

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
    told, back = list[float](), threading.Barrier(3, timeout=PATIENCE)

    def tell(seconds: float) -> None:
        told.append(seconds)
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
