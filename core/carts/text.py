"""Reads the rows of a cart from one metadata value: JSON, base64, `code:quantity` or `code|quantity|...`.

Returns None if the text is no cart. Raises `UnreadableCart` if it begins like one and cannot be read to its end.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core.carts.names import CART_NAMES, NO_GOODS, WRAPPER_NAMES, plain
from core.carts.values import Row, code_of, has_code_and_quantity, has_quantity, row, shown, units_of
from core.foundation.errors import UnreadableCart

LONGEST_TEXT = 100_000
MOST_ENTRIES = 50
"""The most metadata entries that Stripe allows."""

MOST_WRAPPERS = 4
_JSON_HEAD = re.compile(r"\s*\"?[\[{]\s*(?:$|[\"'{\[\]}\\\d-])")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_NUMBER = re.compile(r"\s*-?[0-9]+(\.[0-9]+)?\s*")
_PAIR = re.compile(r"\s*(?P<code>.*\S)\s*[:=*]\s*(?P<units>-?[0-9]+(?:\.[0-9]+)?)\s*", re.DOTALL)
_FOR_PEOPLE = re.compile(r".*[^\d]\s?[x\u00d7]\s?([0-9]{1,4})\s*")
# Shops cut off their text at a round length, or just below Stripe's limit of 500.
_CUT_LENGTHS = frozenset((100, 128, 200, 250, 255, 256, 300, 350, 400))
_NEAR_THE_LIMIT = 440
_LONGEST_PART = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Rows that were read, and their layout. `doubt` says why some may be missing."""

    shape: str
    rows: tuple[Row, ...]
    doubt: str = ""


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


def unpacked(text: str) -> Any:
    """Return the JSON in a text, also in base64; None if there is none. Raises UnreadableCart if it is incomplete."""
    decoded = text if looks_like_json(text) else from_base64(text)
    return None if decoded is None else load(decoded)


def begins_json(text: str) -> bool:
    """Return whether a text begins like JSON, plain or in base64, complete or cut off."""
    start = re.sub(r"\s", "", text[:24])[:8]
    return looks_like_json(text) or (_BASE64.fullmatch(start) is not None and looks_like_json(_decoded_start(start)))


def is_number(text: str) -> bool:
    """Return whether a text is a number, with decimals or without."""
    return _NUMBER.fullmatch(text) is not None


def is_count(text: str) -> bool:
    """Return whether a text is a whole number."""
    return re.fullmatch(r"\s*[0-9]{1,7}\s*", text) is not None


def looks_like_json(text: str) -> bool:
    """Return whether a text begins like a JSON list or object, complete or cut off."""
    return _JSON_HEAD.match(text) is not None


def from_base64(text: str) -> str | None:
    """Return the JSON text in base64, or None if there is none. Raises UnreadableCart if the rest of it is broken."""
    text = re.sub(r"\s", "", text)
    if not _BASE64.fullmatch(text) or not looks_like_json(_decoded_start(text)):
        return None
    text = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        raise UnreadableCart("its base64 is broken or was cut off") from None


def _decoded_start(text: str) -> str:
    head = text[:8].replace("-", "+").replace("_", "/").replace("=", "A")
    return base64.b64decode(head).decode("utf-8", "replace")


def load(text: str) -> Any:
    """Parse JSON strictly: no repeated key, no NaN, nothing after its end. JSON in a JSON string is parsed too."""
    try:
        value = _loads(text)
        return _loads(value) if isinstance(value, str) else value
    except RecursionError:
        raise UnreadableCart("its JSON is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise UnreadableCart(_json_fault(error)) from None
    except (ValueError, ArithmeticError):  # whole numbers of thousands of digits, huge exponents
        raise UnreadableCart("its JSON contains a number that is too large") from None


def _loads(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_object, parse_float=Decimal, parse_constant=_no_number)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise UnreadableCart(f"its JSON has the key {shown(key)} twice")
        found[key] = value
    return found


def _no_number(name: str) -> None:
    raise UnreadableCart(f"its JSON contains {name}")


def _json_fault(error: json.JSONDecodeError) -> str:
    cut = error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated")
    return "its JSON was cut off" if cut else f"its JSON is broken at character {error.pos + 1}"


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
        found = (read_json(v, certain=plain(k) in CART_NAMES, wrappers=wrappers + 1) for k, v in inner.items())
        return agreed([each for each in found if each])
    if has_code_and_quantity(value):
        return Found(shape="list", rows=(row(value),))
    return Found(shape="map", rows=tuple(_map(value))) if certain else None


def agreed(found: Sequence[Found]) -> Found | None:
    """Return the first of several encodings of a cart that is not in doubt. Raises UnreadableCart if they differ."""
    if not found:
        return None
    for other in found[1:]:
        if not _same(found[0].rows, other.rows):
            raise UnreadableCart(f"the cart occurs twice and differs: as {found[0].shape} and as {other.shape}")
    return next((each for each in found if not each.doubt), found[0])


def _same(one: Sequence[Row], other: Sequence[Row]) -> bool:
    """Return whether two encodings agree: in units by code, or, if they share no code, in quantities in order."""
    names = {code: each.line.code for each in reversed(one) for code in (*each.line.codes, each.line.code)}
    canonical = [next((names[c] for c in (r.line.code, *r.line.codes) if c in names), None) for r in other]
    if not any(canonical):
        return [r.line.quantity for r in one] == [r.line.quantity for r in other]
    return None not in canonical and _totals(one, [r.line.code for r in one]) == _totals(other, canonical)


def _totals(rows: Sequence[Row], codes: Iterable[str | None]) -> dict[str | None, int]:
    totals: dict[str | None, int] = {}
    for each, code in zip(rows, codes, strict=True):
        totals[code] = totals.get(code, 0) + each.line.quantity
    return totals


def _list(values: list[Any], *, certain: bool) -> Found | None:
    if not values:
        return None
    if all(isinstance(value, dict) for value in values):
        if not certain and not any(has_code_and_quantity(value) for value in values):
            return None
        return Found(shape="short list" if all(map(_is_cut_form, values)) else "list", rows=tuple(map(row, values)))
    if all(isinstance(value, list) and len(value) > 1 and isinstance(value[0], str) for value in values):
        return Found(shape="pairs", rows=tuple(_pair(value[0], value[1]) for value in values)) if certain else None
    if all(isinstance(value, str) and _PAIR.fullmatch(value) for value in values):
        return Found(shape="pairs", rows=tuple(map(_pair_of, values))) if certain else None
    if certain:
        raise UnreadableCart("its list contains something that is not a line")
    return None


def _is_cut_form(value: Mapping[str, Any]) -> bool:
    """Return whether a line names product and variant by the first eight characters of their ids."""
    return set(value) == {"i", "v", "q"} and all(re.fullmatch(r"[0-9a-f]{8}", str(value[k])) for k in "iv")


def _map(value: Mapping[str, Any]) -> Iterable[Row]:
    """Yield the lines of `{"12": 2, "7": {"items_by_size": {"m": 1}}, "A": {"quantity": 3}}`."""
    for code, inside in value.items():
        if plain(code) in NO_GOODS or not code.strip():
            raise UnreadableCart(f'"{shown(code)}" is not a product')
        sizes = _by_size(inside)
        if sizes is not None:
            yield from (row({"id": code, "quantity": units, "size": size}) for size, units in sizes.items())
        elif isinstance(inside, dict) and has_quantity(inside):
            yield row(inside, key=code)
        elif isinstance(inside, dict | list):
            raise UnreadableCart(f"{shown(code)} has no quantity")
        else:
            yield _pair(code, inside)


def _by_size(inside: Any) -> dict[str, Any] | None:
    named = inside.items() if isinstance(inside, dict) else ()
    sizes = next((v for k, v in named if plain(k) in ("itemsbysize", "bysize", "sizes")), None)
    if sizes == {}:
        raise UnreadableCart("a product has an empty list of sizes")
    return sizes if isinstance(sizes, dict) else None


# ---------------------------------------------------------------- packed text


def read_packed(text: str) -> Found | None:
    """Read `A:2,B:1`, `A|2|...;B|1|...` or one such line. Return None for text that is meant for people."""
    parts = next((parts for mark in "\n;,|" if len(parts := text.strip().split(mark)) > 1), [text])
    if _shape_of(text) == "pipes" and not re.search(r"[,;\n]", text.strip()):
        parts = [text]
    shaped = [_shape_of(part) for part in parts]
    if not any(shaped):
        return None
    if not all(shaped):
        raise UnreadableCart("some of its parts are a code with a quantity and some are not")
    return Found(shape="packed", rows=tuple(map(_packed_row, parts)), doubt=doubt_of(text))


def doubt_of(text: str) -> str:
    """Return why a text without an end mark may have been cut off, or an empty text."""
    if len(text) in _CUT_LENGTHS or len(text) >= _NEAR_THE_LIMIT:
        return f"it is {len(text):,} characters long and may have been cut off there"
    return ""


def units_for_people(text: str) -> int | None:
    """Return the units in a text such as `Soap x2, Brush x1`, which has no codes but must agree with the cart."""
    counts = [_FOR_PEOPLE.fullmatch(part) for part in re.split(r"[,;\n]", text) if len(part) <= _LONGEST_PART]
    whole = [int(count[1]) for count in counts if count]
    return sum(whole) if len(whole) == len(counts) and not doubt_of(text) else None


def _shape_of(part: str) -> str:
    fields = part.split("|")
    if len(part) > _LONGEST_PART:
        return ""
    if len(fields) > 1:
        return "pipes" if _NUMBER.fullmatch(fields[1]) else ""
    return "pair" if _PAIR.fullmatch(part) else ""


def _packed_row(part: str) -> Row:
    fields = part.split("|")
    return _pair(fields[0], fields[1]) if len(fields) > 1 else _pair_of(part)


def _pair_of(text: str) -> Row:
    match = _PAIR.fullmatch(text)
    assert match, "only called for what was matched before"
    return _pair(match["code"], match["units"])


def _pair(code: str, units: object) -> Row:
    if re.search(r"[\"{}\[\]]", code):
        raise UnreadableCart(f"{shown(code)} is a piece of JSON, not a code")
    return row({"id": code_of(code), "quantity": units_of(units.strip() if isinstance(units, str) else units, code)})
