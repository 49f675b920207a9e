"""What people write: the same cart, however it is packed, escaped, printed or spelled."""

from __future__ import annotations

import base64
import gzip
import html
import json
import zlib
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from core.carts.decoded import LONGEST_TEXT, load
from core.carts.possible import readings
from core.foundation.errors import UnreadableCart
from core.foundation.sales import Lookup

ROWS = [{"sku": "TR-42", "qty": 2}, {"sku": "MUG-1", "qty": 1}]
TEXT = json.dumps(ROWS)
BOUGHT = [("TR-42", 2), ("MUG-1", 1)]


def lines(metadata: dict[str, str]) -> list[tuple[str, int]]:
    """Return the lines of a cart that can be read in only one way."""
    (only,) = readings(metadata).possible
    return [(line.code, line.quantity) for line in only.cart.lines]


def refusal(metadata: dict[str, Any]) -> str:
    with pytest.raises(UnreadableCart) as refused:
        readings(metadata)
    return refused.value.why


def zipped(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode())).decode()


CERTAIN: dict[str, dict[str, str]] = {
    "line_items_0_sku": {
        "line_items_0_sku": "TR-42", "line_items_0_quantity": "2", "line_items_1_sku": "MUG-1",
        "line_items_1_quantity": "1",
    },
    "line_items.0.sku": {
        "line_items.0.sku": "TR-42", "line_items.0.qty": "2", "line_items.1.sku": "MUG-1", "line_items.1.qty": "1",
    },
    "line_items[0][sku]": {
        "line_items[0][sku]": "TR-42", "line_items[0][quantity]": "2", "line_items[1][sku]": "MUG-1",
        "line_items[1][quantity]": "1",
    },
    "items[0].sku": {"items[0].sku": "TR-42", "items[0].qty": "2", "items[1].sku": "MUG-1", "items[1].qty": "1"},
    "lists of codes and quantities": {"listingIds": "TR-42,MUG-1", "quantities": "2,1"},
    "lists in JSON": {"listingIds": '["TR-42", "MUG-1"]', "quantities": "[2, 1]"},
    "JSON in compact pieces": {"items_compact_1": TEXT[:20], "items_compact_2": TEXT[20:]},
    "one object for each key": {"first": json.dumps(ROWS[0]), "second": json.dumps(ROWS[1]), "note": "thanks"},
    "one object for each number": {"0": json.dumps(ROWS[0]), "1": json.dumps(ROWS[1])},
    "a list encoded twice": {"cart": json.dumps(TEXT)},
    "a list encoded three times": {"cart": json.dumps(json.dumps(TEXT))},
    "a list of encoded lines": {"cart": json.dumps([json.dumps(row) for row in ROWS])},
    "a list that Python printed": {"cart": str(ROWS)},
    "a list of Django": {
        "cart": "[{'sku': 'TR-42', 'qty': 2, 'price': Decimal('119.90'), 'gift': False, 'note': None}, "
        "{'sku': 'MUG-1', 'qty': 1, 'price': Decimal('9.00'), 'gift': True, 'note': \"Casey's\"}]"
    },
    "percent signs": {"cart": quote(TEXT)},
    "percent signs and plus signs": {"cart": quote_plus(TEXT)},
    "HTML": {"cart": html.escape(TEXT)},
    "HTML with numbers": {"cart": TEXT.replace('"', "&#34;")},
    "a byte order mark": {"cart": "\ufeff" + TEXT},
    "a byte order mark in base64": {"cart": base64.b64encode(("\ufeff" + TEXT).encode()).decode()},
    "gzip in base64": {"cart": zipped(TEXT)},
    "gzip in pieces": {"orderData_0": zipped(TEXT)[:30], "orderData_1": zipped(TEXT)[30:]},
    "spaces that do not break": {"cart": TEXT.replace(" ", "\u00a0")},
}  # fmt: skip


@pytest.mark.parametrize("form", CERTAIN)
def test_a_cart_with_names_is_certain_in_every_form(form: str) -> None:
    assert lines(CERTAIN[form]) == BOUGHT
    assert readings(CERTAIN[form]).possible[0].certain


ONE_WAY = {
    "sku x2": {"cart": "TR-42 x2, MUG-1 x1"},
    "sku x 2": {"cart": "TR-42 x 2\nMUG-1 x 1"},
    "2x sku": {"cart": "2x TR-42, 1x MUG-1"},
    "2 \u00d7 sku": {"cart": "2 \u00d7 TR-42; 1 \u00d7 MUG-1"},
    "sku \u00d7 2": {"cart": "TR-42 \u00d7 2, MUG-1 \u00d7 1"},
}


@pytest.mark.parametrize("form", ONE_WAY)
def test_times_is_a_quantity(form: str) -> None:
    assert lines(ONE_WAY[form]) == BOUGHT


def test_a_size_that_begins_like_times_is_no_quantity() -> None:
    assert readings({"items": "2XL shirt"}).possible == ()
    assert {line.code for each in readings({"items": "2XL:1"}).possible for line in each.cart.lines} == {"2XL"}


def test_a_code_that_ends_like_times_may_be_the_code() -> None:
    found = [[(line.code, line.quantity) for line in each.cart.lines] for each in readings({"cart": "BOXx2"}).possible]
    assert found == [[("BOX", 2)], [("BOXx2", 1)]]


@pytest.mark.parametrize(
    "metadata",
    [
        {"cart": "TR~42~2,MUG~~1"},
        {"items_compact_1": "TR|42|2", "items_compact_2": "MUG||1"},
        {"cart": "TR,42,2;MUG,,1"},
        {"cart": "TR\t42\t2\nMUG\t\t1"},
    ],
    ids=str,
)
def test_code_size_and_quantity_between_marks_are_among_the_readings(metadata: dict[str, str]) -> None:
    found = [[(line.code, line.size, line.quantity) for line in p.cart.lines] for p in readings(metadata).possible]
    assert [("TR", "42", 2), ("MUG", None, 1)] in found


LABELLED = [
    "Trail Runner \u2014 Size: M \u2014 Qty: 2", "Trail Runner - Size: M - Qty: 2", "Trail Runner | size: M | qty: 2",
    "Trail Runner, Size: M, Quantity: 2", "Trail Runner \u2013 Qty: 2 \u2013 Size: M",
]  # fmt: skip


@pytest.mark.parametrize("text", LABELLED)
def test_a_name_with_a_labelled_size_is_a_reading_whose_code_is_the_name(text: str) -> None:
    (only,) = readings({"items": text}).possible
    (line,) = only.cart.lines
    assert (line.code, line.name, line.size, line.quantity) == ("Trail Runner", "Trail Runner", "M", 2)
    assert not only.certain


def test_labelled_lines_are_read_one_by_one_with_their_codes() -> None:
    text = "Trail Runner \u2014 SKU: TR-42 \u2014 Qty: 2\nMug \u2014 SKU: MUG-1 \u2014 Qty: 1"
    assert lines({"items": text}) == BOUGHT
    assert "not a whole number" in refusal({"items": "Trail Runner \u2014 Size: M \u2014 Qty: none"})


def test_the_unknown_name_of_a_list_beside_quantities_is_tried() -> None:
    assert lines({"handles": "TR-42,MUG-1", "quantities": "2,1"}) == BOUGHT
    assert "same length" in refusal({"listingIds": "TR-42,MUG-1", "quantities": "2"})


@pytest.mark.parametrize("name", ["slug", "menuId", "po", "handle", "trackId"])
def test_an_unknown_name_of_a_code_is_tried(name: str) -> None:
    assert lines({"cart": json.dumps([{name: "TR-42", "qty": 2}, {name: "MUG-1", "qty": 1}])}) == BOUGHT
    assert lines({name: "TR-42", "quantity": "2", "email": "casey@shop.example"}) == BOUGHT[:1]


# ---------------------------------------------------------------- order numbers


@pytest.mark.parametrize(
    "metadata",
    [
        {"spree_order_id": "R123456789"}, {"order_id": "R123456789", "plugin": "a plugin", "plugin_version": "8.1"},
        {"presta_order_id": "R123456789"}, {"source": "a plugin", "shop_order_number": "R123456789", "quantity": "1"},
    ],
    ids=str,
)  # fmt: skip
def test_the_order_number_of_a_platform_is_a_lookup(metadata: dict[str, str]) -> None:
    found = readings(metadata)
    assert (found.possible, found.lookup) == ((), Lookup(reference="R123456789"))


# ---------------------------------------------------------------- signs that look alike

HYPHENS = "\u2010\u2011\u2212\ufe63\uff0d"
SPACES = "\u00a0\u2009\u202f\u3000"
UNSEEN = "\u200b\u200c\u200d\u2060\ufeff\u00ad"


@pytest.mark.parametrize("hyphen", HYPHENS)
def test_every_hyphen_is_a_hyphen(hyphen: str) -> None:
    code = f"TR{hyphen}42"
    for text in (json.dumps([{"sku": code, "qty": 2}]), json.dumps([{"sku": code, "qty": 2}], ensure_ascii=False)):
        assert lines({"cart": text}) == BOUGHT[:1]
    assert readings({"cart": f"{code}:2"}) == readings({"cart": "TR-42:2"})


@pytest.mark.parametrize("space", SPACES)
def test_every_space_is_a_space(space: str) -> None:
    assert lines({"cart": json.dumps([{f"sku{space}": f"{space}TR{space}42 ", "qty": f"2{space}"}])}) == [("TR 42", 2)]
    assert lines({"cart": f"2x{space}TR-42"}) == BOUGHT[:1]


@pytest.mark.parametrize("sign", UNSEEN)
def test_what_cannot_be_seen_is_not_read(sign: str) -> None:
    assert lines({f"ca{sign}rt": json.dumps([{f"s{sign}ku": f"TR-{sign}42", "qty": f"2{sign}"}])}) == BOUGHT[:1]
    assert refusal({"cart": json.dumps([{"sku": sign, "qty": 1}])}) == "a line names no product"


# ---------------------------------------------------------------- what comes from outside is bounded


def test_a_compressed_text_without_end_is_refused_before_it_is_unpacked() -> None:
    bomb = zipped("[" + " " * 20_000_000 + "]")
    assert len(bomb) < 30_000
    assert f"longer than {LONGEST_TEXT:,}" in refusal({"cart": bomb})


@pytest.mark.parametrize("cut", [8, 20, 40, 60])
def test_a_compressed_text_that_was_cut_off_is_refused(cut: int) -> None:
    assert "cut off" in refusal({"cart": zipped(TEXT)[:cut]})


def test_compressed_text_that_is_no_gzip_is_refused() -> None:
    assert "cut off" in refusal({"cart": "H4sI" + base64.b64encode(zlib.compress(TEXT.encode())).decode()})


PYTHON = [
    "[{'sku': 'A', 'qty': __import__('os').getpid()}]", "[{'sku': 'A', 'qty': 1 + 1}]", "[{'sku': open('x')}]",
    "[{'sku': 'A', 'qty': lambda: 1}]", "[{'sku': 'A', 'qty': 1} for _ in range(9)]", "[{'sku': f'{1}', 'qty': 1}]",
    "[{'sku': 'A', **{'qty': 1}}]", "[{'sku': b'A', 'qty': 1j}]", "[{'sku': Decimal(1), 'qty': 1}]",
    "[{'sku': 'A', 'qty': 1}", "[" * 200 + "'a'" + "]" * 200, "[{'sku': 'A', 'qty': 1}] or {}",
]  # fmt: skip


@pytest.mark.parametrize("text", PYTHON, ids=lambda text: text[:24])
def test_python_is_never_run(text: str) -> None:
    assert "Python" in refusal({"cart": text})


def test_python_may_not_repeat_a_key_or_have_no_end() -> None:
    assert "the key sku twice" in refusal({"cart": "[{'sku': 'A', 'sku': 'B', 'qty': 1}]"})
    assert refusal({"cart": str([{"sku": f"S-{n}", "qty": 1} for n in range(1_200)])})


def test_what_python_prints_is_what_it_is() -> None:
    printed = "{'a': -1, 'b': -1.5, 'c': None, 'd': True, 'e': ('x', UUID('0b9f6a0e')), 5: [], 'f': 1e3}"
    assert load(printed) == {
        "a": -1, "b": load("-1.5"), "c": None, "d": True, "e": ["x", "0b9f6a0e"], "5": [], "f": load("1000.0"),
    }  # fmt: skip


def test_one_object_for_each_key_without_one_of_them_is_not_read() -> None:
    assert "missing" in refusal({"0": json.dumps(ROWS[0]), "2": json.dumps(ROWS[1])})
    assert "cut off" in refusal({"first": json.dumps(ROWS[0]), "second": json.dumps(ROWS[1])[:-4]})
