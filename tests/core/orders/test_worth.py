"""The units that the money of a refund fits: the largest combination, by the price of each line."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from core.foundation.sales import Disposition, LineState, RefundKind
from core.orders.reads import OrderLine
from core.orders.refund_reads import Decided, RefundRow
from core.orders.worth import propose

NOW = datetime(2026, 11, 29, tzinfo=UTC)


def refund(amount: int, paid: int | None) -> RefundRow:
    return RefundRow(
        id=1, refund_id="re_1", order_id=1, payment_id="pi_1", number=None, order_name=None,
        email=None, cart_state="read", kind=RefundKind.REFUND,
        amount=amount, currency="usd", status="succeeded", reason=None, failure_reason=None, refunded_at=NOW,
        state="waiting", decided_at=None, decided_by=None, paid=paid,
    )  # fmt: skip


def line(number: int, price: int, units: int, **more: int) -> OrderLine:
    values = {"taken": units, "restored": 0, "spoken_for": 0} | more
    return OrderLine(
        line_id=number, order_id=1, position=number, code=f"A-{number}", codes=(), name=None, unit_price=price,
        quantity=units, variant_id=None, sku=f"A-{number}", product=None, size=None, available=None,
        state=LineState.TAKEN, cause=None, oversold=0, missing=0, unit_worth=Decimal(price), **values,  # type: ignore[arg-type]
    )  # fmt: skip


def decided(code: str, what: Disposition, units: int, **more: object) -> Decided:
    values = {"refund_id": 1, "stands": True} | more
    return Decided(
        code=code, disposition=what, quantity=units, note=None, decided_by="Sam", decided_at=NOW, decided="k",
        user_id=1, taken_back_by=None, taken_back_at=None, **values,  # type: ignore[arg-type]
    )  # fmt: skip


ONE = [line(1, 9990, 2)]
CART = [line(1, 10000, 1), line(2, 500, 2), line(3, 10000, 1)]


@pytest.mark.parametrize(
    ("amount", "paid", "lines", "units"),
    [
        (9990, 19980, ONE, {1: 1}),  # the case of the issue: half of it is one pair, not two
        (19980, 19980, ONE, {1: 2}),
        (9989, 19980, ONE, {1: 1}),  # rounding
        (5000, 19980, ONE, {}),
        (9990, 20570, ONE, {1: 1}),  # the shipping stays with the shop
        (20570, 20570, ONE, {1: 2}),
        (12000, 60000, [line(1, 1000, 50)], {1: 12}),  # exactly twelve pairs, although ten with shipping fit as well
        (5400, 10800, [line(1, 5000, 2)], {1: 1}),  # with its tax of eight percent
        (10800, 11880, [line(1, 10000, 1), line(2, 500, 2)], {1: 1}),  # with its tax, and not also the laces
        (10500, 21000, CART, {1: 1, 2: 1}),
        (1000, 21000, CART, {2: 2}),
        (500, None, CART, {1: 1, 2: 2, 3: 1}),  # another currency cannot be compared
        (100, 19980, [line(1, 9990, 2, taken=0)], {}),
        (9990, 19980, [line(1, 9990, 2, taken=0)], {1: 1}),  # lines that never left the shelf
    ],
)
def test_the_form_proposes_the_units_that_the_money_fits(
    amount: int, paid: int | None, lines: list[OrderLine], units: dict[int, int]
) -> None:
    found = propose(refund(amount, paid), lines)
    assert {line_id: count for line_id, count in found.units.items() if count} == units
    assert found.total == sum(units.values())


def test_several_combinations_that_fit_are_only_an_example() -> None:
    assert not propose(refund(10000, 21000), CART).is_sure
    assert propose(refund(10000, 21000), CART[:2]).is_sure


def test_what_is_decided_already_is_not_proposed_again() -> None:
    left = [line(1, 9990, 3, restored=1)]
    known = [decided("A-1", Disposition.RESTOCK, 1)]
    assert propose(refund(19980, 29970), left, known).units == {1: 1}
    assert propose(refund(9990, 29970), left, known).units == {}
    other = [decided("A-1", Disposition.RESTOCK, 1, refund_id=2), decided("A-1", Disposition.DAMAGED, 1, stands=False)]
    assert propose(refund(9990, 29970), left, other).units == {1: 1}
    assert propose(refund(9990, 29970), left, [decided("A-1", Disposition.GOODWILL, 1)]).units == {1: 1}


def test_a_large_cart_is_answered_at_once() -> None:
    lines = [line(n, 1000 + 7 * n, 50) for n in range(1, 40)]
    found = propose(refund(700_000, 3_000_000), lines)
    assert 0 < sum(found.units[n] * (1000 + 7 * n) for n in found.units) <= 700_000 + found.total
