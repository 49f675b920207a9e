"""What a storefront asks over HTTP, by the real server: check a cart, hold it, make an order of its payment.

Beside it the same work without HTTP: the function of the database by the bare driver, and an order applied by core.
"""

from __future__ import annotations

import functools
import json
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg

from core.database import engine as database
from core.inbox import messages as inbox
from core.inbox.messages import WORKER
from core.people import api_keys
from core.people.api_keys import Scope
from tests.bench.place import Database, libpq_url
from tests.bench.rates import Crowd, MakeClient, medians
from tests.bench.selling import Goods, order_by_order, stocked
from tests.stripe.account import StripeAccount
from tests.stripe.door import stripe_over_http
from tests.stripe.fake import KEY, FakeStripe
from tests.support.dashboards import serve

SPREAD = 1_000
CLIENTS = (1, 8, 32)
SECONDS = 2.0
ROUNDS = 3
_PAYMENTS = "/v1/payment_intents/"
_CHECK = "select stockroom_api.check_cart(%s::jsonb)"
_HOLD = "select stockroom_api.hold(%s, %s::jsonb, null, 600, 'bench')"


def compare(where: Database, *, quick: bool = False) -> list[tuple[str, ...]]:
    """Return a row for each request and number of clients: a second over HTTP, without it, and the ratio."""
    goods, turns = stocked(where, SPREAD), 1 if quick else ROUNDS
    table: list[tuple[str, ...]] = []
    with shop_street(where, goods) as (url, key):
        client = functools.partial
        ways: dict[str, tuple[MakeClient, MakeClient]] = {
            "validate": (client(validating, url, key, goods), client(checking, where.app_url, goods)),
            "reserve": (client(reserving, url, key, goods), client(holding, where.app_url, goods)),
            "create-from-payment": (client(ordering, url, key), client(order_by_order, where.app_url, goods)),
        }
        for name, (over_http, without) in ways.items():
            for clients in CLIENTS:
                with Crowd(over_http, clients) as asking, Crowd(without, clients) as working:
                    rounds = [(asking.per_second(SECONDS), working.per_second(SECONDS)) for _ in range(turns)]
                asked, worked = medians(rounds)
                table.append((name, str(clients), f"{asked:,.0f}", f"{worked:,.0f}", f"{asked / worked:.2f}"))
    return table


class EndlessStripe(FakeStripe):
    """A Stripe where every payment that somebody asks for has succeeded, for one unit of some of the goods."""

    def __init__(self, goods: Goods) -> None:
        super().__init__(StripeAccount())
        self.account.pay(1000)
        (pattern,) = self.account.kept["payment_intent"].values()
        self._pattern, self._goods = json.dumps(pattern), goods

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **more: Any
    ) -> tuple[str, int, Mapping[str, str]]:
        """Answer one request."""
        if method != "get" or not url.startswith(_PAYMENTS):
            return super().request(method, url, headers, post_data, **more)
        cart = json.dumps([{"sku": random.choice(self._goods)[1], "quantity": 1}])
        found = json.loads(self._pattern) | {"latest_charge": None, "created": int(time.time())}
        found |= {"id": url.removeprefix(_PAYMENTS).partition("?")[0], "metadata": {"cart": cart}}
        return json.dumps(found), 200, {}


@contextmanager
def shop_street(where: Database, goods: Goods) -> Iterator[tuple[str, str]]:
    """Serve the API of a live shop, beside a Stripe; give its address and a key that may ask for everything."""
    key, engine = api_keys.PREFIX + uuid.uuid4().hex, database.create_engine(where.app_url)
    database.run(engine, inbox.go_live, WORKER, livemode=False)
    engine.dispose()
    with where.connect() as connection:
        connection.execute(
            """insert into stockroom.api_keys (name, key_hash, begins, scopes, rate_per_minute, made_by)
               values ('bench', %s, %s, %s, 100000, 'bench')""",
            [api_keys.key_hash(key), key[:10], [scope.value for scope in Scope]],
        )
    with stripe_over_http(EndlessStripe(goods)) as door:
        variables = {"STRIPE_API_BASE": door.url, "STRIPE_SECRET_KEY": KEY, "STOCKROOM_WORKER": "0"}
        with serve(where.app_url, more=variables) as url:
            yield url, key


def validating(url: str, key: str, goods: Goods) -> Callable[[], None]:
    """Return a client that checks carts of one variant."""
    ask = asking(url, key)
    return lambda: ask("/stock/validate", {"items": [an_item(goods, "variantId")]})


def reserving(url: str, key: str, goods: Goods) -> Callable[[], None]:
    """Return a client that holds one unit after the other."""
    ask = asking(url, key)
    return lambda: ask("/reservations", {"items": [an_item(goods, "variantId")], "ttl_seconds": 600})


def ordering(url: str, key: str) -> Callable[[], None]:
    """Return a client that makes orders of payments, each of another."""
    ask = asking(url, key)
    return lambda: ask("/orders/create-from-payment", {"paymentIntentId": f"pi_{uuid.uuid4().hex}"})


def asking(url: str, key: str) -> Callable[[str, dict[str, Any]], None]:
    """Return how a client asks, over one connection that stays open."""
    http = httpx.Client(base_url=f"{url}/api", headers={"Authorization": f"Bearer {key}"}, timeout=60)

    def ask(path: str, body: dict[str, Any]) -> None:
        answer = http.post(path, json=body)
        assert answer.is_success, answer.text

    return ask


def checking(url: str, goods: Goods) -> Callable[[], None]:
    """Return a client that checks carts by the function itself."""
    connection = psycopg.connect(libpq_url(url), autocommit=True)
    return lambda: _call(connection, _CHECK, json.dumps([an_item(goods, "variantId")]))


def holding(url: str, goods: Goods) -> Callable[[], None]:
    """Return a client that holds by the function itself."""
    connection = psycopg.connect(libpq_url(url), autocommit=True)
    return lambda: _call(connection, _HOLD, uuid.uuid4().hex, json.dumps([an_item(goods, "variant_id")]))


def an_item(goods: Goods, name: str) -> dict[str, Any]:
    """One unit of any of the goods."""
    return {name: random.choice(goods)[0], "quantity": 1}


def _call(connection: psycopg.Connection, statement: str, *values: str) -> None:
    connection.execute(statement.encode(), values, prepare=True)
