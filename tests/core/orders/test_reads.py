"""Reads of orders: found by any of their names, paged without a gap, and explained from start to end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from core.alerts import handling
from core.foundation.errors import Forbidden, InvalidInput, SignInRequired
from core.foundation.sales import Disposition, LineState, StripeEvent
from core.inbox import messages as inbox
from core.ledger import reports
from core.orders import cases, refund_reads, refunds, returns
from core.orders import reads as order_reads
from core.orders.filter import OrderFilter, OrderState
from core.orders.reads import StepKind
from core.orders.refunds import Decision
from core.screens import orders as order_screens
from tests.support.builders import Shop, key
from tests.support.selling import Sale, case_of, line_of, order_id, payment_id, seen_now, sell, tell_refund

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def sku(shop: Shop, variant_id: object) -> str:
    return str(shop.sql("select sku from public.product_variants where id = :id", id=variant_id))


def found(shop: Shop, search: str = "", **more: Any) -> list[str]:
    """The payments of the orders a filter lists, as Sam sees them."""
    page = shop.run(order_reads.page, "Sam", filter=OrderFilter(search=search, **more))
    return [row.payment_id for row in page.rows]


@pytest.fixture
def order(shop: Shop) -> Sale:
    """A paid order with every name an order can have."""
    name = payment_id()[3:15]
    sale = Sale(lines=[(sku(shop, shop.variant(5)), 1), (f"Old-{name}", 1)])
    sale.more = {"email": f"Kim.{name}@Shop.example", "number": f"WEB-{name}", "charge_id": f"ch_{name}00000",
                 "session_id": f"cs_test_{name}00000"}  # fmt: skip
    sell(shop, sale)
    tell_refund(shop, sale, refund_id=f"re_{name}00000")
    return sale


@pytest.mark.parametrize(
    "said",
    [
        "{email}",
        "{EMAIL}",
        "kim.{name}",
        "KIM.{name}@sh",
        "web-{name}",
        "WEB-{name}",
        "  web-{name} ",
        "{payment}",
        "pi_{begin}",
        "ch_{name}00000",
        "ch_{name}",
        "cs_test_{name}00000",
        "cs_test_{name}",
        "re_{name}00000",
        "re_{name}",
        "{sku}",
        "{SKU}",
        "old-{name}",
    ],
)
def test_an_order_is_found_by_any_of_its_names(shop: Shop, order: Sale, said: str) -> None:
    email, name = order.more["email"], order.more["number"][4:]
    code = order.lines[0][0]
    search = said.format(
        email=email, EMAIL=email.upper(), name=name, payment=order.payment_id, begin=order.payment_id[3:20],
        sku=code, SKU=code.swapcase(),
    )  # fmt: skip
    assert found(shop, search) == [order.payment_id]


@pytest.mark.parametrize("said", ["pi_", "%", "_", "'; drop table orders; --", "nobody@nowhere", "re_zz", "x" * 5_000])
def test_what_means_no_order_finds_none_or_those_that_begin_so(shop: Shop, order: Sale, said: str) -> None:
    assert (order.payment_id in found(shop, said)) == (said == "pi_")


def test_an_order_is_found_by_the_barcode_and_the_alias_of_what_was_bought(shop: Shop) -> None:
    code = payment_id()[3:15]
    shoe = shop.variant(5, barcode=f"4{code}")
    sale = Sale(lines=[(sku(shop, shoe), 1)])
    sell(shop, sale)
    shop.run(cases.map_code, "Sam", code=f"Alias-{code}", variant_id=shoe)
    assert found(shop, f"4{code}") == found(shop, f"Alias-{code}") == [sale.payment_id]


def test_orders_are_listed_by_what_they_need(fresh_shop: Shop) -> None:
    shoe = sku(fresh_shop, fresh_shop.variant(50))
    good, short = Sale(lines=[(shoe, 1)]), Sale(lines=[(shoe, 999)])
    unread = Sale(lines=[], more={"cart_state": "unreadable", "cart_raw": "{", "why": "its cart is cut off"})
    odd = Sale(lines=[(shoe, 1)], more={"difference": -500, "why": "its lines do not add up"})
    refunded, disputed, in_part = (Sale(lines=[(shoe, 2)]) for _ in range(3))
    sell(fresh_shop, good, short, unread, odd, refunded, disputed, in_part)
    tell_refund(fresh_shop, refunded, amount=500)
    tell_refund(fresh_shop, refunded, amount=1500)
    tell_refund(fresh_shop, in_part, amount=1500)
    tell_refund(fresh_shop, good, status="failed")
    fresh_shop.sql(
        "update stockroom.orders set dispute = 'needs_response' where payment_id = :id", id=disputed.payment_id
    )
    expected = {
        "all": [good, short, unread, odd, refunded, disputed, in_part],
        "open": [short, unread, odd],
        "unread": [unread],
        "refunded": [refunded],
        "refunded_in_part": [in_part],
        "disputed": [disputed],
    }
    for state in OrderState:
        wanted = {sale.payment_id for sale in expected[state.value]}
        assert set(found(fresh_shop, state=state)) == wanted, state
        assert fresh_shop.run(order_reads.count, "Sam", filter=OrderFilter(state=state)).count == len(wanted)


def test_days_are_those_of_the_shop_and_both_ends_count(fresh_shop: Shop) -> None:
    # In Auckland the tenth of March begins on the ninth, at 11:00 UTC.
    moments = {hour: Sale(lines=[], paid_at=NOON.replace(day=9, hour=hour)) for hour in (10, 11)}
    moments |= {hour + 24: Sale(lines=[], paid_at=NOON.replace(hour=hour)) for hour in (10, 11)}
    sell(fresh_shop, *moments.values())
    tenth = date(2026, 3, 10)
    expected = [moments[34].payment_id, moments[11].payment_id]
    assert found(fresh_shop, since=tenth, until=tenth) == expected
    assert len(found(fresh_shop, since=tenth)) == 3
    assert len(found(fresh_shop, until=date.max)) == 4


def test_pages_leave_nothing_out_and_show_nothing_twice_even_if_all_were_paid_at_once(fresh_shop: Shop) -> None:
    sales = [Sale(lines=[], paid_at=NOON - timedelta(hours=n // 5)) for n in range(23)]
    sell(fresh_shop, *sales)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = fresh_shop.run(order_reads.page, "Sam", cursor=cursor, limit=4)
        seen += [row.payment_id for row in page.rows]
        if page.after is None:
            break
        cursor = page.after
    assert (len(seen), set(seen)) == (23, {sale.payment_id for sale in sales})
    back = fresh_shop.run(order_reads.page, "Sam", cursor=page.before, limit=4)
    assert [row.payment_id for row in back.rows] == seen[16:20]
    first = fresh_shop.run(order_reads.page, "Sam", cursor=None, limit=4)
    assert (first.before, first.after is None) == (None, False)


@pytest.mark.parametrize("cursor", ["nonsense", "W10", "WzAsIngiLDFd", "W2ZhbHNlLCIyMDI2LTAxLTAxIiwxXQ", "é"])
def test_a_bad_cursor_is_refused_and_the_screen_shows_the_first_page(shop: Shop, order: Sale, cursor: str) -> None:
    with pytest.raises(InvalidInput, match="start from its beginning"):
        shop.run(order_reads.page, "Sam", cursor=cursor)
    screen = shop.run(order_screens.orders, "Sam", filter=OrderFilter(), cursor=cursor, limit=5)
    assert screen.stale
    assert screen.page.rows


def test_an_order_has_its_units_lines_and_what_waits(shop: Shop) -> None:
    plenty, short = shop.variant(9, size="42"), shop.variant(1)
    sale = Sale(lines=[(sku(shop, plenty), 3), (sku(shop, short), 2), ("NO-SUCH-CODE", 1)])
    sell(shop, sale)
    shop.run(refunds.decide, "Sam", refund_id=tell_refund(shop, sale, amount=3000), key=key(), decisions=[
        Decision(line_id=line_of(shop, sale), disposition=Disposition.RESTOCK, quantity=1),
        Decision(line_id=line_of(shop, sale), disposition=Disposition.DAMAGED, quantity=1),
    ])  # fmt: skip
    whole = shop.run(order_screens.order, "Sam", order_id=order_id(shop, sale))
    row = whole.order
    assert (row.lines, row.units, row.taken, row.missing, row.restored, row.oversold) == (3, 6, 3, 3, 1, 0)
    assert (row.refunds, row.refunded, row.undecided, row.cases) == (1, 3000, 0, 1)
    taken, failed, unknown = whole.lines
    assert (taken.state, taken.taken, taken.size, taken.product) == (LineState.TAKEN, 3, "42", "Canvas shoe")
    assert (taken.restorable, taken.undecided, taken.spoken_for) == (2, 1, 1)
    assert (failed.state, failed.cause, failed.missing, failed.available) == ("failed", "insufficient_stock", 2, 1)
    assert (unknown.sku, unknown.cause, unknown.code) == (None, "unknown_variant", "NO-SUCH-CODE")
    assert [(each.disposition, each.quantity, each.decided_by) for each in whole.decided] == [
        ("restock", 1, "Sam"), ("damaged", 1, "Sam"),
    ]  # fmt: skip
    assert [alert.kind for alert in whole.alerts] == ["insufficient_stock"]


def decide(shop: Shop, sale: Sale, **more: Any) -> None:
    """Decide that a unit of the first line of a refunded order does not come back."""
    refund = shop.sql("select id from stockroom.refunds where order_id = :id", id=order_id(shop, sale))
    said = [Decision(line_id=line_of(shop, sale), disposition=Disposition.NOT_RETURNED, quantity=1)]
    shop.run(refunds.decide, "Sam", refund_id=refund, decisions=said, **more)


def test_a_decision_that_moved_nothing_and_its_end_are_in_the_timeline(shop: Shop) -> None:
    sale = Sale(lines=[(sku(shop, shop.variant(9)), 2)])
    sell(shop, sale)
    tell_refund(shop, sale)
    used = key()
    decide(shop, sale, key=used)
    shop.run(returns.take_back, "Mia", decided=used, key=key())
    steps = shop.run(order_reads.steps, "Wanda", order_id=order_id(shop, sale))
    assert [(step.kind, step.who, step.what, step.units) for step in steps[-2:]] == [
        (StepKind.DECISION, "Sam", "not_returned", 1),
        (StepKind.TAKEN_BACK, "Mia", "not_returned", 1),
    ]


def order_line(shop: Shop, sale: Sale) -> int:
    return line_of(shop, sale)


def test_everything_that_happened_to_an_order_is_in_one_timeline(fresh_shop: Shop) -> None:
    shop = fresh_shop
    shoe = shop.variant(1)
    sale = Sale(lines=[(sku(shop, shoe), 2)], paid_at=NOON)
    event = StripeEvent(event_id="evt_1", kind="payment_intent.succeeded", created_at=NOON, livemode=False,
                        account=None, api_version=None, object_id=sale.payment_id)  # fmt: skip
    message = inbox.Incoming(event=event, body="{}", source="webhook", payment_id=sale.payment_id)
    shop.run(inbox.receive, messages=[message])
    sell(shop, sale)
    number = order_id(shop, sale)
    shop.run(handling.acknowledge, "Wanda", alert_ids=[case_of(shop, sale)])
    shop.run(cases.retry_order, "Wanda", order_id=number, key=key())
    shop.adjust(shoe, 4)
    shop.run(cases.retry_order, "Wanda", order_id=number, key=key())
    refund = tell_refund(shop, sale, reason="requested_by_customer")
    decisions = [
        Decision(line_id=line_of(shop, sale), disposition=Disposition.RESTOCK, quantity=1),
        Decision(line_id=line_of(shop, sale), disposition=Disposition.GOODWILL, quantity=1),
    ]
    shop.run(refunds.decide, "Sam", refund_id=refund, decisions=decisions, key=key(), note="One was worn")
    steps = shop.run(order_reads.steps, "Mia", order_id=number)
    assert [(step.kind, step.who, step.what, step.units) for step in steps] == [
        (StepKind.PAID, "Stripe", None, None),
        (StepKind.MESSAGE, "Stripe", "payment_intent.succeeded", None),
        (StepKind.RECORDED, "Stockroom", "normal", None),
        (StepKind.CASE, "Stockroom", "opened", None),
        (StepKind.CASE, "Wanda", "acknowledged", None),
        (StepKind.CASE, "Wanda", "retried", None),
        (StepKind.MOVEMENT, "Wanda", "sale", -2),
        (StepKind.CASE, "Wanda", "retried", None),
        (StepKind.CASE, "Wanda", "resolved", None),
        (StepKind.REFUND, "Stripe", "succeeded", None),
        (StepKind.MOVEMENT, "Sam", "restoration", 1),
        (StepKind.DECISION, "Sam", "goodwill", 1),
    ]
    assert (steps[1].subject, steps[1].state, steps[0].amount) == ("webhook", "new", 2000)
    assert steps[-1].note == "One was worn"


def test_a_long_timeline_shows_the_latest_steps(shop: Shop) -> None:
    sale = Sale(lines=[("NO-SUCH-CODE", 1)])
    sell(shop, sale)
    alert = case_of(shop, sale)
    shop.sql(
        """insert into stockroom.alert_history (alert_id, at, who, what)
                select :id, now() + n * interval '1 second', 'Wanda', 'retried' from generate_series(1, 400) n""",
        id=alert,
    )
    steps = shop.run(order_reads.steps, "Sam", order_id=order_id(shop, sale))
    assert len(steps) == order_reads.MOST_STEPS
    assert steps[0].at < steps[-1].at
    assert {step.what for step in steps} == {"retried"}


def test_the_raw_text_of_an_unreadable_cart_is_stored_for_people(shop: Shop) -> None:
    sale = Sale(lines=[], more={"cart_state": "unreadable", "cart_raw": '[{"sku":"A"', "why": "its cart is cut off"})
    sell(shop, sale)
    whole = shop.run(order_screens.order, "Sam", order_id=order_id(shop, sale))
    assert (whole.raw_cart, whole.lines, whole.order.units) == ('[{"sku":"A"', (), 0)


def test_there_is_no_order_of_an_unknown_number(shop: Shop) -> None:
    assert shop.run(order_screens.order, "Sam", order_id=0) is None


# ---------------------------------------------------------------- refunds to decide


def test_refunds_wait_oldest_first_with_the_lines_they_may_be_about(fresh_shop: Shop) -> None:
    shop = fresh_shop
    sales = [Sale(lines=[(sku(shop, shop.variant(5)), 2)]) for _ in range(3)]
    sell(shop, *sales)
    moments = [NOON - timedelta(days=days) for days in (1, 3, 2)]
    ids = [tell_refund(shop, sale, refunded_at=at.isoformat()) for sale, at in zip(sales, moments, strict=True)]
    strange = tell_refund(shop, "pi_never_imported", refunded_at=NOON.isoformat())
    tell_refund(shop, sales[0], status="failed")
    page = shop.run(refund_reads.inbox, "Sam")
    assert [row.refund.id for row in page.rows] == [ids[1], ids[2], ids[0], strange]
    assert [len(row.lines) for row in page.rows] == [1, 1, 1, 0]
    assert (page.rows[-1].refund.order_id, page.rows[-1].refund.payment_id) == (None, "pi_never_imported")
    some = shop.run(refund_reads.inbox, "Sam", limit=2)
    rest = shop.run(refund_reads.inbox, "Sam", limit=2, cursor=some.after)
    assert [row.refund.id for row in rest.rows] == [ids[0], strange]


def test_a_refund_to_be_inspected_stays_in_the_list_and_a_decided_one_leaves_it(fresh_shop: Shop) -> None:
    shop = fresh_shop
    sale = Sale(lines=[(sku(shop, shop.variant(5)), 2)])
    sell(shop, sale)
    refund, line = tell_refund(shop, sale), line_of(shop, sale)
    for what, left in ((Disposition.INSPECT, 1), (Disposition.RESTOCK, 0)):
        decision = Decision(line_id=line, disposition=what, quantity=1)
        seen = seen_now(shop, refund)
        shop.run(refunds.decide, "Sam", refund_id=refund, decisions=[decision], key=key(), seen=seen)
        assert len(shop.run(refund_reads.inbox, "Sam").rows) == left
    assert shop.run(refund_reads.of_order, "Sam", order_id=order_id(shop, sale))[0].state == "decided"


# ---------------------------------------------------------------- permissions, live pages, speed

READS: list[tuple[Any, dict[str, Any]]] = [
    (order_reads.page, {}),
    (order_reads.count, {"filter": OrderFilter()}),
    (order_reads.rows, {"order_ids": [1]}),
    (order_reads.lines_of, {"order_ids": [1]}),
    (order_reads.raw_cart, {"order_id": 1}),
    (order_reads.steps, {"order_id": 1}),
    (refund_reads.inbox, {}),
    (refund_reads.of_order, {"order_id": 1}),
    (refund_reads.decided_of, {"ids": [1]}),
    (order_screens.orders, {"filter": OrderFilter(), "cursor": None, "limit": 5}),
    (order_screens.refunds, {"cursor": None, "limit": 5}),
    (order_screens.order, {"order_id": 1}),
]


@pytest.mark.parametrize(("read", "values"), READS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_signed_out_person_reads_nothing_about_orders(shop: Shop, read: Any, values: dict[str, Any]) -> None:
    with pytest.raises((SignInRequired, Forbidden)):
        shop.run(read, "Carl", **values)
    for who in ("Wanda", "Sam", "Mia", "Ada"):
        shop.run(read, who, **values)


def test_what_pages_watch_grows_with_everything_that_happens_to_orders(fresh_shop: Shop) -> None:
    shop = fresh_shop
    sale = Sale(lines=[("NO-SUCH-CODE", 1)])
    steps: list[Callable[[], object]] = [
        lambda: sell(shop, sale),
        lambda: shop.run(handling.acknowledge, "Wanda", alert_ids=[case_of(shop, sale)]),
        lambda: tell_refund(shop, sale, amount=500),
        lambda: shop.run(handling.resolve, "Sam", alert_ids=[case_of(shop, sale)], reason="Refunded"),
        lambda: decide(shop, sale, key="decided", is_confirmed=True),
        lambda: shop.run(returns.take_back, "Sam", decided="decided", key=key()),
    ]
    before = shop.run(reports.latest_movement, "Sam")
    for step in steps:
        step()
        now = shop.run(reports.latest_movement, "Sam")
        assert now > before
        before = now
