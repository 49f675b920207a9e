"""The same thing paid twice is a case that names both orders; stock is taken as for any order."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from core.alerts import handling
from core.foundation.errors import Forbidden, InvalidInput
from core.foundation.model import Actor
from core.inbox import applying
from core.screens import orders as screens
from tests.support.builders import Shop, key
from tests.support.selling import Sale, apply, cases, sell, states, tell_refund

NOON = datetime.now(UTC) - timedelta(hours=2)


def sku(shop: Shop, on_hand: int = 10) -> str:
    shoe = shop.variant(on_hand)
    return str(shop.sql("select sku from public.product_variants where id = :id", id=shoe))


def sale(code: str, minutes: int = 0, units: int = 1, **more: Any) -> Sale:
    return Sale(lines=[(code, units)], paid_at=NOON + timedelta(minutes=minutes), more=more)


def doubles(shop: Shop, *sales: Sale) -> list[list[str]]:
    """Return the states of the cases about double payments, of each sale."""
    return [[state for kind, state, _ in cases(shop, each) if kind == "double_payment"] for each in sales]


def buyer() -> str:
    return f"{key()[:10]}@shop.example"


@pytest.mark.parametrize("at_once", [True, False], ids=["one batch", "two batches"])
@pytest.mark.parametrize("late", [True, False], ids=["the later one first", "the earlier one first"])
def test_the_same_cart_of_a_buyer_within_an_hour_is_a_case_of_the_later_payment(
    shop: Shop, at_once: bool, late: bool
) -> None:
    code, email = sku(shop), buyer()
    first, second = sale(code, 0, email=email), sale(code, 59, email=email.upper(), amount=1500)
    arriving = [second, first] if late else [first, second]
    for batch in [arriving] if at_once else [[each] for each in arriving]:
        sell(shop, *batch)
    assert doubles(shop, first, second) == [[], ["open"]]
    assert [states(shop, each)[0][0] for each in (first, second)] == ["taken", "taken"]
    (case,) = shop.rows("select * from stockroom.alerts where cause = :cause", cause=f"double:{second.payment_id}")
    assert case.sentence == (
        f"Order {email.upper()}, 15.00 USD looks like a double payment of order {email}, 10.00 USD: the same buyer and "
        "cart within an hour"
    )
    assert [case.facts[each]["payment_id"] for each in ("first", "second")] == [first.payment_id, second.payment_id]
    sell(shop, first, second)  # told again
    assert doubles(shop, first, second) == [[], ["open"]]


def test_the_same_order_number_is_a_case_at_any_time(shop: Shop) -> None:
    number = f"W-{key()[:8]}"
    first = sale(sku(shop), 0, number=number, email=buyer())
    second = sale(sku(shop), 60 * 24 * 3, number=number.lower(), email=buyer())
    sell(shop, first)
    sell(shop, second)
    assert doubles(shop, first, second) == [[], ["open"]]
    said = shop.sql("select sentence from stockroom.alerts where cause = :cause", cause=f"double:{second.payment_id}")
    assert said == f"Order {number.lower()} looks like a double payment of order {number}: the same order number"


def test_a_number_or_a_buyer_that_a_later_message_brings_counts_too(shop: Shop) -> None:
    code, email = sku(shop), buyer()
    first, second = sale(code, 0, email=email), sale(code, 5)
    sell(shop, first, second)
    assert doubles(shop, second) == [[]]
    second.more["email"] = email
    sell(shop, second)
    assert doubles(shop, second) == [["open"]]


def test_what_differs_is_no_double_payment(shop: Shop) -> None:
    code, other, email = sku(shop), sku(shop), buyer()
    sales = [
        sale(code, 0, email=email),
        sale(code, 61, email=email),
        sale(code, 5, units=2, email=email),
        sale(other, 5, email=email),
        sale(code, 5, email=buyer()),
        sale(code, 5),
        sale(code, 6),
        Sale(lines=[(code, 1), (other, 1)], paid_at=NOON, more={"email": email}),
    ]
    sell(shop, *sales)
    assert doubles(shop, *sales) == [[]] * len(sales)


def test_two_carts_that_were_not_read_are_compared_as_text(shop: Shop) -> None:
    email = buyer()
    raw = {"cart_state": "unreadable", "why": "its cart cannot be read", "email": email, "amount": 1000}
    sales = [Sale(lines=[], paid_at=NOON, more=raw | {"cart_raw": text}) for text in ("1 hat", "1 hat", "2 hats")]
    sell(shop, *sales)
    assert sum(len(each) for each in doubles(shop, *sales)) == 1


def test_history_that_is_only_recorded_opens_no_case(shop: Shop) -> None:
    code, email = sku(shop), buyer()
    old = [sale(code, minutes, email=email, number=f"H-{email}", policy="skip") for minutes in (0, 5)]
    new = sale(code, 10, email=email, number=f"H-{email}")
    sell(shop, *old)
    sell(shop, new)
    assert doubles(shop, *old, new) == [[], [], []]


def test_a_payment_that_was_refunded_and_paid_again_is_no_double_payment(shop: Shop) -> None:
    code, email = sku(shop), buyer()
    first, second = sale(code, 0, email=email), sale(code, 30, email=email)
    sell(shop, first)
    tell_refund(shop, first, amount=1000)
    sell(shop, second)
    assert doubles(shop, second) == [[]]


@pytest.mark.parametrize("which", [0, 1], ids=["the first", "the second"])
def test_the_case_ends_when_one_of_the_two_is_refunded_and_comes_back_if_that_fails(shop: Shop, which: int) -> None:
    code, email = sku(shop), buyer()
    both = sale(code, 0, email=email), sale(code, 30, email=email)
    sell(shop, *both)
    found = tell_refund(shop, both[which], amount=1000)
    assert doubles(shop, both[1]) == [["resolved"]]
    name = shop.sql("select refund_id from stockroom.refunds where id = :id", id=found)
    tell_refund(shop, both[which], refund_id=name, amount=1000, status="failed")
    assert doubles(shop, both[1]) == [["resolved", "open"]]


def double(shop: Shop, number: str) -> int:
    """Let an order number be paid twice, and return the case."""
    sales = [sale(sku(shop), minutes, number=number) for minutes in (0, 1)]
    sell(shop, *sales)
    return int(shop.sql("select id from stockroom.alerts where cause = :cause", cause=f"double:{sales[1].payment_id}"))


def test_two_of_support_say_both_are_right_once_and_the_number_may_repeat_from_then_on(shop: Shop) -> None:
    number = f"USER-{key()[:8]}"
    case = double(shop, number)
    with pytest.raises(Forbidden):
        shop.run(handling.both_are_right, "Wanda", alert_id=case)
    shop.run(handling.both_are_right, "Sam", alert_id=case)
    with pytest.raises(InvalidInput, match="resolved by Sam already"):
        shop.run(handling.both_are_right, "Mia", alert_id=case)
    seen = shop.run(screens.case, "Sam", alert_id=case)
    assert (seen.alert.resolved_by, seen.alert.resolution) == ("Sam", handling.BOTH_ARE_RIGHT)
    third = sale(sku(shop), 60, number=number)
    sell(shop, third)
    assert doubles(shop, third) == [[]]


def test_only_the_case_of_a_double_payment_can_be_ended_that_way(shop: Shop) -> None:
    unknown = Sale(lines=[("NO-SUCH-CODE-AT-ALL", 1)])
    sell(shop, unknown)
    case = shop.sql("select id from stockroom.alerts where cause = :cause", cause=f"order:{unknown.payment_id}")
    with pytest.raises(InvalidInput, match="not about a double payment"):
        shop.run(handling.both_are_right, "Sam", alert_id=case)
    assert states(shop, unknown) == [("failed", "unknown_variant", 0, 0)]


def test_what_is_sent_about_a_double_payment_names_no_buyer(shop: Shop) -> None:
    code, email = sku(shop), buyer()
    first, second = sale(code, 0, email=email), sale(code, 5, email=email)
    sell(shop, first, second)
    said = "select stockroom_api.told_sentence(a) from stockroom.alerts a where a.cause = :cause"
    told = str(shop.sql(said, cause=f"double:{second.payment_id}"))
    assert re.fullmatch(r"Order 10\.00 USD of .{17,18}: it looks like a double payment", told), told


def test_two_workers_that_record_the_two_payments_at_the_same_moment_open_one_case(shop: Shop) -> None:
    code, other, email = sku(shop), sku(shop), buyer()
    both = [sale(code, 0, email=email, number=email), sale(other, 5, email=email, number=email)]
    recorded = threading.Barrier(2)

    def record(connection: Connection, actor: Actor, *, paid: Sale) -> None:
        apply(connection, actor, sales=[paid])
        recorded.wait(10)  # neither transaction sees the other's order

    with ThreadPoolExecutor(2) as workers:
        for done in [workers.submit(shop.run, record, paid=each) for each in both]:
            done.result()
    assert doubles(shop, *both) == [[], []]
    while applying.apply_due(shop.engine, None).messages:
        pass  # orders are compared once no message is due, and other tests leave some
    assert doubles(shop, *both) == [[], ["open"]]
