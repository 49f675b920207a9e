"""Stripe's objects in every form since 2014: each is one sale, one refund, one dispute, or ignored."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from core.foundation.errors import Unreadable
from core.foundation.sales import (
    Dispute,
    Ignored,
    Payment,
    PaymentState,
    Reading,
    Refund,
    RefundedCharge,
    StripeEvent,
    Thin,
)
from core.payloads import reading as payloads
from core.sandbox.objects import CURRENT, Json
from core.sandbox.payments import BUYER
from tests.stripe.account import StripeAccount
from tests.stripe.samples import CART, VERSIONS, charge, intent, session

PAID, WAITING, CANCELLED = PaymentState


def told(account: StripeAccount, kind: str) -> tuple[StripeEvent, Reading]:
    """Return the reading of the newest event of a kind."""
    return payloads.read([each for each in account.kept["event"].values() if each["type"] == kind][-1])


def payment(reading: Reading) -> Payment:
    assert isinstance(reading, Payment), reading
    return reading


# ---------------------------------------------------------------- one sale


@pytest.mark.parametrize("version", VERSIONS)
def test_a_payment_and_its_charge_are_one_sale_in_every_version(version: str) -> None:
    account = StripeAccount(api_version=version)
    made = account.pay(4200, metadata=CART)
    _, by_intent = told(account, "payment_intent.succeeded")
    _, by_charge = told(account, "charge.succeeded")
    for reading in (payment(by_intent), payment(by_charge)):
        assert (reading.payment_id, reading.state, reading.amount, reading.currency) == (made["id"], PAID, 4200, "usd")
        assert reading.charge_id is not None
        assert reading.charge_id.startswith("ch_")
        assert dict(reading.metadata) == CART
        assert not reading.livemode
    assert payment(by_charge).name == BUYER["name"]


@pytest.mark.parametrize("version", ["2020-09-01", "2022-08-01", "2023-10-16", CURRENT])
def test_a_checkout_session_is_the_sale_of_its_payment(version: str) -> None:
    account = StripeAccount(api_version=version)
    opened = account.checkout(reference="1007", shipping=500, tax=100, discount=50, metadata={"note": "hello"})
    made = account.complete(opened["id"], buyer=BUYER)
    _, reading = told(account, "checkout.session.completed")
    sale = payment(reading)
    assert (sale.payment_id, sale.session_id, sale.state) == (made["payment_intent"], opened["id"], PAID)
    assert (sale.amount, sale.shipping, sale.tax, sale.discount) == (5550, 500, 100, 50)
    assert (sale.email, sale.name, sale.reference) == (BUYER["email"], BUYER["name"], "1007")
    _, other = told(account, "payment_intent.succeeded")
    assert payment(other).payment_id == sale.payment_id


def test_a_charge_of_2014_is_its_own_sale_with_the_name_on_its_card() -> None:
    account = StripeAccount(api_version="2014-01-31", livemode=True)
    made = account.charge(1999, "GBP".lower(), metadata=CART, buyer=BUYER)
    event, reading = told(account, "charge.succeeded")
    sale = payment(reading)
    assert (sale.payment_id, sale.charge_id, sale.state, sale.amount) == (made["id"], made["id"], PAID, 1999)
    assert (sale.name, sale.email, sale.livemode) == (BUYER["name"], BUYER["email"], True)
    assert event.api_version == "2014-01-31"


def test_a_sale_is_dated_by_the_second_it_was_paid_not_by_when_the_buyer_began() -> None:
    account = StripeAccount(now=1_700_000_000)
    opened = account.open_payment()
    account.advance(1200)
    made = account.succeed(opened["id"])
    _, reading = told(account, "payment_intent.succeeded")
    assert payment(reading).paid_at == datetime.fromtimestamp(1_700_001_200, UTC)
    fetched = {**made, "latest_charge": account.kept["charge"][made["latest_charge"]]}
    assert payment(payloads.read_object(fetched)).paid_at == datetime.fromtimestamp(1_700_001_200, UTC)


def test_a_free_cart_is_paid_without_a_payment() -> None:
    account = StripeAccount()
    opened = account.checkout((("FREE", 0, 1),))
    account.complete(opened["id"])
    _, reading = told(account, "checkout.session.completed")
    assert (payment(reading).payment_id, payment(reading).state, payment(reading).amount) == (opened["id"], PAID, 0)


def test_the_captured_amount_counts_not_the_authorised_one() -> None:
    account = StripeAccount()
    opened = account.open_payment(5000)
    account.authorise(opened["id"])
    assert payment(told(account, "charge.succeeded")[1]).state is WAITING
    assert payment(told(account, "payment_intent.amount_capturable_updated")[1]).state is WAITING
    account.capture(opened["id"], 3000)
    assert payment(told(account, "payment_intent.succeeded")[1]).amount == 3000
    assert payment(told(account, "charge.captured")[1]).amount == 3000


@pytest.mark.parametrize(
    "status",
    ["requires_payment_method", "requires_confirmation", "requires_action", "requires_source",
     "requires_source_action", "requires_capture", "processing"],
)  # fmt: skip
def test_a_payment_that_still_requires_something_is_waiting(status: str) -> None:
    assert payment(payloads.read_object(intent(status=status, amount_received=0))).state is WAITING


def test_a_cancelled_payment_also_cancels_its_authorised_charge() -> None:
    account = StripeAccount()
    opened = account.open_payment()
    account.authorise(opened["id"])
    account.cancel(opened["id"])
    assert payment(told(account, "payment_intent.canceled")[1]).state is CANCELLED
    assert payment(told(account, "charge.refunded")[1]).state is CANCELLED


def test_a_declined_card_is_a_failed_attempt_and_not_the_end() -> None:
    account = StripeAccount()
    opened = account.open_payment()
    account.fail_try(opened["id"])
    assert payment(told(account, "payment_intent.payment_failed")[1]).state is WAITING
    assert isinstance(told(account, "charge.failed")[1], Ignored)


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"status": "failed", "paid": False}, CANCELLED),
        ({"status": None, "paid": False}, CANCELLED),
        ({"status": None, "captured": None}, PAID),
        ({"status": "paid"}, PAID),
        ({"status": "pending"}, WAITING),
        ({"captured": False}, WAITING),
        ({"captured": False, "refunded": True}, CANCELLED),
    ],
)
def test_the_state_of_a_charge_is_read_in_the_form_of_every_year(changes: Json, state: PaymentState) -> None:
    assert payment(payloads.read_object(charge(**changes))).state is state


def test_a_bank_debit_waits_until_it_arrives_or_does_not() -> None:
    account = StripeAccount()
    for paid, state in ((True, PAID), (False, CANCELLED)):
        opened = account.checkout()
        account.complete(opened["id"], delayed=True)
        assert payment(told(account, "checkout.session.completed")[1]).state is WAITING
        account.settle(opened["id"], paid=paid)
        kind = f"checkout.session.async_payment_{'succeeded' if paid else 'failed'}"
        assert payment(told(account, kind)[1]).state is state


def test_an_expired_session_is_cancelled_under_its_own_id() -> None:
    account = StripeAccount()
    opened = account.checkout()
    account.expire(opened["id"])
    _, reading = told(account, "checkout.session.expired")
    assert (payment(reading).payment_id, payment(reading).state) == (opened["id"], CANCELLED)


def test_an_old_session_without_a_payment_status_has_to_be_fetched() -> None:
    account = StripeAccount(api_version="2020-03-02")
    opened = account.checkout()
    account.complete(opened["id"])
    assert told(account, "checkout.session.completed")[1] == Thin(kind="checkout.session", object_id=opened["id"])
    with pytest.raises(Unreadable, match="payment_status is missing"):
        payloads.read_object(session(payment_status=None))


@pytest.mark.parametrize(
    "obj",
    [
        session(mode="subscription", subscription="sub_1"),
        session(mode="setup"),
        session(mode=None, subscription="sub_1"),
        session(mode=None, setup_intent="seti_1"),
        session(status="open", payment_status="unpaid", amount_total=None, currency=None),
        intent(invoice="in_1"),
        charge(invoice="in_1"),
        charge(payment_intent="pi_1", status="failed", paid=False),
        {"object": "refund", "id": "re_1", "amount": 1, "charge": None, "payment_intent": None},
        {"object": "customer", "id": "cus_1"},
        {"object": "balance"},
        {"object": None},
        {"object": ["charge"]},
        {},
    ],
    ids=lambda obj: f"{obj.get('object')} {obj.get('mode') or obj.get('id')}",
)
def test_objects_that_sell_no_goods_are_ignored_with_a_reason(obj: Json) -> None:
    reading = payloads.read_object(obj)
    assert isinstance(reading, Ignored)
    assert reading.why.endswith(".")
    assert len(reading.why) > 20


def test_a_payment_of_an_invoice_with_a_cart_is_a_sale() -> None:
    assert payment(payloads.read_object(intent(invoice="in_1", metadata=CART))).state is PAID


# ---------------------------------------------------------------- money going back


@pytest.mark.parametrize("version", VERSIONS)
def test_a_partial_refund_is_read_in_every_version(version: str) -> None:
    account = StripeAccount(api_version=version)
    made = account.pay(5000)
    given_back = account.refund(payment_intent=made["id"], amount=1500, reason="duplicate")
    _, reading = told(account, "charge.refunded")
    assert isinstance(reading, RefundedCharge)
    assert (reading.charge_id, reading.payment_id) == (made["latest_charge"], made["id"])
    inside = [(each.refund_id, each.amount, each.payment_id) for each in reading.refunds]
    assert inside == ([] if version >= "2022-11-15" else [(given_back["id"], 1500, made["id"])])
    _, refund = told(account, "refund.created")
    assert isinstance(refund, Refund)
    assert (refund.refund_id, refund.amount, refund.status) == (given_back["id"], 1500, "succeeded")
    assert (refund.charge_id, refund.reason) == (made["latest_charge"], "duplicate")
    assert refund.payment_id == (made["id"] if version >= "2019-01-01" else None)


def test_incomplete_refunds_or_refunds_without_ids_have_to_be_fetched() -> None:
    refund = {"object": "refund", "id": "re_1", "amount": 5, "currency": "usd", "created": 1_400_000_000}
    nameless = {name: value for name, value in refund.items() if name != "id"}
    for refunds in ({"data": [refund], "has_more": True}, [refund, nameless], {}, None):
        reading = payloads.read_object(charge(refunds=refunds), "charge.refunded")
        assert reading == RefundedCharge(charge_id="ch_1", payment_id=None)


def test_a_refund_that_fails_weeks_later_says_why() -> None:
    account = StripeAccount()
    made = account.pay()
    account.fail_refund(account.refund(payment_intent=made["id"])["id"])
    for kind in ("refund.failed", "charge.refund.updated"):
        _, refund = told(account, kind)
        assert isinstance(refund, Refund)
        assert (refund.status, refund.failure_reason) == ("failed", "expired_or_canceled_card")


def test_a_dispute_names_the_payment_it_is_about() -> None:
    account = StripeAccount()
    made = account.pay(700)
    opened = account.dispute(made["latest_charge"])
    account.close_dispute(opened["id"], won=False)
    _, reading = told(account, "charge.dispute.closed")
    assert isinstance(reading, Dispute)
    assert (reading.dispute_id, reading.payment_id, reading.charge_id) == (
        opened["id"], made["id"], made["latest_charge"])  # fmt: skip
    assert (reading.status, reading.amount, reading.reason) == ("lost", 700, "fraudulent")


def test_a_dispute_without_an_id_uses_the_id_of_its_charge() -> None:
    old = {"object": "dispute", "charge": "ch_1", "amount": 5, "currency": "usd", "created": 1_390_000_000,
           "status": "lost"}  # fmt: skip
    reading = payloads.read_object(old)
    assert isinstance(reading, Dispute)
    assert reading.dispute_id == "ch_1"


def test_an_expanded_charge_names_the_payment_of_its_refund() -> None:
    whole = {"object": "refund", "id": "re_1", "amount": 5, "currency": "usd", "created": 1_700_000_000,
             "charge": charge(payment_intent="pi_9")}  # fmt: skip
    reading = payloads.read_object(whole)
    assert isinstance(reading, Refund)
    assert (reading.payment_id, reading.charge_id) == ("pi_9", "ch_1")


# ---------------------------------------------------------------- envelopes


def test_a_thin_event_equals_the_ordinary_one_and_names_the_object_to_fetch() -> None:
    account = StripeAccount(now=1_790_000_000)
    made = account.pay()
    bodies = [json.loads(body) for body, _ in account.deliveries(thin=True)]
    event, reading = payloads.read(bodies[-1])
    assert (event.kind, event.object_id, event.livemode) == ("payment_intent.succeeded", made["id"], False)
    assert event.created_at == datetime.fromtimestamp(1_790_000_000, UTC)
    assert reading == Thin(kind="payment_intent", object_id=made["id"])


def test_a_thin_event_about_anything_else_is_ignored() -> None:
    body = {"object": "v2.core.event", "id": "evt_1", "type": "v1.payout.paid", "livemode": True,
            "created": "2026-10-01T10:00:00.000Z", "related_object": {"id": "po_1", "type": "payout"}}  # fmt: skip
    assert isinstance(payloads.read(body)[1], Ignored)
    assert isinstance(payloads.read({**body, "related_object": None})[1], Ignored)


def test_an_event_of_a_connected_account_names_the_account() -> None:
    body = {"id": "evt_1", "object": "event", "type": "charge.succeeded", "created": 1_450_000_000, "livemode": True,
            "data": {"object": charge()}}  # fmt: skip
    assert payloads.read_event(body)[0].account is None
    assert payloads.read_event({**body, "account": "acct_9"})[0].account == "acct_9"
    assert payloads.read_event({**body, "user_id": "acct_9"})[0].account == "acct_9"  # its name until 2017


@pytest.mark.parametrize("body", [None, [], "evt_1", 7, {}, {"object": "charge"}, {"object": "event", "data": None},
                                  {"id": "evt_1", "type": "x", "created": 1_700_000_000, "livemode": 1,
                                   "data": {"object": {}}}])  # fmt: skip
def test_a_message_that_is_no_event_is_refused_with_a_reason(body: object) -> None:
    with pytest.raises(Unreadable, match="Stripe"):
        payloads.read_event(body)
