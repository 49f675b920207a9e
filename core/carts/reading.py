"""Carts: what was bought, from Checkout's line items or from the metadata of a payment. All of a cart, or none of it.

`read_cart` knows the shapes that shops write by themselves; a mapping that an admin edits reads the rest. What has no
cart is None, what only names an order kept elsewhere is a Lookup, and what cannot be read whole is `UnreadableCart`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from core.carts import mapping as cart_mapping
from core.carts import shapes
from core.carts.amounts import LINE_ITEMS, difference, extras, in_minor_units
from core.carts.entries import reference_in
from core.carts.mapping import CartMapping, Layout
from core.carts.names import plain
from core.carts.text import Found
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
    """Read the cart in a payment's metadata: by the mapping where its key is there, else by the shape it has.

    Prices that show decimals become minor units of `currency`; whole ones stay as written (see `amounts`).
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
    """What `read_cart` makes of a payment under a mapping, refusals too: for looking before saving it."""
    try:
        return read_cart(metadata, mapping, currency=currency)
    except UnreadableCart as error:
        return error


def _read(metadata: Mapping[str, str], mapping: CartMapping | None, currency: str) -> Cart | Lookup | None:
    mapped = cart_mapping.read(metadata, mapping) if mapping else None
    if isinstance(mapped, Lookup):
        return mapped
    found = mapped or shapes.find(metadata)
    if found:
        return _cart(found, currency, "mapping" if mapped else f"metadata:{found.shape}")
    reference = reference_in(metadata)
    return Lookup(reference=reference) if reference else None


def _cart(found: Found, currency: str, source: str) -> Cart:
    if len(found.rows) > MOST_LINES:
        raise UnreadableCart(f"it has more than {MOST_LINES:,} lines")
    return Cart(lines=priced(found.rows, currency), source=source)


def _texts(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Metadata as Stripe keeps it: text under text; null is nothing."""
    odd = next((key for key, value in metadata.items() if not isinstance(value, str | None)), None)
    if odd is not None:
        raise UnreadableCart(f"the metadata {shown(str(odd))} is not text")
    return {str(key): value for key, value in metadata.items() if value is not None}


def _raw(metadata: Mapping[str, Any]) -> str:
    """What was written, for people to look at: valid text for a database, whatever came in."""
    try:
        text = json.dumps(dict(metadata), ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        text = ", ".join(map(str, metadata))
    return shown(text, LONGEST_RAW)


# ---------------------------------------------------------------- Checkout's line items


def lines_of_items(items: Sequence[Mapping[str, Any]]) -> Cart:
    """The cart in the whole list of a Checkout Session's line items, with `price.product` expanded or not.

    A line is called by the SKU or variant id in the metadata of its price or product, else by its price, whose
    product may come in several sizes; the others are further codes.
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
        raise UnreadableCart("a line item is no object")
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
    """A value of the metadata of an item, its price or its product: the closest to the item wins."""
    for each in objects:
        notes = {plain(str(key)): value for key, value in _object(each.get("metadata")).items()}
        if found := next((code for name in names if (code := code_of(notes.get(name)))), None):
            return found
    return None


def _object(value: Any) -> Mapping[str, Any]:
    """An expanded object; what is only an id, or a price that is an id alone, has no fields but that."""
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
