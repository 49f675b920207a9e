"""Fields without names are read in every possible way, and each way can become the shop's mapping."""

from __future__ import annotations

import json

import pytest

from core.carts.mapping import from_json
from core.carts.positions import MOST_READINGS
from core.carts.possible import Possible, readings
from core.carts.reading import read_cart
from core.foundation.errors import UnreadableCart
from core.foundation.sales import CartLine, Lookup

Line = tuple[str, str | None, int, int | None]


def line_of(line: CartLine) -> Line:
    return line.code, line.size, line.quantity, line.unit_price


def ways(metadata: dict[str, str]) -> dict[str, list[Line]]:
    """Return the lines of each possible reading by how it reads them."""
    return {each.how: [line_of(line) for line in each.cart.lines] for each in readings(metadata).possible}


def refusal(metadata: dict[str, str]) -> str:
    with pytest.raises(UnreadableCart) as refused:
        readings(metadata)
    return refused.value.why


# Each text with the way that its shop means, and one that takes other goods.
WRITTEN: dict[str, tuple[str, str, list[Line], str, list[Line]]] = {
    "a list of code, size, quantity and price": (
        '[["TR", "42", 1, 11990]]',
        "code, size, quantity, price", [("TR", "42", 1, 11990)],
        "code, quantity, something else, price", [("TR", None, 42, 11990)],
    ),
    "a list of code, price and quantity": (
        '[["TR-42", 120, 1]]',
        "code, price, quantity", [("TR-42", None, 1, 120)],
        "code, quantity, price", [("TR-42", None, 120, 1)],
    ),
    "pipes with a size": (
        "TR|42|1;TR|43|2",
        "code, size, quantity", [("TR", "42", 1, None), ("TR", "43", 2, None)],
        "code, quantity, price", [("TR", None, 42, 1), ("TR", None, 43, 2)],
    ),
    "colons with a price": (
        "TR-42:2:11990,MUG-1:1:900",
        "code, quantity, price", [("TR-42", None, 2, 11990), ("MUG-1", None, 1, 900)],
        "code, quantity", [("TR-42:2", None, 11990, None), ("MUG-1:1", None, 900, None)],
    ),
    "a code and a price": (
        "TR-42:120,MUG-1:15",
        "code, price; one unit each", [("TR-42", None, 1, 120), ("MUG-1", None, 1, 15)],
        "code, quantity", [("TR-42", None, 120, None), ("MUG-1", None, 15, None)],
    ),
    "a code and a price with decimals": (
        "TR-42:120,MUG-1:15.50",
        "code, price; one unit each", [("TR-42", None, 1, 12_000), ("MUG-1", None, 1, 1_550)],
        "code, price; one unit each", [("TR-42", None, 1, 12_000), ("MUG-1", None, 1, 1_550)],
    ),
    "a product and a size": (
        "TR:42,TR:43",
        "code, size; one unit each", [("TR", "42", 1, None), ("TR", "43", 1, None)],
        "code, quantity", [("TR", None, 42, None), ("TR", None, 43, None)],
    ),
    "the quantity first": (
        '[[2, "TR-42"], [1, "MUG-1"]]',
        "quantity, code", [("TR-42", None, 2, None), ("MUG-1", None, 1, None)],
        "price, code; one unit each", [("TR-42", None, 1, 2), ("MUG-1", None, 1, 1)],
    ),
    "lines with their numbers": (
        '[[1, "TR-42"], [2, "MUG-1"]]',
        "something else, code; one unit each", [("TR-42", None, 1, None), ("MUG-1", None, 1, None)],
        "quantity, code", [("TR-42", None, 1, None), ("MUG-1", None, 2, None)],
    ),
    "an id between code and quantity": (
        '[["TR-42", 118, 2], ["MUG-1", 71, 1]]',
        "code, something else, quantity", [("TR-42", None, 2, None), ("MUG-1", None, 1, None)],
        "code, quantity, price", [("TR-42", None, 118, 2), ("MUG-1", None, 71, 1)],
    ),
    "a name before the code": (
        '[["Trail Runner", "10042", 2, "119.90"]]',
        "name, code, quantity, price", [("10042", None, 2, 11_990)],
        "code, something else, quantity, price", [("Trail Runner", None, 2, 11_990)],
    ),
    "a map of codes": (
        '{"TR-42": 120, "MUG-1": 15}',
        "code, price; one unit each", [("TR-42", None, 1, 120), ("MUG-1", None, 1, 15)],
        "code, quantity", [("TR-42", None, 120, None), ("MUG-1", None, 15, None)],
    ),
    "texts in a list": (
        '["TR-42:2", "MUG-1:1"]',
        "code, quantity", [("TR-42", None, 2, None), ("MUG-1", None, 1, None)],
        "code, size; one unit each", [("TR-42", "2", 1, None), ("MUG-1", "1", 1, None)],
    ),
    "codes in a list": (
        '["TR-42", "MUG-1"]',
        "code; one unit each", [("TR-42", None, 1, None), ("MUG-1", None, 1, None)],
        "code; one unit each", [("TR-42", None, 1, None), ("MUG-1", None, 1, None)],
    ),
    "a code with a colon": (
        "shoes:TR-42:2,MUG-1:1",
        "code, quantity", [("shoes:TR-42", None, 2, None), ("MUG-1", None, 1, None)],
        "code, price; one unit each", [("shoes:TR-42", None, 1, 2), ("MUG-1", None, 1, 1)],
    ),
    "only numbers": (
        '[["10042", 2], ["10077", 1]]',
        "code, quantity", [("10042", None, 2, None), ("10077", None, 1, None)],
        "quantity, code", [("2", None, 10_042, None), ("1", None, 10_077, None)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", WRITTEN)
def test_a_text_without_names_is_read_as_its_shop_means_it_and_in_other_ways(text: str) -> None:
    cart, meant, lines, other, others = WRITTEN[text]
    found = ways({"cart": cart})
    assert found[meant] == lines
    assert found[other] == others


def places() -> dict[str, dict[str, str]]:
    """Return the texts, and some of them in other places of the metadata."""
    nested = {"a list in an object": {"orderData": json.dumps({"customer": "Casey", "items": [["TR", "42", 1]]})}}
    spread = {
        "entries": {"item_0": "TR|42|1", "item_1": "TR|43|2"},
        "pieces": {"cart_1": '[["TR-42", 120', "cart_2": ', 1], ["MUG", 15, 2]]'},
        "keys of Stripe": {"prod_Qx1": "2", "prod_Qx9": "1"},
        "unknown names": {
            "cart": '[{"slug": "tr-42", "menuId": 7, "product": {"handle": "tr"}, "qty": 2, "size": 42}]'
        },
        "unknown lists": {"handles": "TR-42,MUG-1", "quantities": "2,1", "sizes": "42,one"},
        "an unknown entry": {"po": "TR-42", "trackId": "T9", "quantity": "2"},
        "times before": {"cart": "2x TR-42,1x MUG-1"},
        "times after": {"cart": "Box x2; TR-42 x1"},
        "times without a space": {"cart": "soapx2,brushx1"},
        "labels": {"cart": "Trail Runner \u2014 Size: M \u2014 Qty: 2"},
        "tildes": {"cart": "TR~42~2,MUG~~1"},
        "beside named lines": {"cart": "TR-42:2", "addons": '[{"sku": "SOCK", "qty": 1}]'},
    }
    return {text: {"cart": WRITTEN[text][0]} for text in WRITTEN} | nested | spread


@pytest.mark.parametrize("place", places())
def test_the_mapping_of_a_reading_gives_exactly_this_reading(place: str) -> None:
    metadata = places()[place]
    found = readings(metadata).possible
    assert found
    for each in found:
        assert not each.certain
        assert each.mapping
        saved = from_json(json.loads(json.dumps(each.mapping.to_json())))
        (mapped,) = readings(metadata, saved).possible
        assert mapped == Possible(cart=mapped.cart, how="the shop's cart mapping", certain=True)
        assert mapped.cart.lines == each.cart.lines, each.how


@pytest.mark.parametrize("place", places())
def test_no_two_readings_say_the_same_and_few_take_other_goods(place: str) -> None:
    found = [each.cart.lines for each in readings(places()[place]).possible]
    assert len(set(found)) == len(found)
    takes = {tuple((line.code, line.size, line.quantity) for line in lines) for lines in found}
    assert len(takes) <= MOST_READINGS


def test_fields_with_names_are_one_certain_reading() -> None:
    (only,) = readings({"cart": '[{"sku": "TR-42", "qty": 2, "price": 11990}]'}).possible
    assert (only.certain, only.mapping, only.how) == (True, None, "its named fields")
    assert line_of(only.cart.lines[0]) == ("TR-42", None, 2, 11990)


def test_a_code_with_an_unknown_name_is_a_short_text_or_a_number_but_no_title_address_or_date() -> None:
    line = {
        "slug": "tr-42", "menuId": 7, "name": "Trail", "url": "https://shop.example/tr", "addedAt": "2026-03-01",
        "contact": "casey@shop.example", "ratio": 1.5, "text": "T" * 80, "gift": True, "qty": 2, "price": 900,
    }  # fmt: skip
    found = ways({"cart": json.dumps([line])})
    assert found == {
        "slug as code, qty as quantity": [("tr-42", None, 2, 900)],
        "menuId as code, qty as quantity": [("7", None, 2, 900)],
    }


def test_a_reading_holds_for_all_lines_of_a_cart() -> None:
    assert ways({"cart": '[["TR", "M", 1], ["MUG", 3, 2]]'}).keys() == {
        how for how in ways({"cart": '[["TR", "M", 1], ["MUG", "3", 2]]'}) if "quantity, quantity" not in how
    }
    assert all(lines[0][2] != 42 for lines in ways({"cart": "TR|42|1;TR|9.5|2"}).values())


def test_a_zero_or_a_negative_number_is_nothing_that_is_bought() -> None:
    for text in ("A:1,B:0", "A:1,B:-1", '{"A": 1, "B": 0}', '[["A", 1], ["B", 0]]'):
        assert "not a whole number" in refusal({"cart": text})


def test_wide_lines_are_read_by_their_first_text_and_wider_ones_in_too_many_ways() -> None:
    wide = "p-100|2|coach7||2000|200|1800|acct_x|coach|7"
    assert [("p-100", None, 2, 2000)] in ways({"cart": wide}).values()
    assert "too many ways" in refusal({"cart": json.dumps([list(range(100, 112))])})
    assert "more than 20 fields" in refusal({"cart": json.dumps([["A", *range(30)]])})


def test_the_same_cart_with_names_decides_how_one_without_names_is_read() -> None:
    named = '[{"sku": "TR", "size": "42", "qty": 1}]'
    (only,) = readings({"cart": named, "items": "TR|42|1"}).possible
    assert only.certain
    assert line_of(only.cart.lines[0]) == ("TR", "42", 1, None)
    for other in ("TR|43|2", "MUG|42|1", "TR:3"):
        assert "occurs twice and differs" in refusal({"cart": named, "items": other})


def test_an_order_number_beside_a_cart_without_names_is_kept() -> None:
    found = readings({"cart": "TR-42:2", "order_id": "5531"})
    assert found.possible
    assert found.lookup == Lookup(reference="5531")


def test_one_cart_is_asked_for_and_the_first_with_a_quantity_is_given() -> None:
    cart = read_cart({"cart": "TR-42:2,MUG-1:1"})
    assert cart is not None
    assert not isinstance(cart, Lookup)
    assert [line.quantity for line in cart.lines] == [2, 1]
    with pytest.raises(UnreadableCart, match="not a whole number"):
        read_cart({"cart": "TR-42:120,MUG-1:15.50"})
