"""Buyers of a storefront that uses the HTTP API: they hold and pay, with a fake Stripe for the money."""

from __future__ import annotations

import time
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any
from uuid import UUID, uuid4

import httpx
import sqlalchemy
from sqlalchemy import text

from tests.races.processes import Shopping, twice
from tests.races.shelf import AGE, Refusal
from tests.stripe.fake import KEY

CONNECTIONS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What became of a visit: a payment with its order, a refusal, or neither where the buyer left."""

    payment_id: str | None = None
    order_id: int | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Street:
    """Where a storefront finds everything: the shop, its key, Stripe, the database for its clock, the shoe."""

    shop: str
    key: str
    stripe: str
    owner_url: str
    variant: str


class Clients:
    """HTTP clients with one connection each. A client that many threads share may close a connection that one of them
    reads, with "Bad file descriptor" (httpcore 1.0). There is no TLS here: `verify=False` saves each 0.06 s of reading
    certificates.
    """

    def __init__(self, url: str, key: str) -> None:
        self._all = [
            httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60, verify=False)
            for _ in range(CONNECTIONS)
        ]
        self._free: SimpleQueue[httpx.Client] = SimpleQueue()
        for client in self._all:
            self._free.put(client)

    def post(self, path: str, **values: Any) -> httpx.Response:
        """Post with the next free client."""
        client = self._free.get()
        try:
            return client.post(path, **values)
        finally:
            self._free.put(client)

    def close(self) -> None:
        """Close all connections."""
        for client in self._all:
            client.close()


class Storefront:
    """The storefront's server: it submits twice, and retries if the shop is busy."""

    def __init__(self, street: Street) -> None:
        self.street = street
        self.api = Clients(f"{street.shop}/api", street.key)
        self.stripe = Clients(street.stripe, KEY)
        self.owner = sqlalchemy.create_engine(street.owner_url, pool_size=2, max_overflow=0, pool_timeout=60)

    def close(self) -> None:
        """Give all connections back."""
        self.api.close()
        self.stripe.close()
        self.owner.dispose()

    def visit(self, buyer: int) -> list[Visit]:
        """One buyer's visit, by the buyer's number: what kind of person it is."""
        units, asked = 2 if buyer % 7 == 0 else 1, time.time()
        begun = self._begin(units)
        if isinstance(begun, int):
            return [Visit(refusal=Refusal(wanted=units, asked=asked, answered=time.time(), told=begun))]
        match buyer % 10:
            case 0:  # never comes back
                self._age(begun)
            case 1:  # thinks better of it
                self._money(begun, "cancel")
            case 2:  # comes back when the hold is over
                self._age(begun)
                return [self._pay(begun, units)]
            case _:
                paid = self._pay(begun, units)
                assert paid.refusal is None, "a hold is a promise"
                return [paid]
        return [Visit()]

    def _begin(self, units: int) -> dict[str, Any] | int:
        """Return the created payment, or the units that were available instead."""
        key = uuid4().hex
        cart = {"items": [{"variantId": self.street.variant, "quantity": units}], "currency": "eur", "ttl_seconds": 600}
        answers = twice(lambda: self._post("/stripe/create-payment-intent", cart, {"Idempotency-Key": key}))
        begun: list[dict[str, Any]] = [answer.json() for answer in answers if answer.status_code == 201]
        if begun:
            assert len({each["paymentIntentId"] for each in begun}) == 1
            return begun[-1]
        assert [answer.status_code for answer in answers] == [409, 409], [answer.text for answer in answers]
        return int(answers[0].json()["short"][0]["available"])

    def _pay(self, begun: dict[str, Any], units: int) -> Visit:
        payment_id, asked = begun["paymentIntentId"], time.time()
        self._money(begun, "confirm")
        body = {"paymentIntentId": payment_id}
        answers = twice(lambda: self._post("/orders/create-from-payment", body))
        orders = [answer.json() for answer in answers]
        assert [answer.status_code for answer in answers] == [200, 200], [answer.text for answer in answers]
        assert orders[0]["orderId"] == orders[1]["orderId"]
        (line,) = orders[0]["lines"]
        refusal = None if line["state"] == "taken" else Refusal(wanted=units, asked=asked, answered=time.time())
        return Visit(payment_id=payment_id, order_id=orders[0]["orderId"], refusal=refusal)

    def _post(self, path: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> httpx.Response:
        answer, tries = self.api.post(path, json=body, headers=headers), 1
        while answer.status_code == 503 and tries < 20:
            answer, tries = self.api.post(path, json=body, headers=headers), tries + 1
        return answer

    def _money(self, begun: dict[str, Any], what: str) -> None:
        self.stripe.post(f"/v1/payment_intents/{begun['paymentIntentId']}/{what}").raise_for_status()

    def _age(self, begun: dict[str, Any]) -> None:
        """Let the time of a hold run out."""
        names = {"variant": f"'{UUID(self.street.variant)}'", "reservation": f"'{UUID(begun['reservation'])}'"}
        with self.owner.begin() as connection:
            connection.execute(text(AGE.format(**names)))


def open_street(street: Street) -> Shopping[Visit]:
    """Open a storefront in this process."""
    return Storefront(street).visit
