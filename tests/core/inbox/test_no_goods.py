"""What is no sale of goods makes no noise: renewals of subscriptions, and money in a converted currency."""

from __future__ import annotations

import json

import pytest

from core.stripe.gateway import Gateway
from tests.stripe.account import StripeAccount
from tests.stripe.fake import FakeStripe, fake_gateway
from tests.stripe.later import renew
from tests.stripe.shop import Stripe, open_cases, orders_of
from tests.support.builders import Shop


@pytest.fixture
def asked(embedded_shop: Shop) -> tuple[Stripe, FakeStripe]:
    """A shop with a Stripe account, and the fake that notes what is asked."""
    stripe = Stripe(embedded_shop)
    gateway: Gateway
    gateway, fake = fake_gateway(stripe.account)
    stripe.gateway = gateway
    return stripe, fake


def invoice_questions(fake: FakeStripe) -> int:
    return sum(each.path == "/v1/invoice_payments" for each in fake.asked)


def test_a_renewal_is_ignored_although_its_payment_names_no_invoice(asked: tuple[Stripe, FakeStripe]) -> None:
    stripe, _ = asked
    renew(stripe.account)
    stripe.webhook()
    stripe.work()
    assert (orders_of(stripe.shop), open_cases(stripe.shop)) == (0, [])
    why = stripe.shop.sql("select why from stockroom.stripe_events where kind = 'payment_intent.succeeded'")
    assert why.startswith("It pays the invoice in_")
    assert stripe.shop.sql("select count(*) from stockroom_api.payment_faults") == 0


def test_stripe_is_asked_for_an_invoice_only_where_nothing_says_that_it_is_a_sale(
    asked: tuple[Stripe, FakeStripe],
) -> None:
    stripe, fake = asked
    stripe.shop.variant(9, sku="TEE-M")
    stripe.pay("TEE-M")
    stripe.account.pay(metadata={"note": "A gift"})
    stripe.account.complete(stripe.account.checkout([("TEE-M", 1000, 1)])["id"])
    stripe.webhook()
    stripe.work()
    assert (orders_of(stripe.shop), invoice_questions(fake)) == (3, 0)
    stripe.account.pay()
    stripe.webhook()
    stripe.work()
    assert (orders_of(stripe.shop), invoice_questions(fake)) == (4, 1)


def test_without_the_right_to_read_invoices_the_case_says_so_and_the_connection_test_too(
    asked: tuple[Stripe, FakeStripe],
) -> None:
    stripe, fake = asked
    fake.denied.add("rak_invoice_read")
    renew(stripe.account)
    stripe.webhook()
    stripe.work()
    (said,) = open_cases(stripe.shop)
    assert "may not read Invoices, so it may be a subscription" in said
    assert stripe.gateway.account().missing_names == ("Invoices",)


def test_an_outage_while_stripe_is_asked_puts_the_message_off(asked: tuple[Stripe, FakeStripe]) -> None:
    stripe, fake = asked
    renew(stripe.account)
    stripe.webhook()
    fake.trouble(500, times=40)
    stripe.work()
    assert orders_of(stripe.shop) == 0
    fake._troubles.clear()
    stripe.shop.sql("update stockroom.stripe_events set due_at = now() where state = 'new'")
    stripe.work()
    assert (orders_of(stripe.shop), open_cases(stripe.shop)) == (0, [])


def convert(account: StripeAccount, session_id: str, *, before_2025: bool) -> None:
    """Let the buyer see and pay 13.50 CAD for each 10.00 USD, as Adaptive Pricing does."""
    session = account.get("checkout.session", session_id)
    usd, cad = session["amount_total"], session["amount_total"] * 135 // 100
    if not before_2025:
        session["presentment_details"] = {"presentment_amount": cad, "presentment_currency": "cad"}
        return
    rate = {"amount_subtotal": usd, "amount_total": usd, "fx_rate": "1.35", "source_currency": "usd"}
    session |= {"currency": "cad", "amount_total": cad, "amount_subtotal": cad, "currency_conversion": rate}
    for item in account.items[session_id]:
        item |= {name: item[name] * 135 // 100 for name in ("amount_subtotal", "amount_total")} | {"currency": "cad"}


@pytest.mark.parametrize("before_2025", [True, False], ids=["currency_conversion", "presentment_details"])
@pytest.mark.parametrize("in_metadata", [True, False], ids=["cart in metadata", "cart in line items"])
def test_a_converted_currency_never_mixes_into_unit_prices(
    asked: tuple[Stripe, FakeStripe], before_2025: bool, in_metadata: bool
) -> None:
    stripe, _ = asked
    stripe.shop.variant(9, sku="TEE-M")
    account = stripe.account
    cart = {"cart": json.dumps([{"sku": "TEE-M", "quantity": 2, "price": 1000}])} if in_metadata else {}
    opened = account.checkout([("TEE-M", 1000, 2)], metadata=cart)
    convert(account, opened["id"], before_2025=before_2025)
    if in_metadata:
        account.items[opened["id"]] = []
    account.complete(opened["id"])
    stripe.webhook()
    stripe.work()
    assert open_cases(stripe.shop) == []
    (line,) = stripe.shop.rows("select unit_price, taken from stockroom.order_lines")
    (order,) = stripe.shop.rows("select amount, currency, difference from stockroom.orders")
    if before_2025:
        assert (order.amount, order.currency) == (2700, "cad")
        assert line.unit_price == (None if in_metadata else 1350)
    else:
        assert (order.amount, order.currency, line.unit_price) == (2000, "usd", 1000)
    assert line.taken == 2
    assert not order.difference
