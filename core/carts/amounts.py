"""Compares the amount paid with the price of the cart, as far as metadata and payment allow it.

Shops write whole prices in cents or in whole units and do not say which: the reading that comes closer to the payment
is used. The tolerance is one minor unit a line, for rounded taxes and discounts. Tax may be included or added. An
unknown shipping or tax may explain a higher payment, an unknown coupon a lower one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from core.carts.names import DISCOUNT_NAMES, SHIPPING_NAMES, TAX_NAMES, TOTAL_NAMES, plain
from core.carts.values import minor_digits, price_of
from core.foundation.sales import Cart, Payment

LINE_ITEMS = "line items"
"""The source of a cart whose prices come from Stripe in minor units."""

_COUPON = re.compile(r".*(coupon|promo|voucher|giftcard|discount).*")


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to read the prices, and the difference that it leaves unexplained."""

    factor: int
    extras: int
    difference: int


def difference(cart: Cart, payment: Payment) -> int | None:
    """Return the amount paid less the cart's price, in minor units: 0 within tolerance, None if it cannot be known."""
    reading = _closest(cart, payment)
    if reading is None:
        return None
    if abs(reading.difference) <= len(cart.lines):
        return 0
    extra_unknown = None in (_known(payment.shipping, SHIPPING_NAMES, payment), _known(payment.tax, TAX_NAMES, payment))
    if reading.difference > 0 and extra_unknown:
        return None
    if reading.difference < 0 and payment.discount is None and _has_coupon(payment.metadata):
        return None
    return reading.difference


def extras(cart: Cart, payment: Payment) -> int | None:
    """Return what was paid in addition to the goods, in minor units: shipping and tax less discounts.

    It includes an unexplained amount where `difference` is None. The amount paid less the goods less these extras is
    `difference`, within its tolerance. None where a price is unknown.
    """
    reading = _closest(cart, payment)
    if reading is None:
        return None
    return reading.extras + (reading.difference if difference(cart, payment) is None else 0)


def in_minor_units(cart: Cart, payment: Payment) -> Cart:
    """Return the cart with unit prices in minor units, if the payment shows that they were in whole units."""
    reading = _closest(cart, payment)
    if reading is None or reading.factor == 1:
        return cart
    lines = (replace(line, unit_price=(line.unit_price or 0) * reading.factor) for line in cart.lines)
    return replace(cart, lines=tuple(lines))


def _closest(cart: Cart, payment: Payment) -> _Reading | None:
    if payment.amount <= 0 or any(line.unit_price is None for line in cart.lines):
        return None
    return min(_readings(cart, payment), key=lambda reading: abs(reading.difference))


def _readings(cart: Cart, payment: Payment) -> Iterator[_Reading]:
    goods = sum(line.quantity * (line.unit_price or 0) for line in cart.lines)
    whole = 10 ** minor_digits(payment.currency)
    for factor in sorted({1, 1 if cart.source == LINE_ITEMS else whole}):
        shipping = _known(payment.shipping, SHIPPING_NAMES, payment, factor) or 0
        tax = _known(payment.tax, TAX_NAMES, payment, factor) or 0
        discount = _known(payment.discount, DISCOUNT_NAMES, payment, factor) or 0
        rest = payment.amount - goods * factor
        beside = shipping - abs(discount)
        yield from (_Reading(factor, each, rest - each) for each in (beside + tax, beside))


def _known(from_stripe: int | None, names: tuple[str, ...], payment: Payment, factor: int = 1) -> int | None:
    """Return an amount from Stripe, or else from the shop's metadata, in minor units."""
    if from_stripe is not None:
        return from_stripe
    written = _amounts(payment.metadata)
    amount = next((written[name] for name in names if name in written), None)
    if amount is None:
        return None
    if any("." in each for each in written.values()):
        factor = 10 ** minor_digits(payment.currency)
    return round(Decimal(amount) * factor)


def _amounts(metadata: Mapping[str, str]) -> dict[str, str]:
    names = {*SHIPPING_NAMES, *TAX_NAMES, *DISCOUNT_NAMES, *TOTAL_NAMES}
    return {
        name: amount for key, text in metadata.items() if (name := plain(key)) in names and (amount := price_of(text))
    }


def _has_coupon(metadata: Mapping[str, str]) -> bool:
    written = _amounts(metadata)
    noted = {plain(key) for key, text in metadata.items() if text.strip() not in ("", "0", "null", "none", "false")}
    return not written.keys() & set(DISCOUNT_NAMES) and any(map(_COUPON.fullmatch, noted))
