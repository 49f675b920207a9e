"""The embedded PostgreSQL: started on demand, shared by processes, stopped by the last one.

Everything is in the folder `postgresql` of the data folder: the cluster in `data`, its log, its Unix socket and two
lock files. A process that uses the server holds `users.lock` (shared); the operating system releases it even after
`kill -9`. A process that starts or stops the server holds `starting.lock`. The server listens on no network address,
and its socket is in a folder that only its user may enter, so it asks for no password.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psycopg
import psycopg.conninfo
from sqlalchemy.engine import URL

from core.database.host import (
    Finished,
    first_number,
    process_arguments,
    process_exists,
    process_ids,
    processes_in,
    refuse_odd_folder,
    refuse_removed,
    service_user,
    take_lock,
)
from core.database.programs import MAJOR, reason_in, server_programs
from core.foundation.addresses import render
from core.foundation.errors import SetupError

DATABASE = "stockroom"
PORT = 5432
_PATIENCE_SECONDS = 120.0
_SECONDS_TO_END = 10.0
_LONGEST_SOCKET_FOLDER = 85  # a socket's path may have 103 bytes, of which `/.s.PGSQL.5432.lock` takes 19
_LONGEST_LOG_BYTES = 5_000_000
_CONFIGURATION = """
# Stockroom: reached over the Unix socket only, and quiet.
listen_addresses = ''
unix_socket_permissions = 0700
log_min_messages = warning
log_checkpoints = off
"""


class EmbeddedServer:
    """A running server that this process uses."""

    def __init__(self, cluster: Cluster, share: IO[str]) -> None:
        self.owner_url = cluster.url("postgres")
        self.app_url = cluster.url("stockroom_app")
        self._cluster = cluster
        self._share = share

    def stop(self) -> None:
        """Stop using the server; the last user stops it. A second call does nothing."""
        if not self._share.closed:
            with self._cluster.starting():
                self._cluster.release(self._share)

    def has_died(self) -> bool:
        """Return whether the server ended although this process uses it."""
        return not self._share.closed and not self._cluster.has_postmaster()

    def start_again(self) -> None:
        """Start the server unless it runs, or this process has stopped using it. Raises SetupError.

        It never makes a new cluster: the shop would seem to be empty.
        """
        refuse_removed(self._cluster.data)
        with self._cluster.starting():
            if not self._share.closed:
                self._cluster.ensure_running()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start(data_dir: Path) -> EmbeddedServer:
    """Start the server of this data folder, or join it if it runs. The first start creates its database.

    Raises SetupError, with the next step, where the folder or the machine does not allow it.
    """
    try:
        cluster = Cluster(data_dir)
        with cluster.starting():
            return _join(cluster)
    except OSError as error:
        raise SetupError(
            f"Stockroom cannot write to its data folder {data_dir}: {error.strerror or error}. "
            "Make it writable, or set STOCKROOM_DATA to another folder."
        ) from error


def _join(cluster: Cluster) -> EmbeddedServer:
    share = cluster.share()
    try:
        cluster.ensure_running()
        cluster.ensure_database()
    except BaseException:
        cluster.release(share)
        raise
    return EmbeddedServer(cluster, share)


class Cluster:
    """The database cluster of one data folder."""

    def __init__(self, data_dir: Path) -> None:
        data_dir = data_dir.resolve()
        refuse_odd_folder(data_dir)
        self.home = data_dir / "postgresql"
        self.data = self.home / "data"
        self.log = self.home / "server.log"
        self.user = service_user(self.home)
        self._prepare_home()
        self._refuse_other_major()
        self.socket = self._socket_folder()
        self.programs = server_programs(self.user, self.home)

    def url(self, user: str, database: str = DATABASE) -> str:
        """Return the URL of a database for one of its roles."""
        url = URL.create("postgresql+psycopg", username=user, database=database)
        return render(url.update_query_dict({"host": str(self.socket), "port": str(PORT)}))

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Keep all other processes from starting or stopping the server."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        with (self.home / "starting.lock").open("a") as lock:
            while not take_lock(lock, fcntl.LOCK_EX):
                if time.monotonic() > deadline:
                    raise SetupError(
                        f"Another process has been starting or stopping the database in {self.home} for "
                        f"{_PATIENCE_SECONDS:.0f} seconds. End that process, then start again."
                    )
                time.sleep(0.05)
            yield

    def share(self) -> IO[str]:
        """Register as a user of the server."""
        lock = (self.home / "users.lock").open("a")
        fcntl.flock(lock, fcntl.LOCK_SH)
        return lock

    def release(self, share: IO[str]) -> None:
        """Stop being a user of the server, and stop the server if there is no other."""
        share.close()
        with (self.home / "users.lock").open("a") as lock:
            if take_lock(lock, fcntl.LOCK_EX) and first_number(self.data / "postmaster.pid") is not None:
                self._shut_down()

    def has_postmaster(self) -> bool:
        """Return whether the server's main process exists. A server that is recovering has one."""
        pid = first_number(self.data / "postmaster.pid")
        return pid is not None and str(self.data) in process_arguments(pid)

    def ensure_running(self) -> None:
        """Start the server unless it runs. The first start creates the cluster."""
        if self._answers():
            return
        if not (self.data / "PG_VERSION").exists():
            self._end_orphans()
            self._initialise()
        self._forget_dead_server()
        self._socket_folder()
        self._launch()

    def ensure_database(self) -> None:
        """Create the database `stockroom` on the first start."""
        address = psycopg.conninfo.make_conninfo(host=str(self.socket), port=PORT, user="postgres", dbname="postgres")
        try:
            with psycopg.connect(address, autocommit=True) as connection:
                if connection.execute("select from pg_database where datname = %s", [DATABASE]).fetchone() is None:
                    connection.execute(f"create database {DATABASE}")
        except psycopg.Error as error:
            raise self._failure("open its database", str(error)) from error

    def _prepare_home(self) -> None:
        missing = [folder for folder in (self.home.parent, *self.home.parents) if not folder.exists()]
        for folder in reversed(missing):
            # Under root the database's user must be able to enter; everything private is in `home`.
            folder.mkdir(mode=0o755 if self.user.is_other else 0o700, exist_ok=True)
        self.user.make_private_folder(self.home)
        if not self.user.can("x", self.home):
            raise SetupError(
                f"PostgreSQL refuses to run as root, and the user {self.user.name} that runs it instead cannot enter "
                f"{self.home.parent}. Set STOCKROOM_DATA to a folder that it can enter, such as /var/lib/stockroom."
            )

    def _refuse_other_major(self) -> None:
        stamp = self.data / "PG_VERSION"
        found = stamp.read_text(encoding="ascii").strip() if stamp.exists() else str(MAJOR)
        if found != str(MAJOR):
            raise SetupError(
                f"The data folder {self.data} was created by PostgreSQL {found}, but this Stockroom contains {MAJOR}. "
                "Start the Stockroom that created it and back up the shop, or set STOCKROOM_DATA to a new folder."
            )

    def _socket_folder(self) -> Path:
        """Return the folder of the socket: `home`, or a private one with a short name if that of `home` is too long."""
        if len(os.fsencode(self.home)) <= _LONGEST_SOCKET_FOLDER:
            return self.home
        digest = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]
        folder = Path("/tmp") / f"stockroom-{self.user.uid}-{digest}"  # noqa: S108 - refused if it is not ours
        self.user.make_private_folder(folder)
        return folder

    def _answers(self) -> bool:
        """Return whether the server takes connections. Waits for one that is still starting or recovering."""
        account = ["-h", str(self.socket), "-p", str(PORT), "-U", "postgres", "-d", "postgres"]
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while (code := self._run("pg_isready", "-q", *account).returncode) == 1 and time.monotonic() < deadline:
            time.sleep(0.1)
        return code == 0

    def _initialise(self) -> None:
        """Create the cluster in another folder and move it into place, so that a failed start leaves no half of one."""
        draft = self.data.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        # The built-in collation does not change with the operating system, so no index on text can break.
        sorting = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        accounts = ["-U", "postgres", "--auth-local=trust", "--auth-host=reject"]
        done = self._run("initdb", "-D", draft, *accounts, *sorting)
        if done.returncode != 0:
            raise self._failure("create its database", done.output)
        with (draft / "postgresql.conf").open("a") as configuration:
            configuration.write(_CONFIGURATION)
        draft.rename(self.data)

    def _launch(self) -> None:
        if self.log.exists() and self.log.stat().st_size > _LONGEST_LOG_BYTES:
            self.log.rename(self.log.with_suffix(".old"))
        written = self.log.stat().st_size if self.log.exists() else 0
        options = f'-k "{self.socket}" -p {PORT}'
        done = self._control("start", "-l", self.log, "-o", options, "-t", f"{_PATIENCE_SECONDS:.0f}")
        if done.returncode != 0:
            log = self.log.read_bytes()[written:] if self.log.exists() else b""
            raise self._failure("start its database", log.decode(errors="replace") or done.output)

    def _shut_down(self) -> None:
        if self._control("stop", "-m", "fast", "-t", "60").returncode != 0:
            self._control("stop", "-m", "immediate", "-t", "10")
        if self.socket != self.home:
            with suppress(OSError):
                self.socket.rmdir()

    def _control(self, action: str, *options: Path | str) -> Finished:
        return self._run("pg_ctl", action, "-D", self.data, "-w", "-s", *options)

    def _run(self, program: str, *options: Path | str) -> Finished:
        return self.user.run([self.programs / program, *options], self.home)

    def _forget_dead_server(self) -> None:
        """After a crash, wait for the rest of the old server to end, then remove lock files that would block a start.

        PostgreSQL believes that the old server still runs if its process id now belongs to another program (after a
        restart, in a copied folder) or to a zombie process. PostgreSQL itself handles an id that is free.
        """
        lock_files = [self.data / "postmaster.pid", self.socket / f".s.PGSQL.{PORT}.lock"]
        deadline = time.monotonic() + _SECONDS_TO_END
        while processes_in(self.data) and time.monotonic() < deadline:
            time.sleep(0.05)
        for path in lock_files:
            pid = first_number(path)
            if pid is not None and process_exists(pid) and str(self.data) not in process_arguments(pid):
                path.unlink(missing_ok=True)

    def _end_orphans(self) -> None:
        """Kill servers whose cluster was deleted: when they end by themselves, they would delete our socket."""
        for pid in process_ids():
            arguments = process_arguments(pid)
            if str(self.data) in arguments and Path(arguments[0]).name == "postgres":
                with suppress(OSError):
                    os.kill(pid, signal.SIGQUIT)

    def _failure(self, purpose: str, output: str) -> SetupError:
        return SetupError(
            f"Stockroom could not {purpose} in {self.home}: {reason_in(output)}. "
            f"Its log is {self.log}. To begin with a new database, set STOCKROOM_DATA to another folder."
        )
