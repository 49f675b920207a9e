"""Webhook, poll and range import: the same payment from all three, twice each, in any order, is one order."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from core.database.engine import run
from core.inbox import applying, polling
from core.inbox import messages as inbox
from core.inbox.messages import WORKER, Incoming
from core.payloads import reading as payloads
from tests.stripe.shop import Stripe, open_cases, orders_of, sold
from tests.support.builders import Shop


@pytest.fixture
def stripe(fresh_shop: Shop) -> Stripe:
    return Stripe(fresh_shop)


def test_a_payment_from_webhook_poll_and_import_twice_each_is_one_order(stripe: Stripe) -> None:
    shoe = stripe.shop.variant(100, sku="TEE-M")
    for units in range(1, 6):
        stripe.pay("TEE-M", units)
    for _ in range(2):
        stripe.webhook(duplicate=1, shuffle=True)
        stripe.poll()
        stripe.import_all()
    stripe.work()
    assert open_cases(stripe.shop) == []
    assert orders_of(stripe.shop) == 5
    assert (sold(stripe.shop), stripe.shop.on_hand(shoe)) == (15, 85)
    stripe.import_all()
    assert stripe.work().orders == 0


def test_the_three_ways_at_the_same_moment_are_one_order_a_payment(stripe: Stripe) -> None:
    shoe = stripe.shop.variant(1000, sku="TEE-M")
    for _ in range(40):
        stripe.pay("TEE-M")
    ways: list[Callable[[], object]] = [
        lambda: stripe.webhook(duplicate=1, shuffle=True),
        stripe.poll,
        stripe.import_all,
        stripe.work,
        stripe.work,
    ]
    with ThreadPoolExecutor(10) as crowd:
        for done in [crowd.submit(way) for way in random.sample(ways * 2, 10)]:
            done.result()
    stripe.work()
    assert open_cases(stripe.shop) == []
    assert (orders_of(stripe.shop), sold(stripe.shop), stripe.shop.on_hand(shoe)) == (40, 40, 960)


def test_a_checkout_session_and_its_payment_are_one_sale_with_the_lines_of_the_session(stripe: Stripe) -> None:
    shoe, sock = stripe.shop.variant(10, sku="SHOE"), stripe.shop.variant(10, sku="SOCK")
    session = stripe.account.checkout([("SHOE", 9000, 1), ("SOCK", 500, 3)])
    stripe.account.complete(session["id"])
    stripe.webhook(shuffle=True)
    stripe.work()
    assert orders_of(stripe.shop) == 1
    assert (stripe.shop.on_hand(shoe), stripe.shop.on_hand(sock)) == (9, 7)
    assert open_cases(stripe.shop) == []


def test_a_long_checkout_is_read_to_its_last_line(stripe: Stripe) -> None:
    lines = [(f"SKU-{n}", 100, 1) for n in range(130)]
    for sku, *_ in lines:
        stripe.shop.variant(1, sku=sku)
    stripe.account.complete(stripe.account.checkout(lines)["id"])
    stripe.poll()
    stripe.work()
    assert sold(stripe.shop) == 130


def test_a_delayed_payment_is_a_sale_when_the_money_comes(stripe: Stripe) -> None:
    shoe = stripe.shop.variant(10, sku="SHOE")
    session = stripe.account.checkout([("SHOE", 9000, 1)])
    stripe.account.complete(session["id"], delayed=True)
    stripe.webhook()
    stripe.work()
    assert stripe.shop.on_hand(shoe) == 10
    stripe.account.settle(session["id"])
    stripe.webhook()
    stripe.work()
    assert stripe.shop.on_hand(shoe) == 9


def test_a_shop_without_a_public_address_lives_on_polling_alone(stripe: Stripe) -> None:
    shoe = stripe.shop.variant(10, sku="TEE-M")
    payment = stripe.pay("TEE-M", 2)
    assert stripe.poll() > 0
    stripe.work()
    assert stripe.shop.on_hand(shoe) == 8
    assert stripe.poll() == 0, "events are not read twice"
    stripe.account.refund(payment_intent=payment["id"])
    stripe.poll()
    stripe.work()
    assert stripe.shop.sql("select state from stockroom.refunds") == "waiting"
    assert stripe.shop.on_hand(shoe) == 8


def test_what_was_paid_before_the_shop_went_live_is_recorded_and_moves_nothing(fresh_shop: Shop) -> None:
    shoe = fresh_shop.variant(10, sku="TEE-M")
    stripe = Stripe(fresh_shop)
    stripe.account.now -= 40 * 24 * 3600
    stripe.pay("TEE-M", 2)
    stripe.account.now += 40 * 24 * 3600
    stripe.import_all(policy=None)
    stripe.work()
    assert (orders_of(fresh_shop), fresh_shop.on_hand(shoe)) == (1, 10)
    assert open_cases(fresh_shop) == []


def test_a_gap_longer_than_stripe_keeps_events_is_read_as_a_range(stripe: Stripe) -> None:
    shoe = stripe.shop.variant(10, sku="TEE-M")
    stripe.pay("TEE-M")
    stripe.poll()
    stripe.account.advance(35 * 24 * 3600)
    stripe.shop.sql("update stockroom.stripe_link set polled_at = now()")
    stripe.pay("TEE-M", 3)
    stripe.poll()
    stripe.work()
    assert stripe.shop.on_hand(shoe) == 6


def test_messages_of_the_other_mode_and_of_connected_accounts_are_ignored_and_say_so(stripe: Stripe) -> None:
    stripe.shop.variant(10, sku="TEE-M")
    stripe.pay("TEE-M")
    told: dict[str, Any] = json.loads(next(iter(stripe.account.deliveries()))[0])
    messages = [
        told | {"id": "evt_foreign_0", "livemode": True},
        told | {"id": "evt_foreign_1", "account": "acct_of_somebody_else"},
    ]
    incoming = [
        Incoming(event=payloads.read_event(body)[0], body=json.dumps(body), source="webhook") for body in messages
    ]
    run(stripe.shop.engine, inbox.receive, WORKER, messages=incoming)
    stripe.work()
    whys = stripe.shop.rows(
        "select state, why from stockroom.stripe_events where event_id like 'evt_foreign%' order by event_id"
    )
    assert [tuple(row) for row in whys] == [
        ("ignored", "It is live, but this shop is in test mode."), ("ignored", "It belongs to a connected account."),
    ]  # fmt: skip


def test_a_message_that_always_fails_is_parked_as_a_case_and_blocks_no_other(stripe: Stripe) -> None:
    shoe = stripe.shop.variant(10, sku="TEE-M")
    stripe.pay("TEE-M")
    stripe.webhook()
    stripe.shop.sql(
        """insert into stockroom.stripe_events (event_id, kind, created_at, source, livemode, body)
           values ('evt_poison', 'refund.created', now() - interval '1 hour', 'webhook', false, '{"object": 1}')"""
    )
    stripe.work()
    assert stripe.shop.on_hand(shoe) == 9
    assert len(open_cases(stripe.shop)) == 1
    assert "could not be processed" in open_cases(stripe.shop)[0]
    assert stripe.shop.sql("select state from stockroom.stripe_events where event_id = 'evt_poison'") == "parked"


def test_a_worker_that_crashed_gives_its_messages_back(stripe: Stripe) -> None:
    shoe = stripe.shop.variant(10, sku="TEE-M")
    stripe.pay("TEE-M")
    stripe.webhook()
    taken = run(stripe.shop.engine, inbox.claim, WORKER, limit=100)
    assert taken
    assert stripe.work().messages == 0, "another worker has claimed it"
    stripe.shop.sql("update stockroom.stripe_events set due_at = now() where state = 'new'")
    stripe.work()
    assert stripe.shop.on_hand(shoe) == 9


def test_an_unreadable_cart_is_a_case_and_is_read_when_the_mapping_is_there(stripe: Stripe) -> None:
    shoe = stripe.shop.variant(10, sku="TEE-M")
    stripe.account.pay(1000, metadata={"cart": '[{"sku":"TEE-M","quantity":1},{"sku":"MU'})
    stripe.webhook()
    stripe.work()
    assert [case.split(":")[0] for case in open_cases(stripe.shop)] == ["unreadable_cart"]
    assert stripe.shop.on_hand(shoe) == 10


def test_money_that_does_not_match_the_lines_is_questioned(stripe: Stripe) -> None:
    stripe.shop.variant(10, sku="TEE-M")
    cart = {"cart": json.dumps([{"sku": "TEE-M", "quantity": 1, "price": 5000}])}
    stripe.account.pay(1000, metadata=cart)
    stripe.webhook()
    stripe.work()
    assert [case.split(":")[0] for case in open_cases(stripe.shop)] == ["amount_mismatch"]


def test_an_event_that_stripe_showed_late_is_found_by_looking_back(stripe: Stripe) -> None:
    shoe = stripe.shop.variant(10, sku="TEE-M")
    stripe.account.lag = 600
    stripe.pay("TEE-M", 2)
    stripe.account.lag = 0
    stripe.pay("TEE-M", 1)
    stripe.poll()
    stripe.account.advance(700)
    stripe.poll()
    stripe.work()
    assert stripe.shop.on_hand(shoe) in (7, 9), "the cursor may have passed it"
    polling.look_back(stripe.shop.engine, stripe.gateway)
    stripe.work()
    assert stripe.shop.on_hand(shoe) == 7


def test_messages_not_read_in_time_are_given_back_at_once(stripe: Stripe) -> None:
    shoe = stripe.shop.variant(10, sku="TEE-M")
    for _ in range(3):
        stripe.pay("TEE-M")
    stripe.webhook()
    done = applying.apply_due(stripe.shop.engine, stripe.gateway, seconds=0)
    assert done.messages > 1
    assert stripe.shop.on_hand(shoe) >= 9, "at most the first was read"
    stripe.work()
    assert stripe.shop.on_hand(shoe) == 7
