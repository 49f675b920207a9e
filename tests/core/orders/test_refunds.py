"""A refund is money; a person decides about the goods; never more goes back on the shelf than was sold."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from core.database.engine import call
from core.foundation.errors import Forbidden, InvalidInput, RestoresTooMuch, StockError
from core.foundation.model import Actor
from core.foundation.sales import Disposition
from core.orders import refunds
from core.orders.refunds import Decision
from tests.support.builders import Shop, key
from tests.support.selling import Sale, payment_id, seen_now, sell

NOW = datetime.now(UTC)


def record(connection: Connection, _: Actor, *, rows: list[dict[str, Any]]) -> None:
    call(connection, "select stockroom_api.record_refunds(%(rows)s::jsonb)", {"rows": json.dumps(rows)})


def refund(shop: Shop, sale: Sale | str, **more: Any) -> int:
    """Let Stripe tell of a refund and return its id here."""
    row = {
        "refund_id": f"re_{payment_id()}",
        "payment_id": sale if isinstance(sale, str) else sale.payment_id,
        "amount": 1000 if isinstance(sale, str) else sale.row()["amount"],
        "currency": "usd",
        "status": "succeeded",
        "refunded_at": NOW.isoformat(),
        "told_at": NOW.isoformat(),
    } | more
    shop.run(record, rows=[row])
    return int(shop.sql("select id from stockroom.refunds where refund_id = :id", id=row["refund_id"]))


def sold(shop: Shop, units: int, on_hand: int = 10) -> tuple[Any, Sale, int]:
    """Sell some units of a new variant; returns the variant, the sale and the order's line."""
    shoe = shop.variant(on_hand)
    sale = Sale(lines=[(shop.sql("select sku from public.product_variants where id = :id", id=shoe), units)])
    sell(shop, sale)
    line = shop.sql(
        """select l.id from stockroom.order_lines l join stockroom.orders o on o.id = l.order_id
            where o.payment_id = :id""",
        id=sale.payment_id,
    )
    return shoe, sale, int(line)


def decide(
    shop: Shop, refund_id: int, line: int, units: int, what: Disposition = Disposition.RESTOCK, **more: Any
) -> Any:
    """Decide on a page that is opened now, unless `seen` says what it showed."""
    values: dict[str, Any] = {"key": key(), "actor": "Sam", "is_confirmed": False} | more
    seen = values["seen"] if "seen" in values else seen_now(shop, refund_id)
    decisions = [Decision(line_id=line, disposition=what, quantity=units)]
    return shop.run(
        refunds.decide,
        values["actor"],
        refund_id=refund_id,
        decisions=decisions,
        key=values["key"],
        note="Looked at it",
        seen=seen,
        is_confirmed=values["is_confirmed"],
    )


def state(shop: Shop, refund_id: int) -> str:
    return str(shop.sql("select state from stockroom.refunds where id = :id", id=refund_id))


def test_a_refund_waits_for_a_person_and_moves_nothing_by_itself(shop: Shop) -> None:
    shoe, sale, _ = sold(shop, 2)
    assert state(shop, refund(shop, sale)) == "waiting"
    assert shop.on_hand(shoe) == 8


def test_units_said_to_be_back_on_the_shelf_are_restored_once(shop: Shop) -> None:
    shoe, sale, line = sold(shop, 2)
    found, again = refund(shop, sale), key()
    first = decide(shop, found, line, 1, key=again)
    assert decide(shop, found, line, 1, key=again) == first
    assert shop.on_hand(shoe) == 9
    movement = shop.history(shoe)[-1]
    assert (movement.movement_type, movement.reason, movement.performed_by) == ("restoration", "refund", "Sam")
    assert state(shop, found) == "decided"


@pytest.mark.parametrize("what", [Disposition.DAMAGED, Disposition.NOT_RETURNED, Disposition.GOODWILL])
def test_units_that_did_not_come_back_move_no_stock(shop: Shop, what: Disposition) -> None:
    shoe, sale, line = sold(shop, 2)
    found = refund(shop, sale)
    assert decide(shop, found, line, 2, what) == ()
    assert (shop.on_hand(shoe), state(shop, found)) == (8, "decided")


def test_units_to_be_inspected_stay_in_the_list_until_a_person_decides(shop: Shop) -> None:
    shoe, sale, line = sold(shop, 2)
    found = refund(shop, sale)
    decide(shop, found, line, 2, Disposition.INSPECT)
    assert state(shop, found) == "inspecting"
    decide(shop, found, line, 2)
    assert (shop.on_hand(shoe), state(shop, found)) == (10, "decided")


def test_several_refunds_of_one_order_never_restore_more_than_was_sold(shop: Shop) -> None:
    shoe, sale, line = sold(shop, 3)
    first, second = refund(shop, sale), refund(shop, sale)
    decide(shop, first, line, 2)
    with pytest.raises(RestoresTooMuch):
        decide(shop, second, line, 2)
    assert shop.on_hand(shoe) == 9
    decide(shop, second, line, 1)
    assert shop.on_hand(shoe) == 10


def test_ten_people_who_opened_the_page_before_decide_once(shop: Shop) -> None:
    shoe, sale, line = sold(shop, 3)
    found = refund(shop, sale)
    opened = seen_now(shop, found)

    def click(_: int) -> str:
        try:
            decide(shop, found, line, 1, seen=opened)
        except StockError as error:
            return type(error).__name__
        return "restored"

    with ThreadPoolExecutor(10) as people:
        outcomes = sorted(people.map(click, range(10)))
    assert outcomes == ["DecidedMeanwhile"] * 9 + ["restored"]
    assert shop.on_hand(shoe) == 8


def test_what_never_left_the_shelf_cannot_come_back(shop: Shop) -> None:
    _, sale, line = sold(shop, 3, on_hand=1)
    with pytest.raises(RestoresTooMuch):
        decide(shop, refund(shop, sale), line, 1)


def test_only_support_managers_and_admins_decide(shop: Shop) -> None:
    _, sale, line = sold(shop, 1)
    found = refund(shop, sale)
    for who in ("Wanda", "Carl"):
        with pytest.raises(StockError) as refused:
            decide(shop, found, line, 1, actor=who)
        assert isinstance(refused.value, Forbidden) or who == "Carl"
    decide(shop, found, line, 1, actor="Mia")


def test_a_line_of_another_order_is_refused(shop: Shop) -> None:
    _, sale, _ = sold(shop, 1)
    _, _, other_line = sold(shop, 1)
    with pytest.raises(InvalidInput, match="another order"):
        decide(shop, refund(shop, sale), other_line, 1)


@pytest.mark.parametrize("units", [0, -1, 10**10])
def test_an_impossible_number_of_units_is_refused(shop: Shop, units: int) -> None:
    _, sale, line = sold(shop, 1)
    with pytest.raises(InvalidInput, match="Quantity"):
        decide(shop, refund(shop, sale), line, units)


def test_a_refund_of_an_order_that_was_never_imported_waits_for_it(shop: Shop) -> None:
    shoe = shop.variant(5)
    sku = shop.sql("select sku from public.product_variants where id = :id", id=shoe)
    sale = Sale(lines=[(sku, 1)])
    found = refund(shop, sale)
    with pytest.raises(InvalidInput, match="import that order first"):
        decide(shop, found, 1, 1)
    sell(shop, sale)
    line = shop.sql(
        "select l.id from stockroom.order_lines l join stockroom.refunds r on r.order_id = l.order_id where r.id = :id",
        id=found,
    )
    decide(shop, found, line, 1)
    assert shop.on_hand(shoe) == 5


def test_a_repeated_refund_is_the_same_and_an_older_message_changes_nothing(shop: Shop) -> None:
    _, sale, _ = sold(shop, 1)
    name = f"re_{payment_id()}"
    found = refund(shop, sale, refund_id=name, status="pending")
    later = (NOW + timedelta(minutes=5)).isoformat()
    assert refund(shop, sale, refund_id=name, status="succeeded", told_at=later) == found
    refund(shop, sale, refund_id=name, status="pending")
    assert shop.sql("select status from stockroom.refunds where id = :id", id=found) == "succeeded"


def test_a_refund_that_fails_after_units_went_back_is_a_case_and_moves_nothing(shop: Shop) -> None:
    shoe, sale, line = sold(shop, 2)
    name = f"re_{payment_id()}"
    found = refund(shop, sale, refund_id=name)
    decide(shop, found, line, 2)
    later = (NOW + timedelta(days=3)).isoformat()
    refund(shop, sale, refund_id=name, status="failed", failure_reason="lost_or_stolen_card", told_at=later)
    assert (shop.on_hand(shoe), state(shop, found)) == (10, "failed")
    assert shop.sql("select kind || ' ' || units from stockroom.alerts where refund_id = :id", id=found) == (
        "refund_failed 2"
    )


def test_a_refund_of_an_order_whose_cart_was_never_read_is_decided_as_a_whole(shop: Shop) -> None:
    sale = Sale(lines=[], more={"cart_state": "unreadable", "cart_raw": "{[", "why": "it is cut"})
    sell(shop, sale)
    found = refund(shop, sale)
    with pytest.raises(InvalidInput, match="which goods are meant"):
        shop.run(refunds.decide, "Sam", refund_id=found, key=key(), decisions=[
            Decision(line_id=None, disposition=Disposition.RESTOCK, quantity=0)])  # fmt: skip
    kept = [Decision(line_id=None, disposition=Disposition.GOODWILL, quantity=0)]
    shop.run(refunds.decide, "Sam", refund_id=found, key=key(), decisions=kept)
    assert state(shop, found) == "decided"
    (_, bought, _) = sold(shop, 1)
    with pytest.raises(InvalidInput, match="which goods are meant"):
        shop.run(refunds.decide, "Sam", refund_id=refund(shop, bought), key=key(), decisions=kept)
