"""A dispute is a case until the bank has decided; a lost one asks what became of the goods, as a refund does."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.alerts import handling
from core.foundation.sales import Disposition
from core.orders import refund_reads, refunds
from core.orders.refunds import Decision
from tests.stripe.later import answer_dispute
from tests.stripe.shop import Stripe, open_cases
from tests.support.builders import ZONE, Shop, key


@pytest.fixture
def stripe(embedded_shop: Shop) -> Stripe:
    embedded_shop.variant(5, sku="TEE-M")
    embedded_shop.sql("update stockroom.shop set zone = :zone", zone=ZONE)
    return Stripe(embedded_shop)


def sync(stripe: Stripe) -> None:
    stripe.account.advance(1)
    stripe.webhook()
    stripe.work()


def disputed(stripe: Stripe, **more: Any) -> Any:
    """Return the dispute of a payment that took one unit."""
    payment = stripe.pay("TEE-M")
    sync(stripe)
    made = stripe.account.dispute(payment["latest_charge"], **more)
    sync(stripe)
    return made


def ended(shop: Shop) -> list[Any]:
    """Return how the cases about disputes ended: by whom and why."""
    return [
        tuple(row)
        for row in shop.rows("select resolved_by, resolution from stockroom.alerts where kind = 'dispute' order by id")
    ]


def buyer(stripe: Stripe) -> str:
    return str(stripe.shop.sql("select email from stockroom.orders"))


def day(second: int) -> str:
    at = datetime.fromtimestamp(second, UTC).astimezone(ZoneInfo(ZONE))
    return f"{at.day} {at:%B %Y}"


def test_a_dispute_is_a_case_with_its_reason_amount_and_last_day(stripe: Stripe) -> None:
    made = disputed(stripe, reason="product_not_received", amount=700)
    due = day(made["evidence_details"]["due_by"])
    assert open_cases(stripe.shop) == [
        f"dispute: The buyer disputes 7.00 USD of order {buyer(stripe)}, 10.00 USD at the bank: the buyer "
        f"says that the goods did not arrive. Answer in Stripe's dashboard by {due}."
    ]
    assert stripe.shop.sql("select severity from stockroom.alerts") == "urgent"
    assert stripe.shop.sql("select dispute from stockroom.orders") == "needs_response"
    assert stripe.shop.sql("select stock_quantity from public.product_variants") == 4
    answer_dispute(stripe.account, made["id"])
    sync(stripe)
    (said,) = open_cases(stripe.shop)
    assert said.endswith("The bank is deciding.")
    assert stripe.shop.sql("select severity from stockroom.alerts") == "warning"


def test_a_dispute_that_was_won_ends_its_case(stripe: Stripe) -> None:
    made = disputed(stripe)
    stripe.account.close_dispute(made["id"], won=True)
    sync(stripe)
    assert ended(stripe.shop) == [("Stockroom", "The dispute was won")]
    assert stripe.shop.sql("select count(*) from stockroom.refunds") == 0


def test_an_inquiry_that_the_bank_closes_ends_its_case(stripe: Stripe) -> None:
    made = disputed(stripe)
    stripe.account.close_dispute(made["id"], won=True)["status"] = "warning_closed"
    list(stripe.account.deliveries())
    stripe.account.tell("charge.dispute.closed", made)
    sync(stripe)
    assert ended(stripe.shop) == [("Stockroom", "The bank closed its inquiry without a dispute")]


def test_a_lost_dispute_asks_what_became_of_the_goods_as_a_refund_does(stripe: Stripe) -> None:
    shop = stripe.shop
    made = disputed(stripe)
    stripe.account.close_dispute(made["id"], won=False)
    sync(stripe)
    assert ended(shop) == [("Stockroom", "The dispute was lost: decide what became of the goods")]
    (waits,) = shop.run(refund_reads.inbox, "Sam").rows
    assert (waits.refund.kind, waits.refund.amount, waits.refund.reason) == ("dispute", 1000, "fraudulent")
    back = [Decision(line_id=waits.lines[0].line_id, disposition=Disposition.RESTOCK, quantity=1)]
    shop.run(refunds.decide, "Sam", refund_id=waits.refund.id, decisions=back, key=key())
    assert shop.sql("select stock_quantity from public.product_variants") == 5
    assert shop.sql("select state from stockroom.refunds") == "decided"


def test_a_lost_dispute_that_nobody_decides_fails_r6(stripe: Stripe) -> None:
    made = disputed(stripe)
    stripe.account.close_dispute(made["id"], won=False)
    sync(stripe)
    faults = "select count(*) from stockroom_api.refund_faults where refund_id is not null"
    assert stripe.shop.sql(faults) == 0
    old = datetime.now(UTC) - timedelta(days=400)
    stripe.shop.sql("update stockroom.refunds set refunded_at = :old, received_at = :old", old=old)
    assert stripe.shop.sql(faults) == 1


def test_a_lost_dispute_ends_the_case_of_lines_that_never_left(stripe: Stripe) -> None:
    payment = stripe.pay("TEE-M", 9)
    sync(stripe)
    made = stripe.account.dispute(payment["latest_charge"])
    sync(stripe)
    assert len(open_cases(stripe.shop)) == 2
    stripe.account.close_dispute(made["id"], won=False)
    sync(stripe)
    assert open_cases(stripe.shop) == []
    assert stripe.shop.sql("select cause from stockroom.order_lines") == "refunded"


def test_a_lost_dispute_that_is_won_after_all_brings_the_case_of_its_lines_back(stripe: Stripe) -> None:
    payment = stripe.pay("TEE-M", 9)
    sync(stripe)
    made = stripe.account.dispute(payment["latest_charge"])
    stripe.account.close_dispute(made["id"], won=False)
    sync(stripe)
    stripe.account.advance(60)
    stripe.account.close_dispute(made["id"], won=True)
    sync(stripe)
    assert [each.partition(":")[0] for each in open_cases(stripe.shop)] == ["insufficient_stock"]
    assert stripe.shop.sql("select state from stockroom.refunds") == "failed"
    assert stripe.shop.sql("select dispute from stockroom.orders") == "won"


def test_a_dispute_before_its_order_names_the_order_once_that_is_known(stripe: Stripe) -> None:
    payment = stripe.pay("TEE-M")
    stripe.account.dispute(payment["latest_charge"])
    stripe.webhook()
    later = "update stockroom.stripe_events set due_at = now() + interval '1 hour' where kind like 'payment_intent%'"
    stripe.shop.sql(later)
    stripe.work()
    assert "a payment that is not known here" in open_cases(stripe.shop)[0]
    stripe.shop.sql("update stockroom.stripe_events set due_at = now() where state = 'new'")
    stripe.work()
    (said,) = open_cases(stripe.shop)
    assert f"order {buyer(stripe)}, 10.00 USD" in said
    assert stripe.shop.sql("select order_id is not null from stockroom.alerts")


def test_a_person_may_end_the_case_and_only_news_opens_another(stripe: Stripe) -> None:
    made = disputed(stripe)
    case = stripe.shop.sql("select id from stockroom.alerts")
    stripe.shop.run(handling.resolve, "Sam", alert_ids=[case], reason="We accept it")
    stripe.account.tell("charge.dispute.updated", made)
    sync(stripe)
    assert open_cases(stripe.shop) == []
    answer_dispute(stripe.account, made["id"])
    sync(stripe)
    assert len(open_cases(stripe.shop)) == 1


def test_two_disputes_of_one_payment_are_two_cases(stripe: Stripe) -> None:
    payment = stripe.pay("TEE-M")
    sync(stripe)
    first = stripe.account.dispute(payment["latest_charge"], amount=400)
    second = stripe.account.dispute(payment["latest_charge"], amount=600)
    sync(stripe)
    assert len(open_cases(stripe.shop)) == 2
    stripe.account.close_dispute(second["id"], won=True)
    sync(stripe)
    assert stripe.shop.sql("select dispute from stockroom.orders") == "needs_response"
    stripe.account.close_dispute(first["id"], won=False)
    sync(stripe)
    assert open_cases(stripe.shop) == []
    assert stripe.shop.sql("select sum(amount) from stockroom.refunds") == 400


def test_what_is_sent_about_a_dispute_names_no_buyer(stripe: Stripe) -> None:
    made = disputed(stripe)
    said = str(stripe.shop.sql("select stockroom_api.told_sentence(a) from stockroom.alerts a"))
    until = re.escape(day(made["evidence_details"]["due_by"]))
    told = rf"The buyer disputes the payment of order 10\.00 USD of .{{17,18}} at the bank; answer at Stripe by {until}"
    assert re.fullmatch(told, said), said
