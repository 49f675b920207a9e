"""Where the cart of a payment is found: the source that names variants wins, whatever message came first."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

import pytest

from core.database.engine import run
from core.inbox import messages as inbox
from core.inbox import polling
from core.inbox.messages import WORKER, Incoming
from core.payloads import reading as payloads
from tests.stripe.shop import Stripe, open_cases, sold
from tests.support.builders import Shop

PAIR = 11_990
TOLD = ("checkout.session.completed", "payment_intent.succeeded", "charge.succeeded")


@pytest.fixture
def stripe(embedded_shop: Shop) -> Stripe:
    embedded_shop.variant(1_000, sku="TR-42")
    return Stripe(embedded_shop)


def cart(sku: str = "TR-42", units: int = 1, **more: Any) -> dict[str, str]:
    return {"cart": json.dumps([{"sku": sku, "quantity": units} | more])}


def checkout(stripe: Stripe, of_session: dict[str, str], of_payment: dict[str, str], product: dict[str, str]) -> str:
    """Complete a session of one item with this metadata everywhere, and return its payment."""
    session = stripe.account.checkout([("TR-42", PAIR, 1)], metadata=of_session)
    (item,) = stripe.account.items[session["id"]]
    stripe.account.get("product", item["price"]["product"])["metadata"] = product
    session["payment_intent"] = stripe.account.open_payment(PAIR, metadata=of_payment)["id"]
    stripe.account.complete(session["id"])
    return str(session["payment_intent"])


def events(stripe: Stripe) -> dict[str, dict[str, Any]]:
    """Return the events since the last call that tell of a sale, by kind."""
    told = [json.loads(body) for body, _ in stripe.account.deliveries()]
    return {each["type"]: each for each in told if each["type"] in TOLD}


def deliver(stripe: Stripe, *told: dict[str, Any]) -> None:
    found = [
        Incoming(event=payloads.read_event(body)[0], body=json.dumps(body), source="webhook",
                 payment_id=polling.about(body))
        for body in told
    ]  # fmt: skip
    run(stripe.shop.engine, inbox.receive, WORKER, messages=found)
    stripe.work()


def end_state(stripe: Stripe, payment_id: str) -> tuple[Any, ...]:
    """Return cart, lines, cases and units sold of an order: what must not depend on the order of arrival."""
    (order,) = stripe.shop.rows(
        """select o.id, o.cart_state, o.session_id is not null as has_session, o.charge_id is not null as has_charge
             from stockroom.orders o where o.payment_id = :id""",
        id=payment_id,
    )
    lines = stripe.shop.rows(
        "select state, cause, taken, sku from stockroom_api.order_line_rows where order_id = :id", id=order.id
    )
    cases = stripe.shop.rows(
        "select kind from stockroom.alerts where order_id = :id and state <> 'resolved'", id=order.id
    )
    return (*order[1:], [tuple(line) for line in lines], [case.kind for case in cases])


TAKEN: tuple[Any, ...] = ("read", True, True, [("taken", None, 1, "TR-42")], [])
COMBINATIONS = list(itertools.product([{}, cart()], [{}, cart()], [{}, {"sku": "TR-42"}]))
WITH_A_CART = [each for each in COMBINATIONS if any(each)]


@pytest.mark.parametrize("at_once", [False, True], ids=["one by one", "in one batch"])
def test_all_orders_of_arrival_of_a_sessions_events_end_the_same(stripe: Stripe, at_once: bool) -> None:
    ends: dict[str, tuple[Any, ...]] = {}
    for of_session, of_payment, product in WITH_A_CART:
        for order in itertools.permutations(TOLD):
            payment_id = checkout(stripe, of_session, of_payment, product)
            told = events(stripe)
            batches: Sequence[Sequence[str]] = [order] if at_once else [[kind] for kind in order]
            for batch in batches:
                deliver(stripe, *(told[kind] for kind in batch))
            ends[f"{bool(of_session)} {bool(of_payment)} {bool(product)} {order}"] = end_state(stripe, payment_id)
    assert {name: end for name, end in ends.items() if end != TAKEN} == {}
    assert sold(stripe.shop) == len(ends) == 42
    assert open_cases(stripe.shop) == []


@pytest.mark.parametrize("order", list(itertools.permutations(TOLD[:2])))
def test_a_session_that_names_nothing_ends_as_the_same_case_in_either_order(
    stripe: Stripe, order: tuple[str, ...]
) -> None:
    payment_id = checkout(stripe, {}, {"note": "a gift"}, {})
    told = events(stripe)
    for kind in order:
        deliver(stripe, told[kind])
    open_line = [("failed", "unknown_variant", 0, None)]
    assert end_state(stripe, payment_id)[0::3] == ("read", open_line)
    assert [case.partition(":")[0] for case in open_cases(stripe.shop)] == ["unknown_variant"]


def test_a_later_message_repairs_an_order_that_was_read_with_unknown_codes(stripe: Stripe) -> None:
    payment_id = checkout(stripe, {}, cart(sku="OLD-1", price=PAIR), {"sku": "TR-42"})
    told = events(stripe)
    deliver(stripe, told["payment_intent.succeeded"])
    assert end_state(stripe, payment_id)[3:] == ([("failed", "unknown_variant", 0, None)], ["unknown_variant"])
    deliver(stripe, told["checkout.session.completed"])
    assert end_state(stripe, payment_id) == TAKEN
    deliver(stripe, told["checkout.session.completed"] | {"id": "evt_again"})
    assert sold(stripe.shop) == 1, "once"


def test_a_later_message_does_not_touch_lines_that_a_person_has_settled(stripe: Stripe) -> None:
    payment_id = checkout(stripe, {}, cart(sku="OLD-1", price=PAIR), {"sku": "TR-42"})
    told = events(stripe)
    deliver(stripe, told["payment_intent.succeeded"])
    stripe.shop.sql("update stockroom.order_lines set state = 'resolved', cause = null, oversold = quantity")
    deliver(stripe, told["checkout.session.completed"])
    assert end_state(stripe, payment_id)[3] == [("resolved", None, 0, None)]
    assert sold(stripe.shop) == 0


def test_a_later_message_takes_nothing_twice_of_a_cart_that_was_read(stripe: Stripe) -> None:
    stripe.shop.variant(10, sku="MUG-1")
    checkout(stripe, {}, cart(price=PAIR), {"sku": "MUG-1"})
    told = events(stripe)
    deliver(stripe, told["payment_intent.succeeded"])
    deliver(stripe, told["checkout.session.completed"])
    assert sold(stripe.shop) == 1


@pytest.mark.parametrize("name", ["id", "product_id", "article", "Artikel-Nr."])
def test_what_a_shop_calls_its_sku_in_stripe_is_found_by_trying_and_remembered(stripe: Stripe, name: str) -> None:
    payment_id = checkout(stripe, {}, {}, {name: "TR-42", "colour": "blue"})
    deliver(stripe, *events(stripe).values())
    assert end_state(stripe, payment_id) == TAKEN
    found = stripe.shop.sql("select item_code from stockroom.stripe_link")
    assert found == "".join(filter(str.isalnum, name)).lower()


def test_the_storefronts_orders_are_asked_when_line_items_name_nothing(stripe: Stripe) -> None:
    stripe.shop.sql("create table public.order_items (order_id int, sku text, qty int)")
    stripe.shop.sql("insert into public.order_items values (5531, 'TR-42', 1)")
    stripe.shop.sql("grant select on public.order_items to stockroom_owner")
    where = {"schema": "public", "table": "order_items", "order": "order_id", "code": "sku", "quantity": "qty"}
    stripe.shop.run(inbox.save_link, "Ada", changes={"order_lookup": where})
    ends = []
    for of_session, of_payment in (({"order_id": "5531"}, {}), ({}, {"order_id": "5531"})):
        for order in itertools.permutations(TOLD[:2]):
            payment_id = checkout(stripe, of_session, of_payment, {})
            told = events(stripe)
            for kind in order:
                deliver(stripe, told[kind])
            ends.append(end_state(stripe, payment_id)[::3])
    assert ends == [("read", [("taken", None, 1, "TR-42")])] * 4
