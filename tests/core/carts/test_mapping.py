"""A mapping reads layouts that are not recognised, just as strictly, and its errors name the wrong field."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.carts.mapping import CartMapping, Layout, from_json
from core.carts.reading import preview, read_cart
from core.foundation.errors import InvalidInput, UnreadableCart
from core.foundation.sales import Cart, CartLine, Lookup

LIST = CartMapping(
    layout=Layout.LIST, key="Warenkorb", path="korb.zeilen", code="artikel.nr", more_codes=("ean",), quantity="anzahl",
    size="groesse", name="text", price="preis",
)  # fmt: skip
ROWS = [
    {"artikel": {"nr": "ROD-7"}, "ean": 4006381333931, "anzahl": 3, "groesse": 9.5, "text": "Rod", "preis": "49.00"},
    {"artikel": {"nr": "REEL-2"}, "anzahl": "1", "preis": 12},
]
TEXT = json.dumps({"korb": {"zeilen": ROWS}})
LINES = (
    CartLine(code="ROD-7", codes=("4006381333931",), quantity=3, size="9.5", name="Rod", unit_price=4900),
    CartLine(code="REEL-2", quantity=1, unit_price=1200),
)
MAPPINGS: dict[str, tuple[CartMapping, dict[str, str]]] = {
    "a map of counts": (CartMapping(layout=Layout.MAP, key="w"), {"w": '{"ROD-7": 3, "REEL-2": "1"}'}),
    "a map of objects": (
        CartMapping(layout=Layout.MAP, key="w", quantity="anzahl"),
        {"w": '{"ROD-7": {"anzahl": 3}, "REEL-2": {"anzahl": 1}}'},
    ),
    "packed, the quantity first": (
        CartMapping(layout=Layout.PACKED, key="w", code="2", quantity="1", line_separator=" / ", field_separator="x "),
        {"w": "3x ROD-7 / 1x REEL-2"},
    ),
    "entries with a number": (
        CartMapping(layout=Layout.NUMBERED, code="ware{n}", quantity="stueck{n}"),
        {"ware1": "ROD-7", "stueck1": "3", "ware2": "REEL-2", "stueck2": "1"},
    ),
    "pieces": (
        CartMapping(layout=Layout.LIST, key="w{n}", code="c", quantity="n", count="teile"),
        {"w0": '[{"c": "ROD-7", "n": 3}, {"c', "w1": '": "REEL-2", "n": 1}]', "teile": "2"},
    ),
    "base64": (
        CartMapping(layout=Layout.LIST, key="w", code="c", quantity="n"),
        {"w": base64.b64encode(b'[{"c": "ROD-7", "n": 3}, {"c": "REEL-2", "n": 1}]').decode()},
    ),
    "keys that are codes": (CartMapping(layout=Layout.KEYS, key="*"), {"ROD-7": "3", "REEL-2": "1"}),
}


def refusal(metadata: dict[str, str], mapping: CartMapping) -> str:
    found = preview(metadata, mapping)
    assert isinstance(found, UnreadableCart), found
    return found.why


def test_a_mapping_reads_every_field_where_it_is_said_to_be() -> None:
    assert read_cart({"Warenkorb": TEXT}, LIST) == Cart(lines=LINES, source="mapping")
    assert read_cart({"Warenkorb": TEXT}) is None


@pytest.mark.parametrize("layout", MAPPINGS)
def test_a_mapping_reads_every_layout(layout: str) -> None:
    mapping, metadata = MAPPINGS[layout]
    cart = read_cart(metadata, mapping)
    assert isinstance(cart, Cart), cart
    assert [(line.code, line.quantity) for line in cart.lines] == [("ROD-7", 3), ("REEL-2", 1)]


def test_a_key_with_a_prefix_before_the_code_gives_both_codes() -> None:
    cart = read_cart({"take_ROD-7": "3", "note": "hello"}, CartMapping(layout=Layout.KEYS, key="take_*"))
    assert cart == Cart(lines=(CartLine(code="take_ROD-7", codes=("ROD-7",), quantity=3),), source="mapping")


def test_a_mapping_without_a_quantity_counts_one_a_line() -> None:
    mapping = CartMapping(layout=Layout.PACKED, key="w", code="1", field_separator="")
    cart = read_cart({"w": "ROD-7,REEL-2"}, mapping)
    assert isinstance(cart, Cart)
    assert [(line.code, line.quantity) for line in cart.lines] == [("ROD-7", 1), ("REEL-2", 1)]


def test_the_number_of_an_order_can_be_mapped() -> None:
    mapping = CartMapping(layout=Layout.ORDER, key="Bestellung")
    assert read_cart({"Bestellung": " 2026-17 "}, mapping) == Lookup(reference="2026-17")
    assert read_cart({"Bestellung": "the usual"}, mapping) is None


def test_a_mapping_comes_before_the_known_layouts_unless_its_key_is_missing() -> None:
    mapping = CartMapping(layout=Layout.PACKED, key="w", code="1", quantity="2")
    usual = {"cart": '[{"sku": "LINE-5", "qty": 2}]'}
    mapped, other = read_cart({**usual, "w": "ROD-7:3"}, mapping), read_cart(usual, mapping)
    assert isinstance(mapped, Cart)
    assert isinstance(other, Cart)
    assert (mapped.source, mapped.lines[0].code) == ("mapping", "ROD-7")
    assert (other.source, other.lines[0].code) == ("metadata:list", "LINE-5")


PACKED = CartMapping(layout=Layout.PACKED, key="w", code="1", quantity="2")
REFUSED: dict[str, tuple[CartMapping, dict[str, str], str]] = {
    "no list there": (LIST, {"Warenkorb": '{"korb": {}}'}, "no list of objects at korb.zeilen"),
    "free text": (LIST, {"Warenkorb": "a rod"}, "no list of objects"),
    "cut JSON": (LIST, {"Warenkorb": TEXT[:80]}, "was cut"),
    "no map there": (CartMapping(layout=Layout.MAP, key="w"), {"w": "[1]"}, "no object of codes"),
    "a line without its code": (LIST, {"Warenkorb": '{"korb": {"zeilen": [{"anzahl": 1}]}}'}, "names no product"),
    "a quantity of nothing": (PACKED, {"w": "ROD-7:0"}, "not a whole number"),
    "a part without its quantity": (PACKED, {"w": "ROD-7:1,REEL-2"}, "has no quantity"),
    "text that may have been cut": (PACKED, {"w": f"{'R' * 190}:1,{'S' * 190}:2,{'T' * 90}:1"}, "may have been cut"),
    "a piece that is missing": (CartMapping(layout=Layout.LIST, key="w{n}", code="c"), {"w0": "[", "w2": "]"}, "w1"),
    "a line that is missing": (
        CartMapping(layout=Layout.NUMBERED, code="a{n}", quantity="b{n}"),
        {"a1": "X", "b1": "1", "a3": "Y", "b3": "1"},
        "a2 is missing",
    ),
    "fewer than were counted": (
        CartMapping(layout=Layout.PACKED, key="w", code="1", quantity="2", count="c"),
        {"w": "A:1,B:1", "c": "5"},
        "c is 5",
    ),
    "no count": (
        CartMapping(layout=Layout.PACKED, key="w", code="1", quantity="2", count="c"),
        {"w": "A:1"},
        "does not say",
    ),
    "a key that is no code": (CartMapping(layout=Layout.KEYS, key="*"), {"ROD-7": "1", "note": "hi"}, "whole number"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_a_mapping_reads_all_or_nothing(fault: str) -> None:
    mapping, metadata, why = REFUSED[fault]
    assert why in refusal(metadata, mapping)


def test_a_preview_shows_what_would_be_read_and_what_would_be_refused() -> None:
    assert preview({"Warenkorb": TEXT}, LIST) == read_cart({"Warenkorb": TEXT}, LIST)
    assert preview({"order_id": "5531"}, None) == Lookup(reference="5531")
    assert preview({}, LIST) is None
    assert isinstance(preview({"cart": "[{"}, LIST), UnreadableCart)


# ---------------------------------------------------------------- its JSON form


@pytest.mark.parametrize("mapping", [LIST, *(mapping for mapping, _ in MAPPINGS.values())], ids=lambda m: m.layout)
def test_a_mapping_comes_back_from_json_as_it_was(mapping: CartMapping) -> None:
    assert from_json(json.loads(json.dumps(mapping.to_json()))) == mapping


INVALID: dict[str, tuple[Any, str, str]] = {
    "no object": ([], "mapping", "must be a JSON object"),
    "an unknown field": ({"layout": "map", "key": "w", "colour": "red"}, "mapping", "has no field called colour"),
    "no layout": ({"key": "w"}, "layout", "must be one of"),
    "a layout that is a list": ({"layout": [], "key": "w"}, "layout", "must be one of"),
    "no key": ({"layout": "map"}, "key", "must not be empty"),
    "a key Stripe has not": ({"layout": "map", "key": "w" * 41}, "key", "at most 40"),
    "a number": ({"layout": "map", "key": 5}, "key", "must be text"),
    "a control character": ({"layout": "map", "key": "a\x00"}, "key", "control characters"),
    "half a character": ({"layout": "map", "key": "a\ud800"}, "key", "control characters"),
    "codes that are text": ({"layout": "map", "key": "w", "more_codes": "ean"}, "more_codes", "list of texts"),
    "two numbers": ({"layout": "list", "key": "{n}{n}", "code": "c"}, "key", "cannot contain {n}"),
    "no star": ({"layout": "keys", "key": "w"}, "key", "one *"),
    "a star for nothing": ({"layout": "map", "key": "w*"}, "key", "one *"),
    "no code": ({"layout": "list", "key": "w"}, "code", "must not be empty"),
    "entries without a number": ({"layout": "numbered", "code": "a{n}", "quantity": "b"}, "code", "must contain {n}"),
    "a position that is a name": ({"layout": "packed", "key": "w", "code": "sku"}, "code", "position"),
    "one position twice": (
        {"layout": "packed", "key": "w", "code": "1", "quantity": "1"},
        "code",
        "must have different positions",
    ),
    "one separator twice": (
        {"layout": "packed", "key": "w", "code": "1", "quantity": "2", "line_separator": ":"},
        "line_separator",
        "or equal to the field separator",
    ),
    "no separator": (
        {"layout": "packed", "key": "w", "code": "1", "quantity": "2", "field_separator": ""},
        "field_separator",
        "must not be empty",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", INVALID)
def test_a_mapping_that_could_never_read_a_cart_names_the_field_and_why(fault: str) -> None:
    values, field, why = INVALID[fault]
    with pytest.raises(InvalidInput) as refused:
        from_json(values)
    assert refused.value.field == field
    assert why in refused.value.why


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6), lambda s: st.lists(s, max_size=3), max_leaves=5
)
VALUES = st.sampled_from(["", "1", "2", "w", "w{n}", "w*", "a.b", ",", 5])
FORMS = st.fixed_dictionaries(
    {"layout": st.sampled_from([*Layout, "other"])},
    optional=dict.fromkeys(CartMapping.__slots__[1:], VALUES),
)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(form=FORMS, value=JSON.map(json.dumps) | st.text(max_size=20))
def test_any_mapping_is_refused_by_field_or_reads_without_a_crash(form: dict[str, Any], value: str) -> None:
    mapping, refused = None, ""
    try:
        mapping = from_json(form)
    except InvalidInput as error:
        refused = error.field
    assert (mapping is None) == (refused in {*CartMapping.__slots__, "mapping"})
    if mapping is None:
        return
    assert from_json(mapping.to_json()) == mapping
    found = preview({"w": value, "w0": value, "w1": value, "1": "2"}, mapping)
    assert found is None or isinstance(found, Cart | Lookup | UnreadableCart)
