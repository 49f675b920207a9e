"""Pages as the real server makes them: from a browser's request to the end of the script; alone and in a crowd."""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, ExitStack
from multiprocessing import active_children
from pathlib import Path
from ssl import SSLContext

from tests.bench import browsing
from tests.bench.browsing import View, Visit, sign_in
from tests.bench.place import Database
from tests.support.dashboards import serve

ROUNDS = 15
SECONDS_OF_BROWSING = 60.0
IDLE, SECONDS_OF_IDLING = 50, 20.0
THINKING = (2.0, 6.0)
ARRIVING = THINKING[1]
"""People arrive within the longest pause between two pages, so that arrivals come at the rate of pages."""
CROWDS = (1, 50, 100, 200)
PAGES: dict[str, Callable[[str], View]] = {
    "Overview": lambda _sku: ("", ""),
    "Stock": lambda _sku: ("stock", ""),
    "Stock, searched": lambda sku: ("stock", f"stk_q={sku[:5]}"),
    "Variant": lambda sku: ("stock", f"sku={sku}"),
    "Movements": lambda _sku: ("movements", ""),
    "Movements of a variant": lambda sku: ("movements", f"mov_sku={sku}"),
}


def compare(small: Database, large: Database | None) -> list[tuple[str, ...]]:
    """Return a row for each page: milliseconds at the small ledger, at the large one, and the ratio of the two."""
    with ExitStack() as stack:
        shops = [Shop(where, stack.enter_context(serve(where.app_url))) for where in (small, large) if where]
        times = asyncio.run(_take_turns(shops))
    rows: list[tuple[str, ...]] = []
    for page in PAGES:
        medians = [statistics.median(times[page, shop.url]) * 1_000 for shop in shops]
        ratio = [f"{medians[1] / medians[0]:.2f}"] if large else []
        rows.append((page, *(f"{median:.0f}" for median in medians), *ratio))
    return rows


def crowds(where: Database) -> list[tuple[str, ...]]:
    """Return a row for each crowd: what `waits` says of it, and kB a page.

    The last number is the dashboard's CPU a page in milliseconds, with all that its open tabs cost meanwhile.
    """
    rows: list[tuple[str, ...]] = []
    with serve(where.app_url) as url:
        for size in CROWDS:
            began = _cpu()
            visits = asyncio.run(crowd(Shop(where, url), size))
            used = _cpu() - began
            pages = sum(len(visit.seconds) for visit in visits)
            kilobytes = sum(visit.bytes for visit in visits) / pages / 1_000
            rows.append((*waits(visits), f"{kilobytes:,.0f}", f"{used / pages * 1_000:.1f}"))
    return rows


def waits(visits: Sequence[Visit]) -> tuple[str, ...]:
    """Return of a crowd: people, pages, milliseconds to a page at the median and at 95 %, both of arrivals, faults.

    An arrival is a person's first page: it connects and brings all that is around the page. All arrive within
    `ARRIVING` seconds, so their queue would hide what the others wait.
    """
    arrivals = [took for visit in visits for _, took in visit.seconds[:1]]
    others = [took for visit in visits for _, took in visit.seconds[1:]]
    faults = [fault for visit in visits for fault in visit.faults]
    for fault in sorted(set(faults))[:5]:
        print(f"  fault: {fault}", flush=True)
    percentiles = [browsing.percentile(seconds, share) for seconds in (others, arrivals) for share in (0.5, 0.95)]
    milliseconds = [f"{seconds * 1_000:,.0f}" for seconds in percentiles]
    return (str(len(visits)), f"{len(others):,}", *milliseconds, str(len(faults)))


def costs(where: Database) -> list[tuple[str, ...]]:
    """Return a row for each page: the dashboard's CPU for it, in milliseconds. The last is an idle tab, 4 seconds."""
    with serve(where.app_url) as url:
        return asyncio.run(_cost(Shop(where, url)))


async def _cost(shop: Shop) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for page, view in PAGES.items():
        async with browsing.open_browser(shop.url, shop.tokens(1)[0], Visit()) as browser:
            for _ in range(2):  # the first ones load what every later one finds loaded
                await browser.open(view(random.choice(shop.skus)))
            began = _cpu()
            for _ in range(ROUNDS):
                await browser.open(view(random.choice(shop.skus)))
            rows.append((page, f"{(_cpu() - began) / ROUNDS * 1_000:.1f}"))
    async with AsyncExitStack() as stack:
        for token in shop.tokens(IDLE):
            browser = await stack.enter_async_context(browsing.open_browser(shop.url, token, Visit()))
            await browser.open(("stock", ""))
        began = _cpu()
        await asyncio.sleep(SECONDS_OF_IDLING)
        tick = (_cpu() - began) / IDLE / (SECONDS_OF_IDLING / 4)
    return [*rows, ("A tab in which nothing happens, 4 seconds", f"{tick * 1_000:.2f}")]


def _cpu() -> float:
    """Return the seconds of CPU that the served dashboards have used: they are the children of this process."""
    ticks = 0
    for child in active_children():
        numbers = Path(f"/proc/{child.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks += int(numbers[11]) + int(numbers[12])
    return ticks / os.sysconf("SC_CLK_TCK")


class Shop:
    """A served database and its variants."""

    def __init__(self, where: Database, url: str) -> None:
        self.where, self.url = where, url
        with where.connect() as connection:
            self.skus = [row[0] for row in connection.execute("select sku from public.product_variants")]

    def tokens(self, number: int) -> list[str]:
        """Sign so many people in."""
        with self.where.connect() as connection:
            return [sign_in(connection, person).token for person in range(number)]

    def any_page(self) -> View:
        """Where somebody goes next."""
        return random.choice(list(PAGES.values()))(random.choice(self.skus))


async def _take_turns(shops: Sequence[Shop]) -> dict[tuple[str, str], list[float]]:
    times: dict[tuple[str, str], list[float]] = {}
    for page, view in PAGES.items():
        for turn in range(ROUNDS + 2):
            for shop in shops:
                visit = Visit()
                async with browsing.open_browser(shop.url, shop.tokens(1)[0], visit) as browser:
                    took = await browser.open(view(random.choice(shop.skus)))
                assert not visit.faults, visit.faults
                if turn >= 2:  # the first ones load what every later one finds loaded
                    times.setdefault((page, shop.url), []).append(took)
    return times


async def crowd(shop: Shop, size: int, tls: SSLContext | None = None) -> list[Visit]:
    """Let so many people come and open pages for a minute."""
    until = time.monotonic() + SECONDS_OF_BROWSING

    async def come_in(token: str) -> Visit:
        await asyncio.sleep(random.uniform(0, ARRIVING))
        return await browsing.browse(shop.url, token, shop.any_page, until, THINKING, tls)

    return await asyncio.gather(*(come_in(token) for token in shop.tokens(size)))
