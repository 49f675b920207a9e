"""Half a cart is never read: lists beside it, lists in its lines, and notes that there is more."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.carts.mapping import CartMapping, Layout
from core.carts.possible import readings
from core.carts.reading import read_cart
from core.foundation.errors import UnreadableCart
from core.foundation.sales import Cart, Lookup

ROWS = [{"sku": "TR-42", "qty": 2}, {"sku": "MUG-1", "qty": 1}]
TEXT = json.dumps(ROWS)
SOCK = {"sku": "SOCK", "qty": 1}
BOUGHT = [("TR-42", 2), ("MUG-1", 1)]


def lines(metadata: dict[str, str], mapping: CartMapping | None = None) -> list[tuple[str, int]]:
    """Return the lines of the only reading of a cart, which `read_cart` returns too."""
    (only,) = readings(metadata, mapping).possible
    assert only.certain
    assert read_cart(metadata, mapping) == only.cart
    return [(line.code, line.quantity) for line in only.cart.lines]


def refusal(metadata: dict[str, str], mapping: CartMapping | None = None) -> str:
    with pytest.raises(UnreadableCart) as refused:
        readings(metadata, mapping)
    with pytest.raises(UnreadableCart):
        read_cart(metadata, mapping)
    assert refused.value.raw
    return refused.value.why


def wrapped(**beside: Any) -> dict[str, str]:
    return {"orderData": json.dumps({"items": ROWS, **beside})}


# ---------------------------------------------------------------- lists beside the list


@pytest.mark.parametrize(
    "name", ["addons", "add_ons", "giftItems", "gift_items", "upsells", "freeSamples", "extraItems"]
)
def test_a_list_of_named_lines_beside_the_cart_belongs_to_it(name: str) -> None:
    assert lines({"cart": TEXT, name: json.dumps([SOCK])}) == [*BOUGHT, ("SOCK", 1)]
    assert lines({"items": TEXT, name: json.dumps(SOCK)}) == [*BOUGHT, ("SOCK", 1)]
    assert lines(wrapped(**{name: [SOCK]})) == [*BOUGHT, ("SOCK", 1)]


def test_a_list_beside_a_cart_without_names_belongs_to_each_of_its_readings() -> None:
    found = readings({"cart": "TR-42:2", "addons": json.dumps([SOCK])}).possible
    assert len(found) > 1
    assert all(each.cart.lines[-1].code == "SOCK" for each in found)


def test_a_list_beside_a_mapped_cart_belongs_to_it_or_refuses_it() -> None:
    mapping = CartMapping(layout=Layout.PACKED, key="w", code="1", quantity="2")
    assert lines({"w": "TR-42:2,MUG-1:1", "addons": json.dumps([SOCK])}, mapping) == [*BOUGHT, ("SOCK", 1)]
    assert "addons" in refusal({"w": "TR-42:2", "addons": "SOCK"}, mapping)
    gifts = CartMapping(layout=Layout.LIST, key="gifts", code="sku", quantity="qty")
    assert lines({"gifts": TEXT}, gifts) == BOUGHT


BESIDE: dict[str, Any] = {
    "addons": ["SOCK"], "add_on_ids": [17], "giftItems": "SOCK", "gift_items": [{"name": "Sock"}],
    "upsellProductId": "SOCK", "crossSellSkus": "SOCK,HAT", "bundleItems": [{"id": 1}], "freeGift": {"name": "Sock"},
}  # fmt: skip


@pytest.mark.parametrize("name", BESIDE)
def test_a_list_beside_the_cart_that_cannot_be_read_refuses_all_of_it_by_name(name: str) -> None:
    value = BESIDE[name]
    text = value if isinstance(value, str) else json.dumps(value)
    assert name in refusal({"cart": TEXT, name: text})
    assert name in refusal(wrapped(**{name: value}))


@pytest.mark.parametrize("empty", ["", "[]", "{}", "null", "none", "false", "0", "no"])
def test_an_empty_list_beside_the_cart_is_no_list(empty: str) -> None:
    assert lines({"cart": TEXT, "addons": empty, "gift_items": empty, "upsellProductId": empty}) == BOUGHT


@pytest.mark.parametrize(
    "beside",
    [
        {"gift": "true"}, {"gift_message": "Happy birthday"}, {"giftcard_code": "G-20"}, {"is_gift": "yes"},
        {"reservationIds": "[5, 6]"}, {"customer": '{"id": 7}'}, {"note": "{broken"}, {"bundle": "false"},
        {"order": '{"id": 5531, "quantity": 3}'}, {"images": '["a.png"]'}, {"moreInfo": "call me"},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_list_of_goods_does_not_refuse_a_cart(beside: dict[str, str]) -> None:
    assert lines({"cart": TEXT, **beside}) == BOUGHT


def test_a_list_under_an_unknown_name_is_the_same_cart_or_refuses_it() -> None:
    assert lines({"cart": TEXT, "tracked": TEXT}) == BOUGHT
    assert "tracked has other goods" in refusal({"cart": TEXT, "tracked": json.dumps([SOCK])})
    assert "other" in refusal(wrapped(other=[SOCK]))


@pytest.mark.parametrize(
    "other",
    [
        {"products": json.dumps([{"sku": "SOCK", "qty": 2}, {"sku": "HAT", "qty": 1}])},
        {"orderData": json.dumps({"items": [SOCK]})},
        {"skus": "SOCK,HAT", "quantities": "2,1"},
        {"sku": "SOCK", "quantity": "1"},
        {"items": "SOCK:2,HAT:1"},
    ],
    ids=str,
)
def test_another_cart_with_codes_of_the_same_kind_is_not_the_same_cart(other: dict[str, str]) -> None:
    assert "differs" in refusal({"cart": TEXT, **other})


def test_the_same_code_in_another_size_is_not_the_same_cart() -> None:
    one, other = ([{"id": "TR", "size": size, "qty": 1}] for size in ("42", "43"))
    assert "differs" in refusal({"cart": json.dumps(one), "items": json.dumps(other)})


# ---------------------------------------------------------------- lists inside a line


def test_the_sizes_or_variants_of_a_line_without_a_quantity_are_its_lines() -> None:
    parts = [{"size": "42", "qty": 1}, {"size": "43", "qty": 2}]
    for line in ({"product": "TR", "variants": parts}, {"product": "TR", "sizes": {"42": 1, "43": 2}}):
        (only,) = readings({"cart": json.dumps([line])}).possible
        assert [(each.code, each.size, each.quantity) for each in only.cart.lines] == [("TR", "42", 1), ("TR", "43", 2)]
    skus = [{"sku": "TR-42", "qty": 1}, {"sku": "TR-43", "qty": 2}]
    assert lines({"cart": json.dumps([{"productId": "TR", "variants": skus}])}) == [("TR-42", 1), ("TR-43", 2)]


def test_named_extras_of_one_unit_are_lines_and_of_several_units_they_are_not_counted() -> None:
    one = {"sku": "TR-42", "qty": 1, "addons": [SOCK]}
    assert lines({"cart": json.dumps([one])}) == [("TR-42", 1), ("SOCK", 1)]
    assert "TR-42 contains addons" in refusal({"cart": json.dumps([{**one, "qty": 2}])})


INSIDE: dict[str, Any] = {
    "a bundle": {"bundle": [SOCK]},
    "a bundle of ids": {"bundleItems": ["SOCK"]},
    "components": {"components": [{"id": "SOCK"}]},
    "variants by name": {"variants": ["red", "L"]},
    "extras by name": {"addons": ["gift wrap"]},
    "lines of another name": {"whatever": [SOCK]},
    "items": {"items": [{"id": 5}]},
}


@pytest.mark.parametrize("what", INSIDE)
def test_any_other_list_of_goods_in_a_line_refuses_the_cart_by_name(what: str) -> None:
    (name,) = INSIDE[what]
    assert name in refusal({"cart": json.dumps([{"sku": "TR-42", "qty": 1, **INSIDE[what]}])})


def test_pictures_options_and_an_inner_product_are_no_goods() -> None:
    line = {
        "sku": "TR-42", "qty": 1, "images": ["a.png"], "options": [{"name": "Size", "value": "42"}], "tags": ["run"],
        "product": {"id": "TR", "variants": [{"id": "v1", "quantity": 8}]}, "addons": [],
    }  # fmt: skip
    assert lines({"cart": json.dumps([line])}) == [("TR-42", 1)]


# ---------------------------------------------------------------- more than was written

MORE: list[dict[str, str]] = [
    {"note": "+3 more"}, {"items_text": "and 2 more items"}, {"more_items": "3"}, {"moreItems": "+3 more"},
    {"items_truncated": "true"}, {"truncated": "yes"}, {"additional_items": "2"}, {"remaining_count": "4"},
    {"hasMore": "true"},
]  # fmt: skip


@pytest.mark.parametrize("more", MORE, ids=str)
def test_a_note_that_there_is_more_refuses_the_cart(more: dict[str, str]) -> None:
    assert "more lines" in refusal({"cart": TEXT, **more})
    assert "more lines" in refusal({"cart": "TR-42:2", **more})


@pytest.mark.parametrize("none", [{"more_items": "0"}, {"truncated": "false"}, {"hasMore": "no"}], ids=str)
def test_a_note_that_there_is_no_more_refuses_nothing(none: dict[str, str]) -> None:
    assert lines({"cart": TEXT, **none}) == BOUGHT


@pytest.mark.parametrize("text", ["TR-42:2,+3 more", '["TR-42:2", "+3 more"]', '[{"sku": "A", "qty": 1}, "+3 more"]'])
def test_a_note_inside_the_list_refuses_it(text: str) -> None:
    assert refusal({"cart": text})


def test_a_note_inside_the_json_refuses_it() -> None:
    assert "more says" in refusal(wrapped(more=3)).replace(' "3"', "")
    assert "truncated" in refusal(wrapped(truncated=True))


# ---------------------------------------------------------------- counts


@pytest.mark.parametrize(
    ("count", "agrees"),
    [
        ({"items_count": "2"}, True), ({"items_count": "3"}, True), ({"items_count": "4"}, False),
        ({"itemCount": "3 items"}, True), ({"itemCount": "5 items"}, False), ({"total_quantity": "3"}, True),
        ({"total_quantity": "2"}, False), ({"line_count": "2"}, True), ({"line_count": "3"}, False),
        ({"quantity": "3"}, True), ({"quantity": "1"}, False), ({"items_count": "many"}, True),
    ],
    ids=str,
)  # fmt: skip
def test_a_count_of_lines_or_units_must_agree(count: dict[str, str], agrees: bool) -> None:
    if agrees:
        assert lines({"cart": TEXT, **count}) == BOUGHT
    else:
        assert next(iter(count)) in refusal({"cart": TEXT, **count})


def test_a_count_inside_the_json_must_agree_too() -> None:
    assert lines(wrapped(itemCount=3)) == BOUGHT
    assert "itemCount is 9" in refusal(wrapped(itemCount=9))


def test_a_count_removes_the_readings_that_it_contradicts() -> None:
    found = readings({"cart": "TR|42|1;TR|43|1", "total_quantity": "2"}).possible
    assert {sum(line.quantity for line in each.cart.lines) for each in found} == {2}
    assert "total_quantity is 5" in refusal({"cart": "TR|42|1;TR|43|1", "total_quantity": "5"})


# ---------------------------------------------------------------- an empty cart

EMPTY = [{"cart": ""}, {"cart": "[]"}, {"cart": "{}"}, {"items": "null"}, {"cartItems": ' "" '}, {"cart": "[ ]"},
         {"orderData": '{"items": []}'}, {"payload": '{"order": {"lines": null}}'}]  # fmt: skip


@pytest.mark.parametrize("metadata", EMPTY, ids=str)
def test_an_empty_cart_is_said_to_be_empty(metadata: dict[str, str]) -> None:
    assert "its cart is empty" in refusal(metadata)


def test_an_empty_value_beside_a_cart_or_an_order_number_says_nothing() -> None:
    assert lines({"cart": TEXT, "items": "[]"}) == BOUGHT
    assert readings({"cart": "[]", "order_id": "5531"}).lookup == Lookup(reference="5531")
    assert readings({"note": "[]"}) == readings({})


def test_a_whole_cart_is_a_cart() -> None:
    assert isinstance(read_cart({"cart": TEXT}), Cart)
