"""Carts spread over metadata entries: numbered entries, lists, a code as the key, or a single line."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from core.carts.decoded import load, looks_like_json
from core.carts.names import (
    CODE_NAMES,
    FIELD_NAMES,
    LINE_NAMES,
    PLURALS,
    QUANTITY_NAMES,
    REFERENCE_ENDS,
    REFERENCE_NAMES,
    SINGLE_CODES,
    plain,
)
from core.carts.positions import ANYTHING, MOST_READINGS, Column, Found, Roles, is_code_name, way_of, ways_of_map
from core.carts.text import MOST_ENTRIES, is_number
from core.carts.values import Row, has_code_and_quantity, row, shown, text_of
from core.carts.whole import is_goods, rows_of
from core.foundation.errors import UnreadableCart
from core.foundation.sales import CartLine

UNNAMED = ("lists beside quantities", "entries beside a quantity")
"""The shapes of carts whose code has a name that is not known."""

_LONGEST_LIST, _LONG = 500, 64
_SIZES = ("size", "sizes")
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
    if not counts:
        return None
    prefix = next((each for each in ("prod_", "price_") if all(key.startswith(each) for key in counts)), "")
    rows = [row({"id": key, "quantity": 1}) for key in counts]
    if prefix:  # as a mapping with this prefix reads them
        rows = [replace(r, line=replace(r.line, codes=(r.line.code.removeprefix(prefix),))) for r in rows]
    is_mapped = prefix and not any(key.startswith(prefix) for key in entries.keys() - counts.keys())
    layout = {"layout": "keys", "key": f"{prefix}{ANYTHING}"} if is_mapped else None
    ways = tuple(
        replace(way, rows=tuple(_with(old.line, new) for old, new in zip(rows, way.rows, strict=True)))
        for way in ways_of_map(list(counts.items()), layout)
        if "size" not in (way.fields or {}) and not any(each.line.size for each in way.rows)
    )
    if not ways:
        rows = [row({"id": key, "quantity": text}) for key, text in counts.items()]
    return Found(
        shape="keys",
        rows=ways[0].rows if ways else tuple(rows),
        ways=ways,
        doubt=_doubt(entries),
        used=frozenset(counts),
    )


def _with(line: CartLine, other: Row) -> Row:
    return replace(other, line=replace(other.line, codes=line.codes))


def numbered(entries: Mapping[str, str]) -> Found | None:
    """Read `product_1_id` with `product_1_quantity`, or `sku_1` with `qty_1`."""
    lines: dict[int, dict[str, str]] = {}
    used: set[str] = set()
    for key, text in entries.items():
        match = _NUMBERED.fullmatch(key.replace("][", ".").replace("[", ".").replace("]", ""))
        if match and (field := _field(plain(match["head"]), plain(match["tail"] or ""))):
            if field in lines.setdefault(int(match["n"]), {}):
                raise UnreadableCart(f"line {match['n']} has {shown(key)} twice")
            lines[int(match["n"])][field] = text
            used.add(key)
    fields = {field for line in lines.values() for field in line}
    if fields.isdisjoint(CODE_NAMES) or fields.isdisjoint(QUANTITY_NAMES):
        return None
    missing = next((n for n in range(min(1, min(lines)), max(lines)) if n not in lines and n > 0), None)
    if missing is not None:
        raise UnreadableCart(f"line {missing} is missing")
    rows = tuple(row(lines[n]) for n in sorted(lines))
    return Found(shape="numbered", rows=rows, doubt=_doubt(entries), used=frozenset(used))


def _field(head: str, tail: str) -> str:
    """Return the field that a numbered entry holds: `productid` for `product_1_id`, `qty` for `item_1_qty`."""
    stem = next((name for name in LINE_NAMES if head == name or (not tail and head.startswith(name))), "")
    own = tail if tail and head == stem else head if head in FIELD_NAMES and not tail else head.removeprefix(stem)
    if own not in FIELD_NAMES or (tail and head != stem) or (not tail and len(own) == 1):
        return ""
    return f"{stem}{own}" if own == "id" and stem in ("product", "variant") else own


def objects(entries: Mapping[str, str]) -> Found | None:
    """Read one JSON object for each key, whatever the keys are: `{"a": '{"sku": "TR-42", "qty": 1}'}`."""
    lines: dict[str, dict[str, Any]] = {}
    broken: UnreadableCart | None = None
    for key, text in entries.items():
        try:
            value = load(text) if text.lstrip().startswith("{") and ":" in text else None
        except UnreadableCart as error:
            broken = error
        else:
            if isinstance(value, dict) and has_code_and_quantity(value):
                lines[key] = value
    if lines and broken:
        raise broken
    numbers = sorted(int(key) for key in lines if key.isdecimal())
    if numbers and numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        raise UnreadableCart("one of its numbered lines is missing")
    rows = tuple(each for value in lines.values() for each in rows_of(value))
    return Found(shape="objects", rows=rows, doubt=_doubt(entries), used=frozenset(lines)) if rows else None


def unnamed(entries: Mapping[str, str]) -> list[Found]:
    """Read a quantity, or a list of quantities, beside an entry whose name is not known: `{"po": "TR-42", "qty": "2"}`.

    Every entry that could be the code is one way to read it.
    """
    units = next((key for key in entries if plain(key) in ("quantities", "qtys", "quantity", "qty")), "")
    many = plain(units).endswith("s")
    if not units or (reference_in(entries) and not many):
        return []
    lists = {
        key: _texts(text) for key, text in entries.items() if len(text) < _LONGEST_LIST and not is_goods(key, text)
    }
    length = len(lists.get(units, ()))
    columns = {key: Column(name=key, texts=each) for key, each in lists.items() if len(each) == length > 0}
    quantity, size, price = (_column(columns, names) for names in ((plain(units),), _SIZES, ("price", "prices")))
    if not quantity or not quantity.can_be_quantity(alone=True):
        return []
    ways = []
    for key, each in columns.items():
        short = max(map(len, each.texts)) < _LONG and each.can_be_code and is_code_name(key)
        if short and each not in (quantity, size, price):
            roles = Roles(code=each, size=size, quantity=quantity, price=price)
            way = way_of(roles, (each, quantity), {"layout": "parallel"})
            ways.append(replace(way, how=f"{shown(key)} as code, {shown(units)} as quantity"))
    if len(ways) > MOST_READINGS:
        raise UnreadableCart("its quantity can belong to too many other entries")
    used = frozenset(name for way in ways for name in (way.fields or {}).values())
    return [Found(shape=UNNAMED[not many], rows=ways[0].rows, ways=tuple(ways), used=used)] if ways else []


def _column(columns: Mapping[str, Column], names: Collection[str]) -> Column | None:
    return next((column for key, column in columns.items() if plain(key) in names), None)


def _texts(text: str) -> tuple[str, ...]:
    try:
        return tuple(map(text_of, listed(text)))
    except UnreadableCart:
        return ()


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
    used = frozenset(key for key in entries if plain(key) in PLURALS)
    return Found(shape="parallel lists", rows=tuple(map(row, lines)), doubt=doubt, used=used)


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
    return Found(shape="single line", rows=(row(fields),), used=frozenset(k for k in entries if plain(k) in _SINGLE))


def reference_in(entries: Mapping[str, str]) -> str | None:
    """Return the number of an order that the storefront stores, from the entry with the clearest name."""
    named = {plain(key): text for key, text in reversed(list(entries.items()))}
    known = [name for name in REFERENCE_NAMES if name in named]
    ended = [name for name in named if name.endswith(REFERENCE_ENDS) and name not in known]
    given = (reference_of(named[name]) for name in (*known, *ended))
    return next(filter(None, given), None)


def reference_of(text: str) -> str | None:
    """Return a text if it can be the number of an order, else None."""
    return text.strip() if _REFERENCE.fullmatch(text.strip()) else None


def _doubt(entries: Mapping[str, str]) -> str:
    """Return a doubt if the metadata has as many entries as Stripe allows: some lines may have been left out."""
    return f"there are {len(entries)} entries, the most Stripe allows" if len(entries) >= MOST_ENTRIES else ""
