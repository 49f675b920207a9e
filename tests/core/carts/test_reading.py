"""A cart is read completely, in every layout, or not at all: half an order never changes stock."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from core.carts.possible import readings
from core.carts.reading import SHORT_FORM, lines_of_items, read_cart
from core.foundation.errors import Unreadable, UnreadableCart
from core.foundation.sales import Cart, CartLine, Lookup

EXAMPLES = Path(__file__).resolve().parents[4] / "shared" / "data" / "stripe" / "cart_examples.json"
Lines = list[tuple[str, int]]


def lines(metadata: dict[str, str]) -> Lines:
    cart = read_cart(metadata)
    assert isinstance(cart, Cart), cart
    return [(line.code, line.quantity) for line in cart.lines]


def line(metadata: dict[str, str]) -> CartLine:
    cart = read_cart(metadata)
    assert isinstance(cart, Cart), cart
    return cart.lines[0]


def refusal(metadata: dict[str, Any]) -> str:
    with pytest.raises(UnreadableCart) as refused:
        read_cart(metadata)
    return refused.value.why


def encoded(value: Any) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


# ---------------------------------------------------------------- what others found in the wild


def test_every_published_example_is_read_as_expected() -> None:
    if not EXAMPLES.exists():
        pytest.skip(f"{EXAMPLES.name} is not beside this project")
    examples = json.loads(EXAMPLES.read_text(encoding="utf-8"))["examples"]
    assert len(examples) > 20
    assert [example["id"] for example in examples if not is_as_expected(example)] == []


def is_as_expected(example: dict[str, Any]) -> bool:
    """Line items name the price before the product, which may come in sizes: any code of a line may match."""
    try:
        if "line_items" in example:  # the caller must notice that there is another page
            carts = [lines_of_items(example["line_items"]["data"])]
            lookup = None
        else:
            found = readings(example["metadata"])
            carts, lookup = [each.cart for each in found.possible], found.lookup
            assert len(carts) == 1 or not any(each.certain for each in found.possible)
    except UnreadableCart:
        return bool(example["result"] == "error")
    if carts:
        return example["result"] in ("items", "incomplete") and any(is_equal(cart, example) for cart in carts)
    return bool(example["result"] == ("lookup" if lookup else "none") or example["metadata"] == {})


def is_equal(cart: Cart, example: dict[str, Any]) -> bool:
    expected = [(each["sku_or_variant"], each["quantity"], each.get("size")) for each in example["expected"]]
    return all(
        code in (line.code, *line.codes) and (line.quantity, line.size) == (quantity, size)
        for line, (code, quantity, size) in zip(cart.lines, expected, strict=True)
    )


# ---------------------------------------------------------------- shapes

TWO: Lines = [("ROD-7", 3), ("REEL-2", 1)]
ROWS = [{"sku": "ROD-7", "qty": 3}, {"sku": "REEL-2", "qty": 1}]
TEXT = json.dumps(ROWS)
SHAPES = {
    "a list under cart": {"cart": TEXT},
    "a list under another name": {"order_items": TEXT},
    "a list inside an object": {"orderData": json.dumps({"customer": {"id": 7}, "items": ROWS})},
    "a list two objects deep": {"payload": json.dumps({"order": {"lines": ROWS}})},
    "JSON written twice over": {"cart": json.dumps(TEXT)},
    "base64": {"orderData": encoded({"items": ROWS})},
    "base64 for addresses, without its padding": {
        "cart": base64.urlsafe_b64encode(TEXT.encode()).decode().rstrip("=")
    },
    "pairs in lists": {"cart": '[["ROD-7", 3], ["REEL-2", "1"]]'},
    "a list of packed texts": {"cart": '["ROD-7:3", "REEL-2:1"]'},
    "a map of counts": {"bag": '{"ROD-7": 3, "REEL-2": "1"}'},
    "a map of objects": {"bag": '{"ROD-7": {"quantity": 3, "price": "9.99"}, "REEL-2": {"quantity": 1}}'},
    "packed with colons": {"items": "ROD-7:3,REEL-2:1"},
    "packed with spaces and semicolons": {"items": "ROD-7: 3; REEL-2: 1"},
    "packed with pipes": {"items": "ROD-7|3|blue;REEL-2|1|"},
    "packed with pipes between": {"items": "ROD-7:3|REEL-2:1"},
    "packed by lines": {"items": "ROD-7=3\nREEL-2=1\n"},
    "an entry a line, packed": {"item_1": "ROD-7|3", "item_2": "REEL-2|1", "item_count": "4"},
    "an entry a line, with colons": {"line1": "ROD-7:3", "line2": "REEL-2:1"},
    "an entry a line, as JSON": {"item_0": json.dumps(ROWS[0]), "item_1": json.dumps(ROWS[1])},
    "lists in batches": {"cart_0": json.dumps(ROWS[:1]), "cart_1": json.dumps(ROWS[1:])},
    "a field an entry": {"product_1_id": "ROD-7", "product_1_quantity": "3", "product_2_id": "REEL-2",
                         "product_2_quantity": "1"},
    "a field an entry, the number last": {"sku_0": "ROD-7", "qty_0": "3", "sku_1": "REEL-2", "qty_1": "1"},
    "a field an entry, in one word": {"item1Sku": "ROD-7", "item1Qty": "3", "item2Sku": "REEL-2", "item2Qty": "1"},
    "lists side by side": {"skus": "ROD-7, REEL-2", "quantities": "3, 1"},
    "lists side by side, as JSON": {"productIds": '["ROD-7", "REEL-2"]', "quantities": "[3, 1]"},
    "pieces from one": {"cart_1": TEXT[:30], "cart_2": TEXT[30:]},
    "pieces with their count": {"cart_chunk_0": TEXT[:20], "cart_chunk_1": TEXT[20:], "cart_chunks": "2"},
    "pieces that count themselves": {"cart_1_of_2": TEXT[:20], "cart_2_of_2": TEXT[20:]},
    "pieces after an unnumbered one": {"cart": TEXT[:30], "cart_2": TEXT[30:]},
    "pieces of base64": {"orderData0": encoded(ROWS)[:50], "orderData1": encoded(ROWS)[50:]},
    "nameless pieces": {"chunk_0": TEXT[:30], "chunk_1": TEXT[30:], "totalChunks": "2"},
    "lower and upper case": {"Cart_Items": '[{"SKU": "ROD-7", "Quantity": 3}, {"SKU": "REEL-2", "Quantity": 1}]'},
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_a_cart_is_recognised_in_every_layout(shape: str) -> None:
    assert lines(SHAPES[shape]) == TWO


def test_pieces_are_joined_by_number_not_by_letter() -> None:
    rows = [{"id": f"P{n}", "quantity": n + 1} for n in range(40)]
    text = json.dumps(rows)
    assert len(text) > 11 * 90
    pieces = {f"cart_{n}": text[n * 90 : (n + 1) * 90] for n in range(len(text) // 90 + 1)}
    assert lines(dict(sorted(pieces.items()))) == [(f"P{n}", n + 1) for n in range(40)]


def test_a_single_line_may_be_the_metadata_itself() -> None:
    assert lines({"sku": "ROD-7", "quantity": "2", "size": "L", "userId": "5"}) == [("ROD-7", 2)]


def test_ids_of_stripe_and_uuids_can_be_keys() -> None:
    price, variant = "price_1PzQw8AbC", "0b9f6a0e-6c0e-4b58-9a53-2f3e5d1c7a10"
    metadata = {price: "2", variant: "1", "prod_name": "Rod", "prod_qty": "3", "price_total": "4900"}
    assert lines(metadata) == [(price, 2), (variant, 1)]


FIELDS = ["sku", "variantId", "variant_id", "variant", "vid", "productItemId", "productId", "product", "product_id",
          "id", "i", "s"]  # fmt: skip


@pytest.mark.parametrize("name", FIELDS)
def test_the_code_is_found_under_every_usual_name(name: str) -> None:
    assert lines({"cart": json.dumps([{name: "K-1002", "quantity": 2}])}) == [("K-1002", 2)]


@pytest.mark.parametrize("name", ["quantity", "qty", "q", "num"])
def test_the_quantity_is_found_under_every_usual_name(name: str) -> None:
    assert lines({"cart": json.dumps([{"id": 41, name: "2"}])}) == [("41", 2)]


def test_the_variant_names_the_goods_and_the_product_is_a_further_code() -> None:
    found = line({"cart": '[{"id": "p-1", "variant_id": "v-9", "sku": "ROD-7", "quantity": 1}]'})
    assert (found.code, found.codes) == ("ROD-7", ("v-9", "p-1"))
    nested = line({"cart": '[{"product": {"id": "p-1", "name": "Rod"}, "variant": {"id": "v-9"}, "quantity": 1}]'})
    assert (nested.code, nested.codes, nested.name) == ("v-9", ("p-1",), "Rod")


@pytest.mark.parametrize("size", ["M", "XXL", "42", "9.5", "Large", "M / Blue", "US 9"])
def test_a_variant_that_is_a_size_is_not_a_code(size: str) -> None:
    found = line({"cart": json.dumps([{"id": "boot", "variant": size, "qty": 1}])})
    assert (found.code, found.codes, found.size) == ("boot", (), size)


def test_size_and_name_stay_on_the_line() -> None:
    found = line({"items": '[{"id": "boot", "qty": 2, "size": 42.5, "title": "Hiking boot"}]'})
    assert found == CartLine(code="boot", quantity=2, size="42.5", name="Hiking boot")


# ---------------------------------------------------------------- the storefront of the model shop

PRODUCT, VARIANT = "4f6d0c6e-7e9f-4f3e-8f0e-0d8f9b1c2a31", "c0ffee00-1111-4222-8333-444455556666"


def test_the_storefronts_own_cart_is_read_with_its_size_and_price() -> None:
    text = json.dumps([{"id": PRODUCT, "vid": VARIANT, "q": 1, "p": 210, "s": "US 9"}])
    cart = read_cart({"cartItems": text, "reservationIds": "[5, 6]", "subtotal": "210", "shipping_cost": "15"})
    assert isinstance(cart, Cart)
    assert cart.lines == (CartLine(code=VARIANT, codes=(PRODUCT,), quantity=1, size="US 9", unit_price=210),)
    assert cart.source != SHORT_FORM


def test_the_short_form_has_a_source_that_says_so() -> None:
    cart = read_cart({"cartItems": json.dumps([{"i": PRODUCT[:8], "v": VARIANT[:8], "q": 2}])})
    assert isinstance(cart, Cart)
    assert cart.lines == (CartLine(code=VARIANT[:8], codes=(PRODUCT[:8],), quantity=2),)
    assert cart.source == SHORT_FORM


# ---------------------------------------------------------------- no cart, or one kept elsewhere


@pytest.mark.parametrize(
    "metadata",
    [
        {}, {"purchasedItems": "50 gal still"}, {"items": "2 rods"},
        {"items": "[gift] a rod"}, {"items": "3"}, {"order": "the usual"}, {"data": '{"id": 5}'},
        {"address_line_1": "12:30 Mill Lane"}, {"line1": "12 Mill Lane"}, {"item_1_name": "Rod", "item_1_qty": "2"},
        {"sku": "ROD-7"}, {"quantity": "2"}, {"name_1": "Casey", "size_1": "L"}, {"prod_1": "41"}, {"prod_id": "41"},
        {"data": '[{"event": "page_view"}]'}, {"order_id": ""}, {"order_id": "the red one"}, {"cart": None},
        {"items": "Rod x2, Reel x1"}, {"products": "Lampshade"},
    ],
    ids=str,
)  # fmt: skip
def test_text_for_people_is_not_a_cart(metadata: dict[str, str]) -> None:
    assert read_cart(metadata) is None


@pytest.mark.parametrize(
    ("metadata", "reference"),
    [
        ({"order_id": "5531", "site_url": "shop.example"}, "5531"),
        ({"orderId": "order_01HX4", "cart_id": "cart_01HX9"}, "order_01HX4"),
        ({"cart_id": "cart_01HX9", "email": "casey@shop.example"}, "cart_01HX9"),
        ({"solidus_order_number": "R123456789"}, "R123456789"),
        ({"order": "#1001", "items": "Rod x2"}, "#1001"),
        ({"Order Number": " 2026-000.17 "}, "2026-000.17"),
    ],
)
def test_the_number_of_a_storefronts_order_is_a_lookup(metadata: dict[str, str], reference: str) -> None:
    assert read_cart(metadata) == Lookup(reference=reference)


def test_lines_are_preferred_to_the_number_of_an_order() -> None:
    assert lines({"order_id": "5531", "cart": TEXT}) == TWO


# ---------------------------------------------------------------- refused whole

QUANTITIES = ["0", "-1", "1.5", "true", "false", "null", '""', '"two"', '"1,000"', "1000001", "1e2", "[1]", '{"n": 1}',
              '"1.000"', "9" * 5_000, "1e999999999999999999999"]  # fmt: skip


@pytest.mark.parametrize("quantity", QUANTITIES, ids=lambda text: text[:12])
def test_a_quantity_that_is_no_positive_whole_number_refuses_the_whole_cart(quantity: str) -> None:
    refusal({"cart": f'[{{"sku": "ROD-7", "qty": 1}}, {{"sku": "REEL-2", "qty": {quantity}}}]'})


@pytest.mark.parametrize("quantity", ["0", "-1", "1.5", "1000001"])
@pytest.mark.parametrize("shape", ["ROD-7:1,REEL-2:{}", "ROD-7|1;REEL-2|{}", "ROD-7=1\nREEL-2={}"])
def test_packed_quantities_are_as_strict(shape: str, quantity: str) -> None:
    assert "not a whole number" in refusal({"items": shape.format(quantity)})


@pytest.mark.parametrize("shape", ["ROD-7:1,REEL-2:{}", "ROD-7|1;REEL-2|{}", "ROD-7=1\nREEL-2={}"])
def test_a_quantity_of_a_thousand_or_one_is_never_taken_as_one(shape: str) -> None:
    assert "its quantity is not a whole number" in refusal({"items": shape.format("1.000")})
    assert lines({"items": shape.format("1.0")}) == lines({"items": shape.format("1")})


def test_a_code_in_decomposed_letters_is_the_code_in_composed_ones() -> None:
    assert lines({"items": "J\u0041\u0308GER-7:1,REEL-2:3"}) == [("J\u00c4GER-7", 1), ("REEL-2", 3)]


def test_a_number_of_json_with_zeros_is_certain() -> None:
    assert lines({"cart": '[{"sku": "ROD-7", "qty": 2.000}]'}) == [("ROD-7", 2)]


BROKEN = {
    "no code": ('{"name": "Rod", "qty": 1, "price": 5}', "names no product"),
    "an empty code": ('{"sku": " ", "id": "", "qty": 1}', "names no product"),
    "a code that is a fraction": ('{"sku": 1.5, "qty": 1}', "is not a code"),
    "a code with a null character": (r'{"sku": "ROD\u0000", "qty": 1}', "control character"),
    "a code with half a character": (r'{"sku": "ROD\ud83d", "qty": 1}', "control character"),
    "a code without end": (f'{{"sku": "{"R" * 300}", "qty": 1}}', "longer than"),
    "no quantity": ('{"sku": "ROD-7", "price": 900}', "has no quantity"),
    "two quantities": ('{"sku": "ROD-7", "qty": 1, "quantity": 2}', "two quantities"),
    "one field twice": ('{"sku": "ROD-7", "qty": 1, "qty": 2}', "has the key qty twice"),
    "one field in two spellings": ('{"productId": "a", "product_id": "b", "qty": 1}', "two different values for"),
    "NaN": ('{"sku": "ROD-7", "qty": NaN}', "NaN"),
    "something that is not a line": ('"and more"', "not a line"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_one_bad_line_refuses_the_whole_cart_with_its_reason(fault: str) -> None:
    bad, why = BROKEN[fault]
    assert why in refusal({"cart": f'[{{"sku": "A", "qty": 1}}, {bad}]'})


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "words": ({"cart": "[object Object],[object Object]"}, "[object Object]"),
    "a map with a total": ({"bag": '{"12": 2, "total": 49}'}, "not a product"),
    "a map of texts": ({"bag": '{"12": "blue"}'}, "not a whole number"),
    "a map without counts": ({"bag": '{"12": {"price": 5}}'}, "no quantity"),
    "a map of no sizes": ({"bag": '{"12": {"items_by_size": {}}}'}, "empty list of sizes"),
    "text after the end": ({"cart": f"{TEXT} and more"}, "broken"),
    "a list of Python that was cut": ({"cart": "[{'sku': 'A', 'qty': 1}, {'sku"}, "cut off"),
    "one line of several that is text": ({"items": "ROD-7:3,a reel"}, "some are not"),
    "a comma at the end": ({"items": "ROD-7:3,"}, "some are not"),
    "an entry that is text": ({"item_1": "ROD-7|3", "item_2": "a reel"}, "some are not"),
    "a line that is missing": ({"sku_1": "A", "qty_1": "1", "sku_3": "B", "qty_3": "1"}, "line 2 is missing"),
    "a line without its quantity": ({"sku_1": "A", "qty_1": "1", "sku_2": "B"}, "no quantity"),
    "lists of two lengths": ({"skus": "A,B", "quantities": "1"}, "same length"),
    "a count of more lines": ({"cart": TEXT, "itemCount": "7"}, "itemCount is 7"),
    "pieces of which one is missing": ({"cart_0": TEXT[:20], "cart_2": TEXT[20:]}, "piece 1"),
    "pieces of which the first is missing": ({"orderData_1": TEXT[20:40], "orderData_2": TEXT[40:]}, "first piece"),
    "pieces of which the last is missing": ({"cart_0": TEXT[:20], "cart_1": TEXT[20:40]}, "was cut"),
    "fewer pieces than were written": ({"item_0": "A|1", "item_chunks": "3"}, "3 pieces, but there are 1"),
    "no piece at all": ({"cart": TEXT, "cart_chunks": "3"}, "there is none"),
    "one piece twice": ({"cart_1": TEXT, "cart1": TEXT}, "twice"),
    "base64 that was cut": ({"cart": encoded(ROWS)[:-6]}, "cut"),
    "metadata that is not text": ({"cart": 5}, "not text"),
    "a piece of JSON taken for a code": ({"items": '"sku":2,"qty":1'}, "piece of JSON"),
    "JSON as deep as a well": ({"cart": "[" * 9_000 + "]" * 9_000}, ""),
    "objects as deep as a well": ({"cart": '{"items":' * 9_000 + "1" + "}" * 9_000}, "deep"),
    "more lines than anybody orders": ({"cart": json.dumps(ROWS * 600)}, "more than 1,000 lines"),
    "more text than Stripe would keep": ({"cart": " " * 100_001 + TEXT}, "longer than"),
}  # fmt: skip


@pytest.mark.parametrize("fault", REFUSED)
def test_an_incomplete_cart_is_refused(fault: str) -> None:
    metadata, why = REFUSED[fault]
    assert why in refusal(metadata)


def test_five_hundred_entries_are_more_than_stripe_allows() -> None:
    assert "the most Stripe allows" in refusal({f"prod_A{n}": "1" for n in range(500)})
    assert "the most Stripe allows" in refusal({f"{f}_{n}": str(n) for n in range(1, 250) for f in ("sku", "qty")})
    assert read_cart({f"note_{n}": "hello" for n in range(500)}) is None


@pytest.mark.parametrize("length", [480, 490, 500, 255, 400])
def test_packed_text_that_may_be_cut_off_needs_a_count(length: int) -> None:
    lot = [f"SKU-{n:04}:{n + 1}" for n in range(length // 16)]
    text = ",".join([*lot, f"{'P' * (length - len(','.join(lot)) - 3)}:1"])
    assert len(text) == length
    assert "may have been cut" in refusal({"items": text})
    assert len(lines({"items": text, "item_count": str(len(lot) + 1)})) == len(lot) + 1
    assert "item_count is 80" in refusal({"items": text, "item_count": "80"})


# ---------------------------------------------------------------- the same cart twice

SAME = {
    "in another shape": {"items": "ROD-7:3,REEL-2:1"},
    "in another order": {"items": "REEL-2:1,ROD-7:3"},
    "with a line split": {"items": "ROD-7:1,REEL-2:1,ROD-7:2"},
    "by other codes, in the same order": {"order_items": '[{"id": 71, "qty": 3}, {"id": 22, "qty": 1}]'},
    "for people": {"items": "Rod x3, Reel x1"},
}
OTHER = {
    "more of one": {"items": "ROD-7:4,REEL-2:1"},
    "a line less": {"items": "ROD-7:3"},
    "another product": {"items": "ROD-7:3,LINE-5:1"},
    "other codes and numbers": {"order_items": '[{"id": 71, "qty": 1}, {"id": 22, "qty": 3}]'},
    "for people": {"items": "Rod x3, Reel x2"},
    "in flat entries": {"sku_1": "ROD-7", "qty_1": "3"},
}


@pytest.mark.parametrize("how", SAME)
def test_the_same_cart_written_twice_counts_once(how: str) -> None:
    assert lines({"cart": TEXT, **SAME[how]}) == TWO


@pytest.mark.parametrize("how", OTHER)
def test_two_carts_that_differ_are_refused(how: str) -> None:
    assert "occurs twice and differs" in refusal({"cart": TEXT, **OTHER[how]})


def test_a_complete_cart_next_to_one_that_was_cut_off_is_refused() -> None:
    assert refusal({"cart": TEXT, "items": TEXT[:40]}) == "its JSON was cut off"


# ---------------------------------------------------------------- what a refusal says


def test_a_refusal_keeps_the_original_text_in_a_storable_form() -> None:
    with pytest.raises(Unreadable) as refused:
        read_cart({"cart": "[{\x00\ud800", "order_id": "5531"})
    error = refused.value
    assert isinstance(error, UnreadableCart)
    assert error.message == f"A cart cannot be read completely, so none of it is used: {error.why}."
    assert "5531" in error.raw
    assert "\x00" not in error.raw.encode().decode()


def test_a_refusal_without_a_reason_is_still_a_sentence() -> None:
    assert UnreadableCart().message == "A cart cannot be read completely, so none of it is used."
