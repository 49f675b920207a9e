"""Reads carts, from Checkout's line items or from the metadata of a payment: all of a cart, or none of it.

`read_cart` recognises the common layouts; a mapping that an admin writes reads the others. It returns None where there
is no cart, a Lookup where there is only an order's number, and raises `UnreadableCart` for an incomplete cart. Of
several possible readings (see `possible`) it gives the most usual one.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import chain
from typing import Any

from core.carts import mapping as cart_mapping
from core.carts.amounts import LINE_ITEMS
from core.carts.entries import UNNAMED, ids_as_keys, numbered, objects, parallel, reference_in, single, unnamed
from core.carts.mapping import CartMapping, Layout
from core.carts.names import CART_NAMES, LINE_COUNTS, UNIT_COUNTS, WRAPPER_NAMES, plain
from core.carts.packed import FOR_PEOPLE, units_for_people
from core.carts.pieces import Pieces, pieces_of, read_pieces
from core.carts.positions import Found
from core.carts.text import agreed, read_text, with_rows
from core.carts.values import MOST_LINES, code_of, folded, priced, shown, units_of
from core.carts.whole import counts_in, entries_beside, refuse_empty
from core.foundation.errors import UnreadableCart
from core.foundation.sales import Cart, CartLine, Lookup

__all__ = [
    "LINE_ITEMS",
    "SHORT_FORM",
    "CartMapping",
    "Layout",
    "lines_of_items",
    "preview",
    "read_cart",
    "reference_in",
]

SHORT_FORM = "metadata:short list"
"""The source of a cart whose codes are the first eight characters of variant and product ids."""
MAPPED = "mapping"
"""The source of a cart that was read with the shop's mapping."""
LONGEST_RAW = 30_000
_ITEM_CODES = ("sku", "variantsku", "variantid", "vid", "barcode")


# ---------------------------------------------------------------- metadata


def read_cart(
    metadata: Mapping[str, str], mapping: CartMapping | None = None, *, currency: str = "usd"
) -> Cart | Lookup | None:
    """Read the cart in a payment's metadata: with the mapping if its key is there, else by recognising its layout.

    Prices with decimals become minor units of `currency`; whole prices stay as they are (see `amounts`).
    """
    try:
        return _read(texts_of(metadata), mapping, currency)
    except UnreadableCart as error:
        raise UnreadableCart(error.why, raw_of(metadata)) from None
    except RecursionError:
        raise UnreadableCart("it is nested too deeply", raw_of(metadata)) from None


def preview(
    metadata: Mapping[str, str], mapping: CartMapping | None, *, currency: str = "usd"
) -> Cart | Lookup | UnreadableCart | None:
    """Return what `read_cart` reads with a mapping, or its error: for a preview before the mapping is saved."""
    try:
        return read_cart(metadata, mapping, currency=currency)
    except UnreadableCart as error:
        return error


def _read(metadata: Mapping[str, str], mapping: CartMapping | None, currency: str) -> Cart | Lookup | None:
    mapped = mapped_in(metadata, mapping)
    if isinstance(mapped, Lookup):
        return mapped
    found = mapped or find(metadata)
    if found and found.shape != FOR_PEOPLE:
        if found.ways and not any(way.has_quantity for way in found.ways):
            raise UnreadableCart(f"its quantity is not a whole number; its fields may be {found.ways[0].how}")
        return _cart(found, currency, MAPPED if mapped else f"metadata:{found.shape}")
    reference = reference_in(metadata)
    return Lookup(reference=reference) if reference else None


def mapped_in(metadata: Mapping[str, str], mapping: CartMapping | None) -> Found | Lookup | None:
    """Return the cart that the shop's mapping reads, with the goods beside it, or None if its key is missing."""
    found = cart_mapping.read(metadata, mapping) if mapping else None
    return whole(found, metadata, found.used) if isinstance(found, Found) else found


def _cart(found: Found, currency: str, source: str) -> Cart:
    return Cart(lines=priced(found.rows, currency), source=source)


def texts_of(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Return metadata as Stripe stores it: texts by key, without nulls. Hyphens and spaces are usual ones."""
    odd = next((key for key, value in metadata.items() if not isinstance(value, str | None)), None)
    if odd is not None:
        raise UnreadableCart(f"the metadata {shown(str(odd))} is not text")
    return {folded(str(key)): folded(value) for key, value in metadata.items() if value is not None}


def raw_of(metadata: Mapping[str, Any]) -> str:
    """Return the metadata as text for people, which a database can store whatever came in."""
    try:
        text = json.dumps(dict(metadata), ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        text = ", ".join(map(str, metadata))
    return shown(text, LONGEST_RAW)


def find(metadata: Mapping[str, str]) -> Found | None:
    """Read the cart in metadata, in any layout; all layouts present must agree. None if there is no cart.

    Raises UnreadableCart for an incomplete cart.
    """
    entries = {key: value for key, value in metadata.items() if value.strip()}
    pieces = pieces_of(entries)
    found = [
        *_named(entries, CART_NAMES, pieces),
        *filter(None, map(read_pieces, pieces.values())),
        *filter(None, (ids_as_keys(entries), numbered(entries))),
    ]
    alone = single(entries)
    wrapped = list(_named(entries, WRAPPER_NAMES, pieces))
    found += [each for each in wrapped if each.path or not found]
    found += filter(None, (parallel(entries), alone))
    if not found:
        found = [*filter(None, (objects(entries),))] or unnamed(entries)
    cart = agreed([each for each in found if each.shape != FOR_PEOPLE] or found)
    if cart is None:
        if reference_in(entries) is None:
            refuse_empty(metadata)
        return None
    _must_agree_with_text(cart, entries)
    counts = counts_in(entries, loose=alone is None and cart.shape not in UNNAMED)
    return whole(_agreeing_with_counts(cart, counts), entries, {*cart.used, *chain(*(p.used for p in pieces.values()))})


def whole(cart: Found, entries: Mapping[str, str], read: Collection[str]) -> Found:
    """Return a cart with the goods in other entries than those that were read."""
    named = CART_NAMES | WRAPPER_NAMES
    rest = {key: text for key, text in entries.items() if key not in read and plain(key) not in named}
    return with_rows(cart, entries_beside(rest, cart.readings))


def _named(entries: Mapping[str, str], names: frozenset[str], pieces: Mapping[str, Pieces]) -> Iterator[Found]:
    """Yield the carts that are the whole value of a key with one of these names."""
    heads = {group.base for group in pieces.values() if group.head}
    for key, text in entries.items():
        if plain(key) in names - heads and (found := read_text(text, certain=plain(key) in CART_NAMES)):
            yield replace(found, key=key)


def _must_agree_with_text(cart: Found, entries: Mapping[str, str]) -> None:
    """Refuse a cart with other units than a text such as `Soap x2, Brush x1`, which is the same cart for people."""
    units = {sum(each.line.quantity for each in rows) for rows in cart.readings}
    for key, text in entries.items():
        if plain(key) in CART_NAMES and (said := units_for_people(text)) is not None and said not in units:
            raise UnreadableCart(f"the cart occurs twice and differs: {shown(key)} says {shown(text)}")


def _agreeing_with_counts(cart: Found, beside: Mapping[str, int]) -> Found:
    """Return the cart with only the readings that agree with every count. Raises UnreadableCart if none does.

    A count is of lines or of units. Without one, a cart in doubt is refused.
    """
    counts = {**beside, **cart.counts}
    if cart.doubt and not counts:
        raise UnreadableCart(cart.doubt)
    for key, count in counts.items():
        sizes = [(len(rows), sum(each.line.quantity for each in rows)) for rows in cart.readings]
        fits = [count in _counted(key, *size) for size in sizes]
        if not any(fits):
            lines, units = sizes[0]
            raise UnreadableCart(f"{shown(key)} is {count}, but there are {units} units in {lines} lines")
        if cart.ways:
            ways = tuple(way for way, fit in zip(cart.ways, fits, strict=True) if fit)
            cart = replace(cart, ways=ways, rows=ways[0].rows)
    return cart


def _counted(name: str, lines: int, units: int) -> tuple[int, ...]:
    """Return what a count of this name may be: of lines, of units, or of either."""
    if plain(name) in UNIT_COUNTS:
        return (units,)
    return (lines,) if plain(name) in LINE_COUNTS else (lines, units)


# ---------------------------------------------------------------- Checkout's line items


def lines_of_items(items: Sequence[Mapping[str, Any]]) -> Cart:
    """Return the cart from the complete list of a Checkout Session's line items, `price.product` expanded or not.

    The code of a line is the SKU or variant id in the metadata of its item, price or product, else the id of the price.
    The other ids are further codes: a product may come in several sizes.
    """
    try:
        if not items or len(items) > MOST_LINES:
            raise UnreadableCart(
                "Stripe lists no line items" if not items else f"it has more than {MOST_LINES:,} lines"
            )
        return Cart(lines=tuple(map(_item, items)), source=LINE_ITEMS)
    except UnreadableCart as error:
        raise UnreadableCart(error.why, shown(_dumped(items), LONGEST_RAW)) from None


def _item(item: Mapping[str, Any]) -> CartLine:
    if not isinstance(item, Mapping):
        raise UnreadableCart("a line item is not an object")
    price = _object(item.get("price"))
    product = _object(price.get("product"))
    name = next((text for text in (item.get("description"), product.get("name")) if isinstance(text, str)), "")
    codes = list(dict.fromkeys(_item_codes(item, price, product)))
    if not codes:
        raise UnreadableCart(f"the line item {shown(name) or 'without a name'} names no product")
    return CartLine(
        code=codes[0],
        quantity=units_of(item.get("quantity"), name or codes[0]),
        codes=tuple(codes[1:]),
        size=_noted(("size",), item, price, product),
        name=shown(name, 200) or None,
        unit_price=_unit_price(item, price),
    )


def _item_codes(item: Mapping[str, Any], price: Mapping[str, Any], product: Mapping[str, Any]) -> Iterator[str]:
    noted = (_noted((name,), item, price, product) for name in _ITEM_CODES)
    given = (price.get("lookup_key"), price.get("id"), product.get("id"), price.get("product"))
    yield from filter(None, (*noted, *(code_of(value) for value in given if isinstance(value, str))))


def _noted(names: Sequence[str], *objects: Mapping[str, Any]) -> str | None:
    """Return a value from the metadata of an item, its price or its product, in this order."""
    for each in objects:
        notes = {plain(str(key)): value for key, value in _object(each.get("metadata")).items()}
        if found := next((code for name in names if (code := code_of(notes.get(name)))), None):
            return found
    return None


def _object(value: Any) -> Mapping[str, Any]:
    """Return an expanded object; an id alone becomes an object with only that field."""
    if isinstance(value, Mapping):
        return value
    return {"id": value} if isinstance(value, str) else {}


def _unit_price(item: Mapping[str, Any], price: Mapping[str, Any]) -> int | None:
    amount, quantity = price.get("unit_amount"), item.get("quantity")
    if isinstance(amount, int) and not isinstance(amount, bool):
        return amount
    subtotal = item.get("amount_subtotal")
    if not isinstance(subtotal, int) or isinstance(subtotal, bool):
        return None
    each = Decimal(subtotal) / units_of(quantity, "a line item")
    return int(each) if each == int(each) else None


def _dumped(items: Sequence[Mapping[str, Any]]) -> str:
    try:
        return json.dumps(list(items), ensure_ascii=False, default=str)
    except (ValueError, RecursionError, TypeError):
        return f"{len(items)} line items"
