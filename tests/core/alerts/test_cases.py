"""The list of cases: the most urgent first, nothing left out, each with its whole history."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from core.alerts import handling
from core.alerts import reads as alerts
from core.alerts.reads import AlertFilter, Event
from core.foundation.errors import Forbidden, SignInRequired
from core.foundation.sales import AlertKind, AlertState, StripeEvent
from core.inbox import messages as inbox
from core.orders import cases
from core.screens import orders as order_screens
from tests.support.builders import Shop, key
from tests.support.selling import Sale, case_of, order_id, sell, tell_refund

NOW = datetime.now(UTC)


def sku(shop: Shop, variant_id: object) -> str:
    return str(shop.sql("select sku from public.product_variants where id = :id", id=variant_id))


def park(shop: Shop, event_id: str) -> None:
    """Let a message of Stripe fail for good."""
    event = StripeEvent(event_id=event_id, kind="charge.refunded", created_at=NOW, livemode=False, account=None,
                        api_version=None, object_id=None)  # fmt: skip
    shop.run(inbox.receive, messages=[inbox.Incoming(event=event, body="{}", source="poll")])
    number = shop.sql("select id from stockroom.stripe_events where event_id = :event_id", event_id=event_id)
    shop.run(inbox.put_off, id=number, why="It is not JSON.", is_lasting=True)


@pytest.fixture
def full_shop(fresh_shop: Shop) -> Shop:
    """A shop with a case of each kind that selling knows, opened in the order of their urgency turned round."""
    shoe = sku(fresh_shop, fresh_shop.variant(1, sku="A-1"))
    unread = Sale(lines=[], more={"cart_state": "unreadable", "cart_raw": "{", "why": "its cart is cut off"})
    absent = Sale(lines=[], more={"cart_state": "absent", "cart_raw": "{}", "why": "no cart was found"})
    for sale in (absent, unread):
        sell(fresh_shop, sale)
    park(fresh_shop, "evt_broken")
    sell(fresh_shop, Sale(lines=[(shoe, 3)], more={"number": "WEB-7", "email": "kim@shop.example"}))
    sell(fresh_shop, Sale(lines=[("OLD-CODE", 1)], more={"number": "WEB-8"}))
    return fresh_shop


def kinds(shop: Shop, **wanted: Any) -> list[str]:
    page = shop.run(alerts.page, "Wanda", filter=AlertFilter(**wanted))
    return [row.kind.value for row in page.rows]


def test_failed_updates_come_first_whatever_their_kind_then_the_severe_and_within_each_the_oldest(
    full_shop: Shop,
) -> None:
    full_shop.variant(1, reorder_point=5)
    full_shop.sql("update stockroom.alerts set first_at = now() - interval '9 days' where kind = 'low_stock'")
    assert kinds(full_shop) == [
        "unreadable_cart",
        "import_error",
        "insufficient_stock",
        "unknown_variant",
        "low_stock",
        "unreadable_cart",
    ]
    severities = [row.severity for row in full_shop.run(alerts.page, "Wanda").rows]
    assert severities == ["warning", "urgent", "urgent", "urgent", "note", "note"]
    full_shop.sql("update stockroom.alerts set first_at = now() - interval '1 day' where kind = 'unknown_variant'")
    assert kinds(full_shop)[0] == "unknown_variant"


def test_pages_of_cases_leave_nothing_out_and_show_nothing_twice(full_shop: Shop) -> None:
    whole = [row.alert_id for row in full_shop.run(alerts.page, "Wanda").rows]
    first = full_shop.run(alerts.page, "Wanda", limit=2)
    second = full_shop.run(alerts.page, "Wanda", limit=2, cursor=first.after)
    third = full_shop.run(alerts.page, "Wanda", limit=2, cursor=second.after)
    assert [row.alert_id for page in (first, second, third) for row in page.rows] == whole
    assert (first.before, third.after) == (None, None)
    back = full_shop.run(alerts.page, "Wanda", limit=2, cursor=third.before)
    assert [row.alert_id for row in back.rows] == whole[2:4]


def test_a_case_has_its_units_money_and_order(full_shop: Shop) -> None:
    case = full_shop.run(alerts.page, "Wanda").rows[2]
    assert (case.units, case.money, case.currency, case.seen, case.attempts) == (3, 3000, "usd", 1, 0)
    assert (case.order_number, case.email, case.state) == ("WEB-7", "kim@shop.example", AlertState.OPEN)
    said = "Order WEB-7: 1 of 1 lines not taken off the shelf: 3 \N{MULTIPLICATION SIGN} A-1, 1 available"
    assert case.sentence == said
    assert case.facts["lines"][0]["missing"] == 3


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"search": "web-7"}, ["insufficient_stock"]),
        ({"search": "KIM@"}, ["insufficient_stock"]),
        ({"search": "a-1 order"}, ["insufficient_stock"]),
        ({"search": "evt_broken"}, ["import_error"]),
        ({"search": "100%"}, []),
        ({"search": "'; drop table alerts; --"}, []),
        ({"kinds": (AlertKind.UNKNOWN_VARIANT, AlertKind.IMPORT_ERROR)}, ["import_error", "unknown_variant"]),
        ({"states": (AlertState.RESOLVED,)}, []),
        ({"states": (AlertState.ACKNOWLEDGED,)}, []),
    ],
)
def test_cases_are_narrowed_by_search_kind_and_state(full_shop: Shop, wanted: dict[str, Any], found: list[str]) -> None:
    assert kinds(full_shop, **wanted) == found
    counted = full_shop.run(alerts.stake, "Wanda", filter=AlertFilter(**wanted)).cases
    assert (counted.count, counted.at_least) == (len(found), False)


def test_what_is_resolved_leaves_the_list_and_keeps_its_history(full_shop: Shop) -> None:
    case = full_shop.run(alerts.page, "Sam").rows[2]
    said = case.sentence
    full_shop.run(handling.acknowledge, "Wanda", alert_ids=[case.alert_id])
    full_shop.run(cases.retry_order, "Wanda", order_id=case.order_id, key=key())
    full_shop.run(handling.resolve, "Sam", alert_ids=[case.alert_id], reason="Refunded the buyer")
    assert "insufficient_stock" not in kinds(full_shop)
    assert kinds(full_shop, states=(AlertState.RESOLVED,)) == ["insufficient_stock"]
    whole = full_shop.run(order_screens.case, "Sam", alert_id=case.alert_id)
    assert (whole.alert.resolved_by, whole.alert.resolution, whole.alert.attempts) == ("Sam", "Refunded the buyer", 1)
    assert [(step.who, step.what, step.note) for step in whole.history] == [
        ("Stockroom", Event.OPENED, said),
        ("Wanda", Event.ACKNOWLEDGED, None),
        ("Wanda", Event.RETRIED, None),
        ("Stockroom", Event.REPEATED, said),
        ("Sam", Event.RESOLVED, "Refunded the buyer"),
    ]
    assert [line.oversold for line in whole.lines] == [3]


def test_every_word_of_a_history_is_one_the_page_knows(full_shop: Shop) -> None:
    known = {event.value for event in Event}
    written = full_shop.sql("select string_agg(prosrc, ' ') from pg_proc where prosrc like '%alert_history%'")
    assert {word for word in known if f"'{word}'" in written} == known
    assert {row.what for row in full_shop.rows("select distinct what from stockroom.alert_history")} <= known


def test_a_retried_message_counts_the_attempt(full_shop: Shop) -> None:
    (case,) = full_shop.run(alerts.page, "Wanda", filter=AlertFilter(kinds=(AlertKind.IMPORT_ERROR,))).rows
    assert case.event_id
    assert full_shop.run(inbox.retry, "Wanda", ids=[case.event_id]) == 1
    assert full_shop.run(alerts.get, "Wanda", alert_id=case.alert_id).attempts == 1


def test_how_much_waits_is_read_in_one_statement(full_shop: Shop) -> None:
    sale = Sale(lines=[("A-1", 1)])
    sell(full_shop, sale)
    tell_refund(full_shop, sale)
    tell_refund(full_shop, sale, status="failed")
    found = full_shop.run(alerts.waiting, "Wanda")
    assert (found.cases, found.failed_updates, found.decisions, found.levels, found.refunds) == (5, 5, 0, 0, 1)


def test_the_open_cases_of_an_order_come_before_resolved_ones(fresh_shop: Shop) -> None:
    sale = Sale(lines=[("NO-SUCH-CODE", 1)], more={"difference": 5, "why": "its lines do not add up"})
    sell(fresh_shop, sale)
    fresh_shop.run(handling.resolve, "Sam", alert_ids=[case_of(fresh_shop, sale) - 1], reason="Looked at it")
    states = [row.state for row in fresh_shop.run(alerts.of_order, "Sam", order_id=order_id(fresh_shop, sale))]
    assert states == [AlertState.OPEN, AlertState.RESOLVED]


def test_there_is_no_case_of_an_unknown_number(shop: Shop) -> None:
    assert shop.run(order_screens.case, "Sam", alert_id=0) is None


READS: list[tuple[Any, dict[str, Any]]] = [
    (alerts.page, {}),
    (alerts.stake, {"filter": AlertFilter()}),
    (handling.hands, {}),
    (alerts.get, {"alert_id": 1}),
    (alerts.of_order, {"order_id": 1}),
    (alerts.history, {"alert_id": 1}),
    (alerts.waiting, {}),
    (order_screens.cases, {"filter": AlertFilter(), "cursor": None, "limit": 5}),
    (order_screens.case, {"alert_id": 1}),
]


@pytest.mark.parametrize(("read", "values"), READS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_signed_out_person_reads_nothing_about_cases(shop: Shop, read: Any, values: dict[str, Any]) -> None:
    with pytest.raises((SignInRequired, Forbidden)):
        shop.run(read, "Carl", **values)
    for who in ("Wanda", "Sam", "Mia", "Ada"):
        shop.run(read, who, **values)
