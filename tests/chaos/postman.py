"""Payments whose messages arrive at the dashboard's webhook, sent again until they are accepted, as Stripe does."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Self

import httpx

from core.stripe.gateway import sign
from tests.chaos.programs import SECRET
from tests.stripe.shop import Stripe
from tests.support.builders import Shop

_ORDERS = """
    select o.payment_id, coalesce(-sum(m.quantity), 0)::int as units
      from stockroom.orders o
      left join public.stock_movements m on m.reference_type = 'order' and m.reference_id = o.payment_id
     group by o.payment_id"""


class Postman:
    """A thread that delivers the messages of one payment after the other."""

    def __init__(self, shop: Shop, url: str, skus: Sequence[str]) -> None:
        self.accepted = dict[str, int]()
        self._shop, self._skus = shop, skus
        self._stripe, self._said = Stripe(shop), "nothing"
        self._client = httpx.Client(base_url=url, timeout=10)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    @contextmanager
    def at_work(self) -> Iterator[Self]:
        """Have messages delivered until the block ends."""
        self._thread.start()
        try:
            yield self
        finally:
            self._stopping.set()
            self._thread.join(60)
            self._client.close()

    def until_accepted(self, more: int, patience: float = 60) -> None:
        """Wait until so many more payments are accepted."""
        wanted, end = len(self.accepted) + more, time.monotonic() + patience
        while len(self.accepted) < wanted:
            assert time.monotonic() < end, f"no payment is accepted; the webhook said {self._said}"
            time.sleep(0.01)

    def _work(self) -> None:
        chance = random.Random(0)
        while not self._stopping.is_set():
            units = chance.choice((1, 2))
            paid = self._stripe.pay(chance.choice(self._skus), units)
            bodies = [body for body, _ in self._stripe.account.deliveries()]
            if all(self._deliver(body) for body in bodies):
                self.accepted[paid["id"]] = units
            self._stopping.wait(0.02)

    def _deliver(self, body: bytes) -> bool:
        """Send a message until it is accepted or the day is over."""
        while not self._stopping.is_set():
            try:
                headers = {"stripe-signature": sign(body, SECRET)}
                self._said = self._client.post("/webhook/stripe", content=body, headers=headers).text
                if self._said == '{"received":true}':
                    return True
            except httpx.TransportError as error:
                self._said = repr(error)
            self._stopping.wait(0.1)
        return False

    def faults(self) -> list[str]:
        """Return what became of the payments that is wrong: each accepted one is an order of its units.

        A worker that was killed has claimed messages for two minutes more; here the claim ends at once.
        """
        if not self.accepted:
            return [f"no payment was accepted; the webhook said {self._said}"]
        self._shop.sql("update stockroom.stripe_events set due_at = now() where state = 'new'")
        end = time.monotonic() + 60
        while self._shop.sql("select count(*) from stockroom.stripe_events where state = 'new'"):
            self._stripe.work()
            if time.monotonic() > end:
                return ["messages of Stripe still wait"]
        known = {row.payment_id: row.units for row in self._shop.rows(_ORDERS)}
        lost = [f"a payment without its order: {each}" for each in self.accepted if each not in known]
        wrong = [
            f"the order of {each} took {known[each]}, not {units}"
            for each, units in self.accepted.items()
            if each in known and known[each] != units
        ]
        return lost + wrong
