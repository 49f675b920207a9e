"""A refund's goods are decided once: a decision carries what the page showed, and the units that the money fits."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from core.foundation.errors import (
    AlreadyReversed,
    DecidedMeanwhile,
    Forbidden,
    InsufficientStock,
    InvalidInput,
    StockError,
)
from core.foundation.model import Line
from core.foundation.sales import Disposition
from core.ledger import changes as ledger
from core.orders import refund_reads, refunds, returns
from core.orders.refunds import Decision
from tests.support.builders import Shop, key
from tests.support.selling import Sale, line_of, order_id, seen_now, sell, tell_refund

RESTOCK, DAMAGED, NOT_RETURNED = Disposition.RESTOCK, Disposition.DAMAGED, Disposition.NOT_RETURNED
INSPECT, GOODWILL = Disposition.INSPECT, Disposition.GOODWILL


class Case:
    """An order of two pairs at 10.00, on hand 8, of which one was refunded, and its page."""

    def __init__(self, shop: Shop, *, units: int = 2, amount: int = 1000, **more: Any) -> None:
        self.shop, self.shoe = shop, shop.variant(10)
        sku = shop.sql("select sku from public.product_variants where id = :id", id=self.shoe)
        self.sale = Sale(lines=[(sku, units)], more=more)
        sell(shop, self.sale)
        self.line, self.order = line_of(shop, self.sale), order_id(shop, self.sale)
        self.refund = tell_refund(shop, self.sale, amount=amount)

    def page(self) -> str:
        return seen_now(self.shop, self.refund)

    def decide(self, what: Disposition, units: int = 1, *, seen: str | None, who: str = "Sam", **more: Any) -> str:
        """Decide, and return the key by which the decision can be taken back."""
        used = key()
        said = [Decision(line_id=self.line, disposition=what, quantity=units)]
        self.shop.run(
            refunds.decide, who, **{"refund_id": self.refund, "decisions": said, "key": used, "seen": seen} | more
        )
        return used

    def take_back(self, decided: str, who: str = "Sam") -> Any:
        return self.shop.run(returns.take_back, who, decided=decided, key=key())

    @property
    def now(self) -> tuple[int, str]:
        state = self.shop.sql("select state from stockroom.refunds where id = :id", id=self.refund)
        return self.shop.on_hand(self.shoe), str(state)


# ---------------------------------------------------------------- two people


@pytest.mark.parametrize(
    ("first", "second"),
    [(RESTOCK, RESTOCK), (NOT_RETURNED, RESTOCK), (RESTOCK, NOT_RETURNED), (GOODWILL, DAMAGED), (INSPECT, INSPECT)],
)
def test_a_page_opened_before_a_decision_changes_nothing_and_is_told_what_was_decided(
    shop: Shop, first: Disposition, second: Disposition
) -> None:
    case = Case(shop)
    opened = case.page()
    case.decide(first, seen=opened)
    after = case.now
    for seen in (opened, None):
        with pytest.raises(DecidedMeanwhile) as refused:
            case.decide(second, seen=seen, who="Mia", is_confirmed=True)
        (told,) = refused.value.since
        assert (told["who"], told["disposition"], told["quantity"], told["taken_back"]) == ("Sam", first, 1, False)
        assert case.shop.sql("select sku from product_variants where id = :id", id=case.shoe) == told["code"]
    assert case.now == after
    assert shop.sql("select count(*) from stockroom.refund_decisions where refund_id = :id", id=case.refund) == 1


def test_of_two_people_who_decide_at_once_one_is_heard(shop: Shop) -> None:
    for _ in range(5):
        case = Case(shop)
        opened, together = case.page(), Barrier(2)

        def click(
            who: str, what: Disposition, case: Case = case, opened: str = opened, together: Barrier = together
        ) -> str:
            together.wait()
            try:
                case.decide(what, seen=opened, who=who)
            except StockError as error:
                return type(error).__name__
            return "decided"

        with ThreadPoolExecutor(2) as people:
            outcomes = sorted(people.map(click, ("Sam", "Mia"), (RESTOCK, NOT_RETURNED)))
        assert outcomes == ["DecidedMeanwhile", "decided"]
        assert case.now in ((8, "decided"), (9, "decided"))


def test_two_refunds_of_one_order_are_decided_one_after_the_other(shop: Shop) -> None:
    case = Case(shop)
    other = tell_refund(shop, case.sale, amount=1000)
    opened = case.page()
    case.decide(RESTOCK, seen=opened, refund_id=other)
    with pytest.raises(DecidedMeanwhile):
        case.decide(RESTOCK, seen=opened)
    case.decide(RESTOCK, seen=case.page())
    assert case.now == (10, "decided")


def test_two_refunds_of_one_order_that_are_decided_at_once_are_decided_one_after_the_other(shop: Shop) -> None:
    for _ in range(5):
        case = Case(shop)
        opened = case.page()
        ids, together = (case.refund, tell_refund(shop, case.sale, amount=1000)), Barrier(2)

        def click(refund_id: int, case: Case, opened: str, together: Barrier) -> str:
            together.wait()
            try:
                case.decide(RESTOCK, seen=opened, refund_id=refund_id)
            except StockError as error:
                return type(error).__name__
            return "decided"

        page = ([each] * 2 for each in (case, opened, together))
        with ThreadPoolExecutor(2) as people:
            assert sorted(people.map(click, ids, *page)) == ["DecidedMeanwhile", "decided"]
        assert shop.on_hand(case.shoe) == 9


def test_a_decision_that_was_taken_back_meanwhile_is_told_too(shop: Shop) -> None:
    case = Case(shop)
    decided = case.decide(DAMAGED, seen=None)
    opened = case.page()
    case.take_back(decided)
    with pytest.raises(DecidedMeanwhile) as refused:
        case.decide(RESTOCK, seen=opened, who="Mia")
    assert [(each["who"], each["taken_back"]) for each in refused.value.since] == [("Sam", True)]
    case.decide(RESTOCK, seen=case.page(), who="Mia")
    assert case.now == (9, "decided")


def test_a_repeated_click_is_the_same_decision_although_the_page_is_old_by_then(shop: Shop) -> None:
    case = Case(shop)
    used, opened = key(), case.page()
    for _ in range(2):
        case.decide(RESTOCK, seen=opened, key=used)
    assert case.now == (9, "decided")


@pytest.mark.parametrize("seen", ["", "1", "1.2", "a.b.c", "1.2.3.4", "-1.0.0", "9" * 30 + ".0.0", "1.2.3; drop"])
def test_nonsense_about_what_the_page_showed_is_refused(shop: Shop, seen: str) -> None:
    case = Case(shop)
    with pytest.raises(InvalidInput, match="Seen"):
        case.decide(RESTOCK, seen=seen)
    assert case.now == (8, "waiting")


# ---------------------------------------------------------------- more units than money


@pytest.mark.parametrize("what", [RESTOCK, DAMAGED, NOT_RETURNED])
def test_more_units_than_the_money_fits_are_said_and_confirmed(shop: Shop, what: Disposition) -> None:
    case = Case(shop)
    with pytest.raises(InvalidInput, match="confirm that all of them are meant") as refused:
        case.decide(what, 2, seen=None)
    facts = refused.value.facts
    assert (facts["refunded"], facts["paid"], facts["units"], facts["worth"]) == (1000, 2000, 2, 2000)
    assert case.now == (8, "waiting")
    case.decide(what, 2, seen=None, is_confirmed=True)
    assert case.now == (10 if what is RESTOCK else 8, "decided")


def test_what_was_decided_before_counts_against_the_money(shop: Shop) -> None:
    case = Case(shop)
    case.decide(NOT_RETURNED, seen=None)
    with pytest.raises(InvalidInput, match="confirm"):
        case.decide(RESTOCK, seen=case.page())
    case.decide(RESTOCK, seen=case.page(), is_confirmed=True)
    assert case.now == (9, "decided")


@pytest.mark.parametrize(
    ("what", "units", "more"),
    [
        (RESTOCK, 2, {"amount": 2000}),
        (RESTOCK, 1, {"amount": 999}),  # rounding
        (GOODWILL, 2, {"amount": 100}),
        (INSPECT, 2, {"amount": 100}),
    ],
)
def test_what_the_money_fits_needs_no_confirmation(
    shop: Shop, what: Disposition, units: int, more: dict[str, int]
) -> None:
    case = Case(shop, **more)
    case.decide(what, units, seen=None)
    assert case.now[0] == (8 + units if what is RESTOCK else 8)


@pytest.mark.parametrize(
    "more", [{"amount": 1600}, {"amount": 1600 + 490, "discount": 400}], ids=["alone", "with shipping"]
)
def test_a_discount_is_shared_by_the_units(shop: Shop, more: dict[str, int]) -> None:
    sku = str(shop.sql("select sku from product_variants where id = :id", id=shop.variant(10)))
    sale = Sale(lines=[(sku, 2)], more=more)
    sell(shop, sale)
    line, refund = line_of(shop, sale), tell_refund(shop, sale, amount=800)
    (worth,) = shop.rows("select unit_worth from stockroom_api.order_line_rows where line_id = :id", id=line)
    assert worth.unit_worth == 800
    said = [Decision(line_id=line, disposition=RESTOCK, quantity=1)]
    assert shop.run(refunds.decide, "Sam", refund_id=refund, decisions=said, key=key())


def test_lines_without_a_price_share_what_the_others_leave(shop: Shop) -> None:
    sale = Sale(lines=[("A", 2), ("B", 1), ("C", 3)], more={"amount": 6500})
    sale.more["lines"] = [
        {"code": code, "codes": [], "quantity": units, "unit_price": 1000 if code == "A" else None}
        for code, units in sale.lines
    ]
    sell(shop, sale)
    rows = shop.rows(
        "select unit_worth from stockroom_api.order_line_rows where order_id = :id order by position",
        id=order_id(shop, sale),
    )
    assert [round(row.unit_worth) for row in rows] == [1000, 1125, 1125]


# ---------------------------------------------------------------- taking back


def test_support_takes_its_own_decision_back_and_the_refund_waits_again(shop: Shop) -> None:
    case = Case(shop)
    decided = case.decide(RESTOCK, seen=None)
    (moved,) = case.take_back(decided)
    assert (moved.movement_type, moved.reason, moved.quantity) == ("restoration", "undo", -1)
    assert case.now == (8, "waiting")
    (kept,) = shop.run(refund_reads.decided_of, "Sam", ids=[case.refund])
    assert (kept.disposition, kept.stands, kept.taken_back_by) == (RESTOCK, False, "Sam")
    case.decide(NOT_RETURNED, seen=case.page())
    assert case.now == (8, "decided")


@pytest.mark.parametrize("what", [DAMAGED, NOT_RETURNED, GOODWILL, INSPECT])
def test_a_decision_that_moved_nothing_is_taken_back_as_well(shop: Shop, what: Disposition) -> None:
    case = Case(shop)
    assert case.take_back(case.decide(what, seen=None)) == ()
    assert case.now == (8, "waiting")
    lines = shop.rows("select spoken_for from stockroom_api.order_line_rows where line_id = :id", id=case.line)
    assert lines[0].spoken_for == 0
    case.decide(RESTOCK, seen=case.page())
    assert case.now == (9, "decided")


def test_only_a_manager_takes_back_what_somebody_else_decided(shop: Shop) -> None:
    case = Case(shop)
    decided = case.decide(RESTOCK, seen=None, who="Mia")
    for who in ("Sam", "Wanda"):
        with pytest.raises(Forbidden):
            case.take_back(decided, who)
    assert case.now == (9, "decided")
    case.take_back(decided, "Ada")
    decided = case.decide(RESTOCK, seen=case.page())
    case.take_back(decided, "Mia")
    assert case.now == (8, "waiting")


def test_a_decision_is_taken_back_once(shop: Shop) -> None:
    case = Case(shop)
    decided, used = case.decide(RESTOCK, seen=None), key()
    first = shop.run(returns.take_back, "Sam", decided=decided, key=used)
    assert shop.run(returns.take_back, "Sam", decided=decided, key=used) == first
    with pytest.raises(AlreadyReversed):
        case.take_back(decided, "Mia")
    assert case.now == (8, "waiting")


def test_two_people_taking_the_same_decision_back_at_once_take_it_back_once(shop: Shop) -> None:
    case = Case(shop)
    decided = case.decide(RESTOCK, seen=None)

    def click(who: str) -> str:
        try:
            case.take_back(decided, who)
        except StockError as error:
            return type(error).__name__
        return "taken back"

    with ThreadPoolExecutor(2) as people:
        assert sorted(people.map(click, ("Sam", "Mia"))) == ["AlreadyReversed", "taken back"]
    assert case.now == (8, "waiting")


def test_taking_back_leaves_an_inspection_that_still_stands(shop: Shop) -> None:
    case = Case(shop)
    case.decide(INSPECT, seen=None)
    case.take_back(case.decide(RESTOCK, seen=case.page()))
    assert case.now == (8, "inspecting")


def test_units_that_were_sold_since_stop_a_take_back(shop: Shop) -> None:
    case = Case(shop)
    decided = case.decide(RESTOCK, seen=None)
    sku = shop.sql("select sku from product_variants where id = :id", id=case.shoe)
    sell(shop, Sale(lines=[(sku, 9)]))
    with pytest.raises(InsufficientStock):
        case.take_back(decided)
    assert case.now == (0, "decided")


def test_a_movement_undone_by_hand_is_a_decision_taken_back(shop: Shop) -> None:
    case = Case(shop)
    decided = case.decide(RESTOCK, seen=None)
    opened = case.page()
    movement = shop.sql("select max(id) from stock_movements where variant_id = :id", id=case.shoe)
    shop.run(ledger.undo, "Wanda", movement_ids=[movement], key=key(), note="Wrong parcel")
    assert case.now == (8, "waiting")
    with pytest.raises(AlreadyReversed):
        case.take_back(decided)
    with pytest.raises(DecidedMeanwhile) as refused:
        case.decide(RESTOCK, seen=opened)
    assert [(each["who"], each["taken_back"]) for each in refused.value.since] == [("Wanda", True)]


def test_what_is_no_decision_cannot_be_taken_back(shop: Shop) -> None:
    used = key()
    shop.run(ledger.adjust, "Mia", lines=[Line(variant_id=shop.variant(1), quantity=1)], reason="stock_increase",
             key=used)  # fmt: skip
    for decided in (used, "nobody knows"):
        with pytest.raises(InvalidInput, match="not known"):
            shop.run(returns.take_back, "Mia", decided=decided, key=key())


def test_a_refund_that_failed_loses_its_case_when_its_units_leave_the_shelf_again(shop: Shop) -> None:
    case = Case(shop)
    decided = case.decide(RESTOCK, seen=None)
    name = shop.sql("select refund_id from stockroom.refunds where id = :id", id=case.refund)
    tell_refund(shop, case.sale, amount=1000, refund_id=name, status="failed", told_at="2100-01-01")
    states: Callable[[], list[str]] = lambda: [  # noqa: E731
        row.state for row in shop.rows("select state from stockroom.alerts where refund_id = :id", id=case.refund)
    ]
    assert states() == ["open"]
    case.take_back(decided)
    assert (states(), case.now) == (["resolved"], (8, "failed"))
