"""Carts spread over metadata entries: numbered entries, lists, a code as the key, or a single line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from core.carts.decoded import load, looks_like_json
from core.carts.names import (
    CODE_NAMES,
    FIELD_NAMES,
    LINE_NAMES,
    PLURALS,
    QUANTITY_NAMES,
    REFERENCE_NAMES,
    SINGLE_CODES,
    plain,
)
from core.carts.positions import Found
from core.carts.text import MOST_ENTRIES, is_number
from core.carts.values import row, shown
from core.foundation.errors import UnreadableCart

_SINGLE = frozenset((*SINGLE_CODES, "quantity", "qty", "size", "productname"))
_ID_KEY = re.compile(
    r"prod_(?!(?:ids?|sku|name|title|qty|quantity|count|num|number|price|amount|total|size|desc[a-z]*|[0-9]+)$)[A-Za-z0-9]+"
    r"|price_(?=[A-Za-z]*[0-9])(?=[a-z0-9]*[A-Z])[A-Za-z0-9]{8,}"
    r"|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
)
_NUMBERED = re.compile(
    r"(?P<head>[A-Za-z][A-Za-z_ .-]{0,39}?)[_ .-]?(?P<n>[0-9]{1,3})(?:[_ .-]?(?P<tail>[A-Za-z][A-Za-z_ .-]*))?"
)
_REFERENCE = re.compile(r"(?=[^0-9]*[0-9])#?[A-Za-z0-9][A-Za-z0-9._:/+=-]{0,99}")


def ids_as_keys(entries: Mapping[str, str]) -> Found | None:
    """Read `{"prod_Qx1": "2"}`: the key is a Stripe product or price or a UUID, the value is the quantity."""
    counts = {key: text for key, text in entries.items() if _ID_KEY.fullmatch(key) and is_number(text)}
    rows = tuple(row({"id": key, "quantity": text}) for key, text in counts.items())
    return Found(shape="keys", rows=rows, doubt=_doubt(entries)) if rows else None


def numbered(entries: Mapping[str, str]) -> Found | None:
    """Read `product_1_id` with `product_1_quantity`, or `sku_1` with `qty_1`."""
    lines: dict[int, dict[str, str]] = {}
    for key, text in entries.items():
        if (match := _NUMBERED.fullmatch(key)) and (field := _field(plain(match["head"]), plain(match["tail"] or ""))):
            if field in lines.setdefault(int(match["n"]), {}):
                raise UnreadableCart(f"line {match['n']} has {shown(key)} twice")
            lines[int(match["n"])][field] = text
    fields = {field for line in lines.values() for field in line}
    if fields.isdisjoint(CODE_NAMES) or fields.isdisjoint(QUANTITY_NAMES):
        return None
    missing = next((n for n in range(min(1, min(lines)), max(lines)) if n not in lines and n > 0), None)
    if missing is not None:
        raise UnreadableCart(f"line {missing} is missing")
    return Found(shape="numbered", rows=tuple(row(lines[n]) for n in sorted(lines)), doubt=_doubt(entries))


def _field(head: str, tail: str) -> str:
    """Return the field that a numbered entry holds: `productid` for `product_1_id`, `qty` for `item_1_qty`."""
    stem = next((name for name in LINE_NAMES if head == name or (not tail and head.startswith(name))), "")
    own = tail if tail and head == stem else head if head in FIELD_NAMES and not tail else head.removeprefix(stem)
    if own not in FIELD_NAMES or (tail and head != stem) or (not tail and len(own) == 1):
        return ""
    return f"{stem}{own}" if own == "id" and stem in ("product", "variant") else own


def parallel(entries: Mapping[str, str]) -> Found | None:
    """Read `{"skus": "A,B", "quantities": "2,1"}`: parallel lists of the same length."""
    lists = {PLURALS[name]: listed(text) for key, text in entries.items() if (name := plain(key)) in PLURALS}
    if lists.keys().isdisjoint(SINGLE_CODES) or "quantity" not in lists:
        return None
    if len({len(values) for values in lists.values()}) > 1:
        raise UnreadableCart("its lists of codes and quantities are not of the same length")
    lines = [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]
    doubt = next(
        (f"a list of {len(text)} characters may have been cut off" for text in entries.values() if len(text) > 440), ""
    )
    return Found(shape="parallel lists", rows=tuple(map(row, lines)), doubt=doubt)


def listed(text: str, mark: str = ",") -> list[Any]:
    """Return the values of a list, as JSON or with a mark between them."""
    if not looks_like_json(text):
        return [part.strip() for part in text.split(mark)]
    values = load(text)
    return values if isinstance(values, list) else [values]


def single(entries: Mapping[str, str]) -> Found | None:
    """Read `{"sku": "A", "quantity": "2"}`: the metadata is the only line."""
    fields = {plain(key): text for key, text in entries.items() if plain(key) in _SINGLE}
    if fields.keys().isdisjoint(SINGLE_CODES) or fields.keys().isdisjoint(("quantity", "qty")):
        return None
    return Found(shape="single line", rows=(row(fields),))


def reference_in(entries: Mapping[str, str]) -> str | None:
    """Return the number of an order that the storefront stores, from the entry with the clearest name."""
    named = {plain(key): text for key, text in reversed(list(entries.items()))}
    given = (reference_of(named[name]) for name in REFERENCE_NAMES if name in named)
    return next(filter(None, given), None)


def reference_of(text: str) -> str | None:
    """Return a text if it can be the number of an order, else None."""
    return text.strip() if _REFERENCE.fullmatch(text.strip()) else None


def _doubt(entries: Mapping[str, str]) -> str:
    """Return a doubt if the metadata has as many entries as Stripe allows: some lines may have been left out."""
    return f"there are {len(entries)} entries, the most Stripe allows" if len(entries) >= MOST_ENTRIES else ""
