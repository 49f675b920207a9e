"""A person chooses one of several readings of a cart: once for an order, or for the shop; the first choice wins."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from core.foundation.errors import Forbidden, InvalidInput, KeyReused, SignInRequired
from core.foundation.sales import LineState
from core.inbox import messages as inbox
from core.orders import readings
from core.orders.readings import Choices
from core.people import audit
from tests.support.builders import Shop, key
from tests.support.selling import MAPPING, Sale, Unread, cases, reading, sell, states


@pytest.fixture
def unread(shop: Shop) -> Unread:
    return Unread(shop)


def test_support_sees_each_reading_with_what_it_would_take(unread: Unread) -> None:
    one, three = unread.seen().readings
    assert (one.how, one.why, one.amount, one.can_be_mapping) == ("code, quantity", None, 1000, True)
    assert [(line.sku, line.quantity) for line in three.lines] == [(unread.sku, 3)]
    assert not three.can_be_mapping


def test_support_takes_one_reading_and_the_order_is_as_if_it_had_been_read(unread: Unread) -> None:
    (line,) = unread.take(1)
    assert (line.state, line.taken) == (LineState.TAKEN, 3)
    assert unread.shop.on_hand(unread.shoe) == 7
    assert cases(unread.shop, unread.sale) == [("unreadable_cart", "resolved", 0)]
    movement = unread.shop.history(unread.shoe)[-1]
    assert (movement.movement_type, movement.performed_by) == ("sale", "Sam")
    assert unread.shop.sql("select count(*) from stockroom_api.line_movements where movement_id = :id", id=movement.id)
    assert unread.seen().readings == (), "there is nothing to choose anymore"
    change = next(iter(unread.shop.run(audit.recent_changes, "Ada")))
    assert (change.what, change.performed_by, change.after) == (
        "reading_chosen",
        "Sam",
        {"reading": "code, size, quantity"},
    )


def test_the_same_click_twice_is_one_sale_and_another_choice_with_its_key_is_refused(unread: Unread) -> None:
    seen, name = unread.seen(), key()
    assert unread.take(0, seen=seen, key=name) == unread.take(0, seen=seen, key=name)
    with pytest.raises(KeyReused):
        unread.take(1, seen=seen, key=name)
    assert unread.shop.on_hand(unread.shoe) == 9


def test_two_people_choose_at_once_and_one_wins(unread: Unread) -> None:
    pages = {name: unread.seen(name) for name in ("Sam", "Mia")}
    ready = threading.Barrier(2)

    def choose(name: str, place: int) -> str:
        ready.wait()
        try:
            unread.take(place, name, pages[name])
        except InvalidInput as refused:
            return refused.message
        return "taken"

    with ThreadPoolExecutor(2) as crowd:
        said = [done.result() for done in (crowd.submit(choose, "Sam", 0), crowd.submit(choose, "Mia", 1))]
    assert said.count("taken") == 1
    assert "Order has its lines already; somebody has chosen them" in "".join(said)
    assert unread.shop.on_hand(unread.shoe) in (9, 7)
    assert len(states(unread.shop, unread.sale)) == 1


def test_a_page_opened_before_the_readings_changed_chooses_nothing(unread: Unread) -> None:
    seen = unread.seen()
    newer = [reading(unread.shop, (unread.sku, 2))]
    sell(unread.shop, Sale(lines=[], payment_id=unread.sale.payment_id, more={**unread.sale.more, "readings": newer}))
    assert [each.lines[0].quantity for each in unread.seen().readings] == [2]
    with pytest.raises(InvalidInput, match=r"is not one of this order anymore\. Nothing was changed"):
        unread.take(0, seen=seen)
    assert unread.shop.on_hand(unread.shoe) == 10


def test_a_case_that_somebody_has_resolved_is_not_taken_anymore(unread: Unread) -> None:
    seen = unread.seen()
    unread.shop.sql("select stockroom_api.resolve_cause('cart:' || :id, 'Mia', 'By hand')", id=unread.sale.payment_id)
    assert unread.seen().readings == ()
    with pytest.raises(InvalidInput, match="resolved already"):
        unread.take(0, seen=seen)


def test_a_reading_with_an_unknown_code_leaves_an_open_line(unread: Unread) -> None:
    odd = Unread(unread.shop, readings=[reading(unread.shop, (unread.sku, 1), ("GONE", 1))])
    assert [line.cause for line in odd.take(0)] == [None, "unknown_variant"]
    assert cases(odd.shop, odd.sale) == [("unreadable_cart", "resolved", 0), ("unknown_variant", "open", 1)]


def test_what_a_person_takes_for_another_amount_is_noted_on_the_order_and_holds_in_the_proof(unread: Unread) -> None:
    priced = reading(unread.shop, (unread.sku, 1), amount=2500)
    priced["lines"][0]["unit_price"] = 2500
    cheap = Unread(unread.shop, readings=[priced], case_kind="amount_mismatch")
    assert cases(cheap.shop, cheap.sale) == [("amount_mismatch", "open", 0)]
    cheap.take(0)
    found = cheap.shop.rows(
        "select extras, difference, tolerated, tolerance from stockroom.orders where id = :id", id=cheap.order_id
    )
    assert [tuple(row) for row in found] == [(-1500, None, -1500, None)]
    faults = "select count(*) from stockroom_api.amount_faults where order_id = :id"
    assert cheap.shop.sql(faults, id=cheap.order_id) == 0


@pytest.mark.parametrize(("name", "refusal"), [("Wanda", Forbidden), ("Carl", SignInRequired)])
def test_only_support_managers_and_admins_take_a_reading(unread: Unread, name: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        unread.take(0, name, unread.seen("Sam"))


def always(unread: Unread, name: str = "Ada", place: int = 0, seen: Choices | None = None) -> Any:
    page = seen or unread.seen(name)
    return unread.shop.run(
        readings.always, name, order_id=unread.order_id, reading=page.readings[place], seen=page.mapping
    )


@pytest.fixture
def of_shop(fresh_shop: Shop) -> Unread:
    return Unread(fresh_shop)


def test_an_admin_makes_a_reading_the_shop_s_and_the_waiting_orders_are_read_again(of_shop: Unread) -> None:
    email = {"layout": "recognised", "email": "buyer"}
    of_shop.shop.run(inbox.save_link, "Ada", changes={"cart_mapping": email})
    Unread(of_shop.shop)
    for name in ("Sam", "Mia"):
        with pytest.raises(Forbidden):
            always(of_shop, name)
    assert always(of_shop) == 2
    saved = of_shop.shop.sql("select cart_mapping from stockroom.stripe_link")
    assert saved == MAPPING.to_json() | {"email": "buyer"}
    assert next(iter(of_shop.shop.run(audit.recent_changes, "Ada"))).what == "stripe_link"


def test_a_mapping_that_was_changed_meanwhile_is_not_changed_again(of_shop: Unread) -> None:
    other = Unread(of_shop.shop)
    page, late = of_shop.seen("Ada"), other.seen("Ada")
    always(of_shop, seen=page)
    with pytest.raises(InvalidInput, match=r"was changed since this page was opened\. Nothing was changed"):
        always(other, seen=late)
    assert always(other) == 2, "on a page opened after it"


def test_a_reading_that_is_no_mapping_is_taken_for_its_order_only(of_shop: Unread) -> None:
    with pytest.raises(InvalidInput, match="take these lines for this order only"):
        always(of_shop, place=1)
    assert of_shop.shop.sql("select cart_mapping from stockroom.stripe_link") is None
    stored = json.dumps(of_shop.three)
    assert of_shop.shop.sql("select readings -> 1 = cast(:one as jsonb) from stockroom.orders", one=stored)
