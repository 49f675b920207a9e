"""Temporary PostgreSQL servers and a PgBouncer for the tests.

Every server has its own temporary folder, listens only on a Unix socket in it, trusts everyone who can reach that
socket, and does not wait for the disk. `stop()` stops it and removes the folder. PostgreSQL and PgBouncer refuse to run
as root, so under root they run as `nobody`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import psycopg

from core.database.host import ServiceUser
from core.database.programs import MAJOR, server_programs

EMBEDDED_MAJOR = MAJOR
SYSTEM_ROOT = Path("/usr/lib/postgresql")
# In memory a copy of a database takes 0.07 s; on a disk that others use too it was measured to take up to one second.
MEMORY = Path("/dev/shm")
ENOUGH_MEMORY = 4 * 2**30
UNDURABLE: dict[str, str] = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "jit": "off",
    "max_connections": "200",
    "listen_addresses": "''",
    "unix_socket_permissions": "0777",
    "log_min_messages": "fatal",
    "lc_messages": "'C'",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running PostgreSQL, or a PgBouncer in front of one."""

    major: int
    folder: Path
    port: int
    stop: Callable[[], None]

    def url(self, database: str = "stockroom", user: str = "postgres") -> str:
        """Return the URL of one of its databases, for one of its roles."""
        return f"postgresql+psycopg://{user}@/{database}?host={self.folder}&port={self.port}"

    @property
    def owner_url(self) -> str:
        """The URL of the database `stockroom` for the superuser `postgres`."""
        return self.url()


def start_embedded() -> Server:
    """Start the embedded PostgreSQL."""
    folder = new_folder()
    return _start(folder, server_programs(_user(), folder), EMBEDDED_MAJOR)


def system_majors() -> list[int]:
    """Return the major versions of the PostgreSQL servers installed on this machine, oldest first."""
    return sorted(int(path.parent.parent.name) for path in SYSTEM_ROOT.glob("*/bin/postgres"))


def start_system(major: int) -> Server:
    """Start a PostgreSQL that is installed on this machine. `system_majors` lists them."""
    return _start(new_folder(), SYSTEM_ROOT / str(major) / "bin", major)


def has_pgbouncer() -> bool:
    """Return whether PgBouncer is installed here."""
    return _pgbouncer() is not None


def start_pgbouncer(server: Server, users: Sequence[str] = (), *, connections: int = 20) -> Server:
    """Start PgBouncer in transaction mode in front of `server`, for these login roles, as the user that runs it."""
    program = _pgbouncer()
    assert program is not None, "PgBouncer is not installed"
    folder = new_folder()
    names = {"postgres", "stockroom_app", "stockroom_owner", *users}
    (folder / "users.txt").write_text("".join(f'"{name}" ""\n' for name in sorted(names)))
    (folder / "pgbouncer.ini").write_text(_pgbouncer_settings(folder, server, connections))
    user = _named(pwd.getpwuid(server.folder.stat().st_uid))
    user.own(folder)
    _run(folder, program, "--daemon", "--quiet", folder / "pgbouncer.ini", user=user)
    pid = _wait_for_pid(folder / "pgbouncer.pid")

    def stop() -> None:
        os.kill(pid, signal.SIGTERM)
        shutil.rmtree(folder, ignore_errors=True)

    return Server(major=server.major, folder=folder, port=6432, stop=stop)


def _wait_for_pid(path: Path) -> int:
    # The command returns before the pooler has written the file.
    for _ in range(200):
        if path.exists() and path.read_text().strip():
            return int(path.read_text())
        time.sleep(0.02)
    raise AssertionError(f"PgBouncer did not start: {path}")


def _start(
    folder: Path, programs: Path, major: int, *, own: Mapping[str, str] = MappingProxyType({}), port: int = 5432
) -> Server:
    _user().own(folder)
    data = folder / "data"
    accounts = ["-U", "postgres", "-A", "trust"]
    without = ["--no-data-checksums"] if major >= 18 else []  # older ones have none unless asked
    _run(folder, programs / "initdb", "-D", data, *accounts, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", *without)
    with (data / "postgresql.auto.conf").open("a") as settings:
        settings.writelines(f"{name} = {value}\n" for name, value in (UNDURABLE | dict(own)).items())
    control: list[Path | str] = [programs / "pg_ctl", "-D", data, "-w", "-s"]
    _run(folder, *control, "-l", folder / "log", "-o", f"-k {folder} -p {port}", "start")

    def stop() -> None:
        if folder in _administrators:
            _administrators.pop(folder).close()
        if (data / "postmaster.pid").exists():  # a test may have ended it
            _run(folder, *control, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)

    server = Server(major=major, folder=folder, port=port, stop=stop)
    try:
        _create_database(server)
    except BaseException:
        stop()
        raise
    return server


_left: dict[Path, list[str]] = {}
_administrators: dict[Path, psycopg.Connection[tuple[object, ...]]] = {}


def administer(server: Server, statement: str) -> None:
    """Execute a statement outside a transaction, on one connection that stays open until the server stops."""
    if server.folder not in _administrators:
        address = server.url("postgres").replace("+psycopg", "")
        _administrators[server.folder] = psycopg.connect(address, autocommit=True)
    _administrators[server.folder].execute(statement.encode())


def drop_database(server: Server, name: str, *, at_once: bool = False) -> None:
    """Drop a database when the next one is dropped: by then its connections have ended.

    Dropped `at_once`, the server would wait 0.1 s for them.
    """
    left = _left.setdefault(server.folder, [])
    left.append(name)
    while len(left) > (0 if at_once else 1):
        administer(server, f"drop database {left.pop(0)} with (force)")


def _create_database(server: Server) -> None:
    address = f"host={server.folder} port={server.port} user=postgres dbname=postgres"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("create database stockroom")


def _user() -> ServiceUser:
    """Return the user that runs the servers: our own, or `nobody` under root."""
    return _named(pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()))


def _named(entry: pwd.struct_passwd) -> ServiceUser:
    return ServiceUser(uid=entry.pw_uid, gid=entry.pw_gid, name=entry.pw_name)


def new_folder() -> Path:
    """Return a new folder that the servers' user can enter; its path is short, as that of a socket must be."""
    folder = Path(tempfile.mkdtemp(prefix="stockroom-", dir=_memory()))
    folder.chmod(0o755)
    return folder


def _memory() -> Path | None:
    """Return the file system in memory where there is one with room."""
    has_room = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH_MEMORY
    return MEMORY if has_room else None


def _run(folder: Path, *command: Path | str, user: ServiceUser | None = None) -> None:
    done = (user or _user()).run(command, folder)
    assert done.returncode == 0, f"{command[0]} failed:\n{done.output}"


def _pgbouncer() -> str | None:
    return shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")


def _pgbouncer_settings(folder: Path, server: Server, connections: int) -> str:
    return f"""
[databases]
* = host={server.folder} port={server.port}

[pgbouncer]
pool_mode = transaction
default_pool_size = {connections}
server_login_retry = 1
max_client_conn = 200
listen_addr =
listen_port = 6432
unix_socket_dir = {folder}
unix_socket_mode = 0777
auth_type = trust
auth_file = {folder}/users.txt
ignore_startup_parameters = extra_float_digits
logfile = {folder}/pgbouncer.log
pidfile = {folder}/pgbouncer.pid
"""


DOORS = ["straight", *(["pooler"] if has_pgbouncer() else [])]
"""How a test reaches a server: itself, and PgBouncer in front of it. The first lines of the test run name them."""
