"""Units in inspection, decisions about several refunds at once, and pictures of what came back."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from PIL import Image

from core.catalog import pictures
from core.foundation.errors import (
    AlreadyReversed,
    DecidedMeanwhile,
    Forbidden,
    InvalidInput,
    KeyReused,
    RestoresTooMuch,
    StockError,
)
from core.foundation.sales import Disposition
from core.ledger import changes, reports
from core.orders import refund_reads, refunds, returns
from core.orders.refunds import Decision
from tests.support.builders import Shop, key
from tests.support.selling import Sale, line_of, order_id, seen_now, sell, tell_refund

RESTOCK, DAMAGED, INSPECT = Disposition.RESTOCK, Disposition.DAMAGED, Disposition.INSPECT
GOODWILL, NOT_RETURNED = Disposition.GOODWILL, Disposition.NOT_RETURNED


class Case:
    """An order of four pairs of one shoe and two of another at 10.00, on hand 6 and 8, with two refunds."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.shoes = shop.variant(10), shop.variant(10)
        skus = [str(shop.sql("select sku from product_variants where id = :id", id=each)) for each in self.shoes]
        self.sale = Sale(lines=[(skus[0], 4), (skus[1], 2)])
        sell(shop, self.sale)
        self.lines = line_of(shop, self.sale), line_of(shop, self.sale, 2)
        self.first, self.second = (tell_refund(shop, self.sale, amount=money) for money in (4000, 2000))

    def decide(self, about: dict[int, list[tuple[int, Disposition, int]]], who: str = "Sam", **more: Any) -> str:
        """Decide, and return the key. The numbers are those of line, outcome and units."""
        said = {
            refund: [Decision(line_id=self.lines[line], disposition=what, quantity=n) for line, what, n in each]
            for refund, each in about.items()
        }
        values = {"key": key(), "seen": seen_now(self.shop, self.first)} | more
        self.shop.run(refunds.decide_all, who, about=said, **values)
        return str(values["key"])

    def now(self, shoe: int = 0) -> tuple[int, int, int]:
        """Units of a shoe on hand, available and in inspection."""
        row = self.shop.run(reports.level, "Wanda", variant_id=self.shoes[shoe])
        behind = self.shop.run(refund_reads.inspections, "Wanda", variant_id=self.shoes[shoe])
        assert row.in_inspection == sum(each.units for each in behind), "the list behind the number adds up"
        return row.on_hand, row.available, row.in_inspection

    def states(self) -> list[str]:
        ids = [self.first, self.second]
        rows = self.shop.rows("select state from stockroom.refunds where id = any (:ids) order by id", ids=ids)
        return [row.state for row in rows]


def picture(colour: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(file, "PNG")
    return file.getvalue()


def test_units_in_inspection_are_neither_on_hand_nor_available_until_somebody_decides(shop: Shop) -> None:
    case = Case(shop)
    case.decide({case.first: [(0, RESTOCK, 1), (0, INSPECT, 3)]}, note="box is wet")
    assert (case.now(), case.states()) == ((7, 7, 3), ["inspecting", "waiting"])
    (behind,) = shop.run(refund_reads.inspections, "Wanda", order_id=order_id(shop, case.sale))
    assert (behind.refund_id, behind.units, behind.note, behind.decided_by) == (case.first, 3, "box is wet", "Sam")
    kept = case.decide({case.first: [(0, RESTOCK, 1), (0, DAMAGED, 1)]}, who="Mia")
    assert (case.now(), case.states()[0]) == ((8, 8, 1), "inspecting")
    shop.run(returns.take_back, "Mia", decided=kept, key=key())
    assert (case.now(), case.states()[0]) == ((7, 7, 3), "inspecting")
    case.decide({case.first: [(0, DAMAGED, 2), (0, NOT_RETURNED, 1)]})
    assert (case.now(), case.states()[0]) == ((7, 7, 0), "decided")


def test_undoing_the_movement_of_an_inspected_unit_brings_it_back_into_inspection(shop: Shop) -> None:
    case = Case(shop)
    case.decide({case.first: [(0, INSPECT, 2)]})
    case.decide({case.first: [(0, RESTOCK, 2)]})
    assert (case.now(), case.states()[0]) == ((8, 8, 0), "decided")
    moved = shop.history(case.shoes[0])[-1]
    shop.run(changes.undo, "Mia", movement_ids=[moved.id], key=key(), note="wrong shelf")
    assert (case.now(), case.states()[0]) == ((6, 6, 2), "inspecting")


def test_more_units_than_were_sold_are_never_in_inspection(shop: Shop) -> None:
    case = Case(shop)
    case.decide({case.first: [(0, RESTOCK, 1), (0, DAMAGED, 1), (0, INSPECT, 1)]})
    before = case.now()
    with pytest.raises(RestoresTooMuch):
        case.decide({case.second: [(0, INSPECT, 2)]})
    assert case.now() == before == (7, 7, 1)
    case.decide({case.second: [(0, INSPECT, 1)]})
    assert case.now() == (7, 7, 2)


def test_an_inspection_that_is_taken_back_is_over(shop: Shop) -> None:
    case = Case(shop)
    decided = case.decide({case.first: [(0, INSPECT, 2)], case.second: [(1, INSPECT, 1)]})
    assert (case.now(0)[2], case.now(1)[2], case.states()) == (2, 1, ["inspecting", "inspecting"])
    shop.run(returns.take_back, "Sam", decided=decided, key=key())
    assert (case.now(0)[2], case.now(1)[2], case.states()) == (0, 0, ["waiting", "waiting"])
    with pytest.raises(AlreadyReversed):
        shop.run(returns.take_back, "Sam", decided=decided, key=key())


def test_several_refunds_are_decided_as_one_operation_all_or_nothing(shop: Shop) -> None:
    case = Case(shop)
    about = {
        case.first: [(0, RESTOCK, 2), (0, INSPECT, 1), (1, RESTOCK, 1)],
        case.second: [(0, RESTOCK, 1), (1, GOODWILL, 1)],
    }
    with pytest.raises(RestoresTooMuch):
        case.decide(about | {case.second: [(1, RESTOCK, 2)]}, is_confirmed=True)
    assert (case.now(0), case.now(1), case.states()) == ((6, 6, 0), (8, 8, 0), ["waiting", "waiting"])
    used, seen = key(), seen_now(shop, case.first)
    case.decide(about, key=used, seen=seen)
    case.decide(about, key=used, seen=seen)
    assert (case.now(0), case.now(1), case.states()) == ((9, 9, 1), (9, 9, 0), ["inspecting", "decided"])
    (operation,) = shop.rows("select id from stockroom.operations where key = :key", key=used)
    moved = shop.rows("select quantity from stock_movements where operation_id = :id order by id", id=operation.id)
    assert [row.quantity for row in moved] == [2, 1, 1]
    linked = """select count(*), count(distinct movement_id) from stockroom.refund_decisions
                 where operation_id = :id and disposition = 'restock'"""
    assert tuple(shop.rows(linked, id=operation.id)[0]) == (3, 3), "each decision has its own movement"
    with pytest.raises(KeyReused):
        case.decide({case.first: [(0, DAMAGED, 1)]}, key=used)
    shop.run(returns.take_back, "Sam", decided=used, key=key())
    assert (case.now(0), case.now(1), case.states()) == ((6, 6, 0), (8, 8, 0), ["waiting", "waiting"])


def test_refunds_of_two_orders_or_one_twice_are_not_decided_together(shop: Shop) -> None:
    case, other = Case(shop), Case(shop)
    with pytest.raises(InvalidInput, match="of one order"):
        case.decide({case.first: [(0, RESTOCK, 1)], other.first: [(0, RESTOCK, 1)]})
    with pytest.raises(InvalidInput, match="needs a decision"):
        case.decide({})
    with pytest.raises(Forbidden):
        case.decide({case.first: [(0, RESTOCK, 1)]}, who="Wanda")
    assert case.states() == other.states() == ["waiting", "waiting"]


def test_of_two_support_people_one_on_an_older_page_only_the_first_decides(shop: Shop) -> None:
    case = Case(shop)
    opened = seen_now(shop, case.first)
    case.decide({case.second: [(1, INSPECT, 2)]}, seen=opened)
    with pytest.raises(DecidedMeanwhile) as refused:
        case.decide({case.first: [(0, RESTOCK, 4)]}, who="Mia", seen=opened)
    assert refused.value.since[0]["who"] == "Sam"
    assert (case.now(0), case.now(1)) == ((6, 6, 0), (8, 8, 2))
    for _ in range(4):
        case, together = Case(shop), Barrier(2)
        opened = seen_now(shop, case.first)

        def click(
            who: str, what: Disposition, case: Case = case, opened: str = opened, together: Barrier = together
        ) -> str:
            together.wait()
            try:
                case.decide({case.first: [(0, what, 4)], case.second: [(1, what, 2)]}, who=who, seen=opened)
            except StockError as error:
                return type(error).__name__
            return "decided"

        with ThreadPoolExecutor(2) as people:
            outcomes = sorted(people.map(click, ("Sam", "Mia"), (RESTOCK, INSPECT)))
        assert outcomes == ["DecidedMeanwhile", "decided"]
        assert (case.now(0), case.now(1)) in [((10, 10, 0), (10, 10, 0)), ((6, 6, 4), (8, 8, 2))]


def test_a_decision_shows_its_picture_which_a_variant_with_the_same_one_does_not_take_along(shop: Shop) -> None:
    case = Case(shop)
    case.decide({case.first: [(0, DAMAGED, 1)]}, picture=picture("red"))
    (decided,) = shop.run(refund_reads.decided_of, "Wanda", ids=[case.first])
    digest = str(decided.picture).removeprefix("/picture/")
    kept = shop.run(pictures.picture, "Wanda", digest=digest)
    assert kept is not None
    assert Image.open(io.BytesIO(kept.content)).size == (40, 30)
    for colour, before in (("red", None), ("blue", decided.picture)):
        values = {"content": picture(colour), "before": {case.shoes[0]: before}}
        shop.run(pictures.put_picture, "Mia", key=key(), **values)
    assert shop.run(pictures.picture, "Wanda", digest=digest) is not None
    with pytest.raises(InvalidInput, match="cannot be read"):
        case.decide({case.first: [(0, DAMAGED, 1)]}, picture=b"<svg onload=alert(1)>")
