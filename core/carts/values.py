"""Reads the fields of a cart's line strictly: codes, quantities, sizes and prices.

Everything here raises `UnreadableCart` with the reason. The caller that knows the whole text adds it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from core.carts.names import CODE_NAMES, PRICE_NAMES, QUANTITY_NAMES, SIZE_NAMES, TITLE_NAMES, plain
from core.foundation.errors import UnreadableCart
from core.foundation.model import MAX_UNITS
from core.foundation.sales import CartLine

MOST_LINES = 1_000
LONGEST_CODE = 200
# An object inside a line, and the name of its id as a field of the line.
_INNER = {"variant": "variantid", "productvariant": "variantid", "product": "productid", "item": "id"}
_NO_DIGITS = ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF")
_MINOR_DIGITS = {
    **dict.fromkeys(_NO_DIGITS, 0),
    **dict.fromkeys(("BHD", "JOD", "KWD", "OMR", "TND"), 3),
}
_PRICE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,4})?")
# A value of "variant" that is a size: L, XXL, 42, 9.5, large, M / Blue.
_SIZE_LIKE = re.compile(r"\d{0,2}X{0,4}[SML]|\d{1,2}([.,]\d)?|(x-?)*(small|medium|large)|.*[\s/].*", re.IGNORECASE)
_WHOLE = re.compile(r"[0-9]{1,7}(\.0{1,4})?")
_THOUSAND_OR_ONE = re.compile(r"0*[1-9][0-9]{0,2}\.000")  # in a text; as a JSON number it is one
# Signs that look like a hyphen or a space, and signs that cannot be seen.
_LOOKS = str.maketrans(
    dict.fromkeys("\u2010\u2011\u2212\ufe63\uff0d", "-")
    | dict.fromkeys("\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " ")
    | dict.fromkeys("\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff", None)
)


@dataclass(frozen=True, slots=True)
class Row:
    """A line as written. Its price is still text, since only the whole cart shows whether it is in cents or dollars.

    `kind` is the name of the field with the code: two carts whose codes have one name share their codes.
    """

    line: CartLine
    price: str = ""
    kind: str = ""


def folded(text: str) -> str:
    """Return a text as it looks: composed (NFC), with usual hyphens and spaces, and without signs that cannot be seen.

    Dashes stay, because carts separate values with them; a lookup of a code takes them for hyphens.
    """
    return text if text.isascii() else unicodedata.normalize("NFC", text.translate(_LOOKS))


def text_of(value: object) -> str:
    """Return a JSON text or number as trimmed text, and an empty text for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return ""
    return folded(str(value)).strip()


def is_count(text: str) -> bool:
    """Return whether a text is a whole number."""
    return re.fullmatch(r"\s*[0-9]{1,7}\s*", text) is not None


def has_control(text: str) -> bool:
    """Return whether text has control characters or lone surrogates, which a database cannot store."""
    if text.isascii() and text.isprintable():
        return False
    return any(ord(c) < 32 or 127 <= ord(c) < 160 or 0xD800 <= ord(c) <= 0xDFFF for c in text)


def shown(text: str, longest: int = 60) -> str:
    """Return text from outside in a form that is safe to show and store."""
    safe = "".join("\ufffd" if has_control(c) and c not in "\n\t" else c for c in text)
    return safe if len(safe) <= longest else f"{safe[:longest]}..."


def code_of(value: object, *, what: str = "code") -> str:
    """Return a code, or an empty text where there is none. Raises UnreadableCart for a value that cannot be a code."""
    if isinstance(value, Decimal):
        raise UnreadableCart(f"{value} is not a {what}")
    text = text_of(value)
    if has_control(text):
        raise UnreadableCart(f"the {what} {shown(text)} has a control character")
    if len(text) > LONGEST_CODE:
        raise UnreadableCart(f"the {what} {shown(text)} is longer than {LONGEST_CODE} characters")
    return text


def units_of(value: object, of: str) -> int:
    """Return a quantity: a positive whole number. Raises UnreadableCart for anything else."""
    if value is None or value == "":
        raise UnreadableCart(f"{shown(of)} has no quantity")
    text = text_of(value)
    units = int(Decimal(text)) if _WHOLE.fullmatch(text) else 0
    if isinstance(value, str) and _THOUSAND_OR_ONE.fullmatch(text):
        raise UnreadableCart(f'the quantity of {shown(of)} is "{text}", which is a thousand or one')
    if not 0 < units <= MAX_UNITS:
        given = f'"{shown(text)}"' if text else "no number"
        raise UnreadableCart(f"the quantity of {shown(of)} is {given}, not a whole number from 1 to {MAX_UNITS:,}")
    return units


def size_of(value: object) -> str:
    """Return a size, or an empty text where there is none. 9.5 is a size."""
    return code_of(str(value) if isinstance(value, Decimal) else value, what="size")


def price_of(value: object) -> str:
    """Return a price as written, or an empty text: a price that cannot be read does not make the cart unreadable."""
    text = text_of(value)
    return text if _PRICE.fullmatch(text) else ""


def has_code(fields: Mapping[str, object]) -> bool:
    """Return whether an object has a field with a usual name of a code."""
    return any(plain(name) in CODE_NAMES and plain(name) != "price" for name in _flattened(fields))


def has_code_and_quantity(fields: Mapping[str, object]) -> bool:
    """Return whether an object has the fields of a line, whatever their values."""
    names = {plain(name): value for name, value in _flattened(fields).items()}
    if not text_of(names.get("price")).startswith("price_"):
        names.pop("price", None)
    return not names.keys().isdisjoint(CODE_NAMES) and not names.keys().isdisjoint(QUANTITY_NAMES)


def has_quantity(fields: Mapping[str, object]) -> bool:
    """Return whether an object has a quantity field."""
    return not {plain(name) for name in fields}.isdisjoint(QUANTITY_NAMES)


def row(fields: Mapping[str, object], key: str = "") -> Row:
    """Read one line from its fields. `key` is a code from outside the fields."""
    values = _sized(_by_plain_name(fields))
    codes = [*_codes(values), *([code_of(key)] if key else [])]
    if not codes:
        raise UnreadableCart("a line names no product")
    line = CartLine(
        code=codes[0],
        quantity=_units(values, codes[0]),
        codes=tuple(dict.fromkeys(code for code in codes[1:] if code != codes[0])),
        size=next((size for name in SIZE_NAMES if (size := _size(values, name, codes[0]))), None),
        name=next((shown(name, 200) for field in TITLE_NAMES if (name := text_of(values.get(field)))), None),
    )
    kind = next((name for name in CODE_NAMES if name in values), "")
    return Row(line, next((price for name in PRICE_NAMES if (price := price_of(values.get(name)))), ""), kind)


def _by_plain_name(fields: Mapping[str, object]) -> dict[str, object]:
    values: dict[str, object] = {}
    for name, value in _flattened(fields).items():
        before = values.get(plain(name))
        if before in (None, "") or value in (None, ""):
            values[plain(name)] = value if before in (None, "") else before
        elif before != value:
            raise UnreadableCart(f"a line has two different values for {shown(name)}")
    return values


def _sized(values: dict[str, object]) -> dict[str, object]:
    """Rename a `variant` that is a size to a size, if another field names the product."""
    variant = values.get("variant")
    if not isinstance(variant, str) or not _SIZE_LIKE.fullmatch(variant.strip()):
        return values
    rest = {name: value for name, value in values.items() if name != "variant"}
    return {"variantsize": variant, **rest} if any(_codes(rest)) else values


def _flattened(fields: Mapping[str, object]) -> dict[str, object]:
    """Return the fields with those of an inner product or variant: `{"product": {"id": 5}}` is `{"productid": 5}`."""
    flat: dict[str, object] = {}
    for name, value in fields.items():
        own_id = _INNER.get(plain(name))
        if own_id and isinstance(value, Mapping):
            inner = {own_id if plain(field) == "id" else field: inside for field, inside in value.items()}
            flat = {**{f: v for f, v in inner.items() if plain(f) not in QUANTITY_NAMES}, **flat}
        else:
            flat[name] = value
    return flat


def _codes(values: Mapping[str, object]) -> Iterator[str]:
    found = False
    for name in CODE_NAMES:
        if name == "s" and found:
            break  # next to a code, `s` is the size
        if name == "price" and not text_of(values.get(name)).startswith("price_"):
            continue
        if code := code_of(values.get(name)):
            found = True
            yield code


def _units(values: Mapping[str, object], of: str) -> int:
    given = [values[name] for name in QUANTITY_NAMES if name in values]
    found = {units_of(value, of) for value in given or [None]}
    if len(found) > 1:
        raise UnreadableCart(f"{shown(of)} has two quantities")
    return found.pop()


def _size(values: Mapping[str, object], name: str, code: str) -> str:
    size = size_of(values.get(name))
    return "" if name == "s" and size == code else size


# ---------------------------------------------------------------- prices


def minor_digits(currency: str) -> int:
    """Return how many digits of an amount are minor units in Stripe's API."""
    return _MINOR_DIGITS.get(currency.upper(), 2)


def money(minor: int, currency: str) -> str:
    """Return an amount of minor units for people: 25.90 EUR, 12,900 JPY."""
    digits = minor_digits(currency)
    return f"{Decimal(minor).scaleb(-digits):,.{digits}f} {currency.upper()}"


def priced(rows: Iterable[Row], currency: str) -> tuple[CartLine, ...]:
    """Return the lines with unit prices. One price with decimals shows that all prices are in whole units."""
    rows = list(rows)
    if len(rows) > MOST_LINES:
        raise UnreadableCart(f"it has more than {MOST_LINES:,} lines")
    factor = 10 ** minor_digits(currency) if any("." in each.price for each in rows) else 1
    return tuple(replace(each.line, unit_price=_minor(each.price, factor)) for each in rows)


def _minor(price: str, factor: int) -> int | None:
    if not price:
        return None
    minor = Decimal(price) * factor
    return int(minor) if minor == int(minor) else None
