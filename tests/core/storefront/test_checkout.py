"""Paying for a cart through the API: we price and hold it, and our own importer can read the payment."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import randrange
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from core.carts.reading import read_cart
from core.database.engine import run
from core.foundation.model import Actor, Line
from core.foundation.sales import Cart
from core.inbox import messages as inbox
from core.inbox.messages import WORKER
from core.ledger import changes as ledger
from core.ledger.holds import Wanted
from core.people.api_keys import Scope
from core.storefront import checkout, payments
from core.storefront.purchases import Purchase
from core.stripe.gateway import Gateway
from tests.core.storefront.test_api import Client, is_problem
from tests.stripe.account import StripeAccount
from tests.stripe.fake import FakeStripe, fake_gateway
from tests.support.builders import Shop

PATH = "/stripe/create-payment-intent"


class Till:
    """A storefront in front of a Stripe account."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        run(shop.engine, inbox.go_live, WORKER, livemode=False)
        self.account = StripeAccount()  # its clock stands at this moment: what is paid by it is paid after going live
        self.account.store.count = randrange(10**11)  # Stripe gives no id twice, whoever asks
        self.gateway: Gateway
        self.stripe: FakeStripe
        self.gateway, self.stripe = fake_gateway(self.account, attempts=2)
        self.client = Client(shop, gateway=self.gateway)

    def pay(self, *items: Any, key: str | None = None, currency: str | None = "eur", **more: Any) -> httpx.Response:
        """Ask for a payment."""
        headers = {"Idempotency-Key": key} if key else {}
        body = {"items": list(items), "currency": currency, **more}
        return self.client.http.post(PATH, json=body, headers=headers)

    def change(self, payment_id: str, **what: Any) -> httpx.Response:
        """Change a payment."""
        return self.client.http.request("PATCH", f"/stripe/payment-intents/{payment_id}", json=what)

    @property
    def payments(self) -> list[dict[str, Any]]:
        """The payments that Stripe has."""
        return list(self.account.kept["payment_intent"].values())


@pytest.fixture
def till(shop: Shop) -> Till:
    return Till(shop)


@pytest.fixture
def currency(shop: Shop) -> Iterator[Any]:
    def change(code: str) -> None:
        shop.sql("update stockroom.shop set currency = :code", code=code)

    yield change
    change("EUR")


def reserved(shop: Shop, variant_id: UUID) -> int:
    return int(shop.sql("select reserved_quantity from public.product_variants where id = :id", id=variant_id))


def of(variant_id: UUID, quantity: int = 1) -> dict[str, Any]:
    return {"variantId": str(variant_id), "quantity": quantity}


def test_a_cart_is_held_priced_and_begun_at_stripe(till: Till) -> None:
    shoe, sock = till.shop.variant(5, price=120.50), till.shop.variant(9, price=8)
    answer = till.pay(of(shoe, 2), of(sock), metadata={"cartId": "cart-7"}, shipping=490)
    assert answer.status_code == 201, answer.text
    told, made = answer.json(), till.payments[0]
    assert (told["amount"], told["currency"], told["shipping"]) == (2 * 12050 + 800 + 490, "eur", 490)
    assert (told["clientSecret"], told["paymentIntentId"]) == (made["client_secret"], made["id"])
    assert (made["amount"], made["currency"]) == (told["amount"], "eur")
    assert (made["metadata"]["reservation"], made["metadata"]["cartId"]) == (told["reservation"], "cart-7")
    assert (reserved(till.shop, shoe), reserved(till.shop, sock)) == (2, 1)
    cart = read_cart(made["metadata"], currency="eur")
    assert isinstance(cart, Cart)
    assert {(line.code, line.quantity, line.unit_price) for line in cart.lines} == {
        (str(shoe), 2, 12050), (str(sock), 1, 800)}  # fmt: skip
    assert sorted(line["unitPrice"] for line in told["lines"]) == [800, 12050]
    bound = till.shop.sql("select payment_id from stockroom.reservations where id = :id", id=told["reservation"])
    assert bound == made["id"]


def test_a_price_in_the_request_is_ignored(till: Till) -> None:
    shoe = till.shop.variant(5, price=100)
    answer = till.pay({**of(shoe), "price": 1, "unitPrice": 1}, amount=1)
    assert answer.json()["amount"] == 10_000


def test_a_variant_without_a_price_of_its_own_costs_what_its_product_costs(till: Till) -> None:
    shoe = till.shop.variant(5)
    told = is_problem(till.pay(of(shoe)), 422)
    assert "without a price" in told["detail"]
    assert reserved(till.shop, shoe) == 0
    till.shop.sql(
        """update public.products set price = 42
            where id = (select product_id from public.product_variants where id = :id)""",
        id=shoe,
    )
    assert till.pay(of(shoe)).json()["amount"] == 4_200


def test_a_short_cart_names_every_short_line_holds_nothing_and_begins_nothing(till: Till) -> None:
    shoe, sock, hat = (till.shop.variant(n, price=10) for n in (1, 0, 9))
    told = is_problem(till.pay(of(shoe, 2), of(sock), of(hat)), 409)
    assert sorted((short["variant_id"], short["available"]) for short in told["short"]) == sorted(
        [(str(shoe), 1), (str(sock), 0)]
    )
    assert [reserved(till.shop, each) for each in (shoe, sock, hat)] == [0, 0, 0]
    assert till.payments == []


def test_the_same_key_is_the_same_payment_and_other_content_is_refused(till: Till) -> None:
    shoe, key = till.shop.variant(5, price=10), uuid4().hex
    first = till.pay(of(shoe, 2), key=key)
    till.shop.sql("update public.product_variants set price = 99 where id = :id", id=shoe)
    again = till.pay(of(shoe, 2), key=key).json()
    assert again.pop("expiresAt") > first.json()["expiresAt"], "its hold is extended"
    assert again.items() <= first.json().items()
    assert is_problem(till.pay(of(shoe, 3), key=key), 409)["title"] == "KeyReused"
    assert (len(till.payments), reserved(till.shop, shoe)) == (1, 2)


def test_the_same_key_from_many_at_once_is_one_payment_and_one_hold(till: Till) -> None:
    shoe, key = till.shop.variant(50, price=10), uuid4().hex
    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(lambda _: till.pay(of(shoe, 2), key=key), range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["clientSecret"] for answer in answers}) == 1
    assert (len(till.payments), reserved(till.shop, shoe)) == (1, 2)


def test_after_a_crash_between_hold_and_stripe_the_same_key_goes_on(till: Till) -> None:
    shoe, key = till.shop.variant(5, price=10), uuid4().hex
    keep = till.gateway.begin_payment

    def crash(**_: Any) -> Any:
        raise KeyboardInterrupt

    till.gateway.begin_payment = crash  # type: ignore[method-assign]
    purchase = Purchase(items=[Wanted(variant_id=shoe, quantity=2)], currency="eur")
    actor = Actor(name="Web shop")
    with pytest.raises(KeyboardInterrupt):
        checkout.begin_payment(till.shop.engine, till.gateway, actor, purchase=purchase, key=key)
    assert reserved(till.shop, shoe) == 2
    till.gateway.begin_payment = keep  # type: ignore[method-assign]
    checkout.begin_payment(till.shop.engine, till.gateway, actor, purchase=purchase, key=key)
    assert (len(till.payments), reserved(till.shop, shoe)) == (1, 2)


@pytest.mark.parametrize(("trouble", "status"), [(500, 503), ("timeout", 503), (429, 503), (402, 502)])
def test_where_stripe_makes_no_payment_nothing_stays_held_and_the_key_may_try_again(
    till: Till, trouble: int | str, status: int
) -> None:
    shoe, key = till.shop.variant(5, price=10), uuid4().hex
    till.stripe.trouble(trouble, times=2)
    is_problem(till.pay(of(shoe, 2), key=key), status)
    assert reserved(till.shop, shoe) == 0
    till.stripe._troubles.clear()
    assert till.pay(of(shoe, 2), key=key).status_code == 201
    assert (len(till.payments), reserved(till.shop, shoe)) == (1, 2)


def test_an_answer_that_was_lost_on_the_way_is_asked_for_again_and_made_once(till: Till) -> None:
    till.stripe.lost = 1
    assert till.pay(of(till.shop.variant(5, price=10))).status_code == 201
    assert len(till.payments) == 1


def test_without_a_key_for_stripe_or_one_that_may_write_nothing_is_held(till: Till) -> None:
    shoe = till.shop.variant(5, price=10)
    unconnected = Client(till.shop)
    is_problem(unconnected.http.post(PATH, json={"items": [of(shoe)], "currency": "eur"}), 503)
    till.stripe.denied = {"rak_payment_intent_write"}
    told = is_problem(till.pay(of(shoe)), 502)
    assert "may not write PaymentIntents (rak_payment_intent_write)" in told["detail"]
    assert reserved(till.shop, shoe) == 0
    assert till.gateway.account().missing == ()


def test_a_hold_that_ran_out_is_taken_again_with_the_same_payment(till: Till) -> None:
    shoe, key = till.shop.variant(2, price=10), uuid4().hex
    first = till.pay(of(shoe, 2), key=key).json()
    till.shop.sql("update stockroom.reservations set expires_at = now() where id = :id", id=first["reservation"])
    again = till.pay(of(shoe, 2), key=key).json()
    assert again["paymentIntentId"] == first["paymentIntentId"]
    assert again["reservation"] != first["reservation"]
    assert reserved(till.shop, shoe) == 2
    till.account.cancel(first["paymentIntentId"])
    is_problem(till.pay(of(shoe, 2), key=key), 410)


def test_a_cart_of_any_size_that_fits_is_read_whole_and_a_larger_one_is_refused_before_it_is_held(till: Till) -> None:
    shop = till.shop
    product = shop.sql("insert into public.products (name, price) values ('Lace', 1) returning id")
    with shop.owner.begin() as connection:
        made = text("""insert into public.product_variants (product_id, sku, stock_quantity)
                       select :product, 'LACE-' || n || '-' || :tag, 0 from generate_series(1, 460) n returning id""")
        laces = [row[0] for row in connection.execute(made, {"product": product, "tag": uuid4().hex[:6]})]
    shop.run(ledger.receive, lines=[Line(variant_id=lace, quantity=2) for lace in laces], key=uuid4().hex)
    fits = till.pay(*map(of, laces[:380]), metadata={"cartId": "c" * 200}, shipping=1)
    assert fits.status_code == 201, fits.text
    cart = read_cart(till.payments[0]["metadata"], currency="eur")
    assert isinstance(cart, Cart)
    assert {line.code for line in cart.lines} == {str(lace) for lace in laces[:380]}
    assert "more than fit into one Stripe payment" in is_problem(till.pay(*map(of, laces)), 422)["detail"]
    assert [reserved(shop, lace) for lace in (laces[0], laces[459])] == [1, 0]


def test_a_currency_without_cents_is_counted_in_whole_units(till: Till, currency: Any) -> None:
    shoe = till.shop.variant(5, price=12_900)
    currency("JPY")
    assert till.pay(of(shoe), currency="jpy").json()["amount"] == 12_900
    told = is_problem(till.pay(of(shoe), currency="eur"), 422)
    assert "must be JPY" in told["detail"]
    uneven = till.shop.variant(5, price=12.5)
    assert "fraction of the smallest coin" in is_problem(till.pay(of(uneven), currency="jpy"), 422)["detail"]


@pytest.mark.parametrize(
    ("price", "shipping", "said"),
    [
        (0, 0, "from 1 to"),
        (0.1, 0, "less than Stripe takes"),
        (1_000_000, 0, "from 1 to"),
        (5, -1, "Shipping must be from 0"),
    ],
)
def test_an_amount_that_stripe_would_not_take_is_refused_in_a_sentence(
    till: Till, price: float, shipping: int, said: str
) -> None:
    shoe = till.shop.variant(5, price=price)
    assert said in is_problem(till.pay(of(shoe), shipping=shipping), 422)["detail"]
    assert reserved(till.shop, shoe) == 0


def test_only_a_key_for_orders_may_begin_payments(till: Till) -> None:
    holder = Client(till.shop, Scope.VALIDATE, Scope.RESERVE, gateway=till.gateway)
    body = {"items": [of(till.shop.variant(1, price=10))], "currency": "eur"}
    is_problem(holder.http.post(PATH, json=body), 403)


def test_a_race_between_a_failure_and_a_payment_leaves_the_payment_with_its_units(till: Till) -> None:
    """The first asker hears nothing from Stripe and lets go; the second, meanwhile, has bound the payment."""
    shoe = till.shop.variant(5, price=10)
    purchase = Purchase(items=[Wanted(variant_id=shoe, quantity=2)], currency="eur")
    actor, key = Actor(name="Web shop"), uuid4().hex
    begun = checkout.begin_payment(till.shop.engine, till.gateway, actor, purchase=purchase, key=key)
    ids = {"checkout_id": begun.checkout.checkout_id, "reservation_id": begun.checkout.reservation_id}
    run(till.shop.engine, payments._give_up, actor, **ids)
    assert reserved(till.shop, shoe) == 2
