"""Reads carts, from Checkout's line items or from the metadata of a payment: all of a cart, or none of it.

`read_cart` recognises the common layouts; a mapping that an admin writes reads the others. It returns None where there
is no cart, a Lookup where there is only an order's number, and raises `UnreadableCart` for an incomplete cart.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from core.carts import mapping as cart_mapping
from core.carts.amounts import LINE_ITEMS, difference, extras, in_minor_units
from core.carts.entries import ids_as_keys, numbered, parallel, reference_in, single
from core.carts.mapping import CartMapping, Layout
from core.carts.names import CART_NAMES, COUNT_NAMES, WRAPPER_NAMES, plain
from core.carts.pieces import Pieces, pieces_of, read_pieces
from core.carts.text import Found, agreed, is_count, read_text, units_for_people
from core.carts.values import MOST_LINES, code_of, priced, shown, units_of
from core.foundation.errors import UnreadableCart
from core.foundation.sales import Cart, CartLine, Lookup

__all__ = [
    "LINE_ITEMS",
    "SHORT_FORM",
    "CartMapping",
    "Layout",
    "difference",
    "extras",
    "in_minor_units",
    "lines_of_items",
    "preview",
    "read_cart",
    "reference_in",
]

SHORT_FORM = "metadata:short list"
"""The source of a cart whose codes are the first eight characters of variant and product ids."""
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
        return _read(_texts(metadata), mapping, currency)
    except UnreadableCart as error:
        raise UnreadableCart(error.why, _raw(metadata)) from None
    except RecursionError:
        raise UnreadableCart("it is nested too deeply", _raw(metadata)) from None


def preview(
    metadata: Mapping[str, str], mapping: CartMapping | None, *, currency: str = "usd"
) -> Cart | Lookup | UnreadableCart | None:
    """Return what `read_cart` reads with a mapping, or its error: for a preview before the mapping is saved."""
    try:
        return read_cart(metadata, mapping, currency=currency)
    except UnreadableCart as error:
        return error


def _read(metadata: Mapping[str, str], mapping: CartMapping | None, currency: str) -> Cart | Lookup | None:
    mapped = cart_mapping.read(metadata, mapping) if mapping else None
    if isinstance(mapped, Lookup):
        return mapped
    found = mapped or _find(metadata)
    if found:
        return _cart(found, currency, "mapping" if mapped else f"metadata:{found.shape}")
    reference = reference_in(metadata)
    return Lookup(reference=reference) if reference else None


def _cart(found: Found, currency: str, source: str) -> Cart:
    if len(found.rows) > MOST_LINES:
        raise UnreadableCart(f"it has more than {MOST_LINES:,} lines")
    return Cart(lines=priced(found.rows, currency), source=source)


def _texts(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Return metadata as Stripe stores it: texts by key, without nulls."""
    odd = next((key for key, value in metadata.items() if not isinstance(value, str | None)), None)
    if odd is not None:
        raise UnreadableCart(f"the metadata {shown(str(odd))} is not text")
    return {str(key): value for key, value in metadata.items() if value is not None}


def _raw(metadata: Mapping[str, Any]) -> str:
    """Return the metadata as text for people, which a database can store whatever came in."""
    try:
        text = json.dumps(dict(metadata), ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        text = ", ".join(map(str, metadata))
    return shown(text, LONGEST_RAW)


def _find(metadata: Mapping[str, str]) -> Found | None:
    """Read the cart in metadata, in any layout; all layouts present must agree. None if there is no cart.

    Raises UnreadableCart for an incomplete cart.
    """
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
    """Yield the carts that are the whole value of a key with one of these names."""
    heads = {group.base for group in pieces.values() if group.head}
    for key, text in entries.items():
        if plain(key) in names - heads and (found := read_text(text, certain=plain(key) in CART_NAMES)):
            yield found


def _must_agree_with_text(cart: Found, entries: Mapping[str, str]) -> None:
    """Refuse a cart with other units than a text such as `Soap x2, Brush x1`, which is the same cart for people."""
    units = sum(each.line.quantity for each in cart.rows)
    for key, text in entries.items():
        if plain(key) in CART_NAMES and units_for_people(text) not in (None, units):
            raise UnreadableCart(f"the cart occurs twice and differs: {shown(key)} says {shown(text)}")


def _must_agree_with_counts(cart: Found, entries: Mapping[str, str]) -> None:
    """Refuse a cart with fewer lines and units than a count in the metadata, or one in doubt without a count."""
    lines, units = len(cart.rows), sum(each.line.quantity for each in cart.rows)
    counts = {key: int(text) for key, text in entries.items() if plain(key) in COUNT_NAMES and is_count(text)}
    for key, count in counts.items():
        if count not in (lines, units):
            raise UnreadableCart(f"{shown(key)} is {count}, but there are {units} units in {lines} lines")
    if cart.doubt and not counts:
        raise UnreadableCart(cart.doubt)


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
    is_converted = price.get("currency") != item.get("currency") and price.get("currency") and item.get("currency")
    if isinstance(amount, int) and not isinstance(amount, bool) and not is_converted:
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
