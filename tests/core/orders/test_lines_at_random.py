"""Whatever people enter, correct, undo, refund and retry, in any order: the books hold, and no unit is lost."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.foundation.errors import StockError
from core.ledger import changes as ledger
from core.orders import cases, lines, reads
from core.orders.lines import Entered
from tests.core.orders.test_lines import assert_proven, enter, put_back, read, unread
from tests.support.builders import Shop, key
from tests.support.selling import Sale

UNITS = st.integers(1, 4)
WANTED = st.lists(st.tuples(st.integers(0, 2), UNITS, st.booleans()), min_size=1, max_size=4)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("enter"), WANTED),
        st.tuples(st.just("undo"), st.none()),
        st.tuples(st.just("refund"), st.tuples(st.integers(0, 3), UNITS)),
        st.tuples(st.just("retry"), st.booleans()),
        st.tuples(st.just("undo a sale"), st.integers(0, 2)),
    ),
    min_size=1,
    max_size=7,
)


class Counter:
    """One shop, one order, three variants with five units each."""

    def __init__(self, shop: Shop, is_read: bool) -> None:
        self.shop = shop
        self.variants = [shop.variant(5) for _ in range(3)]
        self.sale: Sale
        self.sale, self.order = read(shop, (self.variants[0], 2), ("?", 1)) if is_read else unread(shop)

    def do(self, what: str, how: Any) -> None:
        getattr(self, what.replace(" ", "_"))(how)

    def enter(self, wanted: list[tuple[int, int, bool]]) -> None:
        known = list(self.shop.run(reads.lines_of, order_ids=[self.order]))
        entered = []
        for variant, units, is_kept in wanted:
            line_id = known.pop().line_id if is_kept and known else None
            entered.append(Entered(variant_id=self.variants[variant], quantity=units, unit_price=1000, line_id=line_id))
        enter(self.shop, self.order, *entered, note="At random")

    def undo(self, _: None) -> None:
        for change in self.shop.run(lines.changes, order_id=self.order)[:1]:
            self.shop.run(lines.undo_lines, "Sam", change_id=change.change_id, key=key())

    def refund(self, what: tuple[int, int]) -> None:
        found = self.shop.run(reads.lines_of, order_ids=[self.order])
        if found:
            put_back(self.shop, self.sale, found[what[0] % len(found)].line_id, what[1])

    def retry(self, is_forced: bool) -> None:
        if is_forced:
            self.shop.run(cases.ship_what_is_there, "Mia", order_id=self.order, key=key(), note="Agreed")
        else:
            self.shop.run(cases.retry_order, "Sam", order_id=self.order, key=key())

    def undo_a_sale(self, n: int) -> None:
        latest = self.shop.history(self.variants[n])[-1]
        self.shop.run(ledger.undo, "Mia", movement_ids=[latest.id], key=key(), note="Not so")

    def outside(self) -> int:
        """Units that are neither on the shelf nor gone for the order: always none."""
        on_hand = sum(map(self.shop.on_hand, self.variants))
        gone: int = sum(line.taken - line.restored for line in self.shop.run(reads.lines_of, order_ids=[self.order]))
        received: int = self.shop.sql(
            """select sum(quantity) from stock_movements where movement_type = 'purchase' and variant_id = any(:ids)""",
            ids=self.variants,
        )
        return received - on_hand - gone


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(is_read=st.booleans(), steps=STEPS)
def test_the_books_hold_whatever_people_do_with_the_lines(fresh_shop: Shop, is_read: bool, steps: list[Any]) -> None:
    counter = Counter(fresh_shop, is_read)
    for what, how in steps:
        with contextlib.suppress(StockError):  # refused: nothing was changed
            counter.do(what, how)
        assert counter.outside() == 0, what
    assert_proven(fresh_shop)
