"""Goods that come back without a refund or after it was decided, and exchanges: never too many, and undoable."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from core.foundation.errors import (
    AlreadyReversed,
    DecidedMeanwhile,
    Forbidden,
    InsufficientStock,
    InvalidInput,
    RestoresTooMuch,
    StockError,
)
from core.foundation.model import Posted
from core.foundation.sales import Disposition
from core.ledger import changes
from core.orders import lines as by_hand
from core.orders import reads, refund_reads, refunds, returns
from core.orders.refunds import Decision
from core.orders.returns import CameBack
from core.proof import checks
from tests.support.builders import Shop, key
from tests.support.selling import Sale, cases, line_of, order_id, sell, states, tell_refund

RESTOCK, DAMAGED = Disposition.RESTOCK, Disposition.DAMAGED


def sold(shop: Shop, units: int = 2, **more: Any) -> tuple[Any, Sale]:
    """Sell units of a new variant, of which ten are there."""
    shoe = shop.variant(10)
    sale = Sale(lines=[(shop.sql("select sku from product_variants where id = :id", id=shoe), units)], more=more)
    sell(shop, sale)
    return shoe, sale


def take_in(shop: Shop, sale: Sale, *goods: tuple[Disposition, int], who: str = "Sam", **more: Any) -> Any:
    line, order = line_of(shop, sale), order_id(shop, sale)
    values = {
        "order_id": order,
        "goods": [CameBack(line_id=line, condition=what, quantity=units) for what, units in goods],
        "reason": "exchange",
        "key": key(),
        "seen": shop.run(refund_reads.seen_of, "Sam", order_id=order),
    }
    return shop.run(returns.take_in, who, **values | more)


def test_goods_come_back_without_a_refund_and_belong_to_their_line(shop: Shop) -> None:
    shoe, sale = sold(shop, number="WEB-77")
    (moved,) = take_in(shop, sale, (RESTOCK, 1), note="Too small")
    assert isinstance(moved, Posted)
    assert (moved.movement_type, moved.reason, moved.quantity) == ("restoration", "exchange", 1)
    movement = shop.history(shoe)[-1]
    assert (movement.reference_type, movement.reference_id, movement.performed_by, movement.note) == (
        "order", "WEB-77", "Sam", "Too small")  # fmt: skip
    (line,) = shop.run(reads.lines_of, "Sam", order_ids=[order_id(shop, sale)])
    assert (shop.on_hand(shoe), line.restored, line.restorable) == (9, 1, 1)


def test_damaged_goods_are_noted_and_move_nothing(shop: Shop) -> None:
    shoe, sale = sold(shop)
    assert take_in(shop, sale, (DAMAGED, 1)) == ()
    (kept,) = shop.run(refund_reads.decided_about, "Sam", order_id=order_id(shop, sale))
    assert (kept.refund_id, kept.disposition, kept.quantity, kept.decided_by) == (None, DAMAGED, 1, "Sam")
    assert shop.on_hand(shoe) == 8


def test_never_more_comes_back_than_left_the_shelf(shop: Shop) -> None:
    shoe, sale = sold(shop)
    with pytest.raises(RestoresTooMuch):
        take_in(shop, sale, (RESTOCK, 3))
    with pytest.raises(RestoresTooMuch):
        take_in(shop, sale, (RESTOCK, 1), (DAMAGED, 2))
    take_in(shop, sale, (DAMAGED, 1))
    with pytest.raises(RestoresTooMuch):
        take_in(shop, sale, (RESTOCK, 2))
    take_in(shop, sale, (RESTOCK, 1))
    assert shop.on_hand(shoe) == 9


def test_goods_that_come_back_late_are_taken_in_after_the_refund_was_decided(shop: Shop) -> None:
    shoe, sale = sold(shop)
    refund = tell_refund(shop, sale)
    said = [Decision(line_id=line_of(shop, sale), disposition=Disposition.NOT_RETURNED, quantity=2)]
    shop.run(refunds.decide, "Sam", refund_id=refund, decisions=said, key=key())
    take_in(shop, sale, (RESTOCK, 2), reason="refund")
    assert shop.on_hand(shoe) == 10
    assert shop.sql("select state from stockroom.refunds where id = :id", id=refund) == "decided"


def test_two_people_who_take_in_the_same_parcel_take_it_in_once(shop: Shop) -> None:
    shoe, sale = sold(shop)

    def click(who: str) -> str:
        try:
            take_in(shop, sale, (RESTOCK, 1), who=who, seen=None)
        except StockError as error:
            return type(error).__name__
        return "taken in"

    with ThreadPoolExecutor(2) as people:
        assert sorted(people.map(click, ("Sam", "Mia"))) == ["DecidedMeanwhile", "taken in"]
    assert shop.on_hand(shoe) == 9


def test_a_refund_decided_meanwhile_stops_a_page_opened_before(shop: Shop) -> None:
    _, sale = sold(shop)
    opened = shop.run(refund_reads.seen_of, "Sam", order_id=order_id(shop, sale))
    said = [Decision(line_id=line_of(shop, sale), disposition=RESTOCK, quantity=1)]
    shop.run(refunds.decide, "Mia", refund_id=tell_refund(shop, sale), decisions=said, key=key())
    with pytest.raises(DecidedMeanwhile) as refused:
        take_in(shop, sale, (RESTOCK, 1), seen=opened)
    assert refused.value.since[0]["who"] == "Mia"


def test_a_repeated_click_takes_in_once_and_another_content_is_refused(shop: Shop) -> None:
    shoe, sale = sold(shop)
    used = key()
    first = take_in(shop, sale, (RESTOCK, 1), key=used)
    assert take_in(shop, sale, (RESTOCK, 1), key=used) == first
    with pytest.raises(StockError, match="already used"):
        take_in(shop, sale, (RESTOCK, 2), key=used)
    assert shop.on_hand(shoe) == 9


def test_what_was_taken_in_is_undone_with_one_key(shop: Shop) -> None:
    shoe, sale = sold(shop, 3)
    used = key()
    take_in(shop, sale, (RESTOCK, 1), (DAMAGED, 1), key=used)
    with pytest.raises(Forbidden):
        shop.run(returns.take_back, "Wanda", decided=used, key=key())
    shop.run(returns.take_back, "Sam", decided=used, key=key())
    assert shop.on_hand(shoe) == 7
    assert [each.stands for each in shop.run(refund_reads.decided_about, "Sam", order_id=order_id(shop, sale))] == [
        False, False]  # fmt: skip
    take_in(shop, sale, (RESTOCK, 3))
    assert shop.on_hand(shoe) == 10


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"goods": []}, "goods"),
        ({"reason": "delivery"}, "reason"),
        ({"reason": "undo"}, "reason"),
        ({"order_id": 999_999_999}, "order"),
        ({"goods": [CameBack(line_id=1, condition=RESTOCK, quantity=0)]}, "units"),
        ({"goods": [CameBack(line_id=1, condition=Disposition.GOODWILL, quantity=1)]}, "condition"),
        ({"goods": [CameBack(line_id=999_999_999, condition=RESTOCK, quantity=1)]}, "goods"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(shop: Shop, more: dict[str, Any], field: str) -> None:
    shoe, sale = sold(shop)
    with pytest.raises(InvalidInput) as refused:
        take_in(shop, sale, (RESTOCK, 1), **more)
    assert refused.value.field == field
    assert shop.on_hand(shoe) == 8


def test_only_support_managers_and_admins_take_goods_in(shop: Shop) -> None:
    _, sale = sold(shop)
    for who in ("Wanda", "Carl"):
        with pytest.raises(StockError):
            take_in(shop, sale, (RESTOCK, 1), who=who, seen=None)
    take_in(shop, sale, (RESTOCK, 1), who="Ada")


def test_the_proof_explains_units_that_came_back_and_units_that_left_again(fresh_shop: Shop) -> None:
    shop = fresh_shop
    _, sale = sold(shop)
    used = key()
    take_in(shop, sale, (RESTOCK, 2), key=used)
    totals = "select put_back, after_refund, unexplained from stockroom_api.shelf_lines"
    assert [tuple(row) for row in shop.rows(totals)] == [(2, 2, 0)]
    assert all(check.holds for check in shop.run(checks.run_checks))
    shop.run(returns.take_back, "Sam", decided=used, key=key())
    assert [tuple(row) for row in shop.rows(totals)] == [(0, 0, 0)]
    assert all(check.holds for check in shop.run(checks.run_checks))


# ---------------------------------------------------------------- exchanges


def exchange(shop: Shop, sale: Sale, for_: Any, who: str = "Sam", **more: Any) -> Any:
    order = order_id(shop, sale)
    condition = more.pop("condition", RESTOCK)
    values = {
        "order_id": order,
        "came_back": CameBack(line_id=more.pop("line_id", 0) or line_of(shop, sale), condition=condition, quantity=1),
        "variant_id": for_,
        "key": key(),
        "seen": shop.run(refund_reads.seen_of, "Sam", order_id=order),
    }
    return shop.run(returns.exchange, who, **values | more)


def test_an_exchange_brings_one_size_back_and_sends_the_other_in_one_operation(shop: Shop) -> None:
    shoe, sale = sold(shop, number="WEB-78")
    other = shop.variant(3)
    back, out = exchange(shop, sale, other, note="Too small")
    assert [(each.movement_type, each.reason, each.quantity) for each in (back, out)] == [
        ("restoration", "exchange", 1), ("sale", "exchange", -1)]  # fmt: skip
    assert (shop.on_hand(shoe), shop.on_hand(other)) == (9, 2)
    assert len({shop.history(each)[-1].operation_id for each in (shoe, other)}) == 1
    first, new = shop.run(reads.lines_of, "Sam", order_ids=[order_id(shop, sale)])
    assert (first.restored, new.exchange_of, new.taken, new.restorable) == (1, first.line_id, 1, 1)
    (order,) = shop.run(reads.rows, "Sam", order_ids=[order_id(shop, sale)])
    assert (order.lines, order.units, order.taken, order.restored) == (1, 2, 2, 1)
    assert new.unit_worth == first.unit_worth == 1000


@pytest.mark.parametrize("condition", [RESTOCK, DAMAGED])
@pytest.mark.parametrize("way", ["the decision", "a movement"])
def test_one_undo_takes_back_the_whole_exchange(fresh_shop: Shop, condition: Disposition, way: str) -> None:
    shop = fresh_shop
    shoe, sale = sold(shop)
    other, used = shop.variant(3), key()
    posted = exchange(shop, sale, other, key=used, condition=condition)
    assert all(check.holds for check in shop.run(checks.run_checks))
    if way == "the decision":
        shop.run(returns.take_back, "Sam", decided=used, key=key())
    else:
        shop.run(changes.undo, "Mia", movement_ids=[posted[-1].movement_id], note="Wrong order", key=key())
    assert (shop.on_hand(shoe), shop.on_hand(other)) == (8, 3)
    (line,) = shop.run(reads.lines_of, "Sam", order_ids=[order_id(shop, sale)])
    assert (line.taken, line.restored, cases(shop, sale)) == (2, 0, [])
    (decided,) = shop.run(refund_reads.decided_about, "Sam", order_id=order_id(shop, sale))
    assert not decided.stands
    assert all(check.holds for check in shop.run(checks.run_checks))
    assert [row.unexplained for row in shop.rows("select unexplained from stockroom_api.shelf_lines")] == [0, 0]
    with pytest.raises(AlreadyReversed):
        shop.run(returns.take_back, "Sam", decided=used, key=key())
    assert len(exchange(shop, sale, other)) == 2


def test_an_exchange_without_the_other_size_changes_nothing(shop: Shop) -> None:
    shoe, sale = sold(shop)
    other = shop.variant(0)
    with pytest.raises(InsufficientStock):
        exchange(shop, sale, other)
    assert (shop.on_hand(shoe), states(shop, sale)) == (8, [("taken", None, 2, 0)])


def test_the_unit_of_an_exchange_can_come_back_and_be_exchanged_again(fresh_shop: Shop) -> None:
    shop = fresh_shop
    shoe, sale = sold(shop, 1)
    second, third = shop.variant(3), shop.variant(3)
    exchange(shop, sale, second)
    with pytest.raises(RestoresTooMuch):
        exchange(shop, sale, third)
    exchange(shop, sale, third, line_id=line_of(shop, sale, 2))
    said = [Decision(line_id=line_of(shop, sale, 3), disposition=RESTOCK, quantity=1)]
    shop.run(refunds.decide, "Sam", refund_id=tell_refund(shop, sale), decisions=said, key=key(),
             seen=shop.run(refund_reads.seen_of, "Sam", order_id=order_id(shop, sale)))  # fmt: skip
    assert [shop.on_hand(each) for each in (shoe, second, third)] == [10, 3, 3]
    assert all(check.holds for check in shop.run(checks.run_checks))


def test_of_two_people_who_exchange_the_same_pair_one_does(shop: Shop) -> None:
    shoe, sale = sold(shop, 1)
    other = shop.variant(3)

    def click(who: str) -> str:
        try:
            exchange(shop, sale, other, who=who, seen=None)
        except StockError as error:
            return type(error).__name__
        return "exchanged"

    with ThreadPoolExecutor(2) as people:
        assert sorted(people.map(click, ("Sam", "Mia"))) == ["DecidedMeanwhile", "exchanged"]
    assert (shop.on_hand(shoe), shop.on_hand(other)) == (10, 2)


def test_correcting_the_lines_of_an_order_keeps_its_exchanges(fresh_shop: Shop) -> None:
    shop = fresh_shop
    shoe, sale = sold(shop, 2)
    other = shop.variant(3)
    exchange(shop, sale, other)
    order = order_id(shop, sale)
    seen = shop.run(by_hand.seen, "Sam", order_id=order)
    wanted = [by_hand.Entered(line_id=line_of(shop, sale), quantity=1, unit_price=1000)]
    done = shop.run(by_hand.set_lines, "Sam", order_id=order, lines=wanted, seen=seen, note="One pair", key=key())
    assert (shop.on_hand(shoe), shop.on_hand(other)) == (10, 2)
    shop.run(by_hand.undo_lines, "Sam", change_id=done.change_id, key=key())
    assert (shop.on_hand(shoe), shop.on_hand(other)) == (9, 2)
    assert all(check.holds for check in shop.run(checks.run_checks))
