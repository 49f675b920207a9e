"""From the cart in Stripe to the shelf: mappings, short forms, orders in the storefront's own table."""

from __future__ import annotations

import json

import pytest

from core.carts.reading import CartMapping, Layout
from core.foundation.errors import Forbidden
from core.inbox import messages as inbox
from core.orders import cases
from tests.stripe.shop import Stripe, open_cases, sold
from tests.support.builders import Shop
from tests.support.selling import payment_id


@pytest.fixture
def stripe(fresh_shop: Shop) -> Stripe:
    return Stripe(fresh_shop)


def apply(stripe: Stripe) -> None:
    stripe.webhook()
    stripe.work()


def test_a_cart_of_a_shop_s_own_making_is_a_case_until_an_admin_maps_it(stripe: Stripe) -> None:
    shoe = stripe.shop.variant(10, sku="TEE-M")
    stripe.account.pay(2000, metadata={"bestellung": "TEE-M#2"})
    apply(stripe)
    assert [case.split(":")[0] for case in open_cases(stripe.shop)] == ["unreadable_cart"]
    mapping = CartMapping(layout=Layout.PACKED, key="bestellung", code="1", quantity="2",
                          line_separator=";", field_separator="#")  # fmt: skip
    with pytest.raises(Forbidden):
        stripe.shop.run(inbox.save_link, "Mia", changes={"cart_mapping": mapping.to_json()})
    stripe.shop.run(inbox.save_link, "Ada", changes={"cart_mapping": mapping.to_json()})
    order = stripe.shop.sql("select id from stockroom.orders")
    assert stripe.shop.run(cases.retry_cart, "Sam", order_id=order) > 0
    stripe.work()
    assert stripe.shop.on_hand(shoe) == 8
    assert open_cases(stripe.shop) == []
    stripe.shop.run(cases.retry_cart, "Sam", order_id=order)
    stripe.work()
    assert sold(stripe.shop) == 2, "trying again is safe at any time"


def test_the_short_form_of_a_long_cart_finds_its_variants_by_the_beginning_of_their_ids(stripe: Stripe) -> None:
    shoe, sock = stripe.shop.variant(10), stripe.shop.variant(10)
    short = [{"i": payment_id()[3:11], "v": str(each)[:8], "q": 2} for each in (shoe, sock)]
    stripe.account.pay(4000, metadata={"cartItems": json.dumps(short)})
    apply(stripe)
    assert (stripe.shop.on_hand(shoe), stripe.shop.on_hand(sock)) == (8, 8)


def test_the_cart_of_the_storefront_we_are_modelled_on_takes_the_very_variants(stripe: Stripe) -> None:
    shoe = stripe.shop.variant(3, size="9")
    product = stripe.shop.sql("select product_id from public.product_variants where id = :id", id=shoe)
    items = [{"id": str(product), "vid": str(shoe), "q": 1, "p": 210, "s": "US 9"}]
    metadata = {"cartItems": json.dumps(items), "reservationIds": "[]", "subtotal": "210", "shipping_cost": "0",
                "tax_amount": "0"}  # fmt: skip
    stripe.account.pay(21000, metadata=metadata)
    apply(stripe)
    assert open_cases(stripe.shop) == []
    assert stripe.shop.on_hand(shoe) == 2


def test_an_order_in_the_storefronts_own_table_is_looked_up_there(stripe: Stripe) -> None:
    shoe = stripe.shop.variant(10, sku="TEE-M")
    stripe.shop.sql("create table public.order_items (order_id int, sku text, qty int)")
    stripe.shop.sql("insert into public.order_items values (5531, 'TEE-M', 3), (5532, 'TEE-M', 1)")
    stripe.shop.sql("grant select on public.order_items to stockroom_owner")
    where = {"schema": "public", "table": "order_items", "order": "order_id", "code": "sku", "quantity": "qty"}
    stripe.shop.run(inbox.save_link, "Ada", changes={"order_lookup": where})
    stripe.account.pay(3000, metadata={"order_id": "5531"})
    stripe.account.pay(3000, metadata={"order_id": "9999"})
    apply(stripe)
    assert stripe.shop.on_hand(shoe) == 7
    assert [case.split(":")[0] for case in open_cases(stripe.shop)] == ["unreadable_cart"]
    assert "9999" in open_cases(stripe.shop)[0]


def test_a_payment_without_a_cart_is_an_order_with_a_case(stripe: Stripe) -> None:
    stripe.account.pay(3000, metadata={"purchasedItems": "50 gal still"})
    apply(stripe)
    assert sold(stripe.shop) == 0
    assert "no cart was found" in open_cases(stripe.shop)[0]
    assert stripe.shop.sql("select cart_state from stockroom.orders") == "absent"


def test_an_order_has_the_number_that_the_storefront_wrote_on_it(stripe: Stripe) -> None:
    stripe.shop.variant(3, sku="TEE-M")
    cart = json.dumps([{"sku": "TEE-M", "quantity": 1}])
    stripe.account.pay(1000, metadata={"cart": cart, "order_number": "SO-20057"})
    apply(stripe)
    assert stripe.shop.sql("select number from stockroom.orders") == "SO-20057"
    assert stripe.shop.sql("select reference_id from public.stock_movements where movement_type = 'sale'") == "SO-20057"
