"""The output of `make run`: of a start that works, and of each start that cannot."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

import dashboard.__main__
from core.database import embedded
from core.database.migrate import refuse_old_server
from core.foundation.addresses import libpq_url
from core.foundation.errors import SetupError
from dashboard.__main__ import claim_port
from tests.support.dashboards import free_port
from tests.support.servers import Server, new_folder

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
LINK = r"http://127\.0\.0\.1:\d+/welcome\?token=[\w-]{43}\b"
OURS = ("DATABASE_URL", "STOCKROOM_", "PG")


class Start:
    """One `python -m dashboard` and its output."""

    def __init__(self, **settings: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        self.port = free_port()
        environment |= {"STOCKROOM_SAMPLE": "0", "STOCKROOM_PORT": str(self.port)} | settings
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dashboard"],
            cwd=ROOT,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def wait_until_ready(self) -> str:
        """Read the output up to the line that says it is ready, and return that line."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("Stockroom is ready"):
                return line
        raise AssertionError(self.process.communicate(timeout=30))

    def end(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal, and return the exit code and standard error."""
        self.process.send_signal(how)
        return self.result()

    def result(self) -> tuple[int, str]:
        """Wait for the end, and return the exit code and standard error."""
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data folder that the database's user can enter. Under root it cannot enter pytest's own."""
    path = new_folder()
    yield path
    shutil.rmtree(path, ignore_errors=True)


def _get(url: str) -> tuple[int, str]:
    request = urllib.request.Request(url, headers={"Accept": "text/html"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode()


Failed = Callable[..., str]


@pytest.fixture
def failed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Failed]:
    """Start with wrong settings and return the error: in this process, because imports take a second."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}

    def start(**settings: str) -> str:
        for name in [name for name in os.environ if name.startswith(OURS)]:
            monkeypatch.delenv(name)
        for name, value in ({"STOCKROOM_SAMPLE": "0", "STOCKROOM_PORT": str(free_port())} | settings).items():
            monkeypatch.setenv(name, value)
        return _one_sentence(dashboard.__main__.main(), capsys.readouterr().err)

    yield start
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _one_sentence(code: int, errors: str) -> str:
    assert code == 1
    assert "Traceback" not in errors
    assert errors.startswith("Stockroom cannot start. ")
    assert errors.count("\n") == 1
    return errors


def _server_is_gone(data_dir: Path) -> bool:
    return not (data_dir / "postgresql/data/postmaster.pid").exists()


# ---------------------------------------------------------------- it works


@dataclass(frozen=True)
class FirstStart:
    """What the first start in a data folder printed and answered, and how it ended."""

    folder: Path
    line: str
    health: tuple[int, str]
    link: tuple[int, str]
    end: tuple[int, str]
    stopped: bool


@pytest.fixture(scope="module")
def first() -> Iterator[FirstStart]:
    """A first start, ended by Ctrl-C. Later starts use its folder, because creating a cluster takes seconds."""
    path = new_folder()
    start = Start(STOCKROOM_DATA=str(path))
    line = start.wait_until_ready()
    yield FirstStart(
        folder=path,
        line=line,
        health=_get(f"http://127.0.0.1:{start.port}/healthz"),
        link=_get(re.findall(LINK, line)[0]),
        end=start.end(signal.SIGINT),
        stopped=_server_is_gone(path),
    )
    shutil.rmtree(path, ignore_errors=True)


def test_a_first_start_prints_one_link_that_signs_in_and_ctrl_c_stops_all_of_it(first: FirstStart) -> None:
    assert len(re.findall(LINK, first.line)) == 1
    assert first.health == (200, '{"status":"ok"}')
    assert first.link[0] == 200
    assert first.end == (0, "")
    assert first.stopped


def test_a_second_start_takes_seconds_finds_the_shop_and_ends_with_its_service_manager(first: FirstStart) -> None:
    with embedded.start(first.folder) as server, psycopg.connect(libpq_url(server.owner_url)) as connection:
        connection.execute("update stockroom.shop set name = 'The same shop'")
    began = time.monotonic()
    second = Start(STOCKROOM_DATA=str(first.folder))
    second.wait_until_ready()
    assert time.monotonic() - began < 30
    with embedded.start(first.folder) as server, psycopg.connect(libpq_url(server.owner_url)) as connection:
        assert connection.execute("select name from stockroom.shop").fetchone() == ("The same shop",)
    assert second.end(signal.SIGTERM) == (0, "")
    assert _server_is_gone(first.folder)


def test_a_closed_terminal_stops_all_of_it_too(first: FirstStart) -> None:
    start = Start(STOCKROOM_DATA=str(first.folder))
    start.wait_until_ready()
    assert start.end(signal.SIGHUP) == (0, "")
    assert _server_is_gone(first.folder)


def test_a_start_on_your_own_database_works_in_the_same_way(server: Server) -> None:
    name = f"own_{server.major}_start"
    with psycopg.connect(libpq_url(server.url("postgres")), autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    start = Start(DATABASE_URL=server.url(name).replace("postgresql+psycopg", "postgres"))
    assert "/welcome?token=" in start.wait_until_ready()
    assert _get(f"http://127.0.0.1:{start.port}/healthz")[0] == 200
    assert start.end() == (0, "")
    with psycopg.connect(libpq_url(server.url(name))) as connection:
        assert connection.execute("select count(*) from products").fetchone() == (0,)


# ---------------------------------------------------------------- it cannot


def test_a_taken_port_is_named_before_anything_is_touched(failed: Failed, data_dir: Path) -> None:
    with claim_port("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        sentence = failed(STOCKROOM_PORT=str(port), STOCKROOM_DATA=str(data_dir))
    assert f"Port {port} is taken" in sentence
    assert "STOCKROOM_PORT" in sentence
    assert list(data_dir.iterdir()) == []


def test_an_address_that_this_machine_does_not_have_is_named(failed: Failed) -> None:
    assert "no address '192.0.2.1': set STOCKROOM_ADDRESS" in failed(STOCKROOM_ADDRESS="192.0.2.1")


def test_a_listen_address_that_is_none_is_reported() -> None:
    with pytest.raises(SetupError, match="no address 'not an address'"):
        claim_port("not an address", 8501)


def test_a_data_folder_that_cannot_be_written_is_named(failed: Failed, data_dir: Path) -> None:
    (data_dir / "file").write_text("not a folder")
    sentence = failed(STOCKROOM_DATA=str(data_dir / "file"))
    assert f"cannot write to its data folder {data_dir / 'file'}" in sentence
    assert "STOCKROOM_DATA" in sentence


def test_a_wrong_setting_is_named_by_the_program_itself() -> None:
    assert "STOCKROOM_PORT is '80x'" in _one_sentence(*Start(STOCKROOM_PORT="80x").result())


def test_an_unreachable_database_is_reported_without_its_password(failed: Failed) -> None:
    sentence = failed(DATABASE_URL=f"postgres://mia:secret@127.0.0.1:{free_port()}/shop")
    assert "cannot be reached" in sentence
    assert "Check DATABASE_URL" in sentence
    assert "secret" not in sentence


def test_a_database_that_does_not_exist_is_named(failed: Failed, server: Server) -> None:
    sentence = failed(DATABASE_URL=server.url("no_such_shop"))
    assert "no_such_shop" in sentence
    assert "DATABASE_URL" in sentence


def test_an_account_that_may_not_migrate_is_reported_with_the_setting_that_helps(
    failed: Failed, server: Server
) -> None:
    name = f"stranger_{server.major}"
    with psycopg.connect(libpq_url(server.url("postgres")), autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
        connection.execute(f"create role {name} login".encode())
    sentence = failed(DATABASE_URL=server.url(name, name))
    assert f"The account '{name}' may not set up this database" in sentence
    assert "STOCKROOM_OWNER_URL" in sentence


def test_an_app_account_that_cannot_sign_in_is_named_and_how_it_gets_a_password(failed: Failed, server: Server) -> None:
    sentence = failed(DATABASE_URL=server.url(user="nobody_here"), STOCKROOM_OWNER_URL=server.owner_url)
    assert "The account 'nobody_here' cannot use the database" in sentence
    assert "alter role nobody_here password" in sentence


def test_urls_of_two_different_databases_are_reported(failed: Failed, server: Server) -> None:
    sentence = failed(DATABASE_URL=server.url("postgres", "stockroom_app"), STOCKROOM_OWNER_URL=server.owner_url)
    assert "name different databases" in sentence


@pytest.mark.parametrize("version", [90624, 110022, 140011])
def test_a_postgresql_that_is_too_old_is_reported_with_the_oldest_supported(version: int) -> None:
    with pytest.raises(SetupError, match="Stockroom needs 15 or newer"):
        refuse_old_server(version)


@pytest.mark.parametrize("version", [150000, 160004, 180004])
def test_postgresql_15_to_18_are_supported(version: int) -> None:
    refuse_old_server(version)
