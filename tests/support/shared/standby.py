"""A primary with a streaming replica: two real servers, made with the programs of the primary's own version."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from core.database.programs import server_programs
from tests.support.servers import EMBEDDED_MAJOR, SYSTEM_ROOT, Server, _run, _start, _user, new_folder

STREAMING = {
    "wal_level": "replica",
    "max_wal_senders": "5",
    "synchronous_commit": "on",
    "hot_standby_feedback": "on",
    "max_standby_streaming_delay": "1s",
    "dynamic_shared_memory_type": "mmap",  # in its folder, so that one that is killed leaves nothing elsewhere
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standby:
    """A replica that can be frozen, promoted, stopped and started again."""

    server: Server
    programs: Path

    def url(self, database: str, user: str = "stockroom_app") -> str:
        """Return the URL of a database on it, as an environment variable has it."""
        return self.server.url(database, user).replace("+psycopg", "")

    def sql(self, statement: str, database: str = "postgres") -> object:
        """Run a statement on it as the superuser and return its first value."""
        with psycopg.connect(self.url(database, "postgres"), autocommit=True) as connection:
            found = connection.execute(statement.encode())
            row = found.fetchone() if found.description else None
            return row[0] if row else None

    def freeze(self) -> None:
        """Replay nothing more, though all still arrives."""
        self.sql("select pg_wal_replay_pause()")
        while self.sql("select pg_get_wal_replay_pause_state()") != "paused":
            time.sleep(0.005)

    def thaw(self) -> None:
        """Replay again."""
        self.sql("select pg_wal_replay_resume()")

    def promote(self) -> None:
        """Make it a primary of its own."""
        self.sql("select pg_promote()")

    def stop(self) -> None:
        """End it at once, as when its machine dies."""
        stop_at_once(self.server, self.programs)

    def start(self) -> None:
        """Start it again."""
        folder = self.server.folder
        control: list[Path | str] = [self.programs / "pg_ctl", "-D", folder / "data", "-w", "-s"]
        _run(folder, *control, "-l", folder / "log", "-o", f"-k {folder} -p {self.server.port}", "start")


def start_primary(major: int, port: int = 5432) -> Server:
    """Start a server of this version that replicas can follow. One with a port of its own also listens on 127.0.0.1."""
    folder = new_folder()
    own = STREAMING | ({"listen_addresses": "'127.0.0.1'"} if port != 5432 else {})
    return _start(folder, _programs(major, folder), major, own=own, port=port)


def start_standby(primary: Server, port: int = 5432) -> Standby:
    """Copy a primary with pg_basebackup and follow it."""
    folder = new_folder()
    _user().own(folder)
    programs = _programs(primary.major, folder)
    address = f"host={primary.folder} port={primary.port} user=postgres"
    copy: list[Path | str] = [
        programs / "pg_basebackup",
        "-D",
        folder / "data",
        "-d",
        address,
        "-R",
        "-c",
        "fast",
        "-X",
        "stream",
    ]
    _run(folder, *copy, "--no-sync")
    (folder / "data").chmod(0o700)

    def stop() -> None:
        stop_at_once(standby.server, programs)
        shutil.rmtree(folder, ignore_errors=True)

    standby = Standby(server=Server(major=primary.major, folder=folder, port=port, stop=stop), programs=programs)
    standby.start()
    return standby


def stop_at_once(server: Server, programs: Path) -> None:
    """End a server as when its machine dies, but keep its folder."""
    _run(server.folder, programs / "pg_ctl", "-D", server.folder / "data", "-s", "-m", "immediate", "stop")


def _programs(major: int, folder: Path) -> Path:
    return server_programs(_user(), folder) if major == EMBEDDED_MAJOR else SYSTEM_ROOT / str(major) / "bin"
