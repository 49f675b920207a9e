"""States of refunds and disputes never go backwards, whatever second and order their messages have."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from core.database.engine import run
from core.inbox import applying, polling
from core.inbox import messages as inbox
from core.inbox.messages import WORKER, Incoming
from core.payloads import reading as payloads
from tests.stripe.shop import Stripe
from tests.support.builders import Shop

pytestmark = pytest.mark.slow


@pytest.fixture
def stripe(embedded_shop: Shop) -> Stripe:
    return Stripe(embedded_shop)


Told = list[dict[str, Any]]


def told_since(stripe: Stripe, what: Callable[[], object]) -> Told:
    """Return the events of what happens at Stripe, all of the same second."""
    list(stripe.account.deliveries())
    what()
    return [json.loads(body) for body, _ in stripe.account.deliveries()]


def deliver(stripe: Stripe, events: Told) -> None:
    messages = [
        Incoming(event=payloads.read_event(event)[0], body=json.dumps(event), source="webhook",
                 payment_id=polling.about(event))
        for event in events
    ]  # fmt: skip
    run(stripe.shop.engine, inbox.receive, WORKER, messages=messages)


def refunded(stripe: Stripe, payment: Any) -> Callable[[], object]:
    """A refund that is pending and has succeeded in the same second."""
    account = stripe.account
    return lambda: account.settle_refund(account.refund(payment_intent=payment["id"], status="pending")["id"])


def failed(stripe: Stripe, payment: Any) -> Callable[[], object]:
    """A refund that is pending, has succeeded and has failed in the same second."""
    account = stripe.account

    def do() -> None:
        made = account.refund(payment_intent=payment["id"], status="pending")
        account.settle_refund(made["id"])
        account.fail_refund(made["id"])

    return do


def lost(stripe: Stripe, payment: Any) -> Callable[[], object]:
    """A dispute that is created and lost in the same second."""
    account = stripe.account
    return lambda: account.close_dispute(account.dispute(payment["latest_charge"])["id"], won=False)


def won(stripe: Stripe, payment: Any) -> Callable[[], object]:
    """A dispute that is created and won in the same second."""
    account = stripe.account
    return lambda: account.close_dispute(account.dispute(payment["latest_charge"])["id"], won=True)


ENDS: list[tuple[Callable[[Stripe, Any], Callable[[], object]], str]] = [
    (refunded, "succeeded"),
    (failed, "failed"),
    (lost, "lost"),
    (won, "won"),
]
WAYS = ["one by one", "together", "by two workers"]


def end_of(stripe: Stripe, payment: Any) -> str:
    """Return the state here of the payment's dispute, or of its refund."""
    return str(
        stripe.shop.sql(
            """select coalesce((select status from stockroom.disputes where payment_id = :id),
                               (select status from stockroom.refunds where payment_id = :id))""",
            id=payment["id"],
        )
    )


def apply_each(stripe: Stripe, events: Told, way: str) -> None:
    if way == "one by one":
        for event in events:
            deliver(stripe, [event])
            stripe.work()
        return
    deliver(stripe, events)
    if way == "by two workers":
        with ThreadPoolExecutor(2) as workers:
            engine, gateway = stripe.shop.engine, stripe.gateway
            for done in [workers.submit(applying.apply_due, engine, gateway, limit=1) for _ in range(len(events) + 2)]:
                done.result()
    stripe.work()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("what", "end"), ENDS, ids=[end for _, end in ENDS])
@pytest.mark.parametrize("has_key", [True, False], ids=["asked", "no key"])
def test_states_of_one_second_end_as_at_stripe_in_every_order(
    stripe: Stripe, what: Callable[[Stripe, Any], Callable[[], object]], end: str, way: str, has_key: bool
) -> None:
    stripe.shop.variant(500, sku="TEE-M")
    payments = [stripe.pay("TEE-M") for _ in range(6)]
    stripe.webhook()
    stripe.work()
    kinds = ("refund.created", "refund.updated", "refund.failed", "charge.dispute.created", "charge.dispute.closed")
    if not has_key:
        stripe.gateway = None  # type: ignore[assignment]
    for turn, payment in enumerate(payments):
        told = [event for event in told_since(stripe, what(stripe, payment)) if event["type"] in kinds]
        orders = list(itertools.permutations(told))
        apply_each(stripe, list(orders[turn % len(orders)]), way)
        assert end_of(stripe, payment) == end
    assert stripe.shop.sql("select count(*) from stockroom_api.unclear_states") == 0 or not has_key
    assert stripe.shop.sql("select count(*) from stockroom.stripe_events where state in ('new', 'parked')") == 0


def test_stripe_is_asked_where_two_messages_of_a_second_do_not_say_which_is_later(stripe: Stripe) -> None:
    stripe.shop.variant(5, sku="TEE-M")
    payment = stripe.pay("TEE-M")
    made = stripe.account.dispute(payment["latest_charge"])
    stripe.webhook()
    stripe.work()
    # The bank closed its inquiry and opened it again as a dispute, all in one second. Its state has gone on at Stripe.
    events = told_since(stripe, lambda: stripe.account.close_dispute(made["id"], won=True))
    stripe.account.get("dispute", made["id"])["status"] = "under_review"
    deliver(stripe, events)
    stripe.work()
    assert end_of(stripe, payment) == "under_review"
    assert stripe.shop.sql("select dispute from stockroom.orders") == "under_review"
    assert stripe.shop.sql("select asked_at is not null from stockroom.disputes")


def test_stripe_is_asked_again_while_it_does_not_answer(stripe: Stripe) -> None:
    stripe.shop.variant(5, sku="TEE-M")
    payment = stripe.pay("TEE-M")
    stripe.webhook()
    stripe.work()
    events = [event for event in told_since(stripe, refunded(stripe, payment)) if event["type"].startswith("refund.")]
    asked = stripe.gateway
    stripe.gateway = None  # type: ignore[assignment]
    apply_each(stripe, events[::-1], "one by one")
    unclear = "select count(*) from stockroom_api.unclear_states"
    assert (end_of(stripe, payment), stripe.shop.sql(unclear)) == ("succeeded", 1)
    stripe.gateway = asked
    stripe.work()
    assert (end_of(stripe, payment), stripe.shop.sql(unclear)) == ("succeeded", 0)


def test_a_later_message_counts_more_even_if_its_state_has_come_less_far(stripe: Stripe) -> None:
    stripe.shop.variant(5, sku="TEE-M")
    payment = stripe.pay("TEE-M")
    made = stripe.account.dispute(payment["latest_charge"])
    stripe.account.close_dispute(made["id"], won=False)
    stripe.webhook()
    stripe.work()
    stripe.account.advance(60)
    stripe.account.close_dispute(made["id"], won=True)
    stripe.webhook()
    stripe.work()
    assert end_of(stripe, payment) == "won"


def test_what_stripe_answered_is_never_overwritten_by_a_message_from_before(stripe: Stripe) -> None:
    stripe.shop.variant(5, sku="TEE-M")
    payment = stripe.pay("TEE-M")
    stripe.webhook()
    stripe.work()
    account = stripe.account
    account.now -= 60
    events = told_since(stripe, lambda: account.refund(payment_intent=payment["id"], status="pending"))
    made = next(event["data"]["object"] for event in events if event["type"] == "refund.created")
    account.advance(5)
    events += told_since(stripe, lambda: account.settle_refund(made["id"]))
    account.advance(5)
    told_since(stripe, lambda: account.fail_refund(made["id"]))  # these messages are lost
    by_kind = {event["type"]: event for event in events}
    # The charge's message has no refund in it: Stripe is asked, and says that it failed.
    deliver(stripe, [by_kind["charge.refunded"]])
    stripe.work()
    assert end_of(stripe, payment) == "failed"
    deliver(stripe, [by_kind["refund.updated"]])
    stripe.work()
    assert end_of(stripe, payment) == "failed"


def test_two_answers_of_stripe_keep_their_order(shop: Shop) -> None:
    def told(status: str, asked: str | None) -> None:
        row = {
            "refund_id": "re_twice", "payment_id": "pi_twice", "amount": 1000, "currency": "usd", "status": status,
            "refunded_at": "2026-05-01T10:00:00Z", "told_at": "2026-05-01T10:00:00Z", "asked_at": asked,
        }  # fmt: skip
        shop.sql("select stockroom_api.record_refunds(cast(:rows as jsonb))", rows=json.dumps([row]))

    told("pending", None)
    told("succeeded", "2026-05-01T10:00:09Z")
    told("pending", "2026-05-01T10:00:05Z")  # a slower worker had asked before
    assert shop.sql("select status from stockroom.refunds where refund_id = 're_twice'") == "succeeded"
