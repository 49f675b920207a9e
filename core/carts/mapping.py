"""A mapping that an admin writes: where a shop's cart is in metadata, for layouts that are not recognised.

In a key, `{n}` is the number of a piece or a line, and `*` is a code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any

from core.carts.decoded import load, looks_like_json, unpacked
from core.carts.entries import listed, reference_of
from core.carts.packed import doubt_of, positioned
from core.carts.pieces import NUMBER, are_one_text, by_number, in_order, pieces_at
from core.carts.positions import ANYTHING, Found
from core.carts.values import Row, code_of, has_control, is_count, price_of, shown, size_of, text_of, units_of
from core.foundation.errors import InvalidInput, UnreadableCart, invalid
from core.foundation.sales import CartLine, Lookup

LONGEST_KEY = 40
MOST_FIELDS = 50
LONGEST_EMAIL = 254
_POSITION = re.compile(r"-?[1-9][0-9]?(\.\.-?[1-9][0-9]?)?")
_EMAIL = re.compile(r"[!#-'*+./0-9=?A-Z^-~-]+@[A-Za-z0-9.-]+\.[A-Za-z0-9-]+")


class Layout(StrEnum):
    """How the lines are written in the metadata. RECOGNISED: as Stockroom recognises them; only the email is mapped."""

    RECOGNISED = "recognised"
    LIST = "list"
    MAP = "map"
    PACKED = "packed"
    NUMBERED = "numbered"
    PARALLEL = "parallel"
    KEYS = "keys"
    ORDER = "order"


@dataclass(frozen=True, slots=True, kw_only=True)
class CartMapping:
    """Where the cart is. Fields are names in JSON (`product.id` is a path), positions in lists and packed text, whole
    keys with `{n}` where each line has its own entries, or whole keys with lists. Positions count from 1, or from the
    end as -1; `1..-2` is all but the last. In a map, `*` is the value itself. Without `quantity`, each line is one
    unit. `email` is the key of the buyer's address.
    """

    layout: Layout
    key: str = ""
    path: str = ""
    code: str = ""
    more_codes: tuple[str, ...] = ()
    quantity: str = ""
    size: str = ""
    name: str = ""
    price: str = ""
    line_separator: str = ","
    field_separator: str = ":"
    count: str = ""
    email: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the mapping as JSON, without fields that have their default."""
        values = {**asdict(self), "layout": str(self.layout), "more_codes": list(self.more_codes)}
        defaults = {field.name: field.default for field in fields(self)}
        return {name: value for name, value in values.items() if value not in (defaults[name], [])}


def from_json(values: Any) -> CartMapping:
    """Return a mapping from its JSON form. Raises InvalidInput, which names the field and what is wrong with it."""
    if not isinstance(values, Mapping):
        raise invalid("mapping", "must be a JSON object")
    known = {field.name for field in fields(CartMapping)}
    if unknown := sorted(str(name) for name in values if name not in known):
        raise invalid("mapping", f"has no field called {shown(unknown[0])}")
    if values.get("layout") not in list(Layout):
        raise invalid("layout", f"must be one of {', '.join(Layout)}")
    more = values.get("more_codes", [])
    if not isinstance(more, list | tuple) or len(more) > MOST_FIELDS or not all(isinstance(each, str) for each in more):
        raise invalid("more_codes", "must be a list of texts")
    for name in known - {"layout", "more_codes"}:
        _must_be_text(name, values.get(name, ""))
    mapping = CartMapping(**{**values, "layout": Layout(values["layout"]), "more_codes": tuple(more)})
    for problem in _problems(mapping):
        raise problem
    return mapping


def _must_be_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise invalid(name, "must be text")
    if has_control(value.replace("\n", "").replace("\t", "")) or len(value) > 200:
        raise invalid(name, "must be at most 200 characters without control characters")


def _problems(m: CartMapping) -> Iterator[InvalidInput]:
    """Yield every reason why a mapping could never read a cart."""
    named = [m.code, m.quantity, m.size, m.name, m.price, *m.more_codes]
    yield from _email_problems(m)
    if m.layout is Layout.RECOGNISED:
        if any(value for name, value in m.to_json().items() if name not in ("layout", "email")):
            yield invalid("layout", "reads the cart by itself, so only the email can be given")
        return
    yield from _key_problems(m)
    if m.layout is Layout.PARALLEL and not m.line_separator:
        yield invalid("line_separator", "must not be empty")
    if m.layout in (Layout.LIST, Layout.PACKED, Layout.NUMBERED, Layout.PARALLEL) and not m.code:
        yield invalid("code", "must not be empty")
    if m.layout is Layout.NUMBERED and any(name and name.count(NUMBER) != 1 for name in named):
        yield invalid("code", f"and every other field must contain {NUMBER} once, as product_{NUMBER}_id does")
    if m.layout is Layout.PACKED:
        if m.name == m.code:
            named.remove(m.name)
        yield from _packed_problems(m, [name for name in named if name])


def _key_problems(m: CartMapping) -> Iterator[InvalidInput]:
    if not m.key and m.layout not in (Layout.NUMBERED, Layout.PARALLEL):
        yield invalid("key", "must not be empty")
    if len(m.key) > LONGEST_KEY:
        yield invalid("key", f"must have at most {LONGEST_KEY} characters, as Stripe's keys have")
    if m.key.count(NUMBER) > 1 or (NUMBER in m.key and m.layout in (Layout.KEYS, Layout.ORDER)):
        yield invalid("key", f"cannot contain {NUMBER} there")
    if (m.key.count(ANYTHING) == 1) is not (m.layout is Layout.KEYS):
        yield invalid("key", f"must contain one {ANYTHING} where keys are codes, and only there")


def _email_problems(m: CartMapping) -> Iterator[InvalidInput]:
    if m.layout is Layout.RECOGNISED and not m.email:
        yield invalid("email", "must not be empty")
    if len(m.email) > LONGEST_KEY or m.email != m.email.strip():
        yield invalid("email", f"must be one key of the metadata, with at most {LONGEST_KEY} characters")
    if NUMBER in m.email or ANYTHING in m.email:
        yield invalid("email", f"must be one key of the metadata, without {NUMBER} or {ANYTHING}")


def _packed_problems(m: CartMapping, positions: list[str]) -> Iterator[InvalidInput]:
    numbers = [abs(int(number)) for position in positions for number in re.findall("[0-9]+", position)]
    if not all(map(_POSITION.fullmatch, positions)) or any(number > MOST_FIELDS for number in numbers):
        yield invalid("code", f"and every other field must be a position from 1 to {MOST_FIELDS}")
    if len(set(positions)) < len(positions):
        yield invalid("code", "and every other field must have different positions")
    if not m.line_separator or m.line_separator == m.field_separator:
        yield invalid("line_separator", "must not be empty or equal to the field separator")
    if not m.field_separator and len(positions) > 1:
        yield invalid("field_separator", "must not be empty")


# ---------------------------------------------------------------- reading


def read(metadata: Mapping[str, str], mapping: CartMapping) -> Found | Lookup | None:
    """Read the cart where the mapping says it is. None if its key is missing or empty."""
    entries = {key: text for key, text in metadata.items() if text.strip()}
    if mapping.layout is Layout.RECOGNISED:
        return None
    if mapping.layout is Layout.ORDER:
        reference = reference_of(entries.get(mapping.key, ""))
        return Lookup(reference=reference) if reference else None
    spread = {Layout.NUMBERED: _numbered, Layout.PARALLEL: _parallel, Layout.KEYS: _keys}
    if mapping.layout not in spread:
        return _value(mapping, entries)
    rows = spread[mapping.layout](mapping, entries)
    return _counted(mapping, entries, Found(shape=str(mapping.layout), rows=tuple(rows))) if rows else None


def email_in(metadata: Mapping[str, str], mapping: CartMapping | None) -> str | None:
    """Return the buyer's address from the key that the mapping names, or None if there is no address."""
    text = (metadata.get(mapping.email) or "").strip() if mapping and mapping.email else ""
    return text if _EMAIL.fullmatch(text) and len(text) <= LONGEST_EMAIL else None


def _value(mapping: CartMapping, entries: Mapping[str, str]) -> Found | None:
    texts = pieces_at(mapping.key, entries)
    if not texts:
        return None
    text = "".join(texts)
    if mapping.layout is Layout.PACKED:
        if not are_one_text(texts):  # one line each
            text = mapping.line_separator.join(map(str.strip, texts))
        lines, doubt = text.strip().split(mapping.line_separator), doubt_of(texts[-1])
        rows = [_row(mapping, _fields(mapping, line)) for line in lines]
    else:
        value, doubt = _inside(unpacked(text), mapping.path), ""
        rows = _listed(mapping, value) if mapping.layout is Layout.LIST else _mapped(mapping, value)
    found = Found(shape=str(mapping.layout), rows=tuple(rows), doubt=doubt)
    return _counted(mapping, entries, found, len(texts)) if rows else None


def _used(mapping: CartMapping, entries: Mapping[str, str]) -> frozenset[str]:
    """Return the keys that a mapping reads."""
    names = [mapping.key, mapping.count, *([] if mapping.path else _names(mapping))]
    wild = [re.escape(name).replace(re.escape(NUMBER), "[0-9]+").replace(re.escape(ANYTHING), ".+") for name in names]
    return frozenset(key for key in entries if any(re.fullmatch(each, key) for each in wild))


def _counted(mapping: CartMapping, entries: Mapping[str, str], found: Found, pieces: int = 0) -> Found:
    """Check the rows against the shop's count. Without a count, text that may have been cut off is refused."""
    text = entries.get(mapping.count, "") if mapping.count else ""
    lines, units = len(found.rows), sum(each.line.quantity for each in found.rows)
    if mapping.count and not is_count(text):
        raise UnreadableCart(f"{mapping.count} does not say how many there are")
    if text and int(text) not in (lines, units, pieces or lines):
        raise UnreadableCart(f"{mapping.count} is {int(text)}, but there are {units} units in {lines} lines")
    if found.doubt and not text:
        raise UnreadableCart(found.doubt)
    return replace(found, used=_used(mapping, entries))


def _inside(value: Any, path: str) -> Any:
    """Return the value at a dotted path, or None."""
    for name in filter(None, path.split(".")):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _listed(mapping: CartMapping, value: Any) -> list[Row]:
    lines = [value] if isinstance(value, Mapping) else value
    if not isinstance(lines, list) or not all(isinstance(line, Mapping | list | str) for line in lines):
        raise UnreadableCart(f"there is no list of objects at {shown(mapping.path or mapping.key)}")
    return [_row(mapping, _fields(mapping, line)) for line in lines]


def _fields(mapping: CartMapping, line: Any) -> dict[str, Any]:
    """Return the named fields of an object, a list or a text."""
    names = _names(mapping)
    if isinstance(line, str) and mapping.layout is Layout.LIST and looks_like_json(line):
        line = load(line)
    if isinstance(line, Mapping):
        return {name: _inside(line, name) for name in names}
    if not all(map(_POSITION.fullmatch, names)):
        raise UnreadableCart(f"there is no list of objects at {shown(mapping.path or mapping.key)}")
    if isinstance(line, str):
        return dict(positioned(line, mapping.field_separator, names))
    return {name: line[int(name) - 1] if name.isdecimal() and int(name) <= len(line) else None for name in names}


def _mapped(mapping: CartMapping, value: Any) -> list[Row]:
    if not isinstance(value, Mapping):
        raise UnreadableCart(f"there is no object of codes at {shown(mapping.path or mapping.key)}")
    rows = []
    for code, inside in value.items():
        values = {name: _inside(inside, name) for name in _names(mapping)}
        if not isinstance(inside, Mapping):
            values = {ANYTHING: inside, mapping.quantity: inside}
        rows.append(_row(mapping, values, code=code))
    return rows


def _parallel(mapping: CartMapping, entries: Mapping[str, str]) -> list[Row]:
    names = _names(mapping)
    columns = [listed(entries.get(name, ""), mapping.line_separator) for name in names]
    if mapping.code not in entries:
        return []
    if len(set(map(len, columns))) > 1:
        raise UnreadableCart("its lists of codes and quantities are not of the same length")
    return [_row(mapping, dict(zip(names, line, strict=True))) for line in zip(*columns, strict=True)]


def _numbered(mapping: CartMapping, entries: Mapping[str, str]) -> list[Row]:
    columns = {name: by_number(name, entries) for name in _names(mapping)}
    lines = {n: {name: column.get(n) for name, column in columns.items()} for col in columns.values() for n in col}
    return [_row(mapping, lines[n]) for n in in_order(lines, mapping.code)]


def _keys(mapping: CartMapping, entries: Mapping[str, str]) -> list[Row]:
    before, after = map(re.escape, mapping.key.split(ANYTHING))
    found = {key: re.fullmatch(f"{before}(.+){after}", key, re.DOTALL) for key in entries}
    rows = []
    for key, match in found.items():
        if match:
            units = 1 if mapping.price else units_of(entries[key], key)
            line = CartLine(code=code_of(key), quantity=units, codes=tuple({match[1]} - {key}))
            rows.append(Row(line, price_of(entries[key]) if mapping.price else ""))
    return rows


def _names(mapping: CartMapping) -> list[str]:
    named = (mapping.code, *mapping.more_codes, mapping.quantity, mapping.size, mapping.name, mapping.price)
    return [name for name in named if name]


def _row(mapping: CartMapping, values: Mapping[str, Any], code: str = "") -> Row:
    given = [code, *(code_of(values.get(name)) for name in (mapping.code, *mapping.more_codes) if name)]
    codes = [each for each in map(code_of, given) if each]
    if not codes:
        raise UnreadableCart("a line names no product")
    counted = mapping.quantity or (code and ANYTHING not in _names(mapping))
    units = units_of(values.get(mapping.quantity), codes[0]) if counted else 1
    line = CartLine(
        code=codes[0],
        quantity=units,
        codes=tuple(dict.fromkeys(each for each in codes[1:] if each != codes[0])),
        size=size_of(values.get(mapping.size)) or None if mapping.size else None,
        name=shown(text_of(values.get(mapping.name)), 200) or None if mapping.name else None,
    )
    return Row(line, price_of(values.get(mapping.price)) if mapping.price else "")
