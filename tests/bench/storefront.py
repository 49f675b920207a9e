"""What a storefront asks over HTTP, by the real server, and the worker's single order.

Beside them the same SQL by pgbench: the statements that they send, without HTTP, Python and Stripe.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import json
import os
import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Queue
from threading import Thread
from typing import Any, cast

from core.database import engine as database
from core.inbox import applying
from core.inbox import messages as inbox
from core.inbox.messages import WORKER
from core.people import api_keys
from core.people.api_keys import Scope
from tests.bench.calls import prepare
from tests.bench.place import Database
from tests.bench.rates import (
    Crowd,
    MakeClient,
    Pace,
    Wire,
    by_selector,
    children_of,
    cpu_of,
    medians,
    pgbench,
    server_cpu,
)
from tests.bench.selling import SPREAD, Goods, incoming, messages, stocked
from tests.stripe.account import StripeAccount
from tests.stripe.fake import KEY
from tests.support.dashboards import serve

CLIENTS = (1, 8, 32)
ROUNDS = 3
WAITING = 6_000
_ONE = f"\\set n random(1, {SPREAD})\n"
_ITEM = "jsonb_build_array(jsonb_build_object('{}', (select id from sold where n = :n), 'quantity', 1))"
_CHECK = f"{_ONE}select stockroom_api.check_cart({_ITEM.format('variantId')});"
_HOLD = f"{_ONE}select stockroom_api.hold(gen_random_uuid()::text, {_ITEM.format('variant_id')}, null, 600, 'bench');"
_TOLD = (
    "jsonb_build_array(jsonb_build_object('payment_id', {}, 'charge_id', 'ch_' || gen_random_uuid(), 'email', "
    "gen_random_uuid() || '@shop.example', 'amount', 1000, 'currency', 'eur', 'paid_at', now(), 'livemode', false, "
    "'policy', 'normal', 'cart_state', 'read', 'cart_source', 'metadata', 'extras', 0, 'lines', jsonb_build_array("
    "jsonb_build_object('code', (select sku from sold where n = :n), 'codes', '[]'::jsonb, 'quantity', 1, "
    "'unit_price', 1000))))"
)
_EVENT = (
    "jsonb_build_array(jsonb_build_object('event_id', {0}, 'kind', 'payment_intent.succeeded', 'object_id', {0}, "
    "'payment_id', {0}, 'created_at', now(), 'source', 'import', 'livemode', false, 'body', repeat('0123456789', 150)))"
)
_PAYMENT = "('pi_' || :a::text || '_' || :b::text)"
_ORDER = f"""{_ONE}\\set a random(1, 1000000000)
\\set b random(1, 1000000000)
select stockroom_api.order_at_once({_PAYMENT}, {_EVENT.format(_PAYMENT)}, {_TOLD.format(_PAYMENT)},
(select stockroom_api.link_facts()));
"""
_WORK = f"""{_ONE}select id as event from stockroom_api.claim_work(1, 120) \\gset
select * from stockroom_api.apply_orders({_TOLD.format("'pi_' || gen_random_uuid()")}, array[:event]::bigint[]);
"""


def compare(where: Database, *, quick: bool = False) -> Iterator[tuple[str, ...]]:
    """Yield a row for each request and number of clients: a second, by its SQL alone, the ratio, the CPU of both."""
    turns, seconds = (1, 2) if quick else (ROUNDS, 4)
    prepare(where)
    goods = stocked(where, SPREAD)
    with shop_street(where, goods) as (url, key, dashboard):
        ways: dict[str, tuple[Callable[[int], Crowd], str]] = {
            "validate": (_wires(functools.partial(validating, url, key, goods)), _CHECK),
            "reserve": (_wires(functools.partial(reserving, url, key, goods)), _HOLD),
            "create-from-payment": (_wires(functools.partial(ordering, url, key)), _ORDER),
            "the worker, one message": (functools.partial(Crowd, functools.partial(working, where.app_url)), _WORK),
        }
        for name, (ours, script) in ways.items():
            for clients in CLIENTS[:: 2 if quick else 1]:
                prepare_turn = functools.partial(fill_inbox, where, goods) if script == _WORK else _nothing
                turn = functools.partial(_turn, where, dashboard, script, clients, seconds, prepare_turn)
                prepare_turn()
                with ours(clients) as crowd:
                    rounds = [turn(crowd) for _ in range(turns)]
                free_holds(where)
                asked, alone = medians([[way.rate for way in ways] for ways in rounds])
                cpu, alone_cpu = medians([[way.cpu for way in ways] for ways in rounds])
                rates = (f"{asked:,.0f}", f"{alone:,.0f}", f"{asked / alone:.2f}")
                yield (name, str(clients), *rates, f"{cpu:.2f}", f"{alone_cpu:.2f}")


def _wires(make: MakeClient) -> Callable[[int], Crowd]:
    """Return how to make a crowd of clients that ask over HTTP."""
    return lambda clients: Crowd(make, clients, rate=by_selector, processes=1)


def free_holds(where: Database) -> None:
    """Release every hold: an expired one takes its orders out of the everyday path."""
    with where.connect() as connection:
        connection.execute("select stockroom_api.end_holds(array(select id from stockroom.reservations), 'released')")


def _nothing() -> None:
    """Prepare nothing."""


def _turn(
    where: Database,
    dashboard: set[int],
    script: str,
    clients: int,
    seconds: int,
    prepare_turn: Callable[[], None],
    crowd: Crowd,
) -> tuple[Pace, Pace]:
    """Return the pace of a crowd, with the CPU of the dashboard and of the server's sessions, and that of its SQL."""
    prepare_turn()
    with where.connect() as connection:
        began = server_cpu(connection) + cpu_of(dashboard)
        rate = crowd.per_second(seconds)
        worked = server_cpu(connection) + cpu_of(dashboard) - began
    prepare_turn()
    alone = pgbench(where.app_url, where, script, clients=clients, seconds=seconds, warm_up=1)
    return Pace(rate=rate, wal=0, cpu=worked * 1_000 / (rate * seconds)), alone


def fill_inbox(where: Database, goods: Goods) -> None:
    """Let enough messages wait for those who apply them one by one."""
    with where.connect() as connection:
        row = connection.execute(
            "select count(*) from stockroom.stripe_events where state = 'new' and due_at <= now()"
        ).fetchone()
    assert row is not None
    if row[0] < WAITING:
        engine, made = database.create_engine(where.app_url), messages(goods)
        fresh = [incoming(body) for body in itertools.islice(made, WAITING - row[0])]
        database.run(engine, inbox.receive, WORKER, messages=fresh)
        engine.dispose()


def working(url: str) -> Callable[[], None]:
    """Return a worker that applies one message after the other, each by itself."""
    engine = database.create_engine(url, pool_size=1)

    def work() -> None:
        assert applying.apply_due(engine, None, limit=1).orders == 1

    return work


class EndlessStripe(asyncio.Protocol):
    """A Stripe where every payment that somebody asks for has succeeded, for one unit of some of the goods.

    It answers from a pattern, so that it takes little of the time.
    """

    def __init__(self, goods: Goods, pattern: str) -> None:
        self._goods, self._pattern = goods, pattern

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer one request."""
        payment_id = data.split(b" ", 2)[1].decode().rpartition("/")[2].partition("?")[0]
        answer = self._pattern.replace("PAYMENT", payment_id).replace("MAIL", f"{uuid.uuid4().hex}@shop.example")
        body = answer.replace("CODE", random.choice(self._goods)[1]).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self._transport.write(head.encode() + body)


@contextmanager
def endless_stripe(goods: Goods) -> Iterator[str]:
    """Serve it on this machine and give its address."""
    account = StripeAccount()
    account.pay(1000)
    (found,) = account.kept["payment_intent"].values()
    cart = json.dumps([{"sku": "CODE", "quantity": 1, "price": 1000}])
    more = {"id": "PAYMENT", "latest_charge": None, "receipt_email": "MAIL", "metadata": {"cart": cart}}
    loop, ready = asyncio.new_event_loop(), Queue[str]()

    def answer() -> None:
        serving = loop.create_server(lambda: EndlessStripe(goods, json.dumps(found | more)), "127.0.0.1", 0)
        server = loop.run_until_complete(serving)
        ready.put(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        loop.run_forever()

    thread = Thread(target=answer, daemon=True)
    thread.start()
    try:
        yield ready.get()
    finally:
        loop.call_soon_threadsafe(loop.stop)


@contextmanager
def shop_street(where: Database, goods: Goods) -> Iterator[tuple[str, str, set[int]]]:
    """Serve the API of a live shop, beside a Stripe; give its address, a key that may ask for all, its processes."""
    key, engine = api_keys.PREFIX + uuid.uuid4().hex, database.create_engine(where.app_url)
    database.run(engine, inbox.go_live, WORKER, livemode=False)
    engine.dispose()
    with where.connect() as connection:
        connection.execute(
            """insert into stockroom.api_keys (name, key_hash, begins, scopes, rate_per_minute, made_by)
               values ('bench', %s, %s, %s, 100000, 'bench')""",
            [api_keys.key_hash(key), key[:10], [scope.value for scope in Scope]],
        )
    with endless_stripe(goods) as stripe:
        variables = {"STRIPE_API_BASE": stripe, "STRIPE_SECRET_KEY": KEY, "STOCKROOM_WORKER": "0"}
        before = _children()
        with serve(where.app_url, more=variables) as url:
            yield url, key, _children() - before


def _children() -> set[int]:
    """Return the processes that this one has started, and those that they have started."""
    found, new = set[int](), {os.getpid()}
    try:
        while new:
            new = set[int]().union(*map(children_of, new)) - found
            found |= new
    except OSError:  # a system without /proc, or a process that has just ended
        pass
    return found


def validating(url: str, key: str, goods: Goods) -> Wire:
    """Return a client that checks carts of one variant."""
    return Wire(url, key, lambda: ("/stock/validate", {"items": [an_item(goods, "variantId")]}))


def reserving(url: str, key: str, goods: Goods) -> Wire:
    """Return a client that holds one unit after the other."""
    return Wire(url, key, lambda: ("/reservations", {"items": [an_item(goods, "variantId")], "ttl_seconds": 600}))


def ordering(url: str, key: str) -> Wire:
    """Return a client that makes orders of payments, each of another."""
    return Wire(url, key, lambda: ("/orders/create-from-payment", {"paymentIntentId": f"pi_{uuid.uuid4().hex}"}))


def an_item(goods: Goods, name: str) -> dict[str, Any]:
    """One unit of any of the goods."""
    return {name: random.choice(goods)[0], "quantity": 1}
