"""Line items of Checkout, and the comparison of the amount paid with the price of the cart."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from core.carts.amounts import LINE_ITEMS, Fit, Tolerance, weigh
from core.carts.reading import lines_of_items, read_cart
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
EXACT, TOLERATED, UNKNOWN, OUT = Fit.EXACT, Fit.TOLERATED, Fit.UNKNOWN, Fit.OUT
SUMS: list[tuple[Cart, Payment, Fit, int]] = [
    (cart(1000, 500), payment(2080, **KNOWN), EXACT, 0),
    (cart(1000, 500), payment(2000, **KNOWN), EXACT, 0),  # tax is included in the prices
    (cart(1000, 500), payment(1880, **{**KNOWN, "discount": 200}), EXACT, 0),
    (cart(1000, 500), payment(2082, **KNOWN), EXACT, 0),  # one minor unit a line is rounding
    (cart(1000, 500), payment(2083, **KNOWN), TOLERATED, 3),
    (cart(1000, 500), payment(1700, **KNOWN), TOLERATED, -300),
    (cart(1000, 500), payment(1300, **KNOWN), OUT, -700),
    (cart(1000, quantity=10), payment(1000), OUT, -9000),  # the cart has ten units, and one was paid
    (cart(1000), payment(1700), TOLERATED, 700),  # shipping and tax are not known
    (cart(1000), payment(4000), OUT, 3000),
    (cart(1000), payment(700), TOLERATED, -300),
    (cart(1000), payment(699), OUT, -301),
    (cart(1000), payment(400, {"couponCode": "SPRING"}), TOLERATED, -600),
    (cart(1000), payment(50, {"couponCode": "SPRING"}), OUT, -950),
    (cart(1000), payment(400, {"couponCode": "", "discount_code": "none"}), OUT, -600),
    (cart(1000), payment(800, {"coupon": "SPRING", "discount_amount": "200"}), EXACT, 0),
    (cart(1000, None), payment(1000), UNKNOWN, 0),
    (cart(1000), payment(0), UNKNOWN, 0),
    (cart(1000), payment(0, shipping=0, tax=0, discount=1000), EXACT, 0),
    (cart(210), payment(22_500, {"shipping_cost": "15", "tax_amount": "0", "subtotal": "210"}), EXACT, 0),
    (cart(210), payment(22_500, {"shipping_cost": "15.00", "tax_amount": "0.00"}), EXACT, 0),
    (cart(210), payment(22_600, {"shipping_cost": "15.00", "tax_amount": "0.00"}), TOLERATED, 100),
    (cart(10, quantity=3), payment(1000), OUT, 970),  # neither 0.30 nor 30.00
    (cart(4900), payment(4900, currency="jpy"), EXACT, 0),
    (cart(49), payment(4900, currency="jpy", **KNOWN), OUT, 4271),  # yen have no minor units: 49 is 49
    (cart(49, source=LINE_ITEMS), payment(4900, shipping=0, tax=0, discount=0), OUT, 4851),  # Stripe uses minor units
]  # fmt: skip


@pytest.mark.parametrize(("bought", "paid", "fit", "rest"), SUMS)
def test_the_amount_paid_is_compared_with_the_price_of_the_cart(
    bought: Cart, paid: Payment, fit: Fit, rest: int
) -> None:
    found = weigh(bought, paid)
    assert (found.fit, found.rest) == (fit, rest)
    assert (found.why is not None) is (fit is OUT)


@pytest.mark.parametrize(("bought", "paid", "fit", "rest"), SUMS)
def test_lines_and_extras_add_up_to_what_was_paid(bought: Cart, paid: Payment, fit: Fit, rest: int) -> None:
    found = weigh(bought, paid)
    if fit is UNKNOWN:
        assert found.extras is None
        return
    assert found.extras is not None
    goods = sum(line.quantity * (line.unit_price or 0) for line in found.cart.lines)
    assert abs(paid.amount - goods - found.extras) <= len(bought.lines), f"{rest} included"


def test_what_is_tolerated_is_part_of_the_extras_and_rounding_is_not() -> None:
    assert weigh(cart(1000), payment(1700)).extras == 700
    assert weigh(cart(1000), payment(800, {"couponCode": "SPRING"})).extras == -200
    assert weigh(cart(1000, 500), payment(2082, **KNOWN)).extras == 580, "rounding is no shipping"


@pytest.mark.parametrize(
    ("tolerance", "paid", "fit"),
    [
        (Tolerance(less=0), 999, EXACT), (Tolerance(less=0), 998, OUT), (Tolerance(less=50), 500, TOLERATED),
        (Tolerance(more=0, amount=0), 1002, OUT), (Tolerance(more=10, amount=0), 1100, TOLERATED),
        (Tolerance(more=10, amount=0), 1101, OUT), (Tolerance(more=0, amount=5), 1500, TOLERATED),
    ],
)  # fmt: skip
def test_the_shop_sets_how_much_less_and_more_is_tolerated(tolerance: Tolerance, paid: int, fit: Fit) -> None:
    assert weigh(cart(1000), payment(paid), tolerance=tolerance).fit is fit


def test_a_cart_without_prices_is_held_against_the_catalogue() -> None:
    nothing = weigh(cart(None), payment(50), [11_990])
    assert (nothing.fit, nothing.extras) == (OUT, None)
    assert nothing.why == ("its lines come to 119.90 USD, but 0.50 USD was paid, and the shop tolerates 30 % less")
    assert weigh(cart(None), payment(11_990), [11_990]).fit is EXACT
    assert weigh(cart(None), payment(50), [None]).fit is UNKNOWN


def test_the_catalogue_shows_the_unit_of_whole_prices() -> None:
    assert weigh(cart(10, quantity=3), payment(2500), [1000]).rest == -500, "30.00, less a discount"
    assert weigh(cart(10, quantity=3), payment(2500)).fit is TOLERATED, "0.30 is out of the question"
    sure = weigh(cart(500), payment(2400), [500])
    assert (sure.fit, sure.rest) == (TOLERATED, 1900), "shipping within the amount that the shop allows"
    assert weigh(cart(500), payment(2400)).fit is OUT, "without the catalogue 5.00 or 500.00 are both far off"


@pytest.mark.parametrize(("name", "value"), [("subtotal", "180"), ("total", "99.00"), ("amount", "12")])
def test_a_total_in_the_metadata_that_does_not_agree_is_no_fit(name: str, value: str) -> None:
    found = weigh(cart(210), payment(21_000, {name: value}))
    assert found.fit is OUT
    assert found.why == f"its {name} is {value}, which is neither its lines nor what was paid"
    without = weigh(cart(None), payment(21_000, {name: value}))
    assert without.fit is (UNKNOWN if value == "180" else OUT), "180.00 and shipping may be 210.00"


@pytest.mark.parametrize("value", ["210", "210.00", "21000", "225", "225.00"])
def test_a_total_is_the_price_of_the_goods_or_with_its_known_extras(value: str) -> None:
    assert weigh(cart(210), payment(22_500, {"subtotal": value, "shipping": "15"})).fit is EXACT


def test_a_capture_of_a_part_says_so_with_prices_or_without() -> None:
    priced = weigh(cart(2500), payment(2400, released=100))
    assert priced.why == "only 24.00 USD of 25.00 USD was captured, and its lines come to 25.00 USD"
    unpriced = weigh(cart(None), payment(1000, released=1500))
    assert unpriced.why == "only 10.00 USD of 25.00 USD was captured, and its prices are not known"
    assert weigh(cart(1000), payment(1000, released=1500)).fit is EXACT, "the cart is what was captured"


def test_an_uncertain_reading_fits_exactly_or_with_unknown_shipping() -> None:
    assert weigh(cart(1000), payment(900), exactly=True).fit is OUT
    assert weigh(cart(1000), payment(1500), exactly=True).fit is TOLERATED
    assert weigh(cart(1000), payment(1500, shipping=0, tax=0), exactly=True).fit is OUT


def test_a_published_order_with_decimal_prices_adds_up() -> None:
    metadata = {
        "order_items": '[{"product":18,"qty":2,"price":"19.90"}]',
        "shipping_price": "7.00",
        "total_price": "46.80",
    }
    bought = read_cart(metadata)
    assert isinstance(bought, Cart)
    assert bought.lines[0].unit_price == 1990
    assert weigh(bought, payment(4680, metadata)).fit is EXACT


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
    assert weigh(cart(210), payment(21_000)).cart == cart(21_000)
    assert weigh(cart(21_000), payment(21_000)).cart == cart(21_000)
    assert weigh(cart(None), payment(21_000)).cart == cart(None)


def test_a_discount_is_known_if_all_of_the_payment_adds_up_with_it() -> None:
    given = {**KNOWN, "discount": 200}
    assert weigh(cart(1000, 500), payment(1880, **given)).discount == 200
    assert weigh(cart(1000), payment(800, {"coupon": "SPRING", "discount_amount": "200"})).discount == 200
    assert weigh(cart(1000, 500), payment(2080, **KNOWN)).discount is None
    assert weigh(cart(800, 500), payment(1880, **given)).discount is None, "its prices are already less the discount"
