"""The possible readings of a Checkout Session's line items: by the usual names of a code, or by any other name.

A shop may write its codes into the metadata of an item, its price or its product under any name. Each name is a
reading of its own, and the catalogue says which is right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.carts.names import plain
from core.carts.possible import Possible, Readings
from core.carts.reading import lines_of_items
from core.carts.values import code_of, shown
from core.foundation.errors import UnreadableCart
from core.foundation.sales import Cart, CartLine

MOST_NAMES = 12
"""The most names that are tried in addition to the usual ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named(Possible):
    """A reading that takes the codes from the entry `name` of the metadata."""

    name: str


def item_readings(items: Sequence[Mapping[str, Any]], name: str | None = None) -> Readings:
    """Return the readings of all line items; `name` is the entry in which this shop is known to write its codes.

    Raises UnreadableCart for an item that names no product or has no whole quantity.
    """
    usual = lines_of_items(items)
    notes = [_notes(item) for item in items]
    if name and (known := _by_name(usual, notes, name)):
        usual = known
    others = list(dict.fromkeys(key for each in notes for key in each if key != name))[:MOST_NAMES]
    found = [Possible(cart=usual, how="Stripe's line items", certain=True)]
    for other in others:
        cart = _by_name(usual, notes, other)
        if cart is not None and cart != usual and all(cart != each.cart for each in found):
            how = f"Stripe's line items, with the codes in {shown(other)}"
            found.append(Named(cart=cart, how=how, certain=False, name=other))
    return Readings(possible=tuple(found))


def _by_name(cart: Cart, notes: Sequence[Mapping[str, str]], name: str) -> Cart | None:
    """Return the cart with the codes in this entry. Lines without the entry stay; None if no line has it."""
    if not any(name in each for each in notes):
        return None
    lines = (_recoded(line, each.get(name)) for line, each in zip(cart.lines, notes, strict=True))
    return replace(cart, lines=tuple(lines))


def _recoded(line: CartLine, code: str | None) -> CartLine:
    if not code or code in (line.code, *line.codes):
        return line
    return replace(line, code=code, codes=(line.code, *line.codes))


def _notes(item: Mapping[str, Any]) -> dict[str, str]:
    """Return the metadata of an item, its price and its product, by plain names; the item's own come first."""
    price = item.get("price")
    product = price.get("product") if isinstance(price, Mapping) else None
    found: dict[str, str] = {}
    for each in (item, price, product):
        metadata = each.get("metadata") if isinstance(each, Mapping) else None
        for key, value in (metadata if isinstance(metadata, Mapping) else {}).items():
            if (name := plain(str(key))[:40]) and name != "size" and (code := _code(value)):
                found.setdefault(name, code)
    return found


def _code(value: object) -> str:
    try:
        return code_of(value)
    except UnreadableCart:
        return ""
