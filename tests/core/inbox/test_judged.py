"""A cart is taken if its one reading names variants and comes to what was paid; everything else is a case."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from core.carts import possible
from core.carts.mapping import CartMapping, Layout
from core.carts.possible import Possible, Readings
from core.database.engine import run
from core.foundation.sales import Cart, CartLine
from core.inbox import sources
from core.inbox.judging import Question
from core.inbox.messages import WORKER
from core.orders import readings
from tests.stripe.shop import Stripe, open_cases, sold
from tests.support.builders import Shop, key

PAIR = 11_990


@pytest.fixture
def stripe(embedded_shop: Shop) -> Stripe:
    embedded_shop.sql("update stockroom.shop set currency = 'USD'")
    embedded_shop.variant(100, sku="TR-42", price=119.90, size="42", product="Trail runner")
    embedded_shop.variant(100, sku="TR-43", price=119.90, size="43", product="Trail runner")
    return Stripe(embedded_shop)


def cart(*lines: Mapping[str, Any], **more: str) -> dict[str, str]:
    return {"cart": json.dumps(list(lines))} | more


def arrive(stripe: Stripe) -> None:
    stripe.webhook()
    stripe.work()


def order(stripe: Stripe) -> Any:
    return stripe.shop.rows("select * from stockroom.orders order by id desc limit 1")[0]


def faults(stripe: Stripe) -> int:
    return int(stripe.shop.sql("select count(*) from stockroom_api.amount_faults"))


# ---------------------------------------------------------------- amounts


def test_half_a_dollar_for_a_pair_takes_nothing_until_a_person_says_so(stripe: Stripe) -> None:
    stripe.account.pay(50, metadata=cart({"sku": "TR-42", "quantity": 1}))
    arrive(stripe)
    assert sold(stripe.shop) == 0
    assert open_cases(stripe.shop) == [
        "amount_mismatch: Order buyer1@shop.example, 0.50 USD: its lines come to 119.90 USD, but 0.50 USD was paid, "
        "and the shop tolerates 30 % less, so nothing was taken off the shelf"
    ]
    (only,) = stripe.shop.run(readings.choices, "Sam", order_id=order(stripe).id).readings
    assert [(line.sku, line.quantity) for line in only.lines] == [("TR-42", 1)]
    stripe.shop.run(readings.take, "Sam", order_id=order(stripe).id, reading=only, key=key())
    assert (sold(stripe.shop), open_cases(stripe.shop), faults(stripe)) == (1, [], 0)


@pytest.mark.parametrize(
    ("line", "amount"),
    [
        ({"sku": "TR-42", "quantity": 3, "price": 10}, 1000),  # 0.30 or 30.00, and 10.00 was paid
        ({"sku": "TR-42", "quantity": 10, "price": PAIR}, PAIR),
        ({"sku": "TR-42", "quantity": 1, "price": PAIR}, PAIR * 2),
        ({"sku": "TR-42", "quantity": 42}, PAIR),
    ],
)
def test_an_amount_out_of_tolerance_takes_nothing(stripe: Stripe, line: dict[str, Any], amount: int) -> None:
    stripe.account.pay(amount, metadata=cart(line))
    arrive(stripe)
    assert (sold(stripe.shop), order(stripe).cart_state) == (0, "unreadable")
    assert [case.partition(":")[0] for case in open_cases(stripe.shop)] == ["amount_mismatch"]
    assert faults(stripe) == 0, "the order has no lines yet"


def test_what_the_tolerance_lets_through_is_noted_on_the_order(stripe: Stripe) -> None:
    noted = []
    for amount, line in ((9_990, {"price": PAIR}), (9_990, {}), (12_690, {"price": PAIR}), (PAIR, {"price": PAIR})):
        stripe.account.pay(amount, metadata=cart({"sku": "TR-42", "quantity": 1} | line))
        arrive(stripe)
        noted.append((order(stripe).tolerated, order(stripe).tolerance, order(stripe).extras))
    assert noted == [(-2000, 30, -2000), (-2000, 30, None), (700, None, 700), (None, None, 0)]
    assert (sold(stripe.shop), open_cases(stripe.shop), faults(stripe)) == (4, [], 0)


def test_a_catalogue_in_another_currency_is_no_measure(stripe: Stripe) -> None:
    stripe.account.pay(50, currency="eur", metadata=cart({"sku": "TR-42", "quantity": 1}))
    arrive(stripe)
    assert (sold(stripe.shop), open_cases(stripe.shop)) == (1, [])


@pytest.mark.parametrize("line", [{"sku": "TR-42", "quantity": 2, "price": PAIR}, {"sku": "OLD", "quantity": 2}])
def test_a_capture_of_a_part_says_so_with_prices_and_without(stripe: Stripe, line: dict[str, Any]) -> None:
    payment = stripe.account.open_payment(2 * PAIR, metadata=cart(line))
    stripe.account.authorise(payment["id"])
    stripe.account.capture(payment["id"], PAIR)
    arrive(stripe)
    assert sold(stripe.shop) == 0
    assert "only 119.90 USD of 239.80 USD was captured" in open_cases(stripe.shop)[0]


def test_a_total_in_the_metadata_that_disagrees_is_a_case(stripe: Stripe) -> None:
    stripe.account.pay(PAIR, metadata=cart({"sku": "TR-42", "quantity": 1, "price": PAIR}, subtotal="239.80"))
    arrive(stripe)
    assert sold(stripe.shop) == 0
    assert "its subtotal is 239.80, which is neither its lines nor what was paid" in open_cases(stripe.shop)[0]


# ---------------------------------------------------------------- readings


def two_ways(metadata: Mapping[str, str], mapping: CartMapping | None = None, *, currency: str = "usd") -> Readings:
    """Read `code|size|quantity` without a mapping in two ways, as from positions."""
    if mapping is not None or "cart" not in metadata or "|" not in metadata["cart"]:
        return possible.readings(metadata, mapping, currency=currency)
    code, first, second = metadata["cart"].split("|")
    found = []
    for place, how, units in ((2, "code, quantity, size", first), (3, "code, size, quantity", second)):
        lines = (CartLine(code=code, quantity=int(units)),)
        like = CartMapping(layout=Layout.PACKED, key="cart", code="1", quantity=str(place), field_separator="|")
        read = Cart(lines=lines, source="metadata:packed")
        found.append(Possible(cart=read, how=how, certain=False, mapping=like))
    return Readings(possible=tuple(found))


@pytest.fixture
def packed(stripe: Stripe, monkeypatch: pytest.MonkeyPatch) -> Stripe:
    monkeypatch.setattr(sources, "readings", two_ways)
    return stripe


def test_the_reading_that_comes_to_what_was_paid_is_taken(packed: Stripe) -> None:
    packed.account.pay(PAIR, metadata={"cart": "TR-42|42|1"})
    arrive(packed)
    assert (sold(packed.shop), open_cases(packed.shop)) == (1, [])


def test_readings_that_no_amount_decides_wait_until_an_admin_chooses_for_the_shop(packed: Stripe) -> None:
    packed.shop.variant(100, sku="ODD")
    for _ in range(2):
        packed.account.pay(500, metadata={"cart": "ODD|42|1"})
    arrive(packed)
    assert sold(packed.shop) == 0
    assert [case.partition(": its ")[2] for case in open_cases(packed.shop)] == [
        "cart can be read in 2 ways, so nothing was taken off the shelf"
    ] * 2
    seen = packed.shop.run(readings.choices, "Ada", order_id=order(packed).id)
    assert [(each.how, each.lines[0].quantity) for each in seen.readings] == [
        ("code, quantity, size", 42), ("code, size, quantity", 1),
    ]  # fmt: skip
    chosen = seen.readings[1]
    told = {"order_id": order(packed).id, "reading": chosen, "seen": seen.mapping}
    assert packed.shop.run(readings.always, "Ada", **told) == 2
    packed.work()
    assert (sold(packed.shop), open_cases(packed.shop)) == (2, [])


POSITIONS = [
    ('[["TR-42","42",1,11990]]', PAIR, {"TR-42": 1}),
    ('[["TR-42",42,1]]', PAIR, {"TR-42": 1}),
    ("TR-42|42|1;TR-43|43|2", 3 * PAIR, {"TR-42": 1, "TR-43": 2}),
    ("TR-42:2:11990,MUG-1:1:900", 2 * PAIR + 900, {"TR-42": 2, "MUG-1": 1}),
    ("TR-42:120,MUG-1:9", PAIR + 900, {"TR-42": 1, "MUG-1": 1}),  # a code and a rounded price
    ("TR-42:11990,MUG-1:900", PAIR + 900, {"TR-42": 1, "MUG-1": 1}),
    ("TR-42~42~1", PAIR, {"TR-42": 1}),
    ('[["TR-42",120,1]]', PAIR, {"TR-42": 1}),
    ('[["UNPRICED",2,3]]', 3000, None),  # two or three, and no price says which
    ('[["UNPRICED",2,3]]', 6000, None),
    ("TR-42|42|1", 3 * PAIR, None),  # neither 42 nor one
    ("TR-42 x2", 2 * PAIR, {"TR-42": 2}),
]


@pytest.mark.parametrize(("text", "amount", "expected"), POSITIONS)
def test_a_list_by_position_is_read_by_catalogue_and_amount_or_not_at_all(
    stripe: Stripe, text: str, amount: int, expected: dict[str, int] | None
) -> None:
    stripe.shop.variant(100, sku="MUG-1", price=9)
    stripe.shop.variant(100, sku="UNPRICED")
    stripe.account.pay(amount, metadata={"cart": text})
    arrive(stripe)
    taken = {row.sku: row.taken for row in stripe.shop.rows("select sku, taken from stockroom_api.order_line_rows")}
    assert taken == (expected or {})
    assert bool(open_cases(stripe.shop)) is (expected is None)


def test_product_and_size_together_name_a_variant(stripe: Stripe) -> None:
    stripe.account.pay(PAIR, metadata=cart({"id": "trail RUNNER", "size": "43", "quantity": 1}))
    arrive(stripe)
    assert stripe.shop.sql("select sku from stockroom_api.order_line_rows") == "TR-43"
    assert (sold(stripe.shop), open_cases(stripe.shop)) == (1, [])


def test_a_code_of_two_variants_is_an_open_line_that_shows_both(stripe: Stripe) -> None:
    stripe.shop.variant(5, sku="OTHER", barcode="TR-42")
    stripe.account.pay(PAIR, metadata=cart({"sku": "TR-42", "quantity": 1, "price": PAIR}))
    arrive(stripe)
    assert sold(stripe.shop) == 0
    assert "several variants can be meant by this: OTHER, TR-42 (size 42)" in open_cases(stripe.shop)[0]


# ---------------------------------------------------------------- cost


def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the codes of each statement that asks the catalogue."""
    counts: list[int] = []
    real = sources.name_codes

    def counting(*given: Any, asked: Sequence[Any]) -> Any:
        counts.append(len(asked))
        return real(*given, asked=asked)

    monkeypatch.setattr(sources, "name_codes", counting)
    return counts


def test_everyday_carts_ask_the_catalogue_nothing_and_all_others_of_a_batch_ask_once(
    stripe: Stripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = asked(monkeypatch)
    for _ in range(5):
        stripe.account.pay(PAIR, metadata=cart({"sku": "TR-42", "quantity": 1, "price": PAIR}))
    arrive(stripe)
    assert (sold(stripe.shop), counts) == (5, [])
    for units in range(1, 6):
        stripe.account.pay(PAIR * units, metadata=cart({"sku": "TR-43", "quantity": units}))
        stripe.account.pay(PAIR, metadata=cart({"sku": "TR-42", "quantity": 1, "price": PAIR}))
    arrive(stripe)
    assert (sold(stripe.shop), counts) == (25, [1]), "the same code is asked for once"


def test_a_cart_whose_question_fails_does_not_hold_up_the_others(
    stripe: Stripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = sources.name_codes

    def poisoned(*given: Any, asked: Sequence[Any]) -> Any:
        if any(code == "POISON" for _, (code, _, _) in asked):
            raise ValueError("a value that the database cannot take")
        return real(*given, asked=asked)

    monkeypatch.setattr(sources, "name_codes", poisoned)
    for code in ("TR-42", "POISON", "TR-43"):
        stripe.account.pay(PAIR, metadata=cart({"sku": code, "quantity": 1}))
    arrive(stripe)
    assert sold(stripe.shop) == 2
    waits = "select count(*) from stockroom.stripe_events where state = 'new' and why is not null"
    assert stripe.shop.sql(waits) == 1


def test_the_catalogue_prices_by_the_shops_own_rule_and_not_while_it_is_in_doubt(stripe: Stripe) -> None:
    question: tuple[str, Question] = ("usd", ("TR-42", (), None))

    def ask() -> int | None:
        return run(stripe.shop.engine, sources.name_codes, WORKER, asked=[question])[0].price

    assert ask() == PAIR
    stripe.shop.sql(
        """update stockroom.shop set price_words = 'half', price_rule = '["/", ["price"], ["number", "2"]]'"""
    )
    assert ask() == PAIR // 2
    stripe.shop.sql("update stockroom.shop set price_words = null, price_rule = null, price_doubt = 'sale_price'")
    assert ask() is None
