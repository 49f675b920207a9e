"""Makes sure that a cart is whole: lists beside its list, lists inside its lines, and notes that there is more.

A list that can be read by its names belongs to the cart. Any other makes the cart unreadable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from core.carts.decoded import looks_like_json, unpacked
from core.carts.names import CART_NAMES, COUNT_NAMES, WRAPPER_NAMES, plain
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
_MORE_WORD = re.compile("more|other|further|additional|remain|omit|hidden|trunc|skip|leftover|cut", re.IGNORECASE)
_SHORT = 60
_LOOSE_COUNTS = frozenset(("quantity", "qty", "units"))
_EMPTY = frozenset(("", "[]", "{}", "null", "none", "undefined", '""', "''", "[null]", "[{}]"))
_NOTHING = frozenset(("", "0", "[]", "{}", "null", "none", "false", "no", "undefined", '""', "true", "yes"))
_COUNTED = re.compile(r"\s*([0-9]{1,7})(?:\.0+)?\s*(?:items?|units?|lines?|products?|pcs|pieces)?\s*", re.IGNORECASE)
_INNER = frozenset(("product", "variant", "productvariant", "item"))


def count_of(value: object) -> int | None:
    """Return a count such as 3, "3" or "3 items", or None."""
    match = _COUNTED.fullmatch(text_of(value))
    return int(match[1]) if match else None


def counts_in(fields: Mapping[str, Any], *, loose: bool = False) -> dict[str, int]:
    """Return the counts of lines or units among some fields, by name. `loose`: `quantity` is one too."""
    names = COUNT_NAMES | _LOOSE_COUNTS if loose else COUNT_NAMES
    return {
        key: count for key, value in fields.items() if plain(key) in names and (count := count_of(value)) is not None
    }


def refuse_empty(metadata: Mapping[str, str]) -> None:
    """Raise UnreadableCart if an entry with the name of a cart is empty."""
    for key, text in metadata.items():
        if plain(key) in CART_NAMES and "".join(text.split()).lower() in _EMPTY:
            raise UnreadableCart(f"its cart is empty: {shown(key)} has no lines")
        if plain(key) in WRAPPER_NAMES and looks_like_json(text) and is_empty_cart(unpacked(text)):
            raise UnreadableCart(f"its cart is empty: {shown(key)} has no lines")


def is_empty_cart(value: object) -> bool:
    """Return whether an object has a cart without lines."""
    if not isinstance(value, dict):
        return False
    named = [inside for key, inside in value.items() if plain(key) in CART_NAMES | WRAPPER_NAMES]
    return any(inside in ([], {}, None, "") or is_empty_cart(inside) for inside in named)


# ---------------------------------------------------------------- beside the list


def lines_beside(fields: Mapping[str, Any], carts: Sequence[Sequence[Row]]) -> list[Row]:
    """Return the rows of other lists of goods beside a cart's list. `carts` are all readings of that.

    A list of lines with another name is the same cart again. Raises UnreadableCart for a list that cannot be read.
    """
    found: list[Row] = []
    for key, value in fields.items():
        _refuse_more(key, value)
        if is_goods(key, value):
            found += _named_rows(key, value)
        elif _has_lines(value) and not any(same_cart(rows, list(_named_rows(key, value))) for rows in carts):
            raise UnreadableCart(f"{shown(key)} has other goods than the cart")
    return found


def entries_beside(entries: Mapping[str, str], carts: Sequence[Sequence[Row]]) -> list[Row]:
    """Return the rows of lists of goods in other entries of the metadata, as `lines_beside` does."""
    fields: dict[str, Any] = {}
    for key, text in entries.items():
        named = is_goods(key, text)
        if named or ("{" in text and looks_like_json(text) and not _is_goods_name(plain(key))):
            fields[key] = _loaded(text, strictly=named)
        elif _MORE_WORD.search(f"{key} {text}"):
            fields[key] = text
    return lines_beside(fields, carts)


def _loaded(text: str, *, strictly: bool) -> Any:
    try:
        value = unpacked(text)
    except UnreadableCart:
        if strictly:
            raise
        return None
    return text if value is None else [value] if isinstance(value, dict) else value


def _refuse_more(key: str, value: object) -> None:
    """Raise UnreadableCart if a field says that there are more lines than were written."""
    text = text_of(value)
    says = _MORE_NAME.fullmatch(plain(key)) and (value is True or text.lower() in ("true", "yes") or count_of(text))
    if says or (len(text) < _SHORT and _MORE_TEXT.fullmatch(text)):
        given = "" if value is True else f' "{shown(text)}"'
        raise UnreadableCart(f"{shown(key)}{given} says that there are more lines")


def is_goods(key: str, value: object) -> bool:
    """Return whether a field lists more goods, by its name: `addons`, `giftItems`, `upsellProductId`."""
    if not _is_goods_name(plain(key)):
        return False
    if isinstance(value, list | dict):
        return bool(value)
    return not isinstance(value, bool) and text_of(value).lower().replace(" ", "") not in _NOTHING


@lru_cache(maxsize=4096)
def _is_goods_name(name: str) -> bool:
    return _GOODS.fullmatch(re.sub("[0-9]+", "", name)) is not None


def _has_lines(value: object) -> bool:
    return isinstance(value, list) and any(isinstance(each, dict) and has_code_and_quantity(each) for each in value)


def same_cart(one: Sequence[Row], other: Sequence[Row]) -> bool:
    """Return whether two encodings agree: in units by code, or, if they share no code, in quantities in order.

    Without a shared code, only carts agree whose codes have different names, such as SKU and id.
    """
    names = {code: each.line.code for each in reversed(one) for code in (*each.line.codes, each.line.code)}
    canonical = [next((names[c] for c in (r.line.code, *r.line.codes) if c in names), None) for r in other]
    if not any(canonical):
        kinds, others = {each.kind for each in one}, {each.kind for each in other}
        apart = "" not in kinds | others and kinds.isdisjoint(others)
        return apart and [r.line.quantity for r in one] == [r.line.quantity for r in other]
    sized = all(each.line.size for each in (*one, *other))
    own = [r.line.code for r in one]
    return None not in canonical and _totals(one, own, sized=sized) == _totals(other, canonical, sized=sized)


def _totals(rows: Sequence[Row], codes: Iterable[str | None], *, sized: bool) -> dict[tuple[str | None, str], int]:
    """Return the units by code, and by size if all lines have one."""
    totals: dict[tuple[str | None, str], int] = {}
    for each, code in zip(rows, codes, strict=True):
        key = code, (each.line.size or "").casefold() if sized else ""
        totals[key] = totals.get(key, 0) + each.line.quantity
    return totals


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
        if rows[0].line.quantity > 1 or not _is_goods_name(plain(name)) or plain(name).startswith(("bundle", "kit")):
            raise UnreadableCart(f"{shown(rows[0].line.code)} contains {shown(name)}, a list of more goods")
        rows += _named_rows(name, value)
    return rows


def _is_inside(name: str, value: object) -> bool:
    """Return whether a value inside a line is a list of goods, and not of pictures or of chosen options."""
    if plain(name) in _INNER and isinstance(value, dict):
        return False
    named = plain(name) in _INSIDE | CART_NAMES or _is_goods_name(plain(name))
    if isinstance(value, list):
        return named or _has_lines(value)
    return named and isinstance(value, dict) and not all(isinstance(each, str) for each in value.values())


def flat_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields with those of inner objects by their paths, such as `product.slug`."""
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, dict) and "." not in name:
            flat |= {f"{name}.{inner}": inside for inner, inside in value.items() if "." not in inner}
        elif "." not in name:
            flat[name] = value
    return flat


def refuse_lists(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a line. Raises UnreadableCart if one of them is a list of goods."""
    for name, value in fields.items():
        if isinstance(value, list | dict) and value and _is_inside(name, value):
            raise UnreadableCart(f"a line contains {shown(name)}, a list of more goods")
    return fields


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
