"""Orders of the sample shop: what a customer pays, how the website writes the cart, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any

from core.foundation import days as shop_days
from core.sample import shoppers
from core.sample.shoppers import Bought
from core.sample.story import SAM, ZONE, Kind, Story

CURRENCY = "eur"
_SHAPES = {"json": 45, "numbered": 16, "barcodes": 11, "packed": 10, "checkout": 15}
_UNDECIDED = timedelta(hours=60)
"""Refunds younger than this still wait for a decision."""


def bought(shop: Story, lines: Mapping[str, int]) -> list[Bought]:
    """Return the lines of a cart with these units of SKUs, at the catalogue's prices."""
    known = shop.variants
    return [
        Bought(sku=sku, product=known[sku].model.product, size=known[sku].size, barcode=known[sku].barcode,
               units=units, price=known[sku].cents)
        for sku, units in lines.items()
    ]  # fmt: skip


def sell(shop: Story, at: datetime, lines: Mapping[str, int], *, returns: bool = True) -> str:
    """Let a customer pay for units that are there, in one of the shop's ways. Returns the order's number."""
    number = f"SO-{next(shop.numbers['order'])}"
    cart = bought(shop, lines)
    (shape,) = shop.random.choices(list(_SHAPES), list(_SHAPES.values()))
    if at >= shop.moment(0, 0):
        shop.move({sku: -units for sku, units in lines.items()})
    if shape == "checkout":
        session(shop, at, number, cart)
    else:
        pay(shop, at, number, shoppers.metadata(shape, number, cart), total(cart))
    if shop.random.random() < 0.02:
        _abandon(shop, at + timedelta(minutes=7), cart)
    if returns and at >= shop.moment(1, 0) and shop.random.random() < 0.085:
        _plan_return(shop, at, number, cart)
    return number


def total(cart: Sequence[Bought]) -> int:
    """Return what a customer pays for a cart, in cents."""
    return shoppers.goods(cart) + shoppers.shipping(cart)


def pay(
    shop: Story, at: datetime, number: str, metadata: dict[str, str], amount: int, buyer: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Add a paid PaymentIntent and return its buyer."""
    buyer = buyer or shoppers.buyer(shop.random)
    shop.tell(Kind.PAY, at, number, amount=amount, currency=CURRENCY, metadata=metadata, buyer=buyer)
    return buyer


def session(shop: Story, at: datetime, number: str, cart: Sequence[Bought]) -> None:
    """Add a completed Checkout Session."""
    lines = [[each.sku, each.price, each.units] for each in cart]
    shop.tell(Kind.CHECKOUT, at, number, lines=lines, shipping=shoppers.shipping(cart), currency=CURRENCY,
              reference=number, buyer=shoppers.buyer(shop.random))  # fmt: skip


def _abandon(shop: Story, at: datetime, cart: Sequence[Bought]) -> None:
    """Add a payment that a customer began and never finished."""
    metadata = shoppers.metadata("json", f"SO-{next(shop.numbers['order'])}", cart)
    shop.plan_at(
        at,
        lambda at: shop.tell(Kind.ABANDON, at, amount=total(cart), currency=CURRENCY, metadata=metadata,
                             buyer=shoppers.buyer(shop.random)),
    )  # fmt: skip


# ---------------------------------------------------------------- what comes back


def _plan_return(shop: Story, sold_at: datetime, number: str, cart: Sequence[Bought]) -> None:
    line = shop.random.choice(cart)
    (why,) = shop.random.choices(("refund", "exchange", "cancelled_unshipped", "goodwill"), (72, 10, 9, 9))
    days = 1 if why == "cancelled_unshipped" else shop.random.randint(3, 11)
    at = _at(sold_at, days, 11 + shop.random.randrange(6), shop.random.randrange(60))
    if why == "exchange":
        shop.plan_at(
            _at(sold_at, days, 10, 4), lambda at: give_back(shop, at, number, {line.sku: 1}, reason="exchange")
        )
        return
    is_whole = why == "cancelled_unshipped" or (len(cart) == 1 and line.units == 1 and why == "refund")
    amount = total(cart) if is_whole else 1000 if why == "goodwill" else line.price
    returned = {each.sku: each.units for each in cart} if why == "cancelled_unshipped" else {line.sku: 1}
    (disposition,) = shop.random.choices(("restock", "damaged", "not_returned"), (86, 7, 7))
    if why != "refund":
        disposition = "goodwill" if why == "goodwill" else "restock"
    reason = "cancelled_unshipped" if why == "cancelled_unshipped" else "refund"
    plan_refund(shop, at, number, amount, returned, disposition=disposition, reason=reason)


def plan_refund(
    shop: Story, at: datetime, number: str, amount: int, returned: Mapping[str, int], *, disposition: str = "restock",
    reason: str = "refund", is_decided: bool | None = None,
) -> None:  # fmt: skip
    """Plan a refund, and Sam's decision about its goods on a later morning. A young one still waits."""

    def refund(at: datetime) -> None:
        shop.tell(Kind.REFUND, at, number, amount=amount, reason="requested_by_customer")

    shop.plan_at(at, refund)
    decided_at = _at(at, 1, 10, 5)
    if is_decided is None:
        is_decided = decided_at < shop.now - _UNDECIDED
    if is_decided:
        shop.plan_at(
            decided_at,
            lambda at: give_back(shop, at, number, returned, reason=reason, disposition=disposition, has_refund=True),
        )


def give_back(
    shop: Story, at: datetime, number: str, returned: Mapping[str, int], *, reason: str, disposition: str = "restock",
    has_refund: bool = False,
) -> None:  # fmt: skip
    """Add Sam's decision about goods that came back."""
    if disposition == "restock":
        shop.move(returned)
    shop.tell(Kind.RETURN, at, number, goods=dict(returned), reason=reason, disposition=disposition, who=SAM,
              has_refund=has_refund)  # fmt: skip


def _at(before: datetime, days: int, hour: int, minute: int) -> datetime:
    local = shop_days.of(before, ZONE) + timedelta(days=days)
    return shop_days.moment(datetime.combine(local, time(hour, minute)), ZONE)
