"""A shop's day at our own Stripe account: what the servers of others cannot play, compared in the same way.

Sessions of over a hundred lines and of zero, delayed and failed payments, a renewal, refunds that fail late, disputes
that are won and lost, charges of 2018, and events of the API versions of 2018, 2022, 2025 (basil) and today.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.database.engine import run
from core.inbox import messages as inbox
from core.inbox.messages import WORKER
from core.payloads import reading as payloads
from tests.stripe.day import DIGITS, PRICES, Json, Server, compare, message, stocked, tell, work
from tests.stripe.later import renew
from tests.stripe.shop import Stripe
from tests.support.builders import Shop

VERSIONS = {"2018-05-21": False, "2022-11-15": False, "2025-03-31.basil": True, "": True}
"""The versions, today's last; whether there are events of refunds beside those of charges."""
LONG = [f"L-{n:03}" for n in range(1, 121)]


def account_of(stripe: Stripe) -> Server:
    """Return the account with lists as it answers them, read without Stockroom's readers."""

    def read(path: str) -> list[Json]:
        found: list[Json] = []
        while True:
            after = {"starting_after": found[-1]["id"]} if found else {}
            answer = stripe.gateway.get(path, limit=100, **after)
            found += answer["data"]
            if not answer["has_more"]:
                return found

    return Server(stripe.gateway, read, lambda path, **_: {})


def lines_of(server: Server) -> Any:
    """Return the function that finds a payment's lines: those of its session, else those in its metadata."""
    products = {each["id"]: each for each in server.read("/v1/products")}
    lines: dict[str, list[Json]] = {}
    for session in server.read("/v1/checkout/sessions"):
        items = server.read(f"/v1/checkout/sessions/{session['id']}/line_items")
        for key in filter(None, (session["payment_intent"], session["id"])):
            lines[key] = [
                {"sku": products[item["price"]["product"]]["metadata"]["sku"], "quantity": item["quantity"],
                 "price": item["price"]["unit_amount"] / 10 ** DIGITS.get(session["currency"], 2)}
                for item in items
            ]  # fmt: skip
    return lambda paid: lines.get(paid["id"]) or json.loads(paid["metadata"].get("cart", "[]"))


def day(stripe: Stripe) -> None:
    """Let buyers and banks do everything once."""
    account = stripe.account

    def pay(sku: str, units: int, currency: str = "usd") -> Json:
        price = PRICES[sku] / 10 ** DIGITS.get(currency, 2)
        cart = json.dumps([{"sku": sku, "quantity": units, "price": price}])
        paid: Json = account.pay(PRICES[sku] * units, currency, {"cart": cart})
        return paid

    first = pay("TEE-M", 2)
    account.refund(payment_intent=first["id"], amount=700, reason="requested_by_customer")
    account.fail_refund(account.refund(payment_intent=first["id"], amount=300)["id"])
    account.settle_refund(account.refund(charge=pay("CAP", 1)["latest_charge"], status="pending")["id"])
    for currency in ("jpy", "kwd"):
        pay("SOCK", 2, currency)
    for won in (True, False):
        account.close_dispute(account.dispute(pay("CAP", 1)["latest_charge"])["id"], won=won)
    account.dispute(pay("CAP", 1)["latest_charge"], reason="product_not_received", amount=300)
    held = account.authorise(account.open_payment(2000, metadata={"cart": '[{"sku": "CAP", "quantity": 1}]'})["id"])
    account.cancel(held["id"])
    account.fail_try(account.open_payment(700, metadata={"cart": '[{"sku": "CAP", "quantity": 1}]'})["id"])
    account.charge(900)
    account.complete(account.checkout([(sku, 100, 1) for sku in LONG])["id"])
    account.complete(account.checkout([("CAP", 700, 1)], discount=700)["id"])
    account.complete(account.checkout([("TEE-M", 1000, 2)], shipping=500, tax=100)["id"])
    for paid_later in (True, False):
        account.settle(
            account.complete(account.checkout([("SOCK", 250, 1)])["id"], delayed=True)["id"], paid=paid_later
        )
    account.expire(account.checkout([("SOCK", 250, 9)])["id"])
    renew(account)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_day_at_our_own_account_is_the_same_here_as_there(embedded_shop: Shop, version: str) -> None:
    stocked(embedded_shop, *LONG)
    stripe = Stripe(embedded_shop)
    stripe.account.api_version = version or stripe.account.api_version
    stripe.account.tell_refunds = VERSIONS[version]
    day(stripe)
    server = account_of(stripe)
    tell(embedded_shop, server, seed=len(version))
    compare(embedded_shop, server, lines_of(server))


def tell_one_by_one(stripe: Stripe, first: str) -> None:
    """Tell the events of an account, each applied before the next one, those of this type first."""
    events = [each for each in account_of(stripe).read("/v1/events") if each["type"] in payloads.KINDS]
    events.sort(key=lambda event: event["type"] != first)
    for event in events:
        run(stripe.shop.engine, inbox.receive, WORKER, messages=[message(event)])
        work(stripe.shop, stripe.gateway)


@pytest.mark.parametrize("first", ["payment_intent.succeeded", "checkout.session.completed"])
def test_the_buyer_is_who_was_typed_in_the_checkout_whichever_message_comes_first(
    embedded_shop: Shop, first: str
) -> None:
    stripe = Stripe(embedded_shop)
    stripe.account.api_version = "2022-01-01"  # the payment begins with the session, so its receipt goes elsewhere
    made = stripe.account.checkout([("CAP", 700, 1)])
    stripe.account.complete(made["id"], buyer={"email": "ana@buyer.example", "name": "Ana Ruiz", "shipping": None})
    tell_one_by_one(stripe, first)
    (order,) = embedded_shop.rows("select email, name from stockroom.orders")
    assert tuple(order) == ("ana@buyer.example", "Ana Ruiz")


@pytest.mark.parametrize("first", ["payment_intent.succeeded", "checkout.session.completed"])
def test_the_discount_of_a_checkout_is_kept_beside_its_shipping_whichever_message_comes_first(
    embedded_shop: Shop, first: str
) -> None:
    stocked(embedded_shop, *LONG)
    stripe = Stripe(embedded_shop)
    sold = stripe.account.checkout([("TEE-M", 1000, 2)], shipping=490, discount=400)
    stripe.account.complete(sold["id"])
    tell_one_by_one(stripe, first)
    (order,) = embedded_shop.rows("select amount, extras, discount from stockroom.orders")
    (line,) = embedded_shop.rows("select unit_worth, taken from stockroom_api.order_line_rows")
    assert (tuple(order), tuple(line)) == ((2090, 90, 400), (800, 2))
