"""Payment to shelf by day: every unit paid for left the shelf or has a reason, and every gap is found."""

# ruff: noqa: E501 - the planted statements are tables
from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import text

from core.alerts import handling
from core.foundation.errors import InvalidInput, SignInRequired
from core.foundation.sales import Disposition
from core.ledger import changes as ledger
from core.orders import refunds
from core.orders.refunds import Decision
from core.proof import shelf as shelf_proof
from core.proof.shelf import Number, ShelfDay
from tests.support.builders import Shop, key
from tests.support.selling import Sale, apply, line_of, order_id, sell, tell_refund

NEW_YEAR = datetime(2026, 1, 1, 10, 30, tzinfo=UTC)  # half past eleven at night in Auckland
DAY_ONE, DAY_TWO = date(2026, 1, 1), date(2026, 1, 2)
RANGE = {"since": DAY_ONE, "until": DAY_TWO + timedelta(days=1)}
MESSAGE = """insert into stockroom.stripe_events (event_id, kind, payment_id, created_at, source, livemode, body, state)
             values (:event, :kind, :payment, :at, 'webhook', false, '{}', :state)"""
COUNTS = (Number.ORDERS, Number.UNREAD, Number.INBOX)


@pytest.fixture
def sold(fresh_shop: Shop) -> dict[str, Sale]:
    """A shop where everything happened that can, on two days in Auckland: half an hour before midnight and after it."""
    shop = fresh_shop
    shop.variant(100, sku="A")
    shop.variant(3, sku="B")
    after = NEW_YEAR + timedelta(hours=1)
    found = {
        "whole": Sale(lines=[("A", 2), ("A", 1)], paid_at=NEW_YEAR),
        "restored": Sale(lines=[("A", 3)], paid_at=NEW_YEAR),
        "put back and undone": Sale(lines=[("A", 2)], paid_at=after),
        "short": Sale(lines=[("A", 1), ("B", 5)], paid_at=NEW_YEAR),
        "forced": Sale(lines=[("B", 4)], paid_at=after, more={"policy": "force"}),
        "resolved": Sale(lines=[("GONE", 2)], paid_at=after),
        "sale undone": Sale(lines=[("A", 4)], paid_at=after),
        "recorded only": Sale(lines=[("A", 7)], paid_at=NEW_YEAR, more={"policy": "skip"}),
        "unread": Sale(lines=[], paid_at=after, more={"cart_state": "unreadable", "why": "it is cut off"}),
    }
    sell(shop, *found.values())
    for which in ("restored", "put back and undone"):
        put_back(shop, found[which], 2 if which == "restored" else 1)
    shop.run(ledger.undo, "Mia", movement_ids=[last_movement(shop)], key=key(), note="Wrong parcel")
    sale = shop.sql(
        "select x.movement_id from stockroom_api.line_movements x where x.line_id = :line",
        line=line_of(shop, found["sale undone"]),
    )
    shop.run(ledger.undo, "Mia", movement_ids=[sale], key=key(), note="Wrong order")
    case = shop.sql("select id from stockroom.alerts where order_id = :id", id=order_id(shop, found["resolved"]))
    shop.run(handling.resolve, "Mia", alert_ids=[case], reason="The buyer cancelled")
    for event, payment, kind, state in (
        ("evt_1", "pi_waits", "payment_intent.succeeded", "new"),
        ("evt_2", "pi_waits", "checkout.session.completed", "new"),
        ("evt_3", "pi_parked", "payment_intent.succeeded", "parked"),
        ("evt_4", "pi_aside", "payment_intent.succeeded", "ignored"),
        ("evt_5", found["whole"].payment_id, "payment_intent.succeeded", "new"),
    ):
        shop.sql(MESSAGE, event=event, kind=kind, payment=payment, at=after, state=state)
    return found


def put_back(shop: Shop, sale: Sale, units: int) -> None:
    refund = tell_refund(shop, sale)
    decision = Decision(line_id=line_of(shop, sale), disposition=Disposition.RESTOCK, quantity=units)
    shop.run(refunds.decide, "Sam", refund_id=refund, decisions=[decision], key=key(), note=None)


def last_movement(shop: Shop) -> int:
    return int(shop.sql("select max(id) from stock_movements"))


def days(shop: Shop) -> tuple[ShelfDay, ...]:
    found: tuple[ShelfDay, ...] = shop.run(shelf_proof.days, "Wanda", **RANGE)
    return found


def plant(shop: Shop, statement: str, **values: object) -> None:
    """Change what only a superuser can, past triggers and keys."""
    with shop.owner.begin() as connection:
        connection.execute(text("set local session_replication_role = replica"))
        for part in statement.split(";"):
            connection.execute(text(part), values)


def test_a_shop_without_payments_has_nothing_to_prove(fresh_shop: Shop) -> None:
    assert days(fresh_shop) == ()
    assert shelf_proof.total(()) == ShelfDay()


def test_every_paid_unit_is_off_the_shelf_or_has_a_name_by_the_day_of_the_shop(
    fresh_shop: Shop, sold: dict[str, Sale]
) -> None:
    second, first = days(fresh_shop)
    assert first == ShelfDay(
        day=DAY_ONE, orders=4, paid=19, sold=7, put_back=2, net=5, after_refund=2, waiting=5, recorded_only=7
    )
    assert second == ShelfDay(day=DAY_TWO, orders=5, unread=1, inbox=2, paid=12, sold=5, net=5, waiting=4, oversold=3)
    assert first.holds
    assert second.holds


@pytest.mark.parametrize("number", Number)
def test_the_list_behind_every_number_adds_up_to_it(fresh_shop: Shop, sold: dict[str, Sale], number: Number) -> None:
    plant(fresh_shop, "update stockroom.order_lines set quantity = quantity + 1 where taken = quantity")
    found = days(fresh_shop)
    cells = [(row.day, row.day + timedelta(days=1), row) for row in found if row.day]
    for since, until, row in [*cells, (DAY_ONE, RANGE["until"], shelf_proof.total(found))]:
        listed = fresh_shop.run(shelf_proof.behind, "Wanda", number=number, since=since, until=until)
        assert sum(item.units for item in listed) == row.of(number), (since, number)
        assert all(item.units for item in listed)
        if number in COUNTS:
            assert len({item.payment_id for item in listed}) == len(listed)
    assert shelf_proof.total(found).of(number) != 0, "a number that is always 0 tests nothing"


def test_a_list_is_read_in_parts_that_follow_each_other(fresh_shop: Shop, sold: dict[str, Sale]) -> None:
    whole = fresh_shop.run(shelf_proof.behind, "Wanda", number=Number.NET, **RANGE)
    parts = [
        fresh_shop.run(shelf_proof.behind, "Wanda", number=Number.NET, **RANGE, offset=at, limit=3)
        for at in range(0, len(whole), 3)
    ]
    assert tuple(item for part in parts for item in part) == whole
    assert all(one.paid_at >= other.paid_at for one, other in pairwise(whole))


def test_each_item_leads_to_its_order_movement_or_case(fresh_shop: Shop, sold: dict[str, Sale]) -> None:
    (waiting, undone) = sorted(
        fresh_shop.run(shelf_proof.behind, "Wanda", number=Number.WAITING, **RANGE), key=lambda item: -item.units
    )
    assert (waiting.order_id, waiting.sku, waiting.units) == (order_id(fresh_shop, sold["short"]), "B", 5)
    assert undone.order_id == order_id(fresh_shop, sold["sale undone"])
    assert all(
        fresh_shop.sql("select state from stockroom.alerts where id = :id", id=item.alert_id) == "open"
        for item in (waiting, undone)
    )
    back = fresh_shop.run(shelf_proof.behind, "Wanda", number=Number.PUT_BACK, **RANGE)
    assert sorted(item.units for item in back) == [-1, 1, 2], "an undone movement is listed with its undo"
    assert all(item.movement_id for item in back)


PLANTED = {
    "a sale that was deleted": ("delete from stock_movements where id = (select movement_id from stockroom.order_lines where id = :line)", 3),
    "a sale that was tied to another order": ("insert into stockroom.order_line_movements select movement_id, 0 from stockroom.order_lines where id = :line; update stockroom.order_lines set movement_id = null where id = :line", 3),
    "a unit that left without being paid": ("update stock_movements set quantity = quantity - 1, quantity_after = quantity_after - 1 where id = (select movement_id from stockroom.order_lines where id = :line)", -1),
    "a unit that was put back and nobody decided": ("update stock_movements set movement_type = 'restoration', quantity = 1, quantity_after = quantity_before + 1 where id = (select movement_id from stockroom.order_lines where id = :line)", 4),
    "a decision that put nothing back": ("update stockroom.refund_decisions set line_id = :line where id = (select min(id) from stockroom.refund_decisions)", -2),
    "a case that is gone": ("update stockroom.order_lines set state = 'failed', movement_id = null where id = :line", 3),
    "a cart that grew by one": ("update stockroom.order_lines set quantity = 4 where id = :line", 1),
    "an oversold unit that was sold": ("update stockroom.order_lines set oversold = 1, quantity = 3, taken = 2 where id = :line", -1),
}  # fmt: skip


@pytest.mark.parametrize(("statement", "units"), PLANTED.values(), ids=PLANTED.keys())
def test_what_does_not_add_up_is_unexplained_and_its_line_is_named(
    fresh_shop: Shop, statement: str, units: int
) -> None:
    fresh_shop.variant(100, sku="A")
    other, sale = (Sale(lines=[("A", 3)], paid_at=NEW_YEAR) for _ in range(2))
    sell(fresh_shop, other, sale)
    put_back(fresh_shop, other, 2)
    assert days(fresh_shop)[0].holds
    plant(fresh_shop, statement, line=line_of(fresh_shop, sale))
    (day,) = days(fresh_shop)
    assert not day.holds
    found = fresh_shop.run(shelf_proof.behind, "Wanda", number=Number.UNEXPLAINED, **RANGE)
    assert {item.payment_id: item.units for item in found}[sale.payment_id] == units


def test_two_faults_that_weigh_the_same_do_not_hide_each_other(fresh_shop: Shop) -> None:
    fresh_shop.variant(100, sku="A")
    sales = [Sale(lines=[("A", 3)], paid_at=NEW_YEAR) for _ in range(2)]
    sell(fresh_shop, *sales)
    for sale, which in zip(sales, ("a cart that grew by one", "a unit that left without being paid"), strict=True):
        plant(fresh_shop, PLANTED[which][0], line=line_of(fresh_shop, sale))
    (day,) = days(fresh_shop)
    assert (day.unexplained, day.open_lines, day.holds) == (0, 2, False)


def test_the_file_has_every_day_and_their_sums(fresh_shop: Shop, sold: dict[str, Sale]) -> None:
    content = fresh_shop.run(shelf_proof.days_csv, "Wanda", **RANGE).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(content)))
    assert [row["day"] for row in rows] == ["2026-01-02", "2026-01-01", "total"]
    assert [row["paid"] for row in rows] == ["12", "19", "31"]
    assert list(rows[0]) == ["day", *Number]


def test_a_range_reads_only_its_own_days(fresh_shop: Shop) -> None:
    fresh_shop.variant(4000, sku="A")
    old = [Sale(lines=[("A", 1)], paid_at=NEW_YEAR - timedelta(days=n)) for n in range(1, 1500)]
    fresh_shop.run(apply, sales=[*old, Sale(lines=[("A", 1)], paid_at=NEW_YEAR)])
    fresh_shop.sql("analyze")
    plan = fresh_shop.rows(
        "explain (format text) select * from stockroom_api.shelf_items where what = 'net' and paid_at >= :since",
        since=NEW_YEAR,
    )
    said = "\n".join(row[0] for row in plan)
    assert "orders_paid_idx" in said
    assert "Seq Scan on order_lines" not in said
    assert "Seq Scan on stock_movements" not in said


def test_only_readers_see_the_proof_and_only_for_the_longest_range_of_reports(shop: Shop) -> None:
    with pytest.raises(SignInRequired):
        shop.run(shelf_proof.days, "Carl", **RANGE)
    with pytest.raises(SignInRequired):
        shop.run(shelf_proof.behind, "Carl", number=Number.PAID, **RANGE)
    with pytest.raises(InvalidInput):
        shop.run(shelf_proof.days, "Mia", since=date(1990, 1, 1), until=DAY_ONE)


def test_the_sum_of_days_is_the_sum_of_each_number() -> None:
    one = ShelfDay(day=DAY_ONE, **{number.value: place for place, number in enumerate(Number, 1)})
    assert shelf_proof.total([one, replace(one, day=DAY_TWO)]).of(Number.PAID) == 2 * one.paid
