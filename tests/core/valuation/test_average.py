"""The moving average of costs, held against plain Python after any receipts, sales, undos, counts and corrections."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.foundation.errors import InsufficientStock
from core.foundation.model import LevelLine, Line
from core.ledger import changes as ledger
from core.proof import checks
from core.valuation import costs
from tests.conftest import open_fresh
from tests.core.valuation.costing import Model
from tests.support.builders import PastLine, Shop, key
from tests.support.servers import Server

DIGITS = {"EUR": 2, "JPY": 0, "KWD": 3}
COST = st.decimals(0, 500, places=4)
UNITS = st.integers(1, 9)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("receive"), UNITS, st.none() | COST),
        st.tuples(st.just("sell"), UNITS),
        st.tuples(st.just("restore"), UNITS),
        st.tuples(st.just("count"), st.integers(0, 15)),
        st.tuples(st.just("past"), st.integers(-9, 9).filter(bool), st.integers(1, 300)),
        st.tuples(st.just("past receipt"), UNITS, st.integers(1, 300)),
        st.tuples(st.just("undo"), st.integers(0, 20)),
        st.tuples(st.just("set"), COST),
        st.tuples(st.just("catalogue"), st.decimals(0, 500, places=2)),
    ),
    min_size=3,
    max_size=14,
)


@pytest.fixture(scope="module")
def market(server: Server) -> Iterator[Shop]:
    """A shop of these tests, whose currency they change."""
    yield from open_fresh(server)


class Desk:
    """Plays the steps in the shop and in the model."""

    def __init__(self, shop: Shop, digits: int, catalogue: Decimal | None) -> None:
        self.shop, self.variant = shop, shop.variant(unit_cost=catalogue)
        self.model = Model(digits=digits, catalogue=catalogue)
        self.moved: dict[int, tuple[int, str]] = {}  # what can still be undone: model's number -> movement, kind

    def play(self, step: tuple[Any, ...]) -> None:
        name, *values = step
        with suppress(InsufficientStock):  # nothing was changed, and the model was not asked
            getattr(self, name.replace(" ", "_"))(*values)

    def _keep(self, posting: Any, kind: str, **told: Any) -> None:
        line = posting.movements[0]
        at = self.shop.history(self.variant)[-1].occurred_at
        number = self.model.move(at, line.quantity, kind, **told)
        if line.quantity:
            self.moved[number] = (line.movement_id, kind)

    def receive(self, units: int, cost: Decimal | None) -> None:
        line = Line(variant_id=self.variant, quantity=units, unit_cost=cost)
        self._keep(self.shop.run(ledger.receive, "Wanda", lines=[line], key=key()), "purchase", cost=cost, receipt=True)

    def sell(self, units: int) -> None:
        self._keep(self.shop.adjust(self.variant, -units), "adjustment")

    def restore(self, units: int) -> None:
        self._keep(self.shop.adjust(self.variant, units), "adjustment")

    def count(self, level: int) -> None:
        line = LevelLine(variant_id=self.variant, target=level, seen=self.shop.on_hand(self.variant))
        self._keep(self.shop.run(ledger.set_level, "Wanda", lines=[line], key=key()), "count")

    def past(self, units: int, hours: int, kind: str = "count", reason: str = "cycle_count") -> None:
        if self.model.level + units >= 0:
            at = datetime.now(UTC) - timedelta(hours=hours)
            self.shop.post_past(
                PastLine(variant_id=self.variant, quantity=units, occurred_at=at, movement_type=kind, reason=reason)
            )
            self.model.move(at, units, kind, receipt=kind == "purchase")

    def past_receipt(self, units: int, hours: int) -> None:
        self.past(units, hours, "purchase", "delivery")

    def undo(self, which: int) -> None:
        if self.moved:
            number = sorted(self.moved)[which % len(self.moved)]
            movement, kind = self.moved[number]
            self.shop.run(ledger.undo, "Wanda", movement_ids=[movement], key=key(), note="Typo")
            del self.moved[number]
            self.model.undo(self.shop.history(self.variant)[-1].occurred_at, number, kind)

    def set(self, cost: Decimal) -> None:
        line = costs.CostLine(variant_id=self.variant, unit_cost=cost, seen=self.model.average)
        self.shop.run(costs.set_costs, "Mia", lines=[line], key=key())
        at = self.shop.sql("select max(at) from stockroom.cost_steps where variant_id = :id", id=self.variant)
        self.model.set_cost(at, cost)

    def catalogue(self, cost: Decimal) -> None:
        self.shop.sql("update product_variants set unit_cost = :cost where id = :id", cost=cost, id=self.variant)
        self.model.catalogue = cost


def facts(desk: Desk) -> dict[str, Any]:
    """What the database says: average and value of the variant, and the money of each movement as posted."""
    shop, variant = desk.shop, desk.variant
    (now,) = shop.rows("select average, value from stockroom_api.variant_costs where variant_id = :id", id=variant)
    moved = shop.rows(
        """select w.value_change, w.revalued
             from stockroom_api.movement_values('-infinity', 'infinity', array[cast(:id as uuid)]) w
            order by w.movement_id""",
        id=variant,
    )
    set_by_hand = shop.rows(
        """select value_change from stockroom_api.cost_changes('-infinity', 'infinity')
            where variant_id = :id order by at""",
        id=variant,
    )
    return {"average": now.average, "value": now.value, "moved": [tuple(row) for row in moved],
            "set": [row.value_change for row in set_by_hand]}  # fmt: skip


@settings(max_examples=20, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, currency=st.sampled_from(sorted(DIGITS)), catalogue=st.none() | st.decimals(0, 99, places=2))
def test_every_movement_is_worth_what_a_plain_model_says(
    market: Shop, steps: list[tuple[Any, ...]], currency: str, catalogue: Decimal | None
) -> None:
    market.sql("update stockroom.shop set currency = :currency", currency=currency)
    desk = Desk(market, DIGITS[currency], catalogue)
    for step in steps:
        desk.play(step)
    model, found = desk.model, facts(desk)
    assert market.on_hand(desk.variant) == model.level
    assert found["average"] == model.average
    assert found["value"] == model.value
    assert found["moved"] == [(each.value, each.revalued) for each in model.changes if each.kind != "set"]
    assert found["set"] == [each.revalued for each in model.changes if each.kind == "set"]
    assert sum((each.value or 0) + each.revalued for each in model.changes) == (found["value"] or 0), "it adds up"
    (proof,) = market.run(checks.run_checks, "Mia", codes=["R13"])
    assert [fault for fault in proof.faults if fault["variant_id"] == str(desk.variant)] == []
