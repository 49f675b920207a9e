"""Line items of Checkout, and the comparison of the amount paid with the price of the cart."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from core.carts.reading import LINE_ITEMS, difference, extras, in_minor_units, lines_of_items, read_cart
from core.foundation.errors import UnreadableCart
from core.foundation.sales import Cart, CartLine, Payment, PaymentState

# ---------------------------------------------------------------- line items


def item(**values: Any) -> dict[str, Any]:
    product = {"id": "prod_Rod", "object": "product", "name": "Rod", "metadata": {"sku": "ROD-7"}}
    price = {"id": "price_Rod", "object": "price", "unit_amount": 4900, "product": product, "metadata": {}}
    return {"id": "li_1", "object": "item", "quantity": 2, "description": "Rod", "price": price} | values


def test_the_code_of_a_line_item_is_the_sku_of_its_product_then_its_ids() -> None:
    cart = lines_of_items([item()])
    line = CartLine(code="ROD-7", codes=("price_Rod", "prod_Rod"), quantity=2, name="Rod", unit_price=4900)
    assert cart == Cart(lines=(line,), source=LINE_ITEMS)


def test_metadata_of_a_price_comes_before_metadata_of_its_product() -> None:
    product = {"id": "prod_Rod", "metadata": {"sku": "ROD", "size": "any"}}
    price = {"id": "price_L", "metadata": {"variant_id": "v-9", "SKU": "ROD-L", "Size": "L"}, "product": product}
    (line,) = lines_of_items([item(price=price)]).lines
    assert (line.code, line.codes, line.size) == ("ROD-L", ("v-9", "price_L", "prod_Rod"), "L")


def test_without_metadata_the_price_comes_before_the_product() -> None:
    (line,) = lines_of_items([item(price={"id": "price_L", "product": "prod_Rod"})]).lines
    assert (line.code, line.codes, line.unit_price) == ("price_L", ("prod_Rod",), None)


def test_a_tiered_price_is_taken_from_the_subtotal_where_it_divides() -> None:
    tiered = {"id": "price_L", "unit_amount": None, "product": "prod_Rod"}
    prices = [lines_of_items([item(price=tiered, amount_subtotal=total)]).lines[0].unit_price for total in (900, 901)]
    assert prices == [450, None]


@pytest.mark.parametrize("quantity", [0, -1, 1.5, None, True, "many", 2_000_000])
def test_a_line_item_with_no_whole_quantity_refuses_all_of_them(quantity: object) -> None:
    with pytest.raises(UnreadableCart, match=r"quantity of Rod|Rod has no quantity"):
        lines_of_items([item(), item(quantity=quantity)])


@pytest.mark.parametrize("items", [[], [{"quantity": 1, "price": None}], [None], [item()] * 1_001])
def test_line_items_without_any_code_are_refused(items: list[Any]) -> None:
    with pytest.raises(UnreadableCart) as refused:
        lines_of_items(items)
    assert refused.value.raw


# ---------------------------------------------------------------- the amount check


PAID_AT = datetime(2026, 3, 1, tzinfo=UTC)


def payment(amount: int, metadata: dict[str, str] | None = None, **values: Any) -> Payment:
    return Payment(
        payment_id="pi_1", state=PaymentState.PAID, amount=amount, paid_at=PAID_AT, livemode=False,
        metadata=metadata or {}, **{"currency": "usd", **values},
    )  # fmt: skip


def cart(*prices: int | None, quantity: int = 1, source: str = "metadata:list") -> Cart:
    lines = (CartLine(code=f"A-{n}", quantity=quantity, unit_price=price) for n, price in enumerate(prices))
    return Cart(lines=tuple(lines), source=source)


KNOWN: dict[str, Any] = {"shipping": 500, "tax": 80, "discount": 0}
SUMS: list[tuple[Cart, Payment, int | None]] = [
    (cart(1000, 500), payment(2080, **KNOWN), 0),
    (cart(1000, 500), payment(2000, **KNOWN), 0),  # tax is included in the prices
    (cart(1000, 500), payment(1880, **{**KNOWN, "discount": 200}), 0),
    (cart(1000, 500), payment(2082, **KNOWN), 0),  # one minor unit a line is rounding
    (cart(1000, 500), payment(2083, **KNOWN), 3),
    (cart(1000, 500), payment(1700, **KNOWN), -300),
    (cart(1000, quantity=10), payment(1000), -9000),  # the cart has ten units, and one was paid
    (cart(1000), payment(1700), None),  # more was paid, and shipping and tax are unknown
    (cart(1000), payment(800, {"couponCode": "SPRING"}), None),
    (cart(1000), payment(800, {"couponCode": "", "discount_code": "none"}), -200),
    (cart(1000), payment(800, {"coupon": "SPRING", "discount_amount": "200"}), 0),
    (cart(1000, None), payment(1000), None),
    (cart(1000), payment(0), None),
    (cart(210), payment(22_500, {"shipping_cost": "15", "tax_amount": "0", "subtotal": "210"}), 0),
    (cart(210), payment(22_500, {"shipping_cost": "15.00", "tax_amount": "0.00"}), 0),
    (cart(210), payment(22_600, {"shipping_cost": "15.00", "tax_amount": "0.00"}), 100),
    (cart(4900), payment(4900, currency="jpy"), 0),
    (cart(49), payment(4900, currency="jpy", **KNOWN), 4271),  # yen have no minor units: 49 is 49
    (cart(49, source=LINE_ITEMS), payment(4900, shipping=0, tax=0, discount=0), 4851),  # Stripe uses minor units
]


@pytest.mark.parametrize(("bought", "paid", "expected"), SUMS)
def test_the_amount_paid_is_compared_with_the_price_of_the_cart(
    bought: Cart, paid: Payment, expected: int | None
) -> None:
    assert difference(bought, paid) == expected


@pytest.mark.parametrize(("bought", "paid", "expected"), SUMS)
def test_lines_and_extras_give_the_same_difference(bought: Cart, paid: Payment, expected: int | None) -> None:
    beside, priced = extras(bought, paid), in_minor_units(bought, paid)
    if any(line.unit_price is None for line in bought.lines) or paid.amount == 0:
        assert beside is None
        return
    assert beside is not None
    rest = paid.amount - sum(line.quantity * (line.unit_price or 0) for line in priced.lines) - beside
    assert (0 if abs(rest) <= len(bought.lines) else rest) == (expected or 0)


def test_an_unknown_difference_counts_as_shipping_or_coupon_and_stays() -> None:
    assert extras(cart(1000), payment(1700)) == 700
    assert extras(cart(1000), payment(800, {"couponCode": "SPRING"})) == -200
    assert extras(cart(1000, 500), payment(2082, **KNOWN)) == 580, "rounding is no shipping"


def test_a_published_order_with_decimal_prices_adds_up() -> None:
    metadata = {
        "order_items": '[{"product":18,"qty":2,"price":"19.90"}]',
        "shipping_price": "7.00",
        "total_price": "46.80",
    }
    bought = read_cart(metadata)
    assert isinstance(bought, Cart)
    assert bought.lines[0].unit_price == 1990
    assert difference(bought, payment(4680, metadata)) == 0


@pytest.mark.parametrize(("currency", "price"), [("usd", 3850), ("JPY", None), ("kwd", 38_500)])
def test_prices_with_decimals_become_minor_units_of_the_currency(currency: str, price: int | None) -> None:
    bought = read_cart({"cart": '[{"sku": "A", "qty": 1, "price": 38.5}]'}, currency=currency)
    assert isinstance(bought, Cart)
    assert bought.lines[0].unit_price == price


def test_one_price_with_decimals_shows_the_unit_of_the_others() -> None:
    bought = read_cart({"cart": '[{"sku": "A", "qty": 1, "price": 38.5}, {"sku": "B", "qty": 1, "price": 12}]'})
    assert isinstance(bought, Cart)
    assert [line.unit_price for line in bought.lines] == [3850, 1200]


@pytest.mark.parametrize("price", ['"from 5"', "-5", "null", "true", "1e9", '"$5"'])
def test_an_unreadable_price_does_not_make_the_cart_unreadable(price: str) -> None:
    bought = read_cart({"cart": f'[{{"sku": "A", "qty": 1, "price": {price}}}]'})
    assert isinstance(bought, Cart)
    assert bought.lines[0].unit_price is None


def test_whole_prices_become_minor_units_where_the_payment_shows_it() -> None:
    assert in_minor_units(cart(210), payment(21_000)) == cart(21_000)
    assert in_minor_units(cart(21_000), payment(21_000)) == cart(21_000)
    assert in_minor_units(cart(None), payment(21_000)) == cart(None)
