"""A shop's day at a server that plays Stripe, told to Stockroom in every way, and the comparison of both afterwards.

The server is read with a plain HTTP client and the test's own paging, not with Stockroom's gateway and readers.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import text

from core.catalog import imports
from core.database.engine import run
from core.foundation.sales import Policy
from core.inbox import applying, polling
from core.inbox import messages as inbox
from core.inbox.messages import WORKER, Incoming
from core.payloads import reading as payloads
from core.proof import runs as proofs
from core.stripe import gateway as stripe_gateway
from core.stripe.gateway import Gateway
from tests.support.builders import Shop, key

SECRET = "whsec_of_the_day"
Json = dict[str, Any]
PRICES = {"TEE-M": 1000, "CAP": 700, "SOCK": 250}
SHELF = 40
CODES = ("R1", "R2", "R3", "R4", "R5", "R6", "R7", "R10", "R11")
"""The checks of the daily proof but those of cases that wait, backups and rights."""
DIGITS = {"jpy": 0, "kwd": 3}
"""The digits of currencies that have not two."""


@dataclass(frozen=True)
class Server:
    """An account at a server: `read` returns all objects of a list, newest first, as the server itself shows them."""

    gateway: Gateway
    read: Callable[[str], list[Json]]
    ask: Callable[..., Json]


def over_http(client: httpx.Client, gateway: Gateway) -> Server:
    """Return an account that is reached with a plain HTTP client."""

    def read(path: str) -> list[Json]:
        found: list[Json] = []
        while True:
            after = {"starting_after": found[-1]["id"]} if found else {}
            answer = client.get(path, params={"limit": "100", **after})
            assert answer.status_code == 200, answer.text
            found += answer.json()["data"]
            if not answer.json()["has_more"]:
                return found

    def ask(path: str, **values: str) -> Json:
        answer = client.post(path, data=values)
        assert answer.status_code in (200, 402), answer.text
        said: Json = answer.json()
        return said

    return Server(gateway, read, ask)


@dataclass
class Shopping:
    """What buyers do at the server. `card` makes a payment method, which each server does in its own way."""

    server: Server
    card: Callable[[str], str]
    more: Mapping[str, str] = field(default_factory=dict)
    count: int = 0

    def pay(self, cart: Mapping[str, int], currency: str = "usd", card: str = "visa", **more: str) -> Json:
        """Pay for a cart of SKUs and units, at the prices of the day."""
        self.count += 1
        lines = [{"sku": sku, "quantity": units, "price": PRICES[sku] / unit(currency)} for sku, units in cart.items()]
        values = {
            "amount": str(sum(PRICES[sku] * units for sku, units in cart.items())), "currency": currency,
            "payment_method": self.card(card), "confirm": "true", "metadata[cart]": json.dumps(lines),
        }  # fmt: skip
        return self.server.ask("/v1/payment_intents", **{**values, **self.more, **more})

    def capture(self, paid: Json, amount: int) -> None:
        """Capture a part of an authorised payment."""
        self.server.ask(f"/v1/payment_intents/{paid['id']}/capture", amount_to_capture=str(amount))

    def cancel(self, paid: Json) -> None:
        """Cancel an authorised payment."""
        self.server.ask(f"/v1/payment_intents/{paid['id']}/cancel")

    def refund(self, paid: Json, amount: int | None = None, **more: str) -> Json:
        """Refund a payment, in full or in part."""
        part = {"amount": str(amount)} if amount else {}
        return self.server.ask("/v1/refunds", payment_intent=paid["id"], **part, **more)


def unit(currency: str) -> int:
    """Return how many minor units make one unit of a currency."""
    return int(10 ** DIGITS.get(currency, 2))


def stocked(shop: Shop, *more: str) -> None:
    """Put the day's goods on the shelf."""
    rows = "".join(f"{sku},{sku},{SHELF}\n" for sku in (*PRICES, *more))
    content = f"sku,product,opening\n{rows}".encode()
    shop.run(imports.import_catalog, content=content, file_name="day.csv", key=key())


def tell(shop: Shop, server: Server, seed: int) -> None:
    """Tell the shop by webhook, poll and import, each twice and in a random order, with the worker in between."""
    chance = random.Random(seed)
    since = datetime.now(UTC) - timedelta(days=1)
    ways: list[Callable[[], object]] = [
        lambda: deliver(shop, server, chance),
        lambda: polling.poll(shop.engine, server.gateway),
        lambda: polling.import_range(
            shop.engine, server.gateway, WORKER, since=since, until=None, policy=Policy.NORMAL
        ),
    ] * 2
    chance.shuffle(ways)
    for way in ways:
        way()
        work(shop, server.gateway)
    assert shop.rows("select kind, why from stockroom.stripe_events where state not in ('done', 'ignored')") == []


def work(shop: Shop, gateway: Gateway) -> None:
    """Let the worker apply all that is due."""
    while applying.apply_due(shop.engine, gateway).messages:
        pass


def deliver(shop: Shop, server: Server, chance: random.Random) -> None:
    """Deliver all events in random order as signed messages; the worker applies them between deliveries."""
    events = server.read("/v1/events")
    chance.shuffle(events)
    while events:
        waiting = [events.pop() for _ in range(min(chance.randint(1, 9), len(events)))]
        run(shop.engine, inbox.receive, WORKER, messages=[message(event) for event in waiting])
        if chance.random() < 0.3:
            work(shop, server.gateway)


def message(event: Json) -> Incoming:
    """Return an event as it arrives at the webhook, signed and verified."""
    body = json.dumps(event).encode()
    found = stripe_gateway.verify(body, signature(body), [SECRET])
    return Incoming(
        event=payloads.read_event(found)[0], body=body.decode(), source="webhook", payment_id=polling.about(found)
    )


def signature(body: bytes) -> str:
    """Return the signature header of a message, as Stripe's documentation defines it."""
    at = int(time.time())
    return f"t={at},v1={hmac.new(SECRET.encode(), f'{at}.'.encode() + body, hashlib.sha256).hexdigest()}"


# ---------------------------------------------------------------- the comparison


def in_metadata(intent: Json) -> list[Json]:
    """Return the lines in a payment's metadata; an empty list without a cart."""
    return list(json.loads(intent["metadata"].get("cart", "[]")))


def compare(shop: Shop, server: Server, lines_of: Callable[[Json], list[Json]] = in_metadata) -> None:
    """Compare orders, lines, stock, refunds and disputes with what the server itself says, field by field.

    A charge without a PaymentIntent is an order without lines: nothing says whether it paid for goods. So is a payment
    of which less was captured than its cart costs: a person says what was shipped.
    """
    theirs = {each["id"]: each for each in server.read("/v1/payment_intents") if is_sale(each, lines_of)}
    sessions = {key_of(each): each for each in server.read("/v1/checkout/sessions") if each["status"] == "complete"}
    free = [each for each in sessions.values() if is_free(each)]
    charges = {each["id"]: each for each in server.read("/v1/charges")}
    same(
        ours(shop, "select payment_id, amount, currency, charge_id, email, name, livemode from stockroom.orders"),
        {
            (each["id"], taken(each), each["currency"], charge_of(each),
             *buyer(each, charges[charge_of(each)], sessions.get(each["id"])), each["livemode"])
            for each in theirs.values()
        } | {
            (each["id"], each["amount_captured"], each["currency"], each["id"], *buyer({}, each, None),
             each["livemode"])
            for each in charges.values() if not each["payment_intent"] and each["status"] == "succeeded"
        } | {
            (key_of(each), 0, each["currency"], None, *buyer({}, {}, each), each["livemode"])
            for each in free
        },
    )  # fmt: skip
    lines = {
        (key_of(each), line["sku"], line["quantity"], round(line["price"] * unit(each["currency"])), "taken",
         line["quantity"])
        for each in [*(paid for paid in theirs.values() if taken(paid) >= worth(paid, lines_of(paid))), *free]
        for line in lines_of(each)
    }  # fmt: skip
    found = ours(
        shop,
        """select o.payment_id, l.code, l.quantity, l.unit_price, l.state, l.taken
             from stockroom.order_lines l join stockroom.orders o on o.id = l.order_id""",
    )
    same(found, lines)
    sold: Counter[str] = Counter()
    for _, sku, units, *_ in lines:
        sold[sku] += units
    shelf = dict.fromkeys((row[0] for row in shop.rows("select sku from product_variants")), 0) | sold
    same(ours(shop, "select sku, stock_quantity from product_variants"),
         {(sku, SHELF - units) for sku, units in shelf.items()})  # fmt: skip
    compare_refunds(shop, server, charges)
    compare_disputes(shop, server)
    proof = proofs.prove(shop.engine, server.gateway, WORKER, codes=CODES)
    assert {result.code: result.examples for result in proof.results if not result.holds} == {}
    assert [result.not_compared for result in proof.results if result.not_compared] == []


def compare_refunds(shop: Shop, server: Server, charges: Mapping[str, Json]) -> None:
    """Compare refunds; one that names only its charge belongs to the payment of the charge."""
    found = ours(
        shop,
        """select r.refund_id, coalesce(r.payment_id, o.payment_id), r.charge_id, r.amount, r.currency, r.status,
                  coalesce(r.reason, ''), coalesce(r.failure_reason, ''), extract(epoch from r.refunded_at)::bigint
             from stockroom.refunds r left join stockroom.orders o on o.id = r.order_id where r.kind = 'refund'""",
    )
    theirs = {
        (each["id"], charges[each["charge"]]["payment_intent"], each["charge"], each["amount"], each["currency"],
         each["status"], each.get("reason") or "", each.get("failure_reason") or "", each["created"])
        for each in server.read("/v1/refunds")
    }  # fmt: skip
    same(found, theirs)


def compare_disputes(shop: Shop, server: Server) -> None:
    """Compare disputes; the money of those that are lost counts as refunded."""
    found = ours(
        shop,
        """select dispute_id, payment_id, charge_id, amount, currency, status, reason,
                  extract(epoch from due_by)::bigint, extract(epoch from disputed_at)::bigint
             from stockroom.disputes""",
    )
    theirs = {
        (each["id"], each["payment_intent"], each["charge"], each["amount"], each["currency"], each["status"],
         each["reason"], each["evidence_details"]["due_by"], each["created"])
        for each in server.read("/v1/disputes")
    }  # fmt: skip
    same(found, theirs)
    lost = ours(shop, "select payment_id, amount from stockroom.refunds where kind = 'dispute'")
    same(lost, {(each[1], each[3]) for each in theirs if each[5] == "lost"})


def same(found: set[Any], theirs: set[Any]) -> None:
    """Compare two sets and name what only one of them has."""
    assert found == theirs, (
        f"only here: {sorted(found - theirs, key=str)}; only there: {sorted(theirs - found, key=str)}"
    )


def ours(shop: Shop, query: str, **values: Any) -> set[tuple[Any, ...]]:
    """Return the rows of a query, which must all differ."""
    with shop.owner.begin() as connection:
        rows = [tuple(row) for row in connection.execute(text(query), values).all()]
    assert len(rows) == len(set(rows))
    return set(rows)


def is_sale(intent: Json, lines_of: Callable[[Json], list[Json]]) -> bool:
    """Return whether a payment succeeded and paid for goods."""
    return intent["status"] == "succeeded" and bool(lines_of(intent))


def key_of(sale: Json) -> str:
    """Return the id of an order's payment; a free session is its own unless it began one."""
    return str(sale["id"] if sale["object"] == "payment_intent" else sale["payment_intent"] or sale["id"])


def is_free(session: Json) -> bool:
    """Return whether a Checkout Session was completed without anything to pay."""
    return (session["mode"], session["status"], session["amount_total"]) == ("payment", "complete", 0)


def taken(intent: Json) -> int:
    """Return the money that was taken; localstripe says only what was asked."""
    return int(intent.get("amount_received") or intent["amount"])


def worth(intent: Json, lines: list[Json]) -> int:
    """Return what the goods of a cart cost, in minor units."""
    return sum(round(line["price"] * unit(intent["currency"])) * line["quantity"] for line in lines)


def charge_of(intent: Json) -> str:
    """Return the id of the charge that paid; localstripe shows the whole charge."""
    latest = intent["latest_charge"]
    return str(latest["id"] if isinstance(latest, dict) else latest)


def buyer(intent: Json, charge: Json, session: Json | None) -> tuple[str | None, str | None]:
    """Return the buyer's address and name: as typed in the Checkout Session, else of receipt or card."""
    typed, card = (session or {}).get("customer_details") or {}, charge.get("billing_details") or {}
    to = (intent.get("shipping") or {}).get("name")
    return typed.get("email") or intent.get("receipt_email") or card.get("email"), typed.get("name") or to or card.get(
        "name"
    )
