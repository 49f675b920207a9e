"""Random carts in every encoding that we claim to read: the true cart is among the readings, and read wrong is never.

The judge here is a plain one: every code must be in the catalogue, and what it comes to must be what was paid.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

from core.carts.possible import Possible, readings
from core.foundation.errors import UnreadableCart
from core.foundation.sales import CartLine

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Variant:
    """A variant with a SKU that may be a number, a size that may look like a quantity, a price that may be a SKU."""

    sku: str
    product: str
    size: str
    price: int


Line = tuple[Variant, int]
Lines = list[Line]
Metadata = dict[str, str]

WORDS = st.from_regex(r"[A-Z]{2,4}(-[0-9]{1,3})?", fullmatch=True)
NUMBERS = st.one_of(st.integers(100, 140), st.integers(900, 13_000)).map(str)
SIZES = st.sampled_from(["1", "2", "10", "42", "43", "9.5", "M", "XL", "one size"])
PRICES = st.one_of(st.integers(1, 12), st.integers(100, 140), st.integers(900, 13_000), st.just(11_990))
QUANTITIES = st.one_of(st.integers(1, 4), st.sampled_from([10, 42, 43, 120]))


@st.composite
def shops(draw: st.DrawFn) -> tuple[dict[str, Variant], Lines]:
    """Return a catalogue by SKU, and what was bought from it."""
    codes = draw(st.lists(WORDS | NUMBERS, min_size=4, max_size=10, unique=True))
    products, skus = codes[: len(codes) // 3], codes[len(codes) // 3 :]
    found: dict[str, Variant] = {}
    for n, sku in enumerate(skus):
        variant = Variant(sku, products[n % len(products)], draw(SIZES), draw(PRICES))
        taken = {(each.product, each.size) for each in found.values()}
        if (variant.product, variant.size) not in taken:
            found[sku] = variant
    bought = draw(st.lists(st.sampled_from(sorted(found)), min_size=1, max_size=4, unique=True))
    return found, [(found[sku], draw(QUANTITIES)) for sku in bought]


# ---------------------------------------------------------------- encodings: what a line is, and how lines are packed

CELLS: dict[str, Callable[[int, Line], list[object]]] = {
    "sku quantity": lambda n, line: [line[0].sku, line[1]],
    "quantity sku": lambda n, line: [line[1], line[0].sku],
    "sku quantity price": lambda n, line: [line[0].sku, line[1], line[0].price],
    "sku price quantity": lambda n, line: [line[0].sku, line[0].price, line[1]],
    "sku size quantity": lambda n, line: [line[0].sku, line[0].size, line[1]],
    "product size quantity": lambda n, line: [line[0].product, line[0].size, line[1]],
    "product size quantity price": lambda n, line: [line[0].product, line[0].size, line[1], line[0].price],
    "name sku quantity price": lambda n, line: [f"Shoe {line[0].size}", line[0].sku, line[1], line[0].price],
    "number sku quantity": lambda n, line: [n, line[0].sku, line[1]],
    "sku id quantity": lambda n, line: [line[0].sku, 70 + n, line[1]],
    "sku quantity euros": lambda n, line: [line[0].sku, line[1], f"{line[0].price / 100:.2f}"],
}
ONE_EACH: dict[str, Callable[[int, Line], list[object]]] = {
    "sku": lambda n, line: [line[0].sku],
    "sku price": lambda n, line: [line[0].sku, line[0].price],
    "product size": lambda n, line: [line[0].product, line[0].size],
}


def positioned(draw: st.DrawFn, lines: Lines) -> str:
    one_each = all(units == 1 for _, units in lines) and draw(st.booleans())
    cells = (ONE_EACH if one_each else CELLS)[draw(st.sampled_from(sorted(ONE_EACH if one_each else CELLS)))]
    table = [cells(n, line) for n, line in enumerate(lines, start=1)]
    numeric = any(str(cell).isdecimal() for cell in table[0])
    how = draw(st.sampled_from(["json", "texts", "|", "~", ":", *([","] if len(table) > 1 else [])]))
    if how == "json" or len(table[0]) == 1 or not numeric:
        return json.dumps(table if len(table[0]) > 1 else [row[0] for row in table if isinstance(row[0], str)])
    mark = how if how in "|~:," else draw(st.sampled_from("|~:"))
    rows = [mark.join(map(str, row)) for row in table]
    if how == "texts":
        return json.dumps(rows)
    between = draw(st.sampled_from(";\n" if how == "," else ";\n,"))
    return between.join(rows)


def named(draw: st.DrawFn, lines: Lines) -> str:
    style = draw(st.sampled_from(["sku", "product", "slug", "map", "prices", "sizes"]))
    if style == "map":
        return json.dumps({v.sku: units for v, units in lines})
    if style == "sizes" and len({v.product for v, _ in lines}) == len(lines):
        return json.dumps([{"productId": v.product, "variants": [{"size": v.size, "qty": n}]} for v, n in lines])
    if style == "prices":
        return json.dumps([{"sku": v.sku, "quantity": n, "price": v.price} for v, n in lines])
    code = {"slug": "slug", "sku": "sku"}.get(style)
    rows = [
        {code: v.sku, "qty": n, "rank": n} if code else {"id": v.product, "size": v.size, "qty": n} for v, n in lines
    ]
    return draw(st.sampled_from([json.dumps(rows), str(rows), json.dumps(list(map(json.dumps, rows)))]))


def times(draw: st.DrawFn, lines: Lines) -> str:
    before = draw(st.booleans())
    return draw(st.sampled_from("\n;,")).join(f"{n}x {v.sku}" if before else f"{v.sku} x{n}" for v, n in lines)


def escaped(draw: st.DrawFn, text: str) -> str:
    """Return a text as it is, or JSON escaped in one of the ways that we claim to read."""
    if text[0] not in "[{":
        return text
    ways: list[Callable[[str], str]] = [
        str, quote, html.escape, lambda t: "\ufeff" + t, lambda t: base64.b64encode(t.encode()).decode(),
        lambda t: base64.b64encode(gzip.compress(t.encode())).decode(),
    ]  # fmt: skip
    return draw(st.sampled_from(ways))(text)


def spread(draw: st.DrawFn, lines: Lines) -> Metadata:
    """Return a cart that is spread over several entries."""
    style = draw(st.sampled_from(["numbered", "bracketed", "known lists", "unknown lists", "objects", "lines"]))
    if style == "numbered":
        return {k: x for n, (v, u) in enumerate(lines, 1) for k, x in ((f"sku_{n}", v.sku), (f"qty_{n}", str(u)))}
    if style == "bracketed":
        at = "line_items[{}][{}]"
        return {
            k: x
            for n, (v, u) in enumerate(lines)
            for k, x in ((at.format(n, "sku"), v.sku), (at.format(n, "qty"), str(u)))
        }
    if style == "objects":
        return {f"bought {v.sku} here": json.dumps({"sku": v.sku, "qty": u}) for v, u in lines}
    if style == "lines":
        return {f"item_{n}": f"{v.sku}|{u}|{v.price}" for n, (v, u) in enumerate(lines)}
    code = "listingIds" if style == "known lists" else "handles"
    return {code: ",".join(v.sku for v, _ in lines), "quantities": ",".join(str(u) for _, u in lines)}


@st.composite
def payments(draw: st.DrawFn) -> tuple[dict[str, Variant], Lines, Metadata]:
    """Return a catalogue, what was bought, and the metadata of its payment: one encoding or a mixture."""
    catalogue, lines = draw(shops())
    extra = draw(st.booleans()) and len(lines) > 1
    main, beside = (lines[:-1], lines[-1:]) if extra else (lines, [])
    kind = draw(st.sampled_from(["positioned", "positioned", "named", "times", "spread"]))
    if kind == "spread":
        metadata = spread(draw, main)
    else:
        text = escaped(draw, {"positioned": positioned, "named": named, "times": times}[kind](draw, main))
        metadata = {draw(st.sampled_from(["cart", "items", "order_items"])): text}
        if draw(st.booleans()) and len(text) > 40:
            metadata = {"cart_1": text[:30], "cart_2": text[30:]} if text[0] in "[{" else metadata
    if beside:
        metadata["addons"] = json.dumps([{"sku": v.sku, "qty": n} for v, n in beside])
    noise = draw(st.sampled_from([{}, {"email": "casey@shop.example"}, {"user_id": "u_42"}, {"order_id": "42"}]))
    return catalogue, lines, {**metadata, **noise, "item_count": str(len(main))}


# ---------------------------------------------------------------- the judge


def named_by(line: CartLine, catalogue: dict[str, Variant]) -> Variant | None:
    """Return the variant that a line names: by its SKU, or by product and size."""
    for code in (line.code, *line.codes):
        if code in catalogue:
            return catalogue[code]
        sizes = [v for v in catalogue.values() if v.product == code and line.size in (None, v.size)]
        if len(sizes) == 1:
            return sizes[0]
    return None


def takes(each: Possible, catalogue: dict[str, Variant]) -> Counter[str] | None:
    found = [(named_by(line, catalogue), line.quantity) for line in each.cart.lines]
    if any(variant is None for variant, _ in found):
        return None
    taken: Counter[str] = Counter()
    for variant, units in found:
        taken[variant.sku if variant else ""] += units
    return taken


def comes_to(each: Possible, catalogue: dict[str, Variant]) -> Iterator[int]:
    """Yield what a reading comes to: at its own prices in both units, or at those of the catalogue."""
    prices = [line.unit_price for line in each.cart.lines]
    variants = [named_by(line, catalogue) for line in each.cart.lines]
    known = [p if p is not None else v.price if v else 0 for p, v in zip(prices, variants, strict=True)]
    total = sum(line.quantity * price for line, price in zip(each.cart.lines, known, strict=True))
    yield total
    if None not in prices:
        yield total * 100


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(payment=payments())
def test_the_true_cart_is_among_the_readings_and_a_single_one_that_fits_is_the_true_one(
    payment: tuple[dict[str, Variant], Lines, Metadata],
) -> None:
    catalogue, lines, metadata = payment
    note(f"{metadata}, {lines}")
    paid = sum(variant.price * units for variant, units in lines)
    true = Counter({variant.sku: units for variant, units in lines})
    try:
        found = readings(metadata).possible
    except UnreadableCart as error:
        assume("too many ways" not in error.why)
        raise
    fitting = {
        tuple(sorted(taken.items()))
        for each in found
        if (taken := takes(each, catalogue)) and paid in comes_to(each, catalogue)
    }
    assert tuple(sorted(true.items())) in fitting, [each.how for each in found]
