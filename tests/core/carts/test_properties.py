"""Carts of any content in every layout are read back equal, and a cart that is cut off is never a smaller one."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.carts import values
from core.carts.mapping import from_json
from core.carts.possible import readings
from core.carts.reading import lines_of_items, preview, read_cart
from core.foundation.errors import UnreadableCart
from core.foundation.model import MAX_UNITS
from core.foundation.sales import Cart

pytestmark = pytest.mark.slow

Lines = list[tuple[str, int]]
Metadata = dict[str, str]

SKUS = st.from_regex(r"[A-Z]{2,6}-[0-9]{1,4}(/[a-z]{1,3})?", fullmatch=True)
UNITS = st.one_of(st.integers(1, 12), st.integers(1, MAX_UNITS))
CARTS = st.lists(st.tuples(SKUS, UNITS), min_size=1, max_size=9, unique_by=lambda line: line[0])
# Enough units of each that a count of lines cannot equal a count of units.
BULKY = st.lists(st.tuples(SKUS, st.integers(30, 60)), min_size=1, max_size=8, unique_by=lambda line: line[0])
ANY_CODE = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=60).filter(str.strip)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


def as_list(lines: Lines) -> Metadata:
    return {"cart": json.dumps([{"sku": code, "qty": units, "size": "M"} for code, units in lines])}


def as_short_keys(lines: Lines) -> Metadata:
    return {
        "cartItems": json.dumps([{"i": "p", "v": code, "q": units} for code, units in lines], separators=(",", ":"))
    }


def as_wrapped(lines: Lines) -> Metadata:
    return {"orderData": json.dumps({"customer": "Casey", "items": [{"id": c, "quantity": str(u)} for c, u in lines]})}


def as_map(lines: Lines) -> Metadata:
    return {"bag": json.dumps(dict(lines))}


def as_sizes(lines: Lines) -> Metadata:
    return {"bag": json.dumps({code: {"items_by_size": {"m": units}} for code, units in lines})}


def as_base64(lines: Lines) -> Metadata:
    return {"cartData": base64.b64encode(as_list(lines)["cart"].encode()).decode()}


def in_pieces(name: str, text: str, size: int) -> Metadata:
    return {f"{name}_{n}": text[n * size : (n + 1) * size] for n in range(-(-len(text) // size))}


def as_pieces(lines: Lines) -> Metadata:
    return in_pieces("orderData", as_wrapped(lines)["orderData"], 60)


def as_counted_base64_pieces(lines: Lines) -> Metadata:
    pieces = in_pieces("cart", as_base64(lines)["cartData"], 48)
    return {**pieces, "cartChunks": str(len(pieces))}


def as_packed(lines: Lines) -> Metadata:
    return {"items": ",".join(f"{code}:{units}" for code, units in lines), "itemCount": str(len(lines))}


def as_pipes(lines: Lines) -> Metadata:
    return {"itemCount": str(len(lines))} | {f"item_{n}": f"{c}|{u}|note||9.50" for n, (c, u) in enumerate(lines)}


def as_flat(lines: Lines) -> Metadata:
    count = {"item_count": str(len(lines))}
    codes = {f"product_{n}_id": code for n, (code, _) in enumerate(lines, start=1)}
    return count | codes | {f"product_{n}_quantity": str(units) for n, (_, units) in enumerate(lines, start=1)}


def as_parallel(lines: Lines) -> Metadata:
    return {
        "skus": ",".join(c for c, _ in lines),
        "quantities": ",".join(str(u) for _, u in lines),
        "numItems": str(len(lines)),
    }


SHAPES: list[Callable[[Lines], Metadata]] = [
    as_list, as_short_keys, as_wrapped, as_map, as_sizes, as_base64, as_pieces, as_counted_base64_pieces, as_packed,
    as_pipes, as_flat, as_parallel,
]  # fmt: skip
ENDS_VISIBLY = [as_list, as_short_keys, as_wrapped, as_map, as_sizes, as_base64]


def read(metadata: Metadata) -> Lines | None:
    """Return the lines of a cart, or None where it is refused or not recognised."""
    try:
        cart = read_cart(metadata)
    except UnreadableCart:
        return None
    return [(line.code, line.quantity) for line in cart.lines] if isinstance(cart, Cart) else None


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
@settings(deadline=None, max_examples=40)
@given(lines=CARTS)
def test_a_cart_written_in_any_shape_reads_back_equal(shape: Callable[[Lines], Metadata], lines: Lines) -> None:
    assert read(shape(lines)) == lines


@settings(deadline=None, max_examples=100)
@given(code=ANY_CODE, units=UNITS)
def test_a_code_of_any_letters_reads_back_trimmed(code: str, units: int) -> None:
    looks = values.folded(code).strip()
    assert read({"cart": json.dumps([{"sku": code, "qty": units}])}) == ([(looks, units)] if looks else None)


@pytest.mark.parametrize("shape", ENDS_VISIBLY, ids=lambda shape: shape.__name__)
@settings(deadline=None, max_examples=40)
@given(lines=CARTS, data=st.data())
def test_a_text_cut_off_anywhere_is_never_a_smaller_cart(
    shape: Callable[[Lines], Metadata], lines: Lines, data: st.DataObject
) -> None:
    ((key, text),) = shape(lines).items()
    cut = data.draw(st.integers(0, len(text) - 1))
    assert read({key: text[:cut]}) in (None, lines)


@settings(deadline=None, max_examples=60)
@given(
    limit=st.sampled_from([255, 400, 450, 480, 490, 500]),
    first=st.integers(1, 10**6),
    units=st.lists(UNITS, min_size=1, max_size=5),
)
def test_packed_text_cut_off_where_shops_do_is_never_a_smaller_cart(limit: int, first: int, units: list[int]) -> None:
    text = ",".join(f"SKU-{first + n}:{units[n % len(units)]}" for n in range(70))
    assert read({"items": text[:limit]}) is None


@pytest.mark.parametrize("shape", [as_pieces, as_counted_base64_pieces, as_pipes, as_flat], ids=lambda s: s.__name__)
@settings(deadline=None, max_examples=40)
@given(lines=BULKY, data=st.data())
def test_a_cart_without_one_of_its_entries_is_never_a_smaller_cart(
    shape: Callable[[Lines], Metadata], lines: Lines, data: st.DataObject
) -> None:
    metadata = shape(lines)
    lost = data.draw(st.sampled_from(sorted(metadata)))
    assert read({key: text for key, text in metadata.items() if key != lost}) in (None, lines)


@settings(deadline=None, max_examples=60)
@given(lines=CARTS, one=st.sampled_from(SHAPES), other=st.sampled_from(SHAPES), more=st.booleans())
def test_a_cart_written_twice_counts_once_and_a_difference_is_refused(
    lines: Lines, one: Callable[[Lines], Metadata], other: Callable[[Lines], Metadata], more: bool
) -> None:
    certain = (as_parallel,)  # read only where there is nothing clearer
    first, second = one(lines), other([*lines[:-1], (lines[-1][0], lines[-1][1] % MAX_UNITS + 1)] if more else lines)
    if first.keys() & second.keys() or one in certain or other in certain or {one, other} & {as_wrapped}:
        return
    assert read({**second, **first}) in ((None,) if more else (lines, sorted(lines)))


KEYS = st.sampled_from(["cart", "items", "cart_0", "cart_1", "item_1", "item_2", "orderData", "bag", "sku", "quantity",
                        "product_1_id", "product_1_quantity", "itemCount", "cartChunks", "order_id", "skus",
                        "quantities", "prod_A1", "chunk_0"])  # fmt: skip
VALUES = st.one_of(
    st.text(max_size=40),
    JSON.map(json.dumps),
    st.lists(st.fixed_dictionaries({"sku": JSON, "qty": JSON}), max_size=3).map(json.dumps),
    st.dictionaries(st.text(max_size=5), JSON, max_size=3).map(json.dumps),
    st.from_regex(r"[A-Z0-9]{1,3}[:|=]-?[0-9.]{1,8}(,[A-Z]:[0-9])?", fullmatch=True),
    JSON.map(lambda value: base64.b64encode(json.dumps(value).encode()).decode()),
    st.integers(-2, 12).map(str),
)


@pytest.mark.slow
@settings(deadline=None, max_examples=200)
@example(metadata={"cart": '[{"sku": "\\ud800", "qty": 1}]'}, cut=None)
@example(metadata={"cart": "\x00"}, cut=None)
@given(metadata=st.dictionaries(KEYS | st.text(max_size=12), VALUES, max_size=6), cut=st.none() | st.integers(0, 60))
def test_no_metadata_crashes_the_reader(metadata: Metadata, cut: int | None) -> None:
    cart = preview({key: text[:cut] for key, text in metadata.items()}, None)
    if isinstance(cart, UnreadableCart):
        assert cart.why
        assert "\x00" not in cart.raw.encode().decode()  # no lone surrogates
    if isinstance(cart, Cart):
        assert cart.lines
        assert all(line.code.strip() and 0 < line.quantity <= MAX_UNITS for line in cart.lines)


CELLS = st.sampled_from(["TR", "TR-42", "42", "1", "11990", "9.5", "M", "2x", "Shoe 1", "-1", "0", ""]) | st.integers(
    -1, 200
)
LISTS = st.lists(st.lists(CELLS, min_size=1, max_size=5), min_size=1, max_size=3)
MARKED = st.builds(
    lambda rows, mark, between: between.join(mark.join(map(str, row)) for row in rows),
    LISTS, st.sampled_from("|~:=*@, x"), st.sampled_from("\n;,|"),
)  # fmt: skip


@settings(deadline=None, max_examples=150)
@example(metadata={"cart": "[[null, 4.6e-34]]"})
@example(metadata={"cart": "[[2.0043950794298572e+16]]"})
@example(metadata={"more": "9", "qty": "2", "trackId": "11"})
@given(metadata=st.dictionaries(KEYS, VALUES | MARKED | LISTS.map(json.dumps), max_size=3))
def test_the_mapping_of_any_reading_of_any_metadata_gives_this_reading(metadata: Metadata) -> None:
    try:
        found = readings(metadata)
    except UnreadableCart:
        return
    for each in found.possible:
        assert each.mapping is None or not each.certain
        if each.mapping:
            (mapped,) = readings(metadata, from_json(each.mapping.to_json())).possible
            assert mapped.cart.lines == each.cart.lines, each.how


@settings(deadline=None, max_examples=100)
@given(metadata=st.dictionaries(KEYS, JSON, max_size=4))
def test_values_that_are_not_text_are_refused_or_ignored(metadata: dict[str, Any]) -> None:
    cart: object = None
    try:
        cart = read_cart(metadata)
    except UnreadableCart as error:
        error.raw.encode()
    assert cart is None or all(value is None or isinstance(value, str) for value in metadata.values())


@pytest.mark.slow
@settings(deadline=None, max_examples=100)
@given(
    items=st.lists(st.fixed_dictionaries({"quantity": JSON, "price": JSON | st.fixed_dictionaries({"product": JSON})}))
)
def test_no_line_items_crash_the_reader(items: list[dict[str, Any]]) -> None:
    try:
        cart = lines_of_items(items)
    except UnreadableCart as error:
        error.raw.encode()
    else:
        assert [line.quantity for line in cart.lines] == [item["quantity"] for item in items]
