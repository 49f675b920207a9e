"""Makes sure that a cart is whole: lists beside its list, lists inside its lines, and notes that there is more.

A list that can be read by its names belongs to the cart. Any other makes the cart unreadable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.carts.names import CART_NAMES, COUNT_NAMES, plain
from core.carts.values import Row, has_code_and_quantity, has_quantity, row, shown, text_of
from core.foundation.errors import UnreadableCart

_GOODS = re.compile(
    r"(?:order|cart|selected|free|checkout)?(?:addons?|extras|extra(?=item|product|line|sku)|gifts?|freebies|samples?"
    r"|upsells?|crosssells?|bundles?|bonus(?:es)?|accessor(?:y|ies)|giveaways?|kits?|companions?)"
    r"(?:items?|products?|lines?|skus?|ids?|variants?|list|data|json|contents)*"
)
_INSIDE = frozenset(("variants", "components", "children", "contents", "includes", "parts", "productvariants"))
_MORE_NAME = re.compile(
    r"(?:and|plus|has|num|count|numberof)?(?:more|further|additional|remaining|omitted|hidden|truncated|skipped|leftover)"
    r"(?:items?|lines?|products?|skus?|count)*"
    r"|(?:items?|lines?|products?|skus?|cart)(?:is|are|was|were)?(?:more|truncated|omitted|remaining|hidden|skipped|cut)"
    r"(?:count)?|istruncated"
)
_MORE_TEXT = re.compile(
    r"[\s\W]*(?:and|plus)?\s*[0-9]{1,4}\s+(?:more|others?|further|additional)\b.{0,30}", re.IGNORECASE
)
_NOTHING = frozenset(("", "0", "[]", "{}", "null", "none", "false", "no", "undefined", '""', "true", "yes"))
_COUNTED = re.compile(r"\s*([0-9]{1,7})(?:\.0+)?\s*(?:items?|units?|lines?|products?|pcs|pieces)?\s*", re.IGNORECASE)
_INNER = frozenset(("product", "variant", "productvariant", "item"))


def count_of(value: object) -> int | None:
    """Return a count such as 3, "3" or "3 items", or None."""
    match = _COUNTED.fullmatch(text_of(value))
    return int(match[1]) if match else None


def counts_in(fields: Mapping[str, Any]) -> dict[str, int]:
    """Return the counts of lines or units among some fields, by name."""
    return {
        key: count
        for key, value in fields.items()
        if plain(key) in COUNT_NAMES and (count := count_of(value)) is not None
    }


# ---------------------------------------------------------------- beside the list


def lines_beside(fields: Mapping[str, Any]) -> list[Row]:
    """Return the rows of other lists of goods beside a cart's list. Raises UnreadableCart if one cannot be read."""
    rows: list[Row] = []
    for key, value in fields.items():
        refuse_more(key, value)
        if is_goods(key, value) or _has_lines(value):
            rows += _named_rows(key, value)
    return rows


def refuse_more(key: str, value: object) -> None:
    """Raise UnreadableCart if a field says that there are more lines than were written."""
    text = text_of(value)
    told = _MORE_NAME.fullmatch(plain(key)) and (value is True or text.lower() in ("true", "yes") or count_of(text))
    if told or (len(text) < 60 and _MORE_TEXT.fullmatch(text)):
        given = "" if value is True else f' "{shown(text)}"'
        raise UnreadableCart(f"{shown(key)}{given} says that there are more lines")


def is_goods(key: str, value: object) -> bool:
    """Return whether a field lists more goods, by its name: `addons`, `giftItems`, `upsellProductId`."""
    if not _GOODS.fullmatch(plain(key)):
        return False
    if isinstance(value, list | dict):
        return bool(value)
    return not isinstance(value, bool) and text_of(value).lower().replace(" ", "") not in _NOTHING


def _has_lines(value: object) -> bool:
    return isinstance(value, list) and any(isinstance(each, dict) and has_code_and_quantity(each) for each in value)


def _named_rows(key: str, value: object) -> Iterator[Row]:
    lines = value if isinstance(value, list) else [value]
    for line in lines:
        if not isinstance(line, dict) or not has_code_and_quantity(line):
            raise UnreadableCart(f"{shown(key)} has more goods, which cannot be read")
        yield from rows_of(line)


# ---------------------------------------------------------------- inside a line


def rows_of(fields: Mapping[str, Any], key: str = "") -> list[Row]:
    """Return the row of one object, and those of the lists inside it. `key` is a code from outside the object."""
    lists = {name: value for name, value in fields.items() if isinstance(value, list | dict) and value}
    if not lists:
        return [row(fields, key)]
    return _rows_with(fields, lists, key)


def _rows_with(fields: Mapping[str, Any], lists: Mapping[str, Any], key: str) -> list[Row]:
    found = {name: value for name, value in lists.items() if _is_inside(name, value)}
    rest = {name: value for name, value in fields.items() if name not in found}
    if not has_quantity(rest):
        if len(lists) == 1 and (sizes := by_size(fields)):
            return [row({**rest, "quantity": units, "size": size}, key) for size, units in sizes.items()]
        if len(found) == 1:
            return [row({**rest, **part}, key) for part in _parts(*found.popitem())]
    rows = [row(rest, key)]
    for name, value in found.items():
        if rows[0].line.quantity > 1 or not _GOODS.fullmatch(plain(name)) or plain(name).startswith(("bundle", "kit")):
            raise UnreadableCart(f"{shown(rows[0].line.code)} contains {shown(name)}, a list of more goods")
        rows += _named_rows(name, value)
    return rows


def _is_inside(name: str, value: object) -> bool:
    """Return whether a value inside a line is a list of goods, and not of pictures or of chosen options."""
    if plain(name) in _INNER and isinstance(value, dict):
        return False
    named = plain(name) in _INSIDE | CART_NAMES or _GOODS.fullmatch(plain(name)) is not None
    if isinstance(value, list):
        return named or _has_lines(value)
    return named and not all(isinstance(each, str) for each in value.values())


def _parts(name: str, value: object) -> Sequence[Mapping[str, Any]]:
    """Return the parts of a line that has no quantity of its own: each part has one."""
    if isinstance(value, list) and all(isinstance(part, dict) and has_quantity(part) for part in value):
        return value
    raise UnreadableCart(f"{shown(name)} inside a line has no quantities")


def by_size(inside: Any) -> dict[str, Any] | None:
    """Return the units by size, from a field such as `items_by_size`. None if there is none."""
    named = inside.items() if isinstance(inside, dict) else ()
    sizes = next((v for k, v in named if plain(k) in ("itemsbysize", "bysize", "sizes")), None)
    if sizes == {}:
        raise UnreadableCart("a product has an empty list of sizes")
    return sizes if isinstance(sizes, dict) else None
