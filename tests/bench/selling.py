"""Paid orders off the shelf: in batches by the worker, against a transaction for each order by many clients at once.

On one variant that everybody wants, and spread over a thousand. Every way reads Stripe's message and the cart in it,
and ends in the whole ledger: order, line, key, sequence, hash, rollup. A worker's rate includes claiming and marking.
"""

from __future__ import annotations

import functools
import itertools
import json
import random
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Engine

from core.database import engine as database
from core.foundation.model import COMMAND_LINE, Line
from core.inbox import applying
from core.inbox import messages as inbox
from core.inbox.cart import Reader, Work
from core.inbox.messages import WORKER, Claimed, Incoming, Link
from core.ledger import changes as ledger
from core.payloads import reading as payloads
from tests.bench.place import Database
from tests.bench.rates import Crowd, medians
from tests.stripe.account import StripeAccount

SPREAD = 1_000
CLIENTS = (1, 8, 32)
BATCHES = (100, 500)
SECONDS = 2.0
ROUNDS = 3
STOCK = 1_000_000

Goods = list[tuple[str, str]]
"""Variants to sell: id and SKU."""

Kind = Literal["everyday", "several readings", "no prices"]
"""A cart as most shops write it, a list by position that can be read in several ways, and a cart without prices."""

Mixture = tuple[Kind, ...]


def compare(where: Database) -> list[tuple[str, ...]]:
    """Return a row for each number of clients and spread: orders a second one by one, in batches, and the ratios."""
    table: list[tuple[str, ...]] = []
    for name, goods in (("one hot variant", stocked(where, 1)), (f"{SPREAD:,} variants", stocked(where, SPREAD))):
        batches = [functools.partial(worked_per_second, where, goods, size) for size in BATCHES]
        for clients in CLIENTS:
            with Crowd(functools.partial(order_by_order, where.app_url, goods), clients) as crowd:
                rounds = [(crowd.per_second(SECONDS), *(batch() for batch in batches)) for _ in range(ROUNDS)]
            alone, *worked = medians(rounds)
            ratios = (f"{rate / alone:.1f}" for rate in worked)
            table.append((name, str(clients), f"{alone:,.0f}", *(f"{rate:,.0f}" for rate in worked), *ratios))
    return table


def compare_carts(where: Database) -> list[tuple[str, ...]]:
    """Return a row for each number of clients: orders of three lines by the worker and alone; three single changes."""
    goods, table = stocked(where, SPREAD), []
    for clients in CLIENTS:
        with (
            Crowd(functools.partial(order_by_order, where.app_url, goods, 3), clients) as orders_alone,
            Crowd(functools.partial(three_changes, where.app_url, goods), clients) as changes,
        ):
            rounds = [
                (
                    worked_per_second(where, goods, BATCHES[0], 3),
                    orders_alone.per_second(SECONDS),
                    changes.per_second(SECONDS),
                )
                for _ in range(ROUNDS)
            ]
        worked, alone, single = medians(rounds)
        rates = (f"{rate:,.0f}" for rate in (worked, alone, single))
        table.append((str(clients), *rates, f"{worked / single:.1f}", f"{alone / single:.2f}"))
    return table


def compare_inbox(where: Database) -> list[tuple[str, ...]]:
    """Return a row for each number of clients: messages a second into the inbox, which is all a webhook does."""
    table: list[tuple[str, ...]] = []
    for clients in CLIENTS:
        with Crowd(functools.partial(deliveries, where.app_url), clients) as crowd:
            (rate,) = medians([(crowd.per_second(SECONDS),) for _ in range(ROUNDS)])
        table.append((str(clients), f"{rate:,.0f}"))
    with where.connect() as connection:
        connection.execute("delete from stockroom.stripe_events where state = 'new'")
    return table


def compare_readings(where: Database) -> list[tuple[str, ...]]:
    """Return a row for each mixture of carts: orders a second in batches of 500, and the ratio to everyday carts."""
    goods = stocked(where, SPREAD)
    mixtures: dict[str, Mixture] = {
        "everyday: named fields, prices that add up": ("everyday",),
        "every tenth has several readings": ("everyday",) * 9 + ("several readings",),
        "none has prices": ("no prices",),
    }
    worked = [
        functools.partial(worked_per_second, where, goods, BATCHES[-1], mixture=mixture)
        for mixture in mixtures.values()
    ]
    rates = medians([tuple(work() for work in worked) for _ in range(ROUNDS)])
    return [(name, f"{rate:,.0f}", f"{rate / rates[0]:.2f}") for name, rate in zip(mixtures, rates, strict=True)]


def order_by_order(url: str, goods: Goods, lines: int = 1) -> Callable[[], None]:
    """Return a client that reads one message and applies it in a transaction of its own, as it comes."""
    engine = database.create_engine(url, pool_size=1)
    made = messages(goods, lines)
    reader = reading(engine)

    def apply() -> None:
        body = next(made)
        work = read(reader, body)
        reader.judge([work])
        database.run(engine, applying.apply, WORKER, works=[work])

    return apply


def three_changes(url: str, goods: Goods) -> Callable[[], None]:
    """Return a client that takes three variants off the shelf, each by a change of its own."""
    engine = database.create_engine(url, pool_size=1)

    def change() -> None:
        for variant_id, _ in random.sample(goods, 3):
            line = Line(variant_id=uuid.UUID(variant_id), quantity=-1)
            key = ledger.new_key()
            database.run(engine, ledger.adjust, COMMAND_LINE, lines=[line], reason="stock_decrease", key=key)

    return change


def deliveries(url: str) -> Callable[[], None]:
    """Return a client that stores one message after the other, as the webhook does."""
    engine = database.create_engine(url, pool_size=1)
    made = messages([("", "SKU-1")])

    def deliver() -> None:
        database.run(engine, inbox.receive, WORKER, messages=[incoming(next(made))])

    return deliver


def worked_per_second(
    where: Database, goods: Goods, batch: int, lines: int = 1, mixture: Mixture = ("everyday",)
) -> float:  # fmt: skip
    """Return how many orders a second one worker applies in batches of this size, off a full inbox."""
    engine = database.create_engine(where.app_url)
    made = messages(goods, lines, mixture)
    database.run(engine, inbox.receive, WORKER, messages=[incoming(body) for body in itertools.islice(made, 6 * batch)])
    applying.apply_due(engine, None, limit=batch)  # connections are open before the clock starts
    done, start = 0, time.perf_counter()
    while (applied := applying.apply_due(engine, None, limit=batch)).messages:
        done += applied.orders
    spent = time.perf_counter() - start
    engine.dispose()
    assert done == 5 * batch, "every order was new and could be applied"
    return done / spent


def stocked(where: Database, count: int) -> Goods:
    """Put enough of some variants on the shelf and return them."""
    with where.connect() as connection:
        found = connection.execute("select id, sku from public.product_variants order by id limit %s", [count])
        goods = [(str(variant_id), sku) for variant_id, sku in found]
    engine = database.create_engine(where.app_url)
    received = [Line(variant_id=uuid.UUID(variant_id), quantity=STOCK) for variant_id, _ in goods]
    database.run(engine, ledger.receive, COMMAND_LINE, lines=received, key=ledger.new_key())
    engine.dispose()
    return goods


def messages(goods: Goods, lines: int = 1, mixture: Mixture = ("everyday",)) -> Iterator[dict[str, Any]]:
    """Stripe's messages of payments, each for one unit of some of the goods, for ever, with these carts in turn."""
    account = StripeAccount()
    account.pay(1000 * lines)
    pattern = json.dumps(next(e for e in account.kept["event"].values() if e["type"] == "payment_intent.succeeded"))
    for kind in itertools.cycle(mixture):
        event = json.loads(pattern)
        event["id"], event["data"]["object"]["id"] = f"evt_{uuid.uuid4().hex}", f"pi_{uuid.uuid4().hex}"
        cart = [_line(sku, kind) for _, sku in random.sample(goods, lines)]
        event["data"]["object"]["metadata"] = {"cart": json.dumps(cart)}
        event["data"]["object"]["receipt_email"] = f"{uuid.uuid4().hex}@shop.example"
        yield event


def _line(sku: str, kind: Kind) -> Any:
    """Return one unit of a SKU as a line of a cart of this kind."""
    lines: dict[Kind, Any] = {
        "everyday": {"sku": sku, "quantity": 1, "price": 1000},
        "several readings": [sku, "42", 1, 1000],
        "no prices": {"sku": sku, "quantity": 1},
    }
    return lines[kind]


def incoming(body: dict[str, Any]) -> Incoming:
    """A message as the webhook stores it."""
    found = body["data"]["object"]["id"]
    return Incoming(event=payloads.read_event(body)[0], body=json.dumps(body), source="webhook", payment_id=found)


def reading(engine: Engine) -> Reader:
    """Return a reader for a shop that has been live for long."""
    since = datetime(2020, 1, 1, tzinfo=UTC)
    link = Link(live_since=since, livemode=False, cursor=None, polled_at=None, cart_mapping=None, order_lookup=None)
    return Reader(engine, None, link)


def read(reader: Reader, body: dict[str, Any]) -> Work:
    """Read a message that is in no inbox."""
    event, found = payloads.read(body)
    message = Claimed(
        id=0, event_id=event.event_id, kind=event.kind, created_at=event.created_at, livemode=event.livemode,
        account=None, body="", policy=None, attempts=1,
    )  # fmt: skip
    return reader.read(message, found)
