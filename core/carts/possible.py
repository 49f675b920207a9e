"""Every possible reading of a cart, worked out in memory. The catalogue and the amount decide which is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.carts import mapping as cart_mapping
from core.carts.entries import reference_in
from core.carts.mapping import CartMapping
from core.carts.positions import Found, Way, distinct
from core.carts.reading import MAPPED, find, mapped_in, raw_of, texts_of
from core.carts.values import priced
from core.foundation.errors import InvalidInput, UnreadableCart
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
    """All readings of a payment's metadata, no two the same. None: there is no cart, perhaps an order's number."""

    possible: tuple[Possible, ...] = ()
    lookup: Lookup | None = None


def readings(metadata: Mapping[str, str], mapping: CartMapping | None = None, *, currency: str = "usd") -> Readings:
    """Return every possible reading. Raises UnreadableCart for half a cart, one cut off, empty or contradictory."""
    try:
        return _readings(texts_of(metadata), mapping, currency)
    except UnreadableCart as error:
        raise UnreadableCart(error.why, raw_of(metadata)) from None
    except RecursionError:
        raise UnreadableCart("it is nested too deeply", raw_of(metadata)) from None


def _readings(metadata: Mapping[str, str], mapping: CartMapping | None, currency: str) -> Readings:
    mapped = mapped_in(metadata, mapping)
    if isinstance(mapped, Lookup):
        return Readings(lookup=mapped)
    if mapped:
        cart = Cart(lines=priced(mapped.rows, currency), source=MAPPED)
        return Readings(possible=(Possible(cart=cart, how="the shop's cart mapping", certain=True),))
    found = find(metadata)
    reference = reference_in(metadata)
    lookup = Lookup(reference=reference) if reference else None
    if not found:
        return Readings(lookup=lookup)
    source = f"metadata:{found.shape}"
    if not found.ways:
        cart = Cart(lines=priced(found.rows, currency), source=source)
        return Readings(possible=(Possible(cart=cart, how="its named fields", certain=True),), lookup=lookup)
    return Readings(
        possible=tuple(_possible(found, way, currency, source) for way in distinct(found.ways)), lookup=lookup
    )


def _possible(found: Found, way: Way, currency: str, source: str) -> Possible:
    cart = Cart(lines=priced(way.rows, currency), source=source)
    return Possible(cart=cart, how=way.how, certain=False, mapping=_mapping_of(found, way))


def _mapping_of(found: Found, way: Way) -> CartMapping | None:
    """Return the mapping that gives this reading, or None where no mapping can describe it."""
    if way.fields is None:
        return None
    given = {"key": found.key, "path": found.path, **way.fields}
    try:
        return cart_mapping.from_json(
            {name: value for name, value in given.items() if value or name.endswith("separator")}
        )
    except InvalidInput:
        return None
