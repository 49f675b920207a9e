"""Every possible reading of a cart, worked out in memory. The catalogue and the amount decide which is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.carts.mapping import CartMapping
from core.carts.reading import read_cart
from core.foundation.sales import Cart, Lookup


@dataclass(frozen=True, slots=True, kw_only=True)
class Possible:
    """One way to read a cart, and `how` in words for people.

    `certain`: its fields have names. Otherwise it was worked out from positions or from names that are not known.
    `mapping` makes this reading the shop's; it is None if the reading needs none.
    """

    cart: Cart
    how: str
    certain: bool
    mapping: CartMapping | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """All readings of a payment's metadata, no two the same. Without any there is no cart, or an order's number."""

    possible: tuple[Possible, ...] = ()
    lookup: Lookup | None = None


def readings(metadata: Mapping[str, str], mapping: CartMapping | None = None, *, currency: str = "usd") -> Readings:
    """Return every possible reading. Raises UnreadableCart for half a cart, one cut off, empty or contradictory."""
    found = read_cart(metadata, mapping, currency=currency)
    if isinstance(found, Lookup):
        return Readings(lookup=found)
    if found is None:
        return Readings()
    return Readings(possible=(Possible(cart=found, how="the names of its fields", certain=True),))
