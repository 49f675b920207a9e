"""A cart has one reading that names variants and comes to what was paid, or it is a case with all of its readings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from core.carts.amounts import LINE_ITEMS
from core.carts.mapping import CartMapping, Layout
from core.carts.possible import Possible, Readings
from core.foundation.errors import UnreadableCart
from core.foundation.sales import AlertKind, Cart, CartLine, CartState, Lookup, Payment, PaymentState
from core.inbox.items import item_readings
from core.inbox.judging import Answer, Question, Source, Verdict, judge, plain_verdict, question, to_json

SHELF = {"TR-42": ("v-42", 11_990), "TR-43": ("v-43", 11_990), "MUG-1": ("v-mug", 900), "42": ("v-book", 4200)}


def payment(amount: int, metadata: dict[str, str] | None = None, **values: Any) -> Payment:
    return Payment(
        payment_id="pi_1", state=PaymentState.PAID, amount=amount, currency="eur", livemode=False,
        paid_at=datetime(2026, 3, 1, tzinfo=UTC), metadata=metadata or {}, **values,
    )  # fmt: skip


def possible(*lines: tuple[str, int, int | None], certain: bool = False, **more: Any) -> Possible:
    read = (CartLine(code=code, quantity=quantity, unit_price=price) for code, quantity, price in lines)
    values = {"how": "code, quantity, price", "source": "metadata:list", **more}
    cart = Cart(lines=tuple(read), source=str(values.pop("source")))
    return Possible(cart=cart, certain=certain, **values)


def source(paid: Payment, *found: Possible, name: str = "payment metadata", **more: Any) -> Source:
    return Source(name=name, payment=paid, readings=Readings(possible=found), **more)


def answers(*sources: Source, shelf: Mapping[str, tuple[str, int | None]] = SHELF) -> dict[Question, Answer]:
    lines = (line for each in sources for one in each.readings.possible for line in one.cart.lines)
    found = {}
    for line in lines:
        named = [shelf[code] for code in (line.code, *line.codes) if code in shelf]
        is_one = len({variant for variant, _ in named}) == 1
        found[question(line)] = Answer(variant_id=named[0][0], sku=line.code, price=named[0][1]) if is_one else Answer()
    return found


def judged(*sources: Source, **more: Any) -> Verdict:
    return judge(sources, answers(*sources, **more))


def taken(verdict: Verdict) -> list[tuple[str, int]] | None:
    if verdict.taken is None:
        return None
    return [(line.code, line.quantity) for line in verdict.taken.weighed.cart.lines]


# ---------------------------------------------------------------- several readings of one text


def test_a_size_taken_for_a_quantity_is_ruled_out_by_the_amount() -> None:
    one = possible(("TR-42", 1, 11_990))
    forty_two = possible(("TR-42", 42, 11_990))
    verdict = judged(source(payment(11_990), forty_two, one))
    assert (verdict.state, taken(verdict)) == (CartState.READ, [("TR-42", 1)])


def test_two_readings_that_fit_are_a_case_that_shows_both() -> None:
    pair, book = possible(("TR-42", 1, None)), possible(("42", 1, None))
    verdict = judged(source(payment(4200), pair, book), shelf={"TR-42": ("v-42", None), "42": ("v-book", None)})
    assert (verdict.state, verdict.kind, taken(verdict)) == (CartState.UNREADABLE, AlertKind.UNREADABLE_CART, None)
    assert verdict.why == "its cart can be read in 2 ways, so nothing was taken off the shelf"
    assert [each.possible for each in verdict.readings] == [pair, book]
    assert [each.why for each in verdict.readings] == [None, None]


def test_readings_that_take_the_same_are_one() -> None:
    verdict = judged(
        source(payment(23_980), possible(("TR-42", 2, 11_990)), possible(("TR-42", 1, None), ("TR-42", 1, None)))
    )
    assert taken(verdict) == [("TR-42", 2)]


def test_a_code_that_means_two_variants_does_not_count_without_a_name() -> None:
    verdict = judge([source(payment(900), possible(("7", 1, None)))], {("7", (), None): Answer()})
    assert taken(verdict) is None
    assert [each.why for each in verdict.readings] == ["7 names no variant, or more than one"]


def test_where_no_reading_fits_the_case_says_why_of_each() -> None:
    wrong = possible(("TR-42", 120, None))
    other = possible(("TR-42", 1, 12_000))
    third = possible(("120", 1, None))
    verdict = judged(source(payment(12_000), wrong, other, third))
    assert (
        verdict.why
        == "none of 3 ways to read its cart fits the catalogue and the amount, so nothing was taken off the shelf"
    )
    assert [each.why for each in verdict.readings] == [
        "its lines come to 14,388.00 EUR, but 120.00 EUR was paid, and the shop tolerates 30 % less",
        "the catalogue has another price for TR-42",
        "120 names no variant, or more than one",
    ]


def test_a_code_that_people_have_said_to_be_no_goods_counts() -> None:
    both = source(payment(12_490), possible(("TR-42", 1, 11_990), ("SHIPPING", 1, 500)))
    said = answers(both) | {("SHIPPING", (), None): Answer(has_meaning=True)}
    verdict = judge([both], said)
    assert (taken(verdict), verdict.named) == ([("TR-42", 1), ("SHIPPING", 1)], 2)


def test_unknown_shipping_explains_a_higher_payment_only_for_the_last_reading_left() -> None:
    alone = possible(("TR-42", 1, 11_990))
    assert taken(judged(source(payment(12_690), alone))) == [("TR-42", 1)]
    exact = possible(("TR-43", 1, 12_690))
    shelf = {"TR-42": ("v-42", 11_990), "TR-43": ("v-43", 12_690)}
    assert taken(judged(source(payment(12_690), alone, exact), shelf=shelf)) == [("TR-43", 1)]
    also = possible(("TR-43", 1, 11_990))
    assert taken(judged(source(payment(12_690), alone, also))) is None


def test_a_single_uncertain_reading_with_an_unknown_code_is_a_case_not_an_open_line() -> None:
    verdict = judged(source(payment(500), possible(("NO-SUCH", 1, 500))))
    assert verdict.state is CartState.UNREADABLE
    assert (
        verdict.why == "its only reading does not fit the catalogue and the amount, so nothing was taken off the shelf"
    )


# ---------------------------------------------------------------- one certain reading


def test_an_everyday_cart_is_judged_without_the_catalogue() -> None:
    everyday = source(payment(23_980), possible(("TR-42", 2, 11_990), certain=True))
    verdict = plain_verdict([everyday])
    assert verdict is not None
    assert (taken(verdict), verdict.named, verdict.is_settled) == ([("TR-42", 2)], None, True)


@pytest.mark.parametrize(
    "sources",
    [
        [source(payment(23_980), possible(("TR-42", 2, None), certain=True))],
        [source(payment(23_980), possible(("TR-42", 2, 11_990)))],
        [source(payment(23_980), possible(("TR-42", 2, 11_990), certain=True), possible(("TR-42", 1, 11_990)))],
        [source(payment(24_980), possible(("TR-42", 2, 11_990), certain=True))],
        [source(payment(23_980), possible(("TR-42", 2, 11_990), certain=True, source=LINE_ITEMS))],
        [source(payment(1, {"subtotal": "5"}), possible(("TR-42", 1, 1), certain=True))],
        [source(payment(23_980), possible(("TR-42", 2, 11_990), certain=True)), source(payment(23_980))],
    ],
)
def test_every_other_cart_asks_the_catalogue(sources: list[Source]) -> None:
    assert plain_verdict(sources) is None


def test_a_certain_cart_with_unknown_codes_is_recorded_with_open_lines() -> None:
    verdict = judged(source(payment(12_490), possible(("TR-42", 1, 11_990), ("GONE", 1, 500), certain=True)))
    assert (verdict.state, taken(verdict)) == (CartState.READ, [("TR-42", 1), ("GONE", 1)])
    assert (verdict.named, verdict.is_settled) == (1, False)


def test_a_certain_cart_out_of_tolerance_is_a_case_with_its_one_reading() -> None:
    verdict = judged(source(payment(50), possible(("TR-42", 1, None), certain=True)))
    assert (verdict.state, verdict.kind) == (CartState.UNREADABLE, AlertKind.AMOUNT_MISMATCH)
    assert verdict.why == (
        "its lines come to 119.90 EUR, but 0.50 EUR was paid, and the shop tolerates 30 % less, so nothing was taken "
        "off the shelf"
    )
    (reading,) = verdict.readings
    assert to_json(reading) == {
        "how": "code, quantity, price", "why": verdict.why.removesuffix(", so nothing was taken off the shelf"),
        "source": "payment metadata", "mapping": None, "amount": 11_990,
        "lines": [{"code": "TR-42", "codes": [], "size": None, "name": None, "quantity": 1, "unit_price": None,
                   "variant_id": "v-42", "sku": "TR-42"}],
    }  # fmt: skip


def test_a_reading_keeps_the_mapping_that_makes_it_the_shop_s() -> None:
    mapping = CartMapping(layout=Layout.PACKED, key="cart", code="1", quantity="2", field_separator="|")
    both = source(payment(1), possible(("TR-42", 1, None), mapping=mapping), possible(("TR-43", 1, None)))
    assert [to_json(each)["mapping"] for each in judged(both).readings] == [mapping.to_json(), None]


# ---------------------------------------------------------------- several sources


def item(product: dict[str, str], price: int = 11_990, quantity: int = 1) -> dict[str, Any]:
    goods = {"id": "prod_1", "name": "Trail runner", "metadata": product}
    return {"quantity": quantity, "price": {"id": "price_1x", "unit_amount": price, "product": goods, "metadata": {}}}


def items(paid: Payment, *found: dict[str, Any], name: str | None = None) -> Source:
    return Source(name="line items", payment=paid, readings=item_readings(found, name))


def test_line_items_without_goods_do_not_hide_the_cart_in_the_metadata() -> None:
    paid = payment(11_990)
    noted = source(paid, possible(("TR-42", 1, None), certain=True))
    for sources in ((items(paid, item({})), noted), (noted, items(paid, item({})))):
        verdict = judged(*sources)
        assert (taken(verdict), verdict.is_settled) == ([("TR-42", 1)], True)


def test_line_items_that_name_variants_and_add_up_win_over_what_the_metadata_says() -> None:
    paid = payment(23_980)
    verdict = judged(
        items(paid, item({"sku": "TR-42"}, quantity=2)), source(paid, possible(("TR-43", 2, None), certain=True))
    )
    assert taken(verdict) == [("TR-42", 2)]


def test_where_no_source_names_a_variant_the_shops_own_code_is_recorded_not_a_one_off_price() -> None:
    paid = payment(11_990)
    own = source(paid, possible(("OLD-1", 1, 11_990), certain=True))
    assert taken(judged(items(paid, item({})), own)) == [("OLD-1", 1)]


def test_line_items_without_goods_do_not_hide_a_reading_that_only_the_amount_rules_out() -> None:
    paid = payment(11_990)
    verdict = judged(items(paid, item({})), source(paid, possible(("TR-42", 3, 11_990))))
    assert (taken(verdict), verdict.kind) == (None, AlertKind.UNREADABLE_CART)


def test_two_sources_that_name_variants_and_differ_are_a_case() -> None:
    paid = payment(11_990)
    first = source(paid, possible(("TR-42", 1, None), certain=True), name="checkout metadata")
    second = source(paid, possible(("TR-43", 1, None), certain=True))
    assert judged(first, second).why == "its cart can be read in 2 ways, so nothing was taken off the shelf"
    assert taken(judged(first, first)) == [("TR-42", 1)]


def test_half_a_cart_in_the_metadata_is_a_case_although_there_are_line_items_without_goods() -> None:
    paid = payment(11_990)
    half = Source(name="payment metadata", payment=paid, unread=UnreadableCart("it was cut off", "[{"))
    verdict = judged(items(paid, item({})), half)
    assert (verdict.state, verdict.raw, taken(verdict)) == (CartState.UNREADABLE, "[{", None)
    assert taken(judged(items(paid, item({"sku": "TR-42"})), half)) == [("TR-42", 1)]


@pytest.mark.parametrize("name", ["id", "product_id", "article", "Artikel-Nr."])
def test_the_entry_of_a_products_metadata_that_has_its_code_is_found_by_trying(name: str) -> None:
    verdict = judged(items(payment(11_990), item({"colour": "blue", name: "TR-42", "season": "SS26"})))
    assert taken(verdict) == [("TR-42", 1)]
    assert verdict.item_code == "".join(filter(str.isalnum, name)).lower()
    known = items(payment(11_990), item({"colour": "42", name: "TR-42"}), name=verdict.item_code)
    assert taken(judged(known)) == [("TR-42", 1)], "tried first from then on"


def test_two_entries_that_name_different_variants_are_a_case() -> None:
    verdict = judged(items(payment(11_990), item({"left": "TR-42", "right": "TR-43"})))
    assert taken(verdict) is None
    assert [each.possible.how for each in verdict.readings if each.why is None] == [
        "Stripe's line items, with the codes in left", "Stripe's line items, with the codes in right",
    ]  # fmt: skip


def test_without_any_reading_the_best_reason_is_given() -> None:
    paid = payment(11_990)
    lookup = Source(name="payment metadata", payment=paid, readings=Readings(lookup=Lookup(reference="5531")))
    assert (judge([lookup], {}).state, judge([lookup], {}).number) == (CartState.ELSEWHERE, "5531")
    assert judge([source(paid)], {}).state is CartState.ABSENT
    broken = Source(name="payment metadata", payment=paid, unread=UnreadableCart("it was cut off", "[{"))
    assert judge([lookup, broken], {}).why == "its cart cannot be read: it was cut off"
