"""Carts of buyers who paid in another currency than the shop's: Stripe converted the amount, not the shop's prices."""

from __future__ import annotations

from dataclasses import replace

from core.carts.amounts import LINE_ITEMS
from core.foundation.sales import Cart, Payment


def in_currency_of(payment: Payment, cart: Cart) -> Cart:
    """Return the cart without prices that are in another currency than its payment. Line items are in the payment's."""
    if payment.converted_from is None or cart.source == LINE_ITEMS:
        return cart
    return replace(cart, lines=tuple(replace(line, unit_price=None) for line in cart.lines))
