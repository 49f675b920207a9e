"""The name of an order for people: its number, else buyer and amount. Never an id of Stripe.

`stockroom_api.order_name` names orders in the database by the same rule.
"""

from __future__ import annotations

from core.carts.values import money


def order_name(number: str | None, buyer: str | None, amount: int, currency: str) -> str:
    """Return the name of an order: WEB-7, or Ana Ruiz, 24.00 EUR; without a buyer only the amount."""
    if number and number.strip():
        return number.strip()
    paid = money(amount, currency)
    return f"{buyer.strip()}, {paid}" if buyer and buyer.strip() else paid
