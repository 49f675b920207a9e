"""The embedded PostgreSQL: started, shared, killed, copied, and put into unusable folders."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from core.database import embedded
from core.database.host import ServiceUser, service_user
from core.database.programs import server_programs
from core.foundation.errors import SetupError
from tests.support.servers import new_folder

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
HOLD = """
import pathlib, sys
from core.database import embedded
with embedded.start(pathlib.Path(sys.argv[1])):
    print("up", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the database's user can enter. Under root it cannot enter pytest's own."""
    path = new_folder()
    yield path
    if _pid(path) is not None:
        os.kill(_pid(path) or 0, signal.SIGQUIT)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def _made() -> Iterator[Path]:
    """A data folder after its first start, the slowest step of these tests."""
    path = new_folder()
    embedded.start(path).stop()
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def used(_made: Path) -> Iterator[Path]:
    """A data folder that has been used. Its server is stopped."""
    assert _pid(_made) is None
    yield _made
    embedded.start(_made).stop()
    assert _pid(_made) is None


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another process that uses the server of a data folder."""

    process: subprocess.Popen[str]

    def leave(self) -> None:
        """Let the process stop in the normal way."""
        self.process.communicate("\n", timeout=60)
        assert self.process.returncode == 0

    def be_killed(self) -> None:
        """Kill the process with SIGKILL."""
        self.process.kill()
        self.process.communicate(timeout=60)


def _neighbour(path: Path) -> Neighbour:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return Neighbour(process)


def _pid(path: Path) -> int | None:
    """Return the process id of the server, if it runs."""
    try:
        pid = int((path / "postgresql/data/postmaster.pid").read_text().split("\n")[0])
        os.kill(pid, 0)
    except (OSError, ValueError):
        return None
    return pid


def _ask(url: str, statement: str) -> object:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        row = connection.execute(statement.encode()).fetchone()
    return row[0] if row else None


def _do(url: str, *statements: str) -> None:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def _wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}/exe").exists() or _is_alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _is_alive(pid: int) -> bool:
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return shown.stdout.strip()[:1] not in ("", "Z")


# ---------------------------------------------------------------- a day in its life


def test_the_first_start_creates_a_database_that_the_second_start_finds(folder: Path) -> None:
    data_dir = folder / "a shop's data" / "here"
    with embedded.start(data_dir) as server:
        assert str(_ask(server.owner_url, "show server_version")).startswith("18.")
        assert _ask(server.owner_url, "select current_database()") == "stockroom"
        _do(server.owner_url, "create table kept as select 7 as number")
    with embedded.start(data_dir) as server:
        assert _ask(server.owner_url, "select number from kept") == 7


def test_the_app_gets_a_url_with_its_own_role(used: Path) -> None:
    with embedded.start(used) as server:
        _do(server.owner_url, "create role stockroom_app login")
        assert _ask(server.app_url, "select current_user") == "stockroom_app"


def test_it_listens_on_no_network_address_and_only_its_user_may_enter_the_sockets_folder(used: Path) -> None:
    with embedded.start(used) as server:
        assert _ask(server.owner_url, "show listen_addresses") == ""
        assert (used / "postgresql").stat().st_mode & 0o777 == 0o700
        assert (used / "postgresql/.s.PGSQL.5432").stat().st_mode & 0o777 == 0o700


def test_it_syncs_to_disk_and_has_page_checksums(used: Path) -> None:
    with embedded.start(used) as server:
        for setting in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
            assert _ask(server.owner_url, f"show {setting}") == "on"


def test_a_folder_with_a_very_long_name_gets_its_socket_elsewhere(folder: Path) -> None:
    data_dir = folder / ("long " * 30).strip()
    with embedded.start(data_dir) as server:
        assert _ask(server.owner_url, "select 1") == 1
        elsewhere = Path(str(_ask(server.owner_url, "show unix_socket_directories")))
        assert elsewhere.stat().st_mode & 0o777 == 0o700
    assert not elsewhere.exists()


# ---------------------------------------------------------------- several at once


def test_two_starts_at_once_share_one_server(folder: Path) -> None:
    with ThreadPoolExecutor(max_workers=2) as pool:
        first, second = pool.map(_neighbour, [folder, folder])
    pid = _pid(folder)
    assert pid is not None
    first.leave()
    assert _pid(folder) == pid
    second.leave()
    assert _pid(folder) is None


def test_the_first_to_stop_leaves_the_server_to_the_others(used: Path) -> None:
    with embedded.start(used) as server:
        _neighbour(used).leave()
        assert _ask(server.owner_url, "select 1") == 1
        embedded.start(used).stop()
        assert _ask(server.owner_url, "select 1") == 1


def test_the_process_that_started_it_may_stop_before_the_others(used: Path) -> None:
    mine = embedded.start(used)
    other = _neighbour(used)
    mine.stop()
    assert _ask(mine.owner_url, "select 1") == 1
    other.leave()
    assert _pid(used) is None


def test_stopping_twice_does_not_affect_other_users(used: Path) -> None:
    with embedded.start(used) as server:
        mine = embedded.start(used)
        mine.stop()
        mine.stop()
        assert _ask(server.owner_url, "select 1") == 1


# ---------------------------------------------------------------- after an accident


def test_the_server_of_a_killed_process_is_taken_over_and_stopped_by_the_next(used: Path) -> None:
    killed = _neighbour(used)
    pid = _pid(used)
    killed.be_killed()
    with embedded.start(used) as server:
        assert _pid(used) == pid
        assert _ask(server.owner_url, "select 1") == 1
    assert _pid(used) is None


def test_after_kill_9_of_the_server_everything_committed_is_there(used: Path) -> None:
    with embedded.start(used) as server:
        _do(server.owner_url, "create table kept as select 8 as number")
        os.kill(_pid(used) or 0, signal.SIGKILL)
        with embedded.start(used) as again:
            assert _ask(again.owner_url, "select number from kept") == 8


def test_a_stale_pid_file_that_names_another_program_is_ignored(used: Path) -> None:
    user = service_user(used / "postgresql")
    identity = {"user": user.uid, "group": user.gid, "extra_groups": ()} if user.is_other else {}
    with subprocess.Popen(["sleep", "60"], **identity) as stranger:  # type: ignore[call-overload]
        data = used / "postgresql/data"
        (data / "postmaster.pid").write_text(f"{stranger.pid}\n{data}\n1\n5432\n{data.parent}\n\n\nready\n")
        with embedded.start(used) as server:
            assert _ask(server.owner_url, "select 1") == 1
        assert stranger.poll() is None
        stranger.kill()


def test_an_interrupted_first_start_is_repeated(folder: Path) -> None:
    half = folder / "postgresql/data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with embedded.start(folder) as server:
        assert _ask(server.owner_url, "select 1") == 1
    assert not half.exists()


def test_after_its_folder_was_deleted_the_old_server_is_ended_and_a_new_shop_begins(folder: Path) -> None:
    _neighbour(folder).be_killed()
    old = _pid(folder)
    assert old is not None
    shutil.rmtree(folder / "postgresql")
    with embedded.start(folder) as server:
        _wait_until_gone(old)
        assert _ask(server.owner_url, "select 1") == 1


# ---------------------------------------------------------------- where it cannot live


def _refusal(data_dir: Path) -> str:
    with pytest.raises(SetupError) as refusal:
        embedded.start(data_dir)
    assert "STOCKROOM_DATA" in refusal.value.message
    return refusal.value.message


@pytest.mark.parametrize("version", ["16", "19"])
def test_a_folder_of_another_postgresql_version_is_not_changed(folder: Path, version: str) -> None:
    data = folder / "postgresql/data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text(f"{version}\n")
    assert f"was created by PostgreSQL {version}, but this Stockroom contains 18" in _refusal(folder)
    assert [path.name for path in data.iterdir()] == ["PG_VERSION"]


def test_the_data_folder_of_another_server_is_not_touched(folder: Path) -> None:
    (folder / "PG_VERSION").write_text("15\n")
    assert "is the data folder of another PostgreSQL server" in _refusal(folder)
    assert [path.name for path in folder.iterdir()] == ["PG_VERSION"]


def test_a_file_in_place_of_the_folder_is_reported(folder: Path) -> None:
    (folder / "data").write_text("a list of shoes")
    assert f"cannot write to its data folder {folder / 'data'}" in _refusal(folder / "data")


def test_a_folder_that_cannot_be_created_is_reported_with_the_reason() -> None:
    assert "cannot write to its data folder /proc/stockroom" in _refusal(Path("/proc/stockroom"))


def test_a_folder_that_the_databases_user_may_not_use_is_refused(folder: Path) -> None:
    # A normal user cannot write here; root can, but the user that runs its database cannot enter.
    folder.chmod(0o500)
    message = _refusal(folder / "data")
    assert "cannot write to its data folder" in message or "cannot enter" in message


@pytest.mark.parametrize("name", ["a,b", 'a"b', "a$b", "a`b", "a\\b", "a\nb"])
def test_a_folder_name_that_postgresql_misreads_is_refused_first(folder: Path, name: str) -> None:
    assert "PostgreSQL cannot work in" in _refusal(folder / name)
    assert list(folder.iterdir()) == []


def test_a_server_that_cannot_start_is_reported_with_its_own_message(folder: Path) -> None:
    embedded.start(folder).stop()
    with (folder / "postgresql/data/postgresql.conf").open("a") as configuration:
        configuration.write("shared_buffers = 'very much'\n")
    message = _refusal(folder)
    assert "could not start its database" in message
    assert "shared_buffers" in message
    assert "server.log" in message


class _Stranger(ServiceUser):
    """A user that cannot run the installed programs, such as one that cannot enter root's home."""

    def can(self, permission: str, path: Path) -> bool:
        """Return False."""
        return False


def test_where_the_databases_user_cannot_reach_the_programs_it_gets_a_copy_that_works(folder: Path) -> None:
    user = service_user(folder / "postgresql")
    programs = server_programs(_Stranger(uid=user.uid, gid=user.gid, name=user.name), folder)
    assert programs.is_relative_to(folder)
    for program in ("postgres", "initdb", "pg_ctl", "pg_isready"):
        done = user.run([programs / program, "--version"], folder)
        assert (done.returncode, "18." in done.output) == (0, True)
    made = programs.stat().st_ctime_ns
    assert server_programs(_Stranger(uid=user.uid, gid=user.gid, name=user.name), folder) == programs
    assert programs.stat().st_ctime_ns == made
