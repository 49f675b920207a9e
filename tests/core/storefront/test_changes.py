"""A cart that is asked again keeps its payment and its hold; both follow the cart, together or not at all."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest

from core.carts.reading import read_cart
from core.foundation.sales import Cart
from core.storefront import changes
from tests.core.storefront.test_api import Client, is_problem
from tests.core.storefront.test_checkout import Till, of, reserved
from tests.core.storefront.test_create_from_payment import order
from tests.support.builders import Shop


@pytest.fixture
def till(shop: Shop) -> Till:
    return Till(shop)


def cart(name: str | None = None) -> dict[str, Any]:
    return {"cartId": name or f"cart-{uuid4().hex}"}


def units(till: Till) -> dict[str, int]:
    """The units by variant in the metadata of the one payment."""
    (made,) = till.payments
    found = read_cart(made["metadata"], currency="eur")
    assert isinstance(found, Cart)
    return {line.code: line.quantity for line in found.lines}


def holds(shop: Shop, name: str) -> int:
    return int(
        shop.sql("select count(*) from stockroom.reservations where reference = :name and state = 'active'", name=name)
    )


def test_the_same_cart_again_is_the_same_payment_with_an_extended_hold(till: Till) -> None:
    shoe, notes = till.shop.variant(5, price=10), cart()
    first = till.pay(of(shoe, 2), metadata=notes).json()
    again = till.pay(of(shoe, 2), metadata=notes, ttl_seconds=7_200).json()
    assert again["expiresAt"] > first["expiresAt"]
    assert (again["paymentIntentId"], again["reservation"]) == (first["paymentIntentId"], first["reservation"])
    assert (len(till.payments), reserved(till.shop, shoe), holds(till.shop, notes["cartId"])) == (1, 2, 1)


def test_a_changed_cart_changes_its_payment_hold_and_metadata(till: Till) -> None:
    shoe, sock, hat, notes = *(till.shop.variant(5, price=10) for _ in range(3)), cart()
    first = till.pay(of(shoe, 2), of(sock), metadata=notes).json()
    changed = till.pay(of(shoe, 1), of(hat, 4), metadata=notes, shipping=490)
    assert changed.status_code == 201, changed.text
    told = changed.json()
    assert told["paymentIntentId"] == first["paymentIntentId"]
    assert told["breakdown"] == {"subtotal": 5_000, "shipping": 490, "tax": 0, "total": 5_490}
    assert (len(till.payments), till.payments[0]["amount"]) == (1, 5_490)
    assert units(till) == {str(shoe): 1, str(hat): 4}
    assert till.payments[0]["metadata"]["shipping_amount"] == "490"
    assert [reserved(till.shop, each) for each in (shoe, sock, hat)] == [1, 0, 4]
    assert holds(till.shop, notes["cartId"]) == 1


def test_a_price_that_changed_is_in_the_payment_of_the_cart_that_is_asked_again(till: Till) -> None:
    shoe, notes = till.shop.variant(5, price=10), cart()
    till.pay(of(shoe, 2), metadata=notes)
    till.shop.sql("update public.product_variants set price = 11 where id = :id", id=shoe)
    assert till.pay(of(shoe, 2), metadata=notes).json()["amount"] == till.payments[0]["amount"] == 2_200


def test_a_change_by_patch_leaves_out_what_it_does_not_name(till: Till) -> None:
    shoe, sock = till.shop.variant(5, price=10), till.shop.variant(5, price=3)
    begun = till.pay(of(shoe, 2), shipping=490, metadata=cart()).json()
    told = till.change(begun["paymentIntentId"], items=[of(shoe), of(sock)]).json()
    assert told["breakdown"] == {"subtotal": 1_300, "shipping": 490, "tax": 0, "total": 1_790}
    told = till.change(begun["paymentIntentId"], shipping=0).json()
    assert (told["amount"], units(till)) == (1_300, {str(shoe): 1, str(sock): 1})
    assert "shipping_amount" not in till.payments[0]["metadata"]
    longer = till.change(begun["paymentIntentId"], ttlSeconds=7_200).json()
    assert longer["expiresAt"] > told["expiresAt"]
    assert (reserved(till.shop, shoe), reserved(till.shop, sock)) == (1, 1)


def state(till: Till, *variants: UUID) -> tuple[Any, ...]:
    """All that a change may change."""
    (made,) = till.payments
    return made["amount"], dict(made["metadata"]), [reserved(till.shop, each) for each in variants]


def test_a_change_that_is_short_names_every_short_line_and_changes_nothing(till: Till) -> None:
    shoe, sock, hat = (till.shop.variant(n, price=10) for n in (3, 1, 9))
    begun = till.pay(of(shoe, 2), of(sock)).json()
    before = state(till, shoe, sock, hat)
    told = is_problem(till.change(begun["paymentIntentId"], items=[of(shoe, 4), of(sock, 2), of(hat)]), 409)
    assert sorted((short["variant_id"], short["requested"], short["available"]) for short in told["short"]) == sorted(
        [(str(shoe), 4, 3), (str(sock), 2, 1)]
    )
    assert state(till, shoe, sock, hat) == before


@pytest.mark.parametrize(("trouble", "status"), [(500, 503), (429, 503), ("timeout", 503), (402, 502)])
def test_where_stripe_refuses_a_change_everything_stays(till: Till, trouble: int | str, status: int) -> None:
    shoe, sock = till.shop.variant(5, price=10), till.shop.variant(5, price=10)
    begun = till.pay(of(shoe, 2)).json()
    before = state(till, shoe, sock)
    keep = till.gateway.change_payment

    def refused(*given: Any, **named: Any) -> Any:
        till.stripe.trouble(trouble, times=2)
        try:
            return keep(*given, **named)
        finally:
            till.stripe._troubles.clear()

    till.gateway.change_payment = refused  # type: ignore[method-assign]
    is_problem(till.change(begun["paymentIntentId"], items=[of(sock, 3)]), status)
    assert state(till, shoe, sock) == before
    till.gateway.change_payment = keep  # type: ignore[method-assign]
    assert till.change(begun["paymentIntentId"], items=[of(sock, 3)]).json()["amount"] == 3_000
    assert state(till, shoe, sock)[2] == [0, 3]


def test_a_change_whose_answer_is_lost_is_made_once(till: Till) -> None:
    shoe = till.shop.variant(5, price=10)
    begun = till.pay(of(shoe, 2)).json()
    till.stripe.lost = 1
    assert till.change(begun["paymentIntentId"], items=[of(shoe, 3)]).json()["amount"] == 3_000
    assert state(till, shoe)[::2] == (3_000, [3])


def test_while_nobody_knows_what_stripe_did_the_units_of_both_carts_stay_held(till: Till) -> None:
    shoe, sock, notes = till.shop.variant(5, price=10), till.shop.variant(5, price=10), cart()
    begun = till.pay(of(shoe, 2), metadata=notes).json()
    ask, keep = till.gateway.payment, till.gateway.change_payment

    def lost(*given: Any, **named: Any) -> Any:
        keep(*given, **named)
        till.stripe.trouble("timeout", times=4)
        return keep(*given, **named | {"key": "another"})

    till.gateway.change_payment = lost  # type: ignore[method-assign]
    is_problem(till.change(begun["paymentIntentId"], items=[of(sock, 3)]), 503)
    assert [reserved(till.shop, each) for each in (shoe, sock)] == [2, 3]
    till.stripe._troubles.clear()
    till.gateway.payment, till.gateway.change_payment = ask, keep  # type: ignore[method-assign]
    assert till.pay(of(sock, 3), metadata=notes).json()["amount"] == 3_000
    assert state(till, shoe, sock)[2] == [0, 3]


def test_a_payment_that_is_paid_is_not_changed_and_its_cart_begins_another(till: Till) -> None:
    shoe, notes = till.shop.variant(9, price=10), cart()
    begun = till.pay(of(shoe, 2), metadata=notes).json()
    till.account.succeed(begun["paymentIntentId"])
    told = is_problem(till.change(begun["paymentIntentId"], items=[of(shoe, 3)]), 409)
    assert told["error"] == told["detail"] == "This payment is already paid, so nothing was changed."
    assert reserved(till.shop, shoe) == 2
    assert order(till, begun["paymentIntentId"]).json()["lines"][0]["quantity"] == 2
    key = uuid4().hex
    another = till.pay(of(shoe, 3), metadata=notes, key=key).json()
    assert another["paymentIntentId"] != begun["paymentIntentId"]
    assert till.pay(of(shoe, 3), metadata=notes, key=key).json()["paymentIntentId"] == another["paymentIntentId"]
    assert (len(till.payments), reserved(till.shop, shoe)) == (2, 3)


def test_a_payment_that_the_bank_still_considers_is_found_again_and_not_changed(till: Till) -> None:
    shoe, notes = till.shop.variant(9, price=10), cart()
    begun = till.pay(of(shoe, 2), metadata=notes).json()
    till.account.process(begun["paymentIntentId"])
    assert till.pay(of(shoe, 2), metadata=notes).json()["status"] == "processing"
    told = is_problem(till.pay(of(shoe, 3), metadata=notes), 409)
    assert "its status is processing" in told["detail"]
    assert state(till, shoe)[::2] == (2_000, [2])


def test_a_buyer_who_pays_in_the_middle_of_a_change_gets_what_was_paid(till: Till) -> None:
    shoe, sock = till.shop.variant(5, price=10), till.shop.variant(5, price=10)
    begun = till.pay(of(shoe, 2)).json()
    keep = till.gateway.change_payment

    def paid_first(*given: Any, **named: Any) -> Any:
        till.account.succeed(begun["paymentIntentId"])
        return keep(*given, **named)

    till.gateway.change_payment = paid_first  # type: ignore[method-assign]
    assert "is paid" in is_problem(till.change(begun["paymentIntentId"], items=[of(sock, 3)]), 409)["detail"]
    assert [reserved(till.shop, each) for each in (shoe, sock)] == [2, 0]
    assert order(till, begun["paymentIntentId"]).json()["success"] is True
    assert [till.shop.on_hand(each) for each in (shoe, sock)] == [3, 5]


def test_a_changed_payment_becomes_the_order_of_its_new_cart(till: Till) -> None:
    shoe, sock, notes = till.shop.variant(5, price=10), till.shop.variant(5, price=10), cart()
    till.pay(of(shoe, 2), metadata=notes)
    begun = till.pay(of(sock, 3), metadata=notes).json()
    till.account.succeed(begun["paymentIntentId"])
    told = order(till, begun["paymentIntentId"]).json()
    assert (told["success"], told["orderNumber"]) == (True, notes["cartId"])
    assert [till.shop.on_hand(each) for each in (shoe, sock)] == [5, 2]
    assert [reserved(till.shop, each) for each in (shoe, sock)] == [0, 0]


def test_a_cart_whose_payment_was_cancelled_begins_another(till: Till) -> None:
    shoe, notes = till.shop.variant(2, price=10), cart()
    begun = till.pay(of(shoe, 2), metadata=notes).json()
    till.account.cancel(begun["paymentIntentId"])
    is_problem(till.change(begun["paymentIntentId"], items=[of(shoe)]), 410)
    again = till.pay(of(shoe, 2), metadata=notes).json()
    assert again["paymentIntentId"] != begun["paymentIntentId"]
    assert reserved(till.shop, shoe) == 2


def test_a_hold_that_ran_out_is_taken_again_by_its_cart(till: Till) -> None:
    shoe, sock, notes = till.shop.variant(2, price=10), till.shop.variant(9, price=10), cart()
    first = till.pay(of(shoe, 2), metadata=notes).json()
    for items in ([of(shoe, 2)], [of(sock, 4)]):
        till.shop.sql("update stockroom.reservations set expires_at = now() where reference = :c", c=notes["cartId"])
        again = till.pay(*items, metadata=notes).json()
        assert again["paymentIntentId"] == first["paymentIntentId"]
        assert till.payments[0]["metadata"]["reservation"] == again["reservation"]
    till.client.hold(of(shoe, 2))
    assert [reserved(till.shop, each) for each in (shoe, sock)] == [2, 4]


def test_the_payments_of_another_key_and_of_nobody_are_not_changed(till: Till) -> None:
    shoe, notes = till.shop.variant(9, price=10), cart()
    begun = till.pay(of(shoe), metadata=notes).json()
    own, till.client = till.client, Client(till.shop, gateway=till.gateway)
    is_problem(till.change(begun["paymentIntentId"], items=[of(shoe, 2)]), 404)
    assert till.pay(of(shoe), metadata=notes).json()["paymentIntentId"] != begun["paymentIntentId"]
    till.client = own
    is_problem(till.change("pi_nobody", items=[of(shoe, 2)]), 404)
    is_problem(till.change("nonsense", items=[of(shoe, 2)]), 422)


def patiently(ask: Callable[[], Any]) -> Any:
    """Ask again while the answer is 503, as a storefront does: the machine may stop while another tab has the row."""
    for _ in range(4):
        answer = ask()
        if answer.status_code != 503:
            return answer
    return ask()


@pytest.mark.parametrize("same", [True, False])
def test_two_tabs_at_once_with_the_same_cart_are_one_payment_and_one_hold(till: Till, same: bool) -> None:
    for _ in range(5):
        shoe, notes, start = till.shop.variant(50, price=10), cart(), Barrier(4)
        before = len(till.payments)

        def tab(n: int, shoe: UUID = shoe, notes: dict[str, Any] = notes, start: Barrier = start) -> Any:
            start.wait()
            return patiently(lambda: till.pay(of(shoe, 2 if same else n + 1), metadata=notes))

        with ThreadPoolExecutor(4) as tabs:
            answers = list(tabs.map(tab, range(4)))
        assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
        assert len({answer.json()["paymentIntentId"] for answer in answers}) == 1
        made = till.payments[-1]
        assert (len(till.payments), holds(till.shop, notes["cartId"])) == (before + 1, 1)
        assert reserved(till.shop, shoe) * 1_000 == made["amount"]
        assert reserved(till.shop, shoe) in ([2] if same else [1, 2, 3, 4])


def test_a_request_that_waits_too_long_for_another_one_changes_nothing(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    shoe = till.shop.variant(9, price=10)
    begun = till.pay(of(shoe)).json()
    till.shop.sql(
        "update stockroom.checkouts set changing_until = now() + interval '1 hour' where payment_id = :id",
        id=begun["paymentIntentId"],
    )
    monkeypatch.setattr(changes, "_WAITS", (0.0, 0.0))
    told = is_problem(till.change(begun["paymentIntentId"], items=[of(shoe, 2)]), 503)
    assert "Another request is changing this cart" in told["detail"]
    assert state(till, shoe)[::2] == (1_000, [1])
