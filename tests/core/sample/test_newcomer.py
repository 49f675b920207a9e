"""What a newcomer finds in the sample shop: an order in every state, a case of every kind, and clicks that work."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from core.alerts import deliveries, handling, places
from core.foundation.model import Line
from core.foundation.sales import Disposition, MeaningKind, Policy
from core.foundation.settings import load_settings
from core.inbox import applying, polling, range_import
from core.inbox.range_import import Range, Stage
from core.ledger import changes as ledger
from core.orders import cases, lines, meanings, readings, refund_reads, refunds, returns
from core.orders import reads as orders
from core.orders.lines import Entered
from core.orders.meanings import Meaning
from core.orders.refunds import Decision
from core.proof import runs as proof
from core.sample import today
from core.sample.troubles import GIFT_BOX, OLD_CODE
from core.screens import orders as screens
from tests.conftest import SAMPLE_AT, open_sample
from tests.support.builders import Shop, key
from tests.support.servers import Server

pytestmark = pytest.mark.slow

KINDS = {
    "insufficient_stock": 2, "unknown_variant": 2, "unreadable_cart": 4, "amount_mismatch": 1, "double_payment": 1,
    "dispute": 1, "refund_failed": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def sample(server: Server) -> Iterator[Shop]:
    """The sample shop. These tests change it, each an order of its own, in the order in which they stand here."""
    yield from open_sample(server)


def order_of(shop: Shop, kind: str, like: str = "%") -> int:
    """The order of the first open case of a kind whose sentence is like this."""
    return int(shop.sql(
        """select order_id from stockroom.alerts where kind = :kind and state <> 'resolved' and sentence like :like
            order by id limit 1""", kind=kind, like=like))  # fmt: skip


def open_cases(shop: Shop) -> Counter[str]:
    """The open cases about orders, by kind."""
    found = shop.rows("select kind from stockroom.alerts where state <> 'resolved' and order_id is not null")
    return Counter(row.kind for row in found)


def test_orders_are_in_every_state_and_a_case_of_every_kind_waits(sample: Shop) -> None:
    lines_by_state = dict(map(tuple, sample.rows("select state, count(*) from stockroom.order_lines group by 1")))
    assert lines_by_state["taken"] > 150
    assert lines_by_state["skipped"] == 6
    assert lines_by_state["failed"] == 4
    carts = dict(map(tuple, sample.rows("select cart_state, count(*) from stockroom.orders group by 1")))
    assert (carts["unreadable"], carts["absent"], carts["elsewhere"]) == (3, 1, 1)
    assert len(sample.rows("select distinct cart_source from stockroom.orders where cart_source is not null")) == 4
    assert open_cases(sample) == KINDS
    refunds_by_state = dict(map(tuple, sample.rows("select state, count(*) from stockroom.refunds group by 1")))
    assert (refunds_by_state["waiting"] >= 4, refunds_by_state["failed"]) == (True, 1)
    assert sample.sql("select count(*) from stockroom.refunds where kind = 'dispute' and state = 'waiting'") == 1
    extents = dict(map(tuple, sample.rows("select is_whole, count(*) from stockroom_api.refund_extents group by 1")))
    assert min(extents[True], extents[False]) > 0
    assert sample.sql("select count(*) from stockroom.stripe_events where state in ('new', 'parked')") == 0
    kinds = sample.rows("select distinct kind from stockroom.stripe_events where state = 'ignored'")
    assert {row.kind for row in kinds} == {"payment_intent.canceled", "payment_intent.processing"}


def test_every_unit_that_was_paid_is_explained_and_the_proof_holds_also_against_the_sandbox(sample: Shop) -> None:
    gateway = today.sandbox_gateway(sample.engine)
    done = proof.prove(sample.engine, gateway, sample.person("Mia"))
    assert {result.code: result.examples for result in done.results if result.failures} == {}
    compared = next(result for result in done.results if result.code == "R3")
    assert (compared.not_compared, compared.checked > 150) == (None, True)
    unexplained, waiting, missing = sample.rows(
        """select sum(unexplained), sum(waiting), (select sum(quantity - taken - oversold) from stockroom.order_lines
            where state = 'failed') from stockroom_api.shelf_lines"""
    )[0]
    assert (unexplained, waiting) == (0, missing)


def test_movements_happened_when_the_money_moved(sample: Shop) -> None:
    assert sample.sql("select count(*) from stock_movements where occurred_at > :now", now=SAMPLE_AT) == 0
    late = """select count(*) from stock_movements m join stockroom_api.line_movements x on x.movement_id = m.id
                join stockroom.order_lines l on l.id = x.line_id join stockroom.orders o on o.id = l.order_id
               where m.movement_type = 'sale' and m.occurred_at <> o.paid_at"""
    assert sample.sql(late) == 0
    assert (
        sample.sql("select count(*) from stock_movements where reason = 'refund' and performed_by = 'Sam Okafor'") > 0
    )


def test_a_delivery_and_a_retry_finish_an_order_that_was_short(sample: Shop) -> None:
    order_id = order_of(sample, "insufficient_stock", "%1 of 2 lines%")
    (short,) = [each for each in sample.run(orders.lines_of, "Sam", order_ids=[order_id]) if each.missing]
    (still,) = [each for each in sample.run(cases.retry_order, "Sam", order_id=order_id, key=key()) if each.cause]
    assert still.cause == "insufficient_stock"
    received = [Line(variant_id=short.variant_id, quantity=9)]
    sample.run(ledger.receive, "Wanda", lines=received, key=key(), reference="LS-1")
    done = sample.run(cases.retry_order, "Sam", order_id=order_id, key=key())
    assert [each.state for each in done] == ["taken", "taken"]
    assert sample.run(screens.order, "Sam", order_id=order_id).order.cases == 0


def test_a_code_means_a_variant_and_another_no_goods(sample: Shop) -> None:
    variant_id = sample.sql("select id from product_variants where sku = 'KR2G-43'")
    said = Meaning(kind=MeaningKind.VARIANT, variant_id=variant_id)
    given = sample.run(meanings.give, "Mia", code=OLD_CODE, meaning=said, seen=None)
    assert given.orders == (order_of(sample, "unknown_variant", f"%{OLD_CODE}%"),)
    sample.run(cases.retry_order, "Mia", order_id=given.orders[0], key=key())
    box = order_of(sample, "unknown_variant", f"%{GIFT_BOX}%")
    given = sample.run(meanings.give, "Mia", code=GIFT_BOX, meaning=Meaning(kind=MeaningKind.NO_GOODS), seen=None)
    assert given.orders == (box,)
    sample.run(cases.retry_order, "Mia", order_id=box, key=key())
    assert open_cases(sample)["unknown_variant"] == 0


def test_one_of_two_readings_is_taken(sample: Shop) -> None:
    order_id = order_of(sample, "unreadable_cart", "%2 ways%")
    found = sample.run(readings.choices, "Sam", order_id=order_id).readings
    assert sorted(sum(line.quantity for line in each.lines) for each in found) == [1, 2]
    (line,) = sample.run(readings.take, "Sam", order_id=order_id, reading=found[0], key=key())
    assert line.state == "taken"


def test_lines_are_entered_for_a_cart_that_was_cut_off_and_undone(sample: Shop) -> None:
    order_id = order_of(sample, "unreadable_cart", "%cut off%")
    picks = [sample.run(lines.find, "Sam", text=sku, currency="eur")[0] for sku in ("NF7W-42", "MARA-43")]
    entered = [Entered(variant_id=each.variant_id, quantity=1, unit_price=each.unit_price) for each in picks]
    seen = sample.run(lines.seen, "Sam", order_id=order_id)
    done = sample.run(lines.set_lines, "Sam", order_id=order_id, seen=seen, lines=entered, key=key(), note="By phone")
    assert (done.went, done.open_lines) == (2, 0)
    back = sample.run(lines.undo_lines, "Sam", change_id=done.change_id, key=key())
    assert (back.came_back, open_cases(sample)["unreadable_cart"]) == (2, 3)


def test_a_refund_is_decided_and_taken_back(sample: Shop) -> None:
    found = sample.run(refund_reads.inbox, "Sam", limit=10).rows
    refund = next(each for each in found if each.refund.kind == "refund" and len(each.lines) == 1)
    (line,) = refund.lines
    before = sample.on_hand(line.variant_id)
    said = [Decision(line_id=line.line_id, disposition=Disposition.RESTOCK, quantity=1)]
    name = key()
    values: dict[str, Any] = {"refund_id": refund.refund.id, "decisions": said, "seen": refund.refund.seen}
    sample.run(refunds.decide, "Sam", **values, key=name, is_confirmed=True)
    assert sample.on_hand(line.variant_id) == before + 1
    sample.run(returns.take_back, "Sam", decided=name, key=key())
    assert sample.on_hand(line.variant_id) == before


def test_the_other_cases_are_resolved_by_a_person(sample: Shop) -> None:
    for kind in ("amount_mismatch", "dispute", "refund_failed"):
        alert_id = sample.sql("select id from stockroom.alerts where kind = :kind and state <> 'resolved'", kind=kind)
        sample.run(handling.resolve, "Mia", alert_ids=[alert_id], reason="Spoke to the customer")
    double = sample.sql("select id from stockroom.alerts where kind = 'double_payment' and state <> 'resolved'")
    sample.run(handling.both_are_right, "Mia", alert_id=double)
    assert open_cases(sample) == {"insufficient_stock": 1, "unreadable_cart": 3}


def test_a_range_is_imported_from_the_sandbox_with_its_progress_and_brings_nothing_new(sample: Shop) -> None:
    before = sample.sql("select count(*) from stockroom.orders"), sample.sql("select count(*) from stock_movements")
    stages: list[Stage] = []

    def tell(stage: Stage) -> bool:
        stages.append(stage)
        return True

    day = SAMPLE_AT.date()
    days = Range(since=day - timedelta(days=3), until=day, policy=Policy.NORMAL)
    gateway = today.sandbox_gateway(sample.engine)
    done = range_import.import_orders(sample.engine, gateway, sample.person("Mia"), days=days, tell=tell)
    assert (done.orders, done.lines, done.cases, done.parked, done.waiting) == (0, 0, 0, 0, 0)
    assert done.messages > 20
    shares = [stage.share for stage in stages]
    assert shares == sorted(shares)
    assert stages[-1].doing == "Applying"
    after = sample.sql("select count(*) from stockroom.orders"), sample.sql("select count(*) from stock_movements")
    assert after == before


def test_a_new_order_is_paid_now_and_applied(sample: Shop) -> None:
    count = sample.sql("select count(*) from stockroom.orders")
    assert "was paid" in today.sell(sample.engine)
    gateway = today.sandbox_gateway(sample.engine)
    assert gateway is not None
    assert len(list(gateway.links())) >= 12, "the shop has Payment Links, for the Stripe guard"
    polling.poll(sample.engine, gateway)  # no dashboard runs here that could receive the webhook
    while applying.apply_due(sample.engine, gateway).messages:
        pass
    number, state = sample.rows(
        """select o.number, min(l.state) from stockroom.orders o join stockroom.order_lines l on l.order_id = o.id
            group by o.id order by o.paid_at desc limit 1"""
    )[0]
    assert (number, state) == (f"SO-{20_000 + count}", "taken")


def test_messages_about_the_cases_are_kept_and_sent_to_nobody(sample: Shop) -> None:
    deliveries.deliver(sample.engine, None, lambda _: None, threading.Event())
    sent = sample.rows("select destination, state, count(*) from stockroom.deliveries group by 1, 2")
    assert [(row.destination, row.state) for row in sent] == [("outbox", "sent")]
    (place,) = sample.run(
        deliveries.destinations, "Ada", addresses=sample.run(places.destinations, settings=load_settings({}))
    )
    assert (place.service, place.health.failed) == ("Outbox, which sends nothing", 0)
    other = sample.run(places.destinations, settings=load_settings({"STOCKROOM_NOTIFY_TEAM": "json://localhost"}))
    assert other == {"team": "json://localhost"}
