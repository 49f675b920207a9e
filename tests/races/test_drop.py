"""A drop: all pay for the same shoe within seconds, and messages arrive from everywhere at once."""

from __future__ import annotations

import json
import logging
import random
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from core.database import engine as database
from core.foundation.errors import Unavailable
from core.inbox import applying
from core.inbox import messages as inbox
from core.inbox.messages import WORKER, Incoming
from core.payloads import reading as payloads
from tests.stripe.account import StripeAccount
from tests.stripe.shop import Stripe, orders_of, sold
from tests.support.builders import Shop
from tests.support.proof import assert_holds

BUYERS, PAIRS, WORKERS = 3_000, 2_500, 4
CARTS, SHOES = 400, 12


@pytest.fixture
def engines(embedded_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Engine]]:
    """An engine for each worker, as separate processes have; a deadlock surfaces instead of being tried again."""
    monkeypatch.setattr(database, "_RETRYABLE", frozenset())
    made = [database.create_engine(embedded_shop.app_url) for _ in range(WORKERS)]
    yield made
    for engine in made:
        engine.dispose()


def payments(carts: Sequence[dict[str, int]]) -> list[Incoming]:
    """The messages of payments for these carts, each paid a second after the one before."""
    account, began = StripeAccount(), datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=5)
    account.pay()
    pattern = json.dumps(next(e for e in account.kept["event"].values() if e["type"] == "payment_intent.succeeded"))
    return [message(json.loads(pattern), n, cart, began + timedelta(seconds=n)) for n, cart in enumerate(carts)]


def message(event: dict[str, Any], n: int, cart: dict[str, int], at: datetime) -> Incoming:
    """The n-th message: a buyer has paid for a cart."""
    payment = event["data"]["object"]
    event["id"], payment["id"], payment["latest_charge"] = f"evt_{n:06}", f"pi_{n:06}", f"ch_{n:06}"
    payment["receipt_email"] = f"buyer{n}@shop.example"
    event["created"] = payment["created"] = int(at.timestamp())
    payment["metadata"] = {"cart": json.dumps([{"sku": sku, "quantity": units} for sku, units in cart.items()])}
    envelope, _ = payloads.read_event(event)
    return Incoming(event=envelope, body=json.dumps(event), source="webhook", payment_id=payment["id"])


class Drop:
    """The door where messages come in, twice for some, and the workers that apply them until nothing more comes."""

    def __init__(self, stripe: Stripe, engines: Sequence[Engine]) -> None:
        self.stripe, self.engines = stripe, engines
        self.is_open = threading.Event()
        self.put_off = 0

    def run(self, messages: list[Incoming], doors: int = 16, batch: int = applying.BATCH) -> None:
        """Take everything in while it is being applied."""
        again = messages + random.sample(messages, len(messages) // 10)
        random.shuffle(again)
        self.is_open.set()
        with ThreadPoolExecutor(doors) as door, ThreadPoolExecutor(WORKERS + 1) as crowd:
            working = [crowd.submit(self._work, engine, batch) for engine in self.engines]
            for taken_in in [door.submit(self._receive, again[n::doors]) for n in range(doors)]:
                taken_in.result()
            self.is_open.clear()
            self.put_off = sum(worker.result() for worker in working)

    def _receive(self, messages: Sequence[Incoming]) -> None:
        for each in messages:  # one by one, as the webhook does
            database.run(self.stripe.shop.engine, inbox.receive, WORKER, messages=[each])

    def _work(self, engine: Engine, batch: int) -> int:
        put_off = 0
        while True:
            was_open = self.is_open.is_set()
            done = applying.apply_due(engine, self.stripe.gateway, limit=batch)
            put_off += done.put_off
            if not done.messages and not was_open:
                return put_off


def test_of_three_thousand_buyers_of_one_shoe_as_many_get_a_pair_as_there_are(
    embedded_shop: Shop, engines: list[Engine], caplog: pytest.LogCaptureFixture
) -> None:
    shoe = embedded_shop.variant(PAIRS - 500, sku="DROP")
    drop = Drop(Stripe(embedded_shop), engines)

    def unpack() -> None:
        for _ in range(500):  # the warehouse still unpacks while the shop is selling
            for _ in range(20):
                try:
                    embedded_shop.adjust(shoe, 1)
                    break
                except Unavailable:
                    continue

    with caplog.at_level(logging.ERROR), ThreadPoolExecutor(1) as warehouse:
        unpacking = warehouse.submit(unpack)
        drop.run(payments([{"DROP": 1}] * BUYERS))
        unpacking.result()
    assert caplog.messages == []
    assert drop.put_off == 0
    assert orders_of(embedded_shop) == BUYERS, "no buyer is lost"
    failed = embedded_shop.sql("select count(*) from stockroom.order_lines where state = 'failed'")
    cases = embedded_shop.sql(
        "select count(*) from stockroom.alerts where state = 'open' and kind = 'insufficient_stock'"
    )
    assert sold(embedded_shop) + embedded_shop.on_hand(shoe) == PAIRS, "exactly the stock was sold"
    assert sold(embedded_shop) + failed == BUYERS
    assert cases == failed
    assert_holds(embedded_shop, shoe)


def test_within_a_batch_the_first_payment_by_stripes_clock_gets_the_last_pairs(
    embedded_shop: Shop, engines: list[Engine]
) -> None:
    embedded_shop.variant(100, sku="DROP")
    stripe, told = Stripe(embedded_shop), payments([{"DROP": 1}] * 300)
    random.shuffle(told)
    for n in range(0, 300, 30):
        database.run(embedded_shop.engine, inbox.receive, WORKER, messages=told[n : n + 30])
    applying.apply_due(engines[0], stripe.gateway)
    taken = embedded_shop.rows(
        """select o.payment_id from stockroom.orders o join stockroom.order_lines l on l.order_id = o.id
            where l.state = 'taken' order by 1"""
    )
    assert [row.payment_id for row in taken] == [f"pi_{n:06}" for n in range(100)]


def test_carts_of_several_shoes_in_any_order_never_wait_for_each_other_in_a_circle(
    embedded_shop: Shop, engines: list[Engine], caplog: pytest.LogCaptureFixture
) -> None:
    shoes = {f"SHOE-{n}": embedded_shop.variant(CARTS, sku=f"SHOE-{n}") for n in range(SHOES)}
    carts = [dict.fromkeys(random.sample(list(shoes), 6), 1) for _ in range(CARTS)]
    drop = Drop(Stripe(embedded_shop), engines)
    with caplog.at_level(logging.ERROR):
        drop.run(payments(carts), batch=10)
    assert caplog.messages == []
    assert drop.put_off == 0
    assert orders_of(embedded_shop) == CARTS
    assert sold(embedded_shop) == 6 * CARTS
    for variant_id in shoes.values():
        assert_holds(embedded_shop, variant_id)
