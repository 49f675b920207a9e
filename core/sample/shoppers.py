"""The buyers of the sample shop, and the ways in which its website has written their carts. All people are invented."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_FIRST = (
    "Anna", "Ben", "Chiara", "David", "Elif", "Finn", "Greta", "Hugo", "Ida", "Jonas", "Katja", "Leon", "Mara", "Noah",
    "Olivia", "Pavel", "Quentin", "Rosa", "Stefan", "Thea", "Ugo", "Vera", "Wim", "Xenia", "Yusuf", "Zoe", "Amelie",
    "Bruno", "Clara", "Dario", "Emma", "Felix", "Hanna", "Igor", "Jule", "Karim", "Lotte", "Milan", "Nele", "Oskar",
)  # fmt: skip
_LAST = (
    "Albrecht", "Bianchi", "Castillo", "Dubois", "Eriksen", "Fischer", "Garnier", "Hofmann", "Ivanova", "Jansen",
    "Kowalski", "Lindner", "Moreau", "Novak", "Oliveira", "Peters", "Quinn", "Rossi", "Schubert", "Tanaka", "Ulrich",
    "Vogel", "Wagner", "Yilmaz", "Zimmer", "Baumann", "Costa", "Delgado", "Engel", "Fuchs",
)  # fmt: skip
_MAIL = ("example.com", "example.org", "example.net")
FREE_SHIPPING = 100_00
SHIPPING = 4_90
_MOST_METADATA = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """A line of a cart: a variant, its product and size, units, and the price of one in cents."""

    sku: str
    product: str
    size: str
    barcode: str
    units: int
    price: int


def buyer(chance: random.Random) -> dict[str, Any]:
    """Return an invented buyer, as a Stripe account takes it."""
    first, last = chance.choice(_FIRST), chance.choice(_LAST)
    mail = f"{first}.{last}@{_MAIL[(len(first) + len(last)) % 3]}".lower()
    return {"email": mail, "name": f"{first} {last}", "shipping": None}


def goods(lines: Sequence[Bought]) -> int:
    """Return what the goods come to, in cents."""
    return sum(line.units * line.price for line in lines)


def shipping(lines: Sequence[Bought]) -> int:
    """Return the price of sending them, in cents."""
    return 0 if goods(lines) >= FREE_SHIPPING else SHIPPING


def metadata(shape: str, number: str, lines: Sequence[Bought]) -> dict[str, str]:
    """Return a payment's metadata with this cart, in one of the shapes `SHAPES`."""
    return {"order_number": number, **SHAPES[shape](lines)}


def _euros(cents: int) -> str:
    return f"{cents / 100:.2f}"


def _json(lines: Sequence[Bought]) -> Mapping[str, str]:
    rows = [{"sku": each.sku, "quantity": each.units, "price": each.price / 100} for each in lines]
    return {"cart": json.dumps(rows), "shipping": _euros(shipping(lines))}


def _numbered(lines: Sequence[Bought]) -> Mapping[str, str]:
    found: dict[str, str] = {"shipping": _euros(shipping(lines))}
    for n, each in enumerate(lines, 1):
        found |= {f"item_{n}_sku": each.sku, f"item_{n}_quantity": str(each.units),
                  f"item_{n}_price": _euros(each.price)}  # fmt: skip
    return found


def _barcodes(lines: Sequence[Bought]) -> Mapping[str, str]:
    rows = [{"id": each.barcode, "qty": each.units, "p": each.price} for each in lines]
    return {"cartItems": json.dumps(rows), "shipping_cost": str(shipping(lines))}


def _packed(lines: Sequence[Bought]) -> Mapping[str, str]:
    return {"items": ",".join(f"{each.sku}:{each.units}" for each in lines), "shipping": _euros(shipping(lines))}


SHAPES = {"json": _json, "numbered": _numbered, "barcodes": _barcodes, "packed": _packed}
"""The shapes of carts: JSON with SKUs, numbered entries, JSON with barcodes and cents, and `sku:units` in one text."""


def fits(values: Mapping[str, str]) -> bool:
    """Return whether Stripe accepts this metadata."""
    return len(values) <= 50 and all(len(text) <= _MOST_METADATA for text in values.values())
