"""Writes a cart into a payment's metadata so that `read_cart` reads all of it: JSON in pieces, and their number.

Stripe allows fifty entries of five hundred characters. A cart that does not fit is refused, never cut off.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from uuid import UUID

from core.carts.text import MOST_ENTRIES
from core.foundation.errors import invalid
from core.foundation.sales import CartLine

LONGEST_VALUE = 500
_COUNT = "cart_pieces"


def write_cart(lines: Sequence[CartLine], beside: Mapping[str, str]) -> dict[str, str]:
    """Return metadata with these lines and the entries `beside` them. Raises InvalidInput if it does not fit."""
    rows = [{"v": line.code, "q": line.quantity, "p": line.unit_price} for line in lines]
    text = json.dumps(rows, separators=(",", ":"))
    pieces = [text[start : start + LONGEST_VALUE] for start in range(0, len(text), LONGEST_VALUE)]
    free = MOST_ENTRIES - len(beside) - 1
    if len(pieces) > free:
        why = f"are {len(lines)} different variants, more than fit into one Stripe payment; split the order"
        raise invalid("items", why)
    return {**beside, _COUNT: str(len(pieces)), **{f"cart_{n}": piece for n, piece in enumerate(pieces, 1)}}


def line_of(variant_id: UUID | str, quantity: int, unit_price: int) -> CartLine:
    """Return a line that names its variant by id, at a price in minor units."""
    return CartLine(code=str(variant_id), quantity=quantity, unit_price=unit_price)
