"""The same visits of a crowd with and without a replica: what they cost the primary, in milliseconds of CPU a page.

The time is that of all processes of the server, as the operating system counts it, so a busy machine does not matter.
Meanwhile, somebody posts twice a second.
"""

from __future__ import annotations

import asyncio
import os
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from core.database.engine import create_engine, run
from core.database.migrate import migrate
from core.foundation.model import COMMAND_LINE, Line
from core.ledger import changes
from core.ledger.level_filter import LevelFilter
from core.ledger.reports import levels
from tests.bench import browsing, serving
from tests.bench.fill import fill
from tests.bench.place import Database
from tests.support.dashboards import serve
from tests.support.servers import EMBEDDED_MAJOR, Server
from tests.support.shared.standby import start_primary, start_standby

MOVEMENTS, PEOPLE, PAGES_EACH, TURNS = 100_000, 8, 24, 2
THINKING = (0.0, 0.5)
_TICK = os.sysconf("SC_CLK_TCK")


def compare() -> Iterator[tuple[str, ...]]:
    """Yield a row for the primary alone and one with a replica: pages, CPU of each server a page, and the ratio."""
    primary = start_primary(EMBEDDED_MAJOR)
    try:
        migrate(primary.owner_url)
        where = Database(name="stockroom", app_url=primary.url(user="stockroom_app"), owner_url=primary.owner_url)
        fill(where, MOVEMENTS)
        standby = start_standby(primary)
        try:
            ways = {"the primary alone": {}, "one replica": {"STOCKROOM_READ_URL": standby.url("stockroom")}}
            sums = dict.fromkeys(ways, (0, 0.0, 0.0))
            for way, more in list(ways.items()) * TURNS:
                found = _visits(where, more, (primary, standby.server))
                sums[way] = (sums[way][0] + found[0], sums[way][1] + found[1], sums[way][2] + found[2])
            alone = sums["the primary alone"]
            for way, (pages, here, there) in sums.items():
                ratio = (here / pages) / (alone[1] / alone[0])
                yield way, f"{pages}", f"{here / pages * 1_000:.1f}", f"{there / pages * 1_000:.1f}", f"{ratio:.2f}"
        finally:
            standby.server.stop()
    finally:
        primary.stop()


def _visits(where: Database, more: dict[str, str], servers: tuple[Server, Server]) -> tuple[int, float, float]:
    """Return the pages that a crowd opened, and the seconds of CPU of each server meanwhile."""
    with serve(where.app_url, more={"STOCKROOM_WORKER": "0", **more}) as url, _posting(where):
        shop = serving.Shop(where, url)
        asyncio.run(_browse(shop, 3))  # what is loaded first is loaded
        before = [_cpu(server) for server in servers]
        pages = asyncio.run(_browse(shop, PAGES_EACH))
        primary, standby = (_cpu(server) - earlier for server, earlier in zip(servers, before, strict=True))
    return pages, primary, standby


async def _browse(shop: serving.Shop, pages: int) -> int:
    async def come_in(number: int, token: str) -> int:
        visit, chance = browsing.Visit(), random.Random(number)
        async with browsing.open_browser(shop.url, token, visit) as browser:
            for _ in range(pages):
                view = chance.choice(list(serving.PAGES.values()))
                await browser.open(view(chance.choice(shop.skus)))
                await asyncio.sleep(chance.uniform(*THINKING))
        assert not visit.faults, visit.faults
        return pages

    return sum(await asyncio.gather(*(come_in(*each) for each in enumerate(shop.tokens(PEOPLE)))))


@contextmanager
def _posting(where: Database) -> Iterator[None]:
    engine, over = create_engine(where.app_url, pool_size=1), threading.Event()
    variant = run(engine, levels, COMMAND_LINE, filter=LevelFilter(), limit=1).rows[0].variant_id

    def post() -> None:
        for number in count():
            if over.wait(0.5):
                return
            lines = [Line(variant_id=variant, quantity=1)]
            run(engine, changes.adjust, COMMAND_LINE, lines=lines, reason="stock_increase", key=f"{id(over)}:{number}")

    poster = threading.Thread(target=post)
    poster.start()
    try:
        yield
    finally:
        over.set()
        poster.join()
        engine.dispose()


def _cpu(server: Server) -> float:
    """Return the seconds of CPU of a server's processes, those that have ended included."""
    postmaster = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
    own, ended = _times(postmaster)
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    return (own + ended + sum(_times(int(child))[0] for child in children)) / _TICK


def _times(pid: int) -> tuple[int, int]:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0, 0
    user, system, ended_user, ended_system = map(int, fields[11:15])
    return user + system, ended_user + ended_system
