"""The databases of the scenes, and what kills their parts.

A server of one's own behind PgBouncer is started again by a thread, as a service manager does it. The embedded server
is started again by those who use it.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import psycopg

from core.alerts import system
from core.database import embedded
from core.database.host import first_number, processes_in
from core.database.migrate import migrate
from core.database.programs import server_programs
from core.database.watch import ServerWatch
from core.foundation.addresses import libpq_url
from tests.chaos.programs import PATIENCE, kill_process
from tests.support.builders import Shop
from tests.support.servers import (
    EMBEDDED_MAJOR,
    Server,
    _pgbouncer,
    _run,
    _start,
    _user,
    has_pgbouncer,
    new_folder,
    start_pgbouncer,
)

LASTING = {
    "synchronous_commit": "on",
    "log_min_messages": "warning",
    "autovacuum": "on",
    "dynamic_shared_memory_type": "mmap",
}
_WORK = "create table if not exists ballast as select n, repeat('x', 400) from generate_series(1, 60000) n"


class Place(Protocol):
    """A database under load."""

    shop: Shop
    environment: Mapping[str, str]

    @property
    def data(self) -> Path:
        """The folder of its data."""

    @property
    def log(self) -> Path:
        """Its log."""


def postmaster(place: Place) -> int | None:
    """Return the main process of the server, if it has one."""
    return first_number(place.data / "postmaster.pid")


def kill_backend(place: Place) -> None:
    """Kill the process of one connection: the server ends all others and recovers."""
    with psycopg.connect(libpq_url(place.shop.owner_url), autocommit=True) as owner:
        row = owner.execute(
            "select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid() "
            "order by random() limit 1"
        ).fetchone()
    kill_process(int(row[0]) if row else None)


def kill_postmaster(place: Place) -> None:
    """Kill the main process."""
    kill_process(postmaster(place))


def kill_in_recovery(place: Place) -> None:
    """Kill the main process, and the next one while it recovers."""
    with psycopg.connect(libpq_url(place.shop.owner_url), autocommit=True) as owner:
        owner.execute(_WORK)
        owner.execute("drop table ballast")
    seen = place.log.stat().st_size
    kill_process(first := postmaster(place))
    end = time.monotonic() + PATIENCE
    while b"redo starts at" not in place.log.read_bytes()[seen:]:
        assert time.monotonic() < end, "no recovery began"
        time.sleep(0.002)
    if postmaster(place) != first:
        kill_process(postmaster(place))


def kill_server(place: Place) -> None:
    """Kill all processes of the server at once."""
    for pid in processes_in(place.data):
        kill_process(pid)


class Own:
    """A server of one's own, and PgBouncer in transaction mode."""

    environment: Mapping[str, str]

    def __init__(self, server: Server, programs: Path) -> None:
        self._server, self._programs = server, programs
        self._folder = server.folder
        migrate(server.owner_url)
        self.pooler = start_pgbouncer(server) if has_pgbouncer() else None
        url = (self.pooler or server).url(user="stockroom_app")
        self.shop = Shop.open(url, server.owner_url)
        self.environment = {"DATABASE_URL": url, "STOCKROOM_OWNER_URL": server.owner_url}
        self._user, self._stopping = _user(), threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    @property
    def data(self) -> Path:
        """The folder of its data."""
        return self._folder / "data"

    @property
    def log(self) -> Path:
        """Its log."""
        return self._folder / "log"

    def _keep(self) -> None:
        begin: list[Path | str] = [self._programs / "pg_ctl", "-D", self.data, "-W", "-s", "-l", self.log]
        options = ["-o", f"-k {self._server.folder} -p {self._server.port}", "start"]
        while not self._stopping.wait(0.1):
            pid = first_number(self.data / "postmaster.pid")
            if pid is None or pid not in processes_in(self.data):
                self._user.run([*begin, *options], self._server.folder)  # in vain while the old one is still ending

    def kill_pooler(self) -> None:
        """Kill PgBouncer, and start it again."""
        assert self.pooler is not None
        kill_process(pid := first_number(self.pooler.folder / "pgbouncer.pid"))
        (self.pooler.folder / "pgbouncer.pid").unlink(missing_ok=True)
        _run(self.pooler.folder, str(_pgbouncer()), "--daemon", "--quiet", self.pooler.folder / "pgbouncer.ini")
        end = time.monotonic() + PATIENCE
        while first_number(self.pooler.folder / "pgbouncer.pid") in (None, pid):
            assert time.monotonic() < end, "PgBouncer did not start"
            time.sleep(0.02)

    def close(self) -> None:
        """End it."""
        self._stopping.set()
        self._keeper.join()
        self.shop.close()
        if self.pooler:
            kill_process(first_number(self.pooler.folder / "pgbouncer.pid"))
            shutil.rmtree(self.pooler.folder)
        self._server.stop()


@contextmanager
def own() -> Iterator[Own]:
    """A server of one's own."""
    folder = new_folder()
    programs = server_programs(_user(), folder)
    place = Own(_start(folder, programs, EMBEDDED_MAJOR, own=LASTING), programs)
    try:
        yield place
    finally:
        place.close()


class Embedded:
    """The embedded server, used by this process, too, which watches it as the dashboard and the worker do."""

    environment: Mapping[str, str]

    def __init__(self, server: embedded.EmbeddedServer, folder: Path) -> None:
        self.data = folder / "postgresql" / "data"
        self.log = folder / "postgresql" / "server.log"
        migrate(server.owner_url)
        self.shop = Shop.open(server.app_url, server.owner_url)
        self.environment = {"STOCKROOM_DATA": str(folder), "DATABASE_URL": "", "STOCKROOM_OWNER_URL": ""}
        self.watch = ServerWatch(server, lambda at, away: system.tell_return(self.shop.engine, at, away))
        self.watch.start()


@contextmanager
def embedded_in(folder: Path) -> Iterator[Embedded]:
    """The embedded server of a data folder."""
    with embedded.start(folder) as server:
        place = Embedded(server, folder)
        try:
            yield place
        finally:
            place.watch.stop()
            place.shop.close()
