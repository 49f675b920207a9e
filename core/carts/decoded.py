"""Finds the JSON in a metadata value, however it was written: in base64, compressed, escaped, or as Python prints it.

Returns None if there is none. Raises `UnreadableCart` if it begins like JSON and cannot be read to its end.
"""

from __future__ import annotations

import ast
import base64
import binascii
import html
import json
import re
import zlib
from decimal import Decimal
from typing import Any
from urllib.parse import unquote_plus

from core.carts.values import folded, shown
from core.foundation.errors import UnreadableCart

LONGEST_TEXT = 100_000
_LONGEST_REPR = 20_000
_DEEPEST_REPR = 20
_MOST_LAYERS = 3
_JSON_HEAD = re.compile(r"\s*(?:u?[\"'\\]{1,16})?[\[{]\s*(?:$|[\"'{\[\]}\\\d-]|[ub][\"'])")
_ESCAPED_HEAD = re.compile(r"\s*(?:%22|%27)?(?:%5B|%7B|[\[{])", re.IGNORECASE)
_ESCAPED_QUOTE = re.compile(r"%22|%27|%5B|%7B", re.IGNORECASE)
_HTML_QUOTE = re.compile(r"&(?:quot|#0?3[49]|#x2[27]|apos);", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_GZIP_HEAD = "H4sI"
# What Python and Django print for a value that is neither text nor number: Decimal('19.90'), UUID('...').
_PRINTED = ("Decimal", "UUID")


def unpacked(text: str) -> Any:
    """Return the JSON in a text, also in base64; None if there is none. Raises UnreadableCart if it is incomplete."""
    plain_text = unescaped(text)
    decoded = plain_text if looks_like_json(plain_text) else from_base64(text)
    return None if decoded is None else load(decoded)


def unescaped(text: str) -> str:
    """Return a text without escapes of addresses or of HTML, if they hide JSON."""
    if "%" in text and _ESCAPED_HEAD.match(text) and _ESCAPED_QUOTE.search(text):
        text = unquote_plus(text)
    return html.unescape(text) if "&" in text and _HTML_QUOTE.search(text) else text


def looks_like_json(text: str) -> bool:
    """Return whether a text begins like a JSON list or object, complete or cut off."""
    return _JSON_HEAD.match(text) is not None


def begins_json(text: str) -> bool:
    """Return whether a text begins like JSON, plain, escaped or in base64, complete or cut off."""
    start = re.sub(r"\s", "", text[:24])[:8]
    if looks_like_json(text) or looks_like_json(unescaped(text)):
        return True
    return _BASE64.fullmatch(start) is not None and _is_packed_head(start)


def from_base64(text: str) -> str | None:
    """Return the JSON text in base64, or None if there is none. Raises UnreadableCart if the rest of it is broken."""
    text = re.sub(r"\s", "", text)
    if not _BASE64.fullmatch(text) or not _is_packed_head(text):
        return None
    text = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        found = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        return folded((_inflated(found) if text.startswith(_GZIP_HEAD) else found).decode("utf-8"))
    except (binascii.Error, UnicodeDecodeError, zlib.error):
        raise UnreadableCart("its base64 is broken or was cut off") from None


def _is_packed_head(text: str) -> bool:
    head = text[:8].replace("-", "+").replace("_", "/").replace("=", "A")
    return text.startswith(_GZIP_HEAD) or looks_like_json(folded(base64.b64decode(head).decode("utf-8", "replace")))


def _inflated(packed: bytes) -> bytes:
    """Return what gzip packed, if it is complete and not longer than any cart."""
    inflating = zlib.decompressobj(wbits=31)
    found = inflating.decompress(packed, LONGEST_TEXT + 1)
    if len(found) > LONGEST_TEXT:
        raise UnreadableCart(f"it is longer than {LONGEST_TEXT:,} characters")
    if not inflating.eof:
        raise UnreadableCart("its base64 is broken or was cut off")
    return found


# ---------------------------------------------------------------- JSON


def load(text: str) -> Any:
    """Parse JSON strictly: no repeated key, no NaN, nothing after its end. JSON in a JSON string is parsed too."""
    try:
        value = _loads(text)
        for _ in range(_MOST_LAYERS):
            if not isinstance(value, str) or not looks_like_json(value):
                break
            value = _loads(value)
        return value
    except RecursionError:
        raise UnreadableCart("its JSON is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise UnreadableCart(_json_fault(error)) from None
    except (ValueError, ArithmeticError):  # whole numbers of thousands of digits, huge exponents
        raise UnreadableCart("its JSON contains a number that is too large") from None


def _loads(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_object, parse_float=Decimal, parse_constant=_no_number)
    except json.JSONDecodeError:
        if "'" not in text or len(text) > _LONGEST_REPR:
            raise
        return _printed(text)


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


# ---------------------------------------------------------------- what Python prints


def _printed(text: str) -> Any:
    """Parse a list or dict as Python prints it. Nothing is evaluated."""
    depth = deepest = 0
    for mark in text:
        depth += (mark in "[{(") - (mark in "]})")
        deepest = max(deepest, depth)
    if depth != 0 or deepest > _DEEPEST_REPR:
        raise UnreadableCart("its list of Python was cut off or is broken")
    try:
        return _value(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, MemoryError):
        raise UnreadableCart("its list of Python was cut off or is broken") from None


def _value(node: ast.expr) -> Any:
    match node:
        case ast.List() | ast.Tuple():
            return [_value(each) for each in node.elts]
        case ast.Dict(keys=keys) if None not in keys:
            names = [str(_value(key)) for key in keys if key]
            return _object(list(zip(names, map(_value, node.values), strict=True)))
        case ast.Constant(value=float() as number):
            return Decimal(str(number))
        case ast.Constant(value=str() | int() | None as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number if isinstance(number, int) else Decimal(str(-number))
        case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str() as value)], keywords=[]):
            if name in _PRINTED:
                return value
    raise ValueError(ast.dump(node)[:40])
