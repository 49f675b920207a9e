"""A shop's day at servers that others wrote to play Stripe, compared with the servers' own state, field by field.

| | localstripe | seahaven-stripe-world | our account |
| --- | --- | --- | --- |
| payments, declined, captured in parts, cancelled, refunds in parts, several currencies | yes | yes | yes |
| events of refunds | no, they arrive by import alone | yes | yes |
| disputes, inquiries, a pending refund that is cancelled | no | yes | yes |
| invoices, also of zero | no | yes | yes |
| sessions, also of over 100 lines and of zero; refunds that fail late; older versions of the API | no | no | yes |

Neither delivers webhooks that could be shuffled, so the test signs and delivers the events that the server lists.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from core.foundation.settings import load_settings
from core.inbox import polling
from core.stripe.gateway import Gateway, from_settings
from tests.stripe import outside
from tests.stripe.day import Server, Shopping, compare, over_http, stocked, tell
from tests.stripe.shop import open_cases
from tests.support.builders import Shop

KEY = "sk_test_12345"
CARDS = {"visa": "4242424242424242", "declined": "4000000000000002", "disputed": "4000000000000259",
         "lost": "4000000000002685", "inquiry": "4000000000001976", "slow": "4000000000007726"}  # fmt: skip


def account_at(url: str) -> tuple[httpx.Client, Server]:
    gateway = from_settings(load_settings({"STRIPE_SECRET_KEY": KEY, "STRIPE_API_BASE": url}))
    assert isinstance(gateway, Gateway)
    client = httpx.Client(base_url=url, auth=(KEY, ""), timeout=20)
    return client, over_http(client, gateway)


@pytest.fixture(scope="module")
def world() -> Iterator[str]:
    """The one process in which every `/worlds/<name>` is an account."""
    try:
        with outside.stripe_world() as url:
            yield url
    except outside.NotHere as why:
        pytest.skip(str(why))


def make_card(server: Server, number: str, **owner: str) -> str:
    values = {"card[number]": number, "card[exp_month]": "9", "card[exp_year]": "2040", "card[cvc]": "123"}
    return str(server.ask("/v1/payment_methods", type="card", **values, **owner)["id"])


def everyday(shop: Shopping) -> None:
    """The part of a day that every server can do."""
    paid = shop.pay({"TEE-M": 2, "CAP": 1})
    shop.pay({"CAP": 1}, card="declined")
    for currency in ("eur", "jpy", "kwd"):
        shop.pay({"SOCK": 3}, currency)
    shop.capture(shop.pay({"TEE-M": 2}, capture_method="manual", amount="2500"), 2000)
    shop.capture(shop.pay({"TEE-M": 2}, capture_method="manual"), 1500)
    shop.cancel(shop.pay({"TEE-M": 4}, capture_method="manual"))
    shop.refund(paid, 500)
    shop.refund(paid, 700)
    shop.refund(shop.pay({"CAP": 2}))


@pytest.mark.parametrize("seed", [1, 2])
def test_a_day_at_stripe_world_is_the_same_here_as_there(embedded_shop: Shop, world: str, seed: int) -> None:
    client, server = account_at(f"{world}/worlds/day{seed}")
    stocked(embedded_shop)
    polling.poll(embedded_shop.engine, server.gateway)

    def card(kind: str) -> str:
        owner = {"billing_details[email]": f"{kind}@buyer.example", "billing_details[name]": f"Kim {kind}"}
        return make_card(server, CARDS[kind], **owner)

    shop = Shopping(server, card, {"payment_method_types[]": "card"})
    with client:
        everyday(shop)
        for kind in ("disputed", "lost", "inquiry"):
            shop.pay({"TEE-M": 1}, card=kind, receipt_email="other@buyer.example")
        disputes = {each["reason"]: each for each in server.read("/v1/disputes")}
        server.ask(f"/v1/disputes/{disputes['product_not_received']['id']}/close")
        slow = shop.refund(shop.pay({"CAP": 1}, card="slow"), 300, reason="requested_by_customer")
        server.ask(f"/v1/refunds/{slow['id']}/cancel")
        invoices(server, card("visa"))
        tell(embedded_shop, server, seed)
        compare(embedded_shop, server)
    (said,) = [each for each in open_cases(embedded_shop) if each.startswith("unreadable_cart")]
    assert "9.00 USD" in said, said


def test_a_day_at_localstripe_is_the_same_here_as_there(embedded_shop: Shop) -> None:
    with outside.localstripe() as url:
        client, server = account_at(url)
        stocked(embedded_shop)
        polling.poll(embedded_shop.engine, server.gateway)

        def card(kind: str) -> str:
            return make_card(server, {"visa": "4242424242424242", "declined": "4000000000000341"}[kind])

        with client:
            everyday(Shopping(server, card))
            tell(embedded_shop, server, seed=3)
            compare(embedded_shop, server)


def invoices(server: Server, card: str) -> None:
    """Pay an invoice and one of zero. This server pays invoices by charges of which nothing says that they do."""
    buyer = server.ask("/v1/customers", email="member@buyer.example")["id"]
    server.ask(f"/v1/payment_methods/{card}/attach", customer=buyer)
    server.ask(f"/v1/customers/{buyer}", **{"invoice_settings[default_payment_method]": card})
    for amount in ("900", "0"):
        made = server.ask("/v1/invoices", customer=buyer, currency="usd", pending_invoice_items_behavior="exclude")
        server.ask("/v1/invoiceitems", customer=buyer, invoice=made["id"], amount=amount, currency="usd")
        done = server.ask(f"/v1/invoices/{made['id']}/finalize")
        if done["status"] != "paid":
            done = server.ask(f"/v1/invoices/{made['id']}/pay")
        assert done["status"] == "paid"
