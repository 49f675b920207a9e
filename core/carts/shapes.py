"""The cart in a payment's metadata, in whichever shapes a shop writes it: all that are there must say the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from core.carts.entries import ids_as_keys, numbered, parallel, single
from core.carts.names import CART_NAMES, COUNT_NAMES, WRAPPER_NAMES, plain
from core.carts.pieces import Pieces, pieces_of, read_pieces
from core.carts.text import Found, agreed, is_count, read_text, units_for_people
from core.carts.values import shown
from core.foundation.errors import UnreadableCart


def find(metadata: Mapping[str, str]) -> Found | None:
    """Read the cart in metadata. None: there is none. Raises UnreadableCart where one is there and not whole."""
    entries = {key: value for key, value in metadata.items() if value.strip()}
    pieces = pieces_of(entries)
    flat = (ids_as_keys(entries), numbered(entries))
    found = [
        *_named(entries, CART_NAMES, pieces),
        *filter(None, map(read_pieces, pieces.values())),
        *filter(None, flat),
    ]
    if not found:
        found = [*_named(entries, WRAPPER_NAMES, pieces), *filter(None, (parallel(entries), single(entries)))]
    cart = agreed(found)
    if cart:
        _must_agree_with_text(cart, entries)
        _must_agree_with_counts(cart, entries)
    return cart


def _named(entries: Mapping[str, str], names: frozenset[str], pieces: Mapping[str, Pieces]) -> Iterator[Found]:
    """Whole values under a key that is known for it."""
    heads = {group.base for group in pieces.values() if group.head}
    for key, text in entries.items():
        if plain(key) in names - heads and (found := read_text(text, certain=plain(key) in CART_NAMES)):
            yield found


def _must_agree_with_text(cart: Found, entries: Mapping[str, str]) -> None:
    """`Soap x2, Brush x1` beside a cart is the same cart for people: it must have as many units."""
    units = sum(each.line.quantity for each in cart.rows)
    for key, text in entries.items():
        if plain(key) in CART_NAMES and units_for_people(text) not in (None, units):
            raise UnreadableCart(f"the cart is written twice, differently: {shown(key)} says {shown(text)}")


def _must_agree_with_counts(cart: Found, entries: Mapping[str, str]) -> None:
    """A count beside the cart is of its lines or its units: it shows that lines are missing, or that none are."""
    lines, units = len(cart.rows), sum(each.line.quantity for each in cart.rows)
    counts = {key: int(text) for key, text in entries.items() if plain(key) in COUNT_NAMES and is_count(text)}
    for key, count in counts.items():
        if count not in (lines, units):
            raise UnreadableCart(f"{shown(key)} is {count}, but {units} units in {lines} lines are written")
    if cart.doubt and not counts:
        raise UnreadableCart(cart.doubt)
