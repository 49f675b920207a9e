"""What a storefront asks to have paid, in the words that storefronts use: carts, cart ids, shipping and addresses."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.carts.names import plain
from core.foundation.errors import invalid
from core.ledger.holds import DEFAULT_TTL, Wanted

MOST_SHIPPING = 10_000_000
LONGEST_CART_ID = 200
_LONGEST_FIELD = 200
_ADDRESS = {
    "line1": ("line1", "addressline1", "address1", "address", "streetaddress", "street"),
    "line2": ("line2", "addressline2", "address2", "apartment", "unit"),
    "city": ("city", "town", "locality"),
    "state": ("state", "province", "region", "county"),
    "postal_code": ("postalcode", "postcode", "zipcode", "zip"),
    "country": ("countrycode", "country"),
}
"""The fields of an address at Stripe, and the names that storefronts give them: without case, `_` and `-`."""
_NAMES = ("name", "fullname", "recipient", "recipientname")
_COSTS = ("amount", "cost", "price", "shippingamount", "shippingcost", "shippingprice")
NO_NAME = "Name not given"
"""Stripe takes no address without a name."""

Address = dict[str, Any]
"""Where a purchase goes, as Stripe names it: `name`, `phone` and `address`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item(Wanted):
    """Units of a variant, named by its id or SKU, or by its product (id or slug), size and colour."""

    product: str | None = None
    size: str | None = None
    color: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """A cart to pay for. `shipping` is in minor units; `cart_id` is the storefront's own id.

    None is the shop's currency, and the shipping and the address that the cart has already.
    """

    items: Sequence[Wanted] | None
    currency: str | None = None
    cart_id: str | None = None
    shipping: int | None = None
    shipping_to: Address | None = None
    ttl_seconds: int | None = DEFAULT_TTL


def items_json(items: Sequence[Wanted]) -> str:
    """Return the items of a cart as JSON for the database."""
    return json.dumps([dict(_named(item)) for item in items])


def _named(item: Wanted) -> Iterator[tuple[str, Any]]:
    yield "variant_id", str(item.variant_id) if item.variant_id else None
    yield "sku", item.sku
    yield "quantity", item.quantity
    if isinstance(item, Item) and item.variant_id is None and item.sku is None:
        yield from (("product", item.product), ("size", item.size), ("color", item.color))


def cart_name(value: object) -> str | None:
    """Return a cart's id, which may be any text. One that cannot be stored as it is becomes a text of its own."""
    if value is None or isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value)
    safe = "".join("\ufffd" if unicodedata.category(c) in ("Cc", "Cs") else c for c in text).strip()
    if not safe or (safe == text.strip() and len(safe) <= LONGEST_CART_ID):
        return safe or None
    mark = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{safe[: LONGEST_CART_ID - 40]} {mark}"


def read_shipping(value: object) -> tuple[int | None, Address | None]:
    """Return the shipping in minor units and the address of `shipping`: missing, a number, or an object.

    An object is an address, flat or as Stripe has it, and may have the cost as well. Raises InvalidInput.
    """
    if value is None:
        return None, None
    if not isinstance(value, Mapping):
        return _units(value), None
    fields = {plain(name): inner for name, inner in value.items()}
    nested = fields.get("address")
    if isinstance(nested, Mapping):
        fields = {**fields, "address": None} | {plain(name): inner for name, inner in nested.items()}
    cost = next((fields[name] for name in _COSTS if fields.get(name) is not None), None)
    return None if cost is None else _units(cost), _address(fields)


def _units(value: object) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid("shipping", "must be a whole number of minor units, such as 490 for 4.90")
    if not 0 <= value <= MOST_SHIPPING:
        raise invalid("shipping", f"must be from 0 to {MOST_SHIPPING:,} minor units")
    return value


def _address(fields: Mapping[str, object]) -> Address | None:
    address = {ours: text for ours, names in _ADDRESS.items() if (text := _first(fields, names))}
    if len(address.get("country", "")) == 2:
        address["country"] = address["country"].upper()
    else:
        address.pop("country", None)  # Stripe takes only codes of two letters
    if not address:
        return None
    name = _first(fields, _NAMES) or " ".join(filter(None, (_text(fields.get(f)) for f in ("firstname", "lastname"))))
    found: Address = {"name": name or NO_NAME, "address": address}
    if phone := _first(fields, ("phone", "phonenumber")):
        found["phone"] = phone
    return found


def _first(fields: Mapping[str, object], names: Sequence[str]) -> str:
    return next((text for name in names if (text := _text(fields.get(name)))), "")


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    safe = "".join(" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in str(value))
    return " ".join(safe.split())[:_LONGEST_FIELD]
