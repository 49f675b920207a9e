"""One variant's row is locked, and sixty buyers ask for it: what pages, sign-in and other buyers notice of that."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from uuid import uuid4

import aiohttp

from core.database import engine as database
from core.foundation.model import Actor
from core.people import api_keys
from core.people.api_keys import Scope
from tests.bench import browsing
from tests.bench.browsing import Visit, percentile
from tests.bench.place import Database
from tests.bench.serving import Shop
from tests.support.dashboards import serve

Ask = Callable[[], AbstractAsyncContextManager[aiohttp.ClientResponse]]
BUYERS, PEOPLE, THINKING = 60, 20, (2.0, 6.0)
WARM_UP, LOCKED = 15.0, 20.0
_MOST_STOCK = "select id from public.product_variants order by stock_quantity desc limit 200"


def compare(where: Database) -> list[tuple[str, ...]]:
    """Return a row for each kind of request: how many, milliseconds, and what was answered."""
    with where.connect() as connection:
        person = browsing.sign_in(connection, 0).actor
        variants = [str(row[0]) for row in connection.execute(_MOST_STOCK)]
        connection.execute("update stockroom.users set role = 'admin' where id = %s", [person.user_id])
    engine = database.create_engine(where.app_url, pool_size=1)
    admin = Actor(name=person.name, user_id=person.user_id, session_id=person.session_id)
    key = database.run(engine, api_keys.make, admin, name=f"Bench {uuid4()}", scopes=[Scope.RESERVE],
                       rate_per_minute=100_000)  # fmt: skip
    engine.dispose()
    with serve(where.app_url) as url:
        return asyncio.run(_Street(where, url, key, variants).play())


class _Street:
    def __init__(self, where: Database, url: str, key: str, variants: list[str]) -> None:
        self.where, self.url, self.variants = where, url, variants
        self.headers = {"Authorization": f"Bearer {key}"}
        self.took: dict[str, list[float]] = {}
        self.said: dict[str, set[str]] = {}

    async def play(self) -> list[tuple[str, ...]]:
        """Let people browse and others buy, first with nothing locked, then beside the crowd at the locked row."""
        shop = Shop(self.where, self.url)
        tokens, wires = shop.tokens(PEOPLE), aiohttp.TCPConnector(limit=200)
        async with aiohttp.ClientSession(self.url, headers=self.headers, connector=wires) as http:
            await self._live(shop, tokens, http, WARM_UP)
            free, self.took = self._rows("nothing locked"), {}
            with self.where.connect() as somebody, somebody.transaction():
                somebody.execute("select from public.product_variants where id = %s for update", [self.variants[0]])
                await asyncio.gather(self._live(shop, tokens, http, LOCKED), self._besiege(http))
        return [*free, *self._rows("one locked")]

    async def _live(self, shop: Shop, tokens: list[str], http: aiohttp.ClientSession, seconds: float) -> None:
        until = time.monotonic() + seconds

        async def come_in(token: str) -> Visit:
            await asyncio.sleep(random.uniform(*THINKING))
            return await browsing.browse(self.url, token, shop.any_page, until, THINKING)

        people = [asyncio.create_task(come_in(token)) for token in tokens]
        await asyncio.gather(
            self._often(until, 0.05, "another variant held", lambda: self._hold(http, None)),
            self._often(until, 0.25, "sign-in form", lambda: http.get("/sign-in")),
        )
        visits = await asyncio.gather(*people)
        self.took["page"] = [took for visit in visits for _, took in visit.seconds]
        self.said["page"] = {fault for visit in visits for fault in visit.faults} or {"drawn"}

    async def _besiege(self, http: aiohttp.ClientSession) -> None:
        until = time.monotonic() + LOCKED
        while time.monotonic() < until:
            crowd = (self._ask("the locked variant held", lambda: self._hold(http, 0)) for _ in range(BUYERS))
            await asyncio.gather(*crowd)
            await asyncio.sleep(1)

    def _rows(self, when: str) -> list[tuple[str, ...]]:
        return [self._row(what, when) for what in sorted(self.took)]

    def _row(self, what: str, when: str) -> tuple[str, ...]:
        times = self.took[what]
        shares = (f"{percentile(times, share) * 1_000:,.0f}" for share in (0.5, 0.95, 1.0))
        return (when, what, f"{len(times):,}", *shares, ", ".join(sorted(self.said[what])))

    async def _often(self, until: float, pause: float, what: str, ask: Ask) -> None:
        for _ in itertools.takewhile(lambda _: time.monotonic() < until, itertools.count()):
            await self._ask(what, ask)
            await asyncio.sleep(pause)

    async def _ask(self, what: str, ask: Ask) -> None:
        began = time.monotonic()
        async with ask() as answer:
            await answer.read()
        self.took.setdefault(what, []).append(time.monotonic() - began)
        self.said.setdefault(what, set()).add(str(answer.status))

    def _hold(
        self, http: aiohttp.ClientSession, place: int | None
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        variant = random.choice(self.variants[1:]) if place is None else self.variants[place]
        body = {"items": [{"variantId": variant, "quantity": 1}], "ttl_seconds": 10}
        return http.post("/api/reservations", json=body)
