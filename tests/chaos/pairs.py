"""A primary and its replica under one URL with two hosts; the replica takes over, and the next one is made."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg

from core.database.host import processes_in
from core.database.migrate import migrate
from core.foundation.addresses import database_url, libpq_url
from tests.chaos.programs import kill_process
from tests.support.builders import Shop
from tests.support.dashboards import free_ports
from tests.support.servers import EMBEDDED_MAJOR, Server
from tests.support.shared.standby import Standby, start_primary, start_standby


class Pair:
    """The two servers. A commit waits for the replica."""

    environment: Mapping[str, str]

    def __init__(self) -> None:
        self._ports = free_ports(2)
        self.primary = start_primary(EMBEDDED_MAJOR, self._ports[0])
        self._left = [self.primary]
        migrate(self.primary.owner_url)
        self.follower = self._follow()
        app_url, owner_url = self._url("stockroom_app"), self._url("postgres")
        self.environment = {"DATABASE_URL": app_url, "STOCKROOM_OWNER_URL": owner_url}
        self.shop = Shop.open(app_url, owner_url)

    @property
    def data(self) -> Path:
        """The folder of the primary's data."""
        return self.primary.folder / "data"

    @property
    def log(self) -> Path:
        """The primary's log."""
        return self.primary.folder / "log"

    def _url(self, user: str) -> str:
        hosts = "&".join(f"host=127.0.0.1:{port}" for port in self._ports)
        return database_url("DATABASE_URL", f"postgresql://{user}@/stockroom?{hosts}&target_session_attrs=read-write")

    def _follow(self) -> Standby:
        """Make a replica of the primary at the free port, and have commits wait for it."""
        (port,) = set(self._ports) - {self.primary.port}
        follower = start_standby(self.primary, port)
        self._left.append(follower.server)
        with psycopg.connect(libpq_url(self.primary.owner_url), autocommit=True) as owner:
            owner.execute("alter system set synchronous_standby_names = '*'")
            owner.execute("select pg_reload_conf()")
        return follower

    def fail_over(self) -> None:
        """Kill the primary with all its processes, and promote the replica."""
        for pid in processes_in(self.data):
            kill_process(pid)
        self.follower.promote()
        self.primary = self.follower.server

    def repair(self) -> None:
        """Make a new replica in place of the dead server."""
        self.follower = self._follow()

    def close(self) -> None:
        """End all of them."""
        self.shop.close()
        for server in self._left:
            _end(server)


def _end(server: Server) -> None:
    while left := processes_in(server.folder / "data"):
        for pid in left:
            kill_process(pid)
        time.sleep(0.02)
    shutil.rmtree(server.folder)


@contextmanager
def pair() -> Iterator[Pair]:
    """A primary and its replica."""
    place = Pair()
    try:
        yield place
    finally:
        place.close()
