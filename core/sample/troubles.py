"""The troubles of the sample shop: orders that could not be taken off the shelf as they were paid.

Most wait for a person, so that there is one of every kind to finish. Older ones were finished by the shop's people.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from core.sample import sales, shoppers
from core.sample.shoppers import Bought
from core.sample.story import MIA, Kind, Story

OLD_CODE = "KESTREL-R2-GRAPHITE-43"
"""A supplier's code for a variant that the catalogue calls otherwise."""
SOLD_OUT = ("OKVN", "RVTB", "RVHA")
"""The drops that the supplier does not make again."""
GIFT_BOX = "GIFT-BOX"
"""A code without goods."""


def plan(shop: Story) -> None:
    """Plan every trouble, by its hours before now; the last ones wait for a person."""
    for hours, happen in (
        (26, _nothing_left), (20, _partly_there), (30, _unknown_code), (23, _gift_box), (9, _cut_off),
        (15, _two_readings), (12, _other_amount), (5, _paid_twice), (33, _only_a_number), (18, _without_cart),
        (16, _bank_debit),
    ):  # fmt: skip
        shop.plan_at(shop.now - timedelta(hours=hours), partial(happen, shop))
    _plan_disputes(shop)
    _plan_failed_refund(shop)
    for before in (59, 32):
        shop.plan(max(shop.days - before, 8), 15.2, lambda at: _settled(shop, at))
    for hours in (8, 22, 40, 46):
        shop.plan_at(shop.now - timedelta(hours=hours + 60), partial(_undecided, shop, hours))


# ---------------------------------------------------------------- the shelf


def _scarce(shop: Story) -> tuple[str, int]:
    """Return a SKU and one unit more than there is of it."""
    sku = min(shop.levels, key=lambda sku: (not sku.startswith(SOLD_OUT), shop.levels[sku], sku))
    return sku, shop.levels[sku] + 1


def _plenty(shop: Story, units: int = 4) -> str:
    skus = sorted(sku for sku, level in shop.levels.items() if level >= units and sku.startswith(("KR", "NF", "MAR")))
    return shop.random.choice(skus)


def _next(shop: Story) -> str:
    return f"SO-{next(shop.numbers['order'])}"


def _order(shop: Story, at: datetime, lines: Mapping[str, int], taken: Mapping[str, int]) -> str:
    """Add an order of which only `taken` can be taken."""
    number, cart = _next(shop), sales.bought(shop, lines)
    shop.move({sku: -units for sku, units in taken.items()})
    sales.pay(shop, at, number, shoppers.metadata("json", number, cart), sales.total(cart))
    return number


def _nothing_left(shop: Story, at: datetime) -> None:
    sku, units = _scarce(shop)
    _order(shop, at, {sku: units}, {})


def _partly_there(shop: Story, at: datetime) -> None:
    (sku, units), there = _scarce(shop), _plenty(shop)
    _order(shop, at, {there: 1, sku: units}, {there: 1})


def _settled(shop: Story, at: datetime) -> None:
    """Sell a pair that is not there. The customer takes another colour on the phone, so Mia resolves the case."""
    sku, units = _scarce(shop)
    number = _order(shop, at, {sku: units}, {})
    why = "The customer took another colour, sent by hand"
    shop.plan_at(at + timedelta(hours=18), lambda at: shop.tell(Kind.RESOLVE, at, number, who=MIA, reason=why))


# ---------------------------------------------------------------- the cart


def _unknown_code(shop: Story, at: datetime) -> None:
    (line,), number = sales.bought(shop, {"KR2G-43": 1}), _next(shop)
    cart = [{"sku": OLD_CODE, "name": f"{line.product}, size {line.size}", "quantity": 1, "price": line.price / 100}]
    sales.pay(shop, at, number, {"order_number": number, "cart": json.dumps(cart)}, line.price)


def _gift_box(shop: Story, at: datetime) -> None:
    there, number = _plenty(shop), _next(shop)
    (line,) = sales.bought(shop, {there: 1})
    shop.move({there: -1})
    cart = [{"sku": there, "quantity": 1, "price": line.price / 100}, {"sku": GIFT_BOX, "quantity": 1, "price": 3.5}]
    sales.pay(shop, at, number, {"order_number": number, "cart": json.dumps(cart)}, line.price + 350)


def _cut_off(shop: Story, at: datetime) -> None:
    """Send a cart that the website cut off in the middle of its third line."""
    cart, number = sales.bought(shop, {_plenty(shop): 1, "NF7W-42": 1, "MARA-43": 1}), _next(shop)
    text = shoppers.metadata("json", number, cart)["cart"]
    sales.pay(shop, at, number, {"order_number": number, "cart": text[: len(text) - 31]}, sales.total(cart))


def _two_readings(shop: Story, at: datetime) -> None:
    """Send a cart without field names, paid with a voucher that nothing notes: one pair or two?"""
    number, (line,) = _next(shop), sales.bought(shop, {_plenty(shop): 1})
    sales.pay(shop, at, number, {"order_number": number, "items": f"{line.sku}|1|2"}, round(line.price * 1.6))


def _other_amount(shop: Story, at: datetime) -> None:
    number, cart = _next(shop), sales.bought(shop, {"RVHX-43": 1})
    sales.pay(shop, at, number, shoppers.metadata("json", number, cart), 99_00)


def _only_a_number(shop: Story, at: datetime) -> None:
    sales.pay(shop, at, _next(shop), {"order_id": "web-48213", "channel": "instagram"}, 144_90)


def _without_cart(shop: Story, at: datetime) -> None:
    sales.pay(shop, at, "", {"channel": "phone", "clerk": "Mia"}, 109_90)


def _bank_debit(shop: Story, at: datetime) -> None:
    """Begin a payment by bank debit, whose money comes in some days."""
    number, cart = _next(shop), sales.bought(shop, {_plenty(shop): 1})
    shop.tell(Kind.PROCESS, at, number, amount=sales.total(cart), currency=sales.CURRENCY,
              metadata=shoppers.metadata("json", number, cart), buyer=shoppers.buyer(shop.random))  # fmt: skip


# ---------------------------------------------------------------- the money


def _paid_twice(shop: Story, at: datetime) -> None:
    """Send the same order twice within minutes: a customer pressed twice."""
    sku, number = _plenty(shop), _next(shop)
    cart: list[Bought] = sales.bought(shop, {sku: 1})
    shop.move({sku: -2})
    metadata, amount = shoppers.metadata("json", number, cart), sales.total(cart)
    buyer = sales.pay(shop, at, number, metadata, amount)
    again = at + timedelta(minutes=3)
    shop.plan_at(again, lambda at: sales.pay(shop, at, "", metadata, amount, buyer))


def _plan_disputes(shop: Story) -> None:
    """One dispute waits for an answer, one was won, and one was lost, so its goods wait for a decision."""
    now = shop.days
    _plan_dispute(shop, now - 46, shop.moment(max(now - 38, 7), 16.1), shop.moment(max(now - 27, 8), 16.1), won=True)
    _plan_dispute(shop, now - 29, shop.moment(max(now - 20, 9), 11.3), shop.now - timedelta(hours=50), won=False)
    _plan_dispute(shop, now - 16, shop.now - timedelta(hours=28), None)


def _plan_dispute(shop: Story, day: int, at: datetime, closed_at: datetime | None, *, won: bool = False) -> None:
    numbers: list[str] = []
    reason = "product_not_received" if won else "fraudulent"
    shop.plan(max(day, 5), 13.4, lambda at: numbers.append(sales.sell(shop, at, {_plenty(shop): 1}, returns=False)))
    shop.plan_at(at, lambda at: shop.tell(Kind.DISPUTE, at, numbers[0], reason=reason))
    if closed_at:
        shop.plan_at(closed_at, lambda at: shop.tell(Kind.CLOSE_DISPUTE, at, numbers[0], won=won))


def _plan_failed_refund(shop: Story) -> None:
    """A refund succeeded, its pair went back on the shelf, and then the bank refused the money."""
    numbers: list[str] = []

    def sell(at: datetime) -> None:
        sku = _plenty(shop)
        numbers.append(sales.sell(shop, at, {sku: 1}, returns=False))
        amount = sales.total(sales.bought(shop, {sku: 1}))
        sales.plan_refund(shop, at + timedelta(days=4), numbers[0], amount, {sku: 1}, is_decided=True)

    shop.plan(shop.days - 11, 12.2, sell)
    shop.plan_at(shop.now - timedelta(hours=7), lambda at: shop.tell(Kind.FAIL_REFUND, at, numbers[0]))


def _undecided(shop: Story, hours: int, at: datetime) -> None:
    """Sell something that is refunded `hours` before now, so that the decision about it waits."""
    sku = _plenty(shop)
    number = sales.sell(shop, at, {sku: 1}, returns=False)
    amount = sales.total(sales.bought(shop, {sku: 1}))
    refunded_at = shop.now - timedelta(hours=hours)
    sales.plan_refund(shop, refunded_at, number, amount if hours != 22 else 15_00, {sku: 1}, is_decided=False)
