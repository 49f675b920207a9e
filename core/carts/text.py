"""Reads the rows of a cart from one metadata value: JSON in every form, or packed text.

Returns None if the text is no cart. Raises `UnreadableCart` if it begins like one and cannot be read to its end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from core.carts.decoded import LONGEST_TEXT, load, looks_like_json, unpacked
from core.carts.names import (
    CART_NAMES,
    NO_GOODS,
    PRICE_NAMES,
    QUANTITY_NAMES,
    SIZE_NAMES,
    TITLE_NAMES,
    WRAPPER_NAMES,
    plain,
)
from core.carts.packed import read_packed, read_parts, refuse_none
from core.carts.positions import (
    MOST_READINGS,
    Column,
    Found,
    Roles,
    columns_of,
    is_code_name,
    way_of,
    ways_of,
    ways_of_map,
)
from core.carts.values import Row, has_code, has_code_and_quantity, has_quantity, row, shown, text_of, units_of
from core.carts.whole import by_size, counts_in, flat_of, lines_beside, refuse_lists, rows_of, same_cart
from core.foundation.errors import UnreadableCart

MOST_ENTRIES = 50
"""The most metadata entries that Stripe allows."""

MOST_WRAPPERS = 4
_LONG = 64
_NUMBER = re.compile(r"\s*-?[0-9]+(\.[0-9]+)?\s*")


# ---------------------------------------------------------------- a whole value


def read_text(text: str, *, certain: bool) -> Found | None:
    """Read one value. `certain`: its key is the name of a cart, so text with ids and numbers must be a cart."""
    if len(text) > LONGEST_TEXT:
        raise UnreadableCart(f"it is longer than {LONGEST_TEXT:,} characters")
    if (value := unpacked(text)) is not None:
        return read_json(value, certain=certain)
    if "[object Object]" in text:
        raise UnreadableCart("the shop wrote [object Object] instead of its lines")
    return read_packed(text) if certain else None


def is_number(text: str) -> bool:
    """Return whether a text is a number, with decimals or without."""
    return _NUMBER.fullmatch(text) is not None


# ---------------------------------------------------------------- JSON


def read_json(value: Any, *, certain: bool, wrappers: int = 0) -> Found | None:
    """Read a JSON list of lines, a map from code to quantity, one line, or an object that contains one of these."""
    if isinstance(value, list):
        return _list(value, certain=certain)
    if not isinstance(value, dict) or not value:
        return None
    if wrappers > MOST_WRAPPERS:
        raise UnreadableCart("its JSON is nested too deeply")
    inner = {k: v for k, v in value.items() if plain(k) in CART_NAMES | WRAPPER_NAMES and isinstance(v, list | dict)}
    if inner:
        return _inner(value, inner, wrappers)
    if has_code_and_quantity(value):
        return Found(shape="list", rows=tuple(rows_of(value)))
    return _map(value) if certain else None


def _inner(value: Mapping[str, Any], inner: Mapping[str, Any], wrappers: int) -> Found | None:
    """Read the cart in an object, with the lists beside it and the counts of its lines."""
    parts: list[Found] = []
    for key, inside in inner.items():
        if part := read_json(inside, certain=plain(key) in CART_NAMES, wrappers=wrappers + 1):
            path = f"{key}.{part.path}".removesuffix(".")
            ways = tuple(replace(way, fields=None) for way in part.ways) if "." in key else part.ways
            parts.append(replace(part, path=path, ways=ways))
    if not (found := agreed(parts)):
        return None
    more = lines_beside({key: inside for key, inside in value.items() if key not in inner}, found.readings)
    if more:  # a mapping would leave them out
        found = replace(found, ways=tuple(replace(way, fields=None) for way in found.ways))
    return with_rows(replace(found, counts={**found.counts, **counts_in(value)}), more)


def with_rows(found: Found, more: Sequence[Row]) -> Found:
    """Return a cart with more rows, which have names."""
    if not more:
        return found
    ways = tuple(replace(way, rows=(*way.rows, *more)) for way in found.ways)
    return replace(found, rows=(*found.rows, *more), ways=ways)


def agreed(found: Sequence[Found]) -> Found | None:
    """Return the first of several encodings of a cart that is not in doubt. Raises UnreadableCart if they differ.

    Of encodings without names, the ways to read them remain that agree with all others.
    """
    if not found:
        return None
    first = next((each for each in found if not each.ways), found[0])
    ways = first.ways
    for other in (each for each in found if each is not first):
        if first.ways:
            ways = tuple(way for way in ways if _one_agrees(way.rows, other))
        if not (ways if first.ways else _one_agrees(first.rows, other)):
            raise UnreadableCart(f"the cart occurs twice and differs: as {first.shape} and as {other.shape}")
    counts = {name: count for each in found for name, count in each.counts.items()}
    doubt = "" if any(not each.doubt for each in found) else first.doubt
    same = next((each for each in found if not each.doubt and not each.ways), first)
    if first.ways:
        same = replace(first, ways=ways, rows=ways[0].rows)
    return replace(same, counts=counts, doubt=doubt)


def _one_agrees(rows: Sequence[Row], other: Found) -> bool:
    counted = [way.rows for way in other.ways if way.has_quantity]
    return any(same_cart(rows, each) for each in counted or other.readings)


def _list(values: list[Any], *, certain: bool) -> Found | None:
    if not values:
        return None
    if all(isinstance(value, str) and looks_like_json(value) for value in values):
        values = [load(value) for value in values]
    if all(isinstance(value, dict) for value in values):
        return _objects(values, certain=certain)
    if not certain:
        return None
    if all(isinstance(value, list) and value for value in values):
        return _by_position(values)
    if all(isinstance(value, str) for value in values):
        return _texts(values)
    raise UnreadableCart("its list contains something that is not a line")


def _objects(values: Sequence[Mapping[str, Any]], *, certain: bool) -> Found | None:
    if not any(has_code_and_quantity(value) for value in values):
        if not certain:
            return None
        if not any(map(has_code, values)) and (found := _with_unknown_names(values)):
            return found
    shape = "short list" if all(map(_is_cut_form, values)) else "list"
    return Found(shape=shape, rows=tuple(each for value in values for each in rows_of(value)))


def _with_unknown_names(values: Sequence[Mapping[str, Any]]) -> Found | None:
    """Read `[{"slug": "tr-42", "qty": 2}]`: every field that could be the code is one way to read it."""
    lines = [refuse_lists(flat_of(value)) for value in values]
    names = [name for name in lines[0] if all(name in line for line in lines)]
    columns = {name: Column(name=name, texts=tuple(text_of(line[name]) for line in lines)) for name in names}
    roles = {"quantity": QUANTITY_NAMES, "size": SIZE_NAMES, "price": PRICE_NAMES, "name": TITLE_NAMES}
    known = {role: next((columns[name] for name in names if plain(name) in of), None) for role, of in roles.items()}
    quantity, title = known["quantity"], known.pop("name")
    if quantity is None or not quantity.can_be_quantity(alone=True):
        return None
    ways = []
    for name, each in columns.items():
        short = max(map(len, each.texts)) < _LONG and each.can_be_code and is_code_name(name.split(".")[-1])
        if short and each not in known.values() and each is not title:
            way = way_of(Roles(code=each, **known), (each, quantity), {"layout": "list"}, name=title)
            ways.append(replace(way, how=f"{shown(name)} as code, {shown(quantity.name)} as quantity"))
    return Found(shape="list", rows=ways[0].rows, ways=tuple(ways)) if 0 < len(ways) <= MOST_READINGS else None


def _is_cut_form(value: Mapping[str, Any]) -> bool:
    """Return whether a line names product and variant by the first eight characters of their ids."""
    return set(value) == {"i", "v", "q"} and all(re.fullmatch(r"[0-9a-f]{8}", str(value[k])) for k in "iv")


def _by_position(values: Sequence[Sequence[Any]]) -> Found:
    """Read `[["TR", "42", 1, 11990]]`."""
    if any(isinstance(cell, list | dict) and cell for line in values for cell in line):
        raise UnreadableCart("one of its lines contains a list")
    for line in values:
        if len(line) == 2:
            refuse_none(text_of(line[1]), text_of(line[0]))
    ways = ways_of(columns_of(values), {"layout": "list"})
    if not ways:
        for line in values:
            units_of(line[1] if len(line) > 1 else None, str(line[0]))
        raise UnreadableCart("its list contains something that is not a line")
    return Found(shape="pairs", rows=ways[0].rows, ways=ways)


def _texts(values: Sequence[str]) -> Found:
    """Read `["TR-42:2", "MUG-1:1"]` or, one unit each, `["TR-42", "MUG-1"]`."""
    if found := read_parts(values, {"layout": "list"}):
        return replace(found, shape="pairs")
    code = Column(name="1", texts=tuple(map(str.strip, values)))
    if not (ways := ways_of([code], {"layout": "list", "field_separator": ""})):
        raise UnreadableCart("its list contains something that is not a line")
    return Found(shape="codes", rows=ways[0].rows, ways=ways)


def _map(value: Mapping[str, Any]) -> Found:
    """Read `{"12": 2, "7": {"items_by_size": {"m": 1}}, "A": {"quantity": 3}}`."""
    if has_quantity(value) and (found := _with_unknown_names([value])):
        return found
    rows: list[Row] = []
    for code in value:
        if plain(code) in NO_GOODS or not code.strip():
            raise UnreadableCart(f'"{shown(code)}" is not a product')
    flat = not any(isinstance(inside, list | dict) for inside in value.values())
    if flat and (ways := ways_of_map(list(value.items()), {"layout": "map"})):
        return Found(shape="map", rows=ways[0].rows, ways=ways)
    for code, inside in value.items():
        sizes = by_size(inside)
        if sizes is not None:
            rows += (row({"id": code, "quantity": units, "size": size}) for size, units in sizes.items())
        elif isinstance(inside, dict) and has_quantity(inside):
            rows += rows_of(inside, key=code)
        elif isinstance(inside, dict | list):
            raise UnreadableCart(f"{shown(code)} has no quantity")
        else:
            rows.append(row({"id": code, "quantity": units_of(inside, code)}))
    return Found(shape="map", rows=tuple(rows))
