"""Compares the amount paid with the price of a cart, as far as cart, catalogue and payment allow it.

Shops write whole prices in minor or in whole units and do not say which: the unit that fits the payment is used. One
minor unit a line is rounding. Tax may be included or added. Beyond that a shop tolerates a lower payment, for discounts
that are not recorded, and a higher one, for shipping and tax that are not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from itertools import product

from core.carts.names import DISCOUNT_NAMES, SHIPPING_NAMES, TAX_NAMES, TOTAL_NAMES, plain
from core.carts.values import minor_digits, money, price_of, shown
from core.foundation.sales import Cart, Payment

LINE_ITEMS = "line items"
"""The source of a cart whose prices come from Stripe in minor units."""

_NAMES = frozenset((*SHIPPING_NAMES, *TAX_NAMES, *DISCOUNT_NAMES, *TOTAL_NAMES))
_COUPON = re.compile(r".*(coupon|promo|voucher|giftcard|discount).*")
_COUPON_PERCENT = 90
"""How much less may be paid, in percent, if the payment names a coupon without its amount."""
_MOST_TIMES = 2
"""How often the goods' price a higher payment may contain in addition, if the unit of the prices is not certain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far a payment may differ from its prices: `less` and `more` in percent, or `amount` more in whole units."""

    less: int = 30
    more: int = 30
    amount: int = 25


class Fit(StrEnum):
    """How a payment and the prices of its cart fit. Unknown: a price is missing."""

    EXACT = "exact"
    TOLERATED = "tolerated"
    UNKNOWN = "unknown"
    OUT = "out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A cart held against its payment, its prices in minor units.

    `comes_to` are goods and known extras. `extras` are what was paid in addition to the goods, including what is not
    explained; None if the cart has no prices. `discount` is the part of them that made the goods cheaper, if all of it
    adds up. `rest` is what is not explained. `why` says why it does not fit.
    """

    cart: Cart
    fit: Fit
    comes_to: int | None = None
    extras: int | None = None
    discount: int | None = None
    rest: int = 0
    allowed: int | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class _Paid:
    """A payment with the amounts that its metadata notes. `whole`: minor units in one whole unit of its currency."""

    payment: Payment
    written: Mapping[str, str]
    whole: int

    @property
    def amount(self) -> int:
        """What was paid."""
        return self.payment.amount

    def known(self, from_stripe: int | None, names: tuple[str, ...], factor: int = 1) -> int | None:
        """Return an amount from Stripe, or else from the shop's metadata, in minor units."""
        if from_stripe is not None:
            return from_stripe
        amount = next((self.written[name] for name in names if name in self.written), None)
        return None if amount is None else round(Decimal(amount) * self.unit(factor))

    def shipping(self, factor: int = 1) -> int | None:
        """Return the shipping that was paid, or None."""
        return self.known(self.payment.shipping, SHIPPING_NAMES, factor)

    def tax(self, factor: int = 1) -> int | None:
        """Return the tax that was paid, or None."""
        return self.known(self.payment.tax, TAX_NAMES, factor)

    def discount(self, factor: int = 1) -> int:
        """Return the discount, 0 if none is known."""
        return abs(self.known(self.payment.discount, DISCOUNT_NAMES, factor) or 0)

    def unit(self, factor: int) -> int:
        """Return the unit of written amounts: one with decimals shows that all are in whole units."""
        return self.whole if any("." in each for each in self.written.values()) else factor


@dataclass(frozen=True, slots=True)
class _Sum:
    """One way to add up: the unit of the prices, the goods, the known extras, and the discount among them."""

    factor: int
    goods: int
    extras: int
    rest: int
    discount: int = 0


def weigh(
    cart: Cart,
    payment: Payment,
    known: Sequence[int | None] = (),
    tolerance: Tolerance = Tolerance(),
    *,
    exactly: bool = False,
) -> Weighed:
    """Hold a cart against its payment. `known` are the catalogue's prices of its lines, for lines without a price.

    `exactly`: nothing is tolerated but rounding, and shipping and tax that are not known.
    """  # fmt: skip
    paid = _Paid(payment, _amounts(payment.metadata), 10 ** minor_digits(payment.currency))
    sums = sorted(_sums(cart, paid, known), key=lambda each: abs(each.rest))
    contradiction = _contradiction(cart, paid, sums, tolerance)
    if not sums:
        return _unpriced(cart, payment, contradiction)
    best = _of_catalogue(cart, sums, known) or sums[0]
    is_sure = len({each.factor for each in sums}) == 1 or _is_known(cart, known)
    if abs(sums[0].rest) <= len(cart.lines):
        return _weighed(cart, sums[0], Fit.OUT if contradiction else Fit.EXACT, contradiction)
    if contradiction:
        return _weighed(cart, best, Fit.OUT, contradiction)
    for each in (best,) if is_sure else sums:
        if _is_tolerated(each, paid, tolerance, is_sure=is_sure, exactly=exactly) and not _is_partial(payment):
            less = _less(paid, tolerance) if each.rest < 0 else None
            return replace(_weighed(cart, each, Fit.TOLERATED, None), allowed=less)
    return _weighed(cart, best, Fit.OUT, _misfit(best, paid, tolerance))


def _unpriced(cart: Cart, payment: Payment, contradiction: str | None) -> Weighed:
    why = contradiction or (_part(payment) + ", and its prices are not known" if _is_partial(payment) else None)
    return Weighed(cart=cart, fit=Fit.OUT if why else Fit.UNKNOWN, why=why)


def _weighed(cart: Cart, found: _Sum, fit: Fit, why: str | None) -> Weighed:
    has_prices = all(line.unit_price is not None for line in cart.lines)
    rest = 0 if fit is Fit.EXACT else found.rest
    return Weighed(
        cart=_in_minor_units(cart, found.factor),
        fit=fit,
        comes_to=found.goods + found.extras,
        extras=found.extras + rest if has_prices else None,
        discount=found.discount or None if fit is Fit.EXACT else None,
        rest=rest,
        why=why,
    )


def _in_minor_units(cart: Cart, factor: int) -> Cart:
    if factor == 1:
        return cart
    lines = (replace(line, unit_price=line.unit_price and line.unit_price * factor) for line in cart.lines)
    return replace(cart, lines=tuple(lines))


# ---------------------------------------------------------------- adding up


def _sums(cart: Cart, paid: _Paid, known: Sequence[int | None]) -> Iterator[_Sum]:
    """Yield every way to add up; none if a price is not known, or if nothing was paid and no discount says why."""
    if paid.amount <= 0 and paid.payment.discount is None:
        return
    written = any(line.unit_price is not None for line in cart.lines)
    for factor in sorted({1, paid.whole if written and cart.source != LINE_ITEMS else 1}):
        goods = _goods(cart, factor, known)
        if goods is None:
            return
        beside = (paid.shipping(factor) or 0) - (discount := paid.discount(factor))
        for extras in dict.fromkeys((beside + (paid.tax(factor) or 0), beside)):
            yield _Sum(factor, goods, extras, paid.amount - goods - extras, discount)


def _goods(cart: Cart, factor: int, known: Sequence[int | None]) -> int | None:
    total = 0
    for line, price in zip(cart.lines, known or [None] * len(cart.lines), strict=True):
        each = price if line.unit_price is None else line.unit_price * factor
        if each is None:
            return None
        total += line.quantity * each
    return total


def _is_known(cart: Cart, known: Sequence[int | None]) -> bool:
    return bool(known) and all(price is not None for price in known) and len(known) == len(cart.lines)


def _of_catalogue(cart: Cart, sums: Sequence[_Sum], known: Sequence[int | None]) -> _Sum | None:
    """Return the sum in the unit that the catalogue's prices show, the closest to the payment; None if unknown."""
    if not _is_known(cart, known):
        return None
    listed = sum(line.quantity * (price or 0) for line, price in zip(cart.lines, known, strict=True))
    factor = min(sums, key=lambda each: abs(each.goods - listed)).factor
    return next(each for each in sums if each.factor == factor)


def _amounts(metadata: Mapping[str, str]) -> dict[str, str]:
    return {
        name: amount for key, text in metadata.items() if (name := plain(key)) in _NAMES and (amount := price_of(text))
    }


# ---------------------------------------------------------------- tolerance


def _is_tolerated(found: _Sum, paid: _Paid, tolerance: Tolerance, *, is_sure: bool, exactly: bool) -> bool:
    if found.rest < 0:
        return not exactly and -found.rest * 100 <= found.goods * _less(paid, tolerance)
    if exactly and paid.shipping() is not None and paid.tax() is not None:
        return False
    fixed = tolerance.amount * paid.whole
    most = fixed if is_sure else min(fixed, found.goods * _MOST_TIMES)
    return found.rest <= most or found.rest * 100 <= found.goods * tolerance.more


def _less(paid: _Paid, tolerance: Tolerance) -> int:
    return max(tolerance.less, _COUPON_PERCENT) if _has_coupon(paid) else tolerance.less


def _has_coupon(paid: _Paid) -> bool:
    """Return whether the metadata names a coupon whose amount neither Stripe nor the metadata has."""
    if paid.payment.discount is not None or paid.written.keys() & set(DISCOUNT_NAMES):
        return False
    empty = ("", "0", "null", "none", "false")
    noted = (plain(key) for key, text in paid.payment.metadata.items() if text.strip() not in empty)
    return any(map(_COUPON.fullmatch, noted))


# ---------------------------------------------------------------- totals and captures of a part


def _contradiction(cart: Cart, paid: _Paid, sums: Sequence[_Sum], tolerance: Tolerance) -> str | None:
    """Return why a total in the metadata does not agree, or None. Stripe's own line items need no total."""
    for name in () if cart.source == LINE_ITEMS else TOTAL_NAMES:
        if name in paid.written and not any(
            _agrees(round(Decimal(paid.written[name]) * factor), cart, paid, sums, tolerance, factor)
            for factor in (paid.unit(1), paid.whole)
        ):
            return f"its {name} is {shown(paid.written[name])}, which is neither its lines nor what was paid"
    return None


def _agrees(total: int, cart: Cart, paid: _Paid, sums: Sequence[_Sum], tolerance: Tolerance, factor: int) -> bool:
    """Return whether a total is what the goods come to or what was paid, with or without the known extras."""
    has_prices = all(line.unit_price is not None for line in cart.lines)
    bases = {paid.amount, *(each.goods for each in sums if has_prices)}
    if any(abs(base - total) <= len(cart.lines) for base in bases):
        return True
    known = _subsets((paid.shipping(factor) or 0, paid.tax(factor) or 0, -paid.discount(factor)))
    for base, parts in product(bases, known):
        if min(abs(base + parts - total), abs(base - parts - total)) <= len(cart.lines):
            return True
    goods = _Sum(1, total, 0, paid.amount - total)
    return not has_prices and total > 0 and _is_tolerated(goods, paid, tolerance, is_sure=False, exactly=False)


def _subsets(amounts: Sequence[int]) -> list[int]:
    sums = [0]
    for amount in amounts:
        if amount:
            sums += [each + amount for each in sums]
    return sums


def _is_partial(payment: Payment) -> bool:
    return payment.released > 0


def _part(payment: Payment) -> str:
    authorised = money(payment.amount + payment.released, payment.currency)
    captured = money(payment.amount, payment.currency)
    return f"only {captured} of {authorised} was captured"


def _misfit(found: _Sum, paid: _Paid, tolerance: Tolerance) -> str:
    """Return why an amount does not fit, in words for people."""
    payment = paid.payment
    comes_to = f"its lines come to {money(found.goods + found.extras, payment.currency)}"
    if _is_partial(payment):
        return f"{_part(payment)}, and {comes_to}"
    but = f"{comes_to}, but {money(paid.amount, payment.currency)} was paid"
    if found.rest < 0:
        return f"{but}, and the shop tolerates {_less(paid, tolerance)} % less"
    return f"{but}, more than the shop tolerates for shipping and tax"
