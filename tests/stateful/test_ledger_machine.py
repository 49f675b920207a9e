"""Any actions in any order, compared with a plain dict of levels: the ledger must agree after every step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from core.foundation.errors import AlreadyReversed, InsufficientStock, InvalidInput, KeyReused, LevelChanged, StockError
from core.foundation.model import LevelLine, Line, Posting
from core.ledger import changes as ledger
from tests.support.builders import Shop, key
from tests.support.proof import assert_holds

SHOES = st.integers(0, 2)
CARTS = st.lists(st.tuples(SHOES, st.integers(-6, 9).filter(bool)), min_size=1, max_size=5)
DELIVERIES = st.lists(st.tuples(SHOES, st.integers(1, 9)), min_size=1, max_size=4)
NOTE = "machine"


@dataclass
class Moved:
    """A movement as the model remembers it."""

    movement_id: int
    variant: UUID
    quantity: int
    by_hand: bool = True
    is_undo: bool = False
    undone: bool = False

    @property
    def undoable(self) -> bool:
        return self.by_hand and not self.is_undo and self.quantity != 0


@dataclass
class Sent:
    """A form that was posted: its values for a second post, and the first result."""

    operation: Callable[..., Posting]
    values: dict[str, Any]
    posting: Posting


@dataclass
class Model:
    """The expected state of the shop: levels, and the operations so far."""

    levels: dict[UUID, int] = field(default_factory=dict)
    moved: list[Moved] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    calls: list[tuple[UUID, int, str, dict[str, Any]]] = field(default_factory=list)

    def fits(self, changes: Sequence[tuple[UUID, int]]) -> bool:
        """Whether no level dips below zero on the way."""
        levels = dict(self.levels)
        for variant, quantity in changes:
            levels[variant] += quantity
            if levels[variant] < 0:
                return False
        return True


class Desk(RuleBasedStateMachine):
    """The stock desk. `shop` is set by the test that runs it."""

    shop: Shop

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.shoes: list[UUID] = []

    @initialize(levels=st.tuples(*[st.integers(0, 12)] * 3))
    def open_the_shop(self, levels: tuple[int, ...]) -> None:
        for level in levels:
            variant = self.shop.variant()
            self.shoes.append(variant)
            self.model.levels[variant] = 0
            if level:
                self._send(ledger.receive, {"lines": [Line(variant_id=variant, quantity=level)]}, [(variant, level)])

    def _try(self, operation: Callable[..., Posting], values: dict[str, Any]) -> Posting | StockError:
        try:
            posting: Posting = self.shop.run(operation, "Wanda", **values)
        except StockError as error:
            return error
        return posting

    def _send(self, operation: Callable[..., Posting], values: dict[str, Any], changes: list[tuple[UUID, int]]) -> Any:
        """Do it and hold the outcome against the model: `changes` in order, or a refusal if a level would dip."""
        values = {"key": key()} | values
        outcome = self._try(operation, values)
        if not self.model.fits(changes):
            assert isinstance(outcome, InsufficientStock), outcome
            assert outcome.short
            return None
        assert isinstance(outcome, Posting), outcome
        assert outcome.replayed is False
        assert [(posted.variant_id, posted.quantity) for posted in outcome.movements] == changes
        for posted in outcome.movements:
            assert posted.quantity_before == self.model.levels[posted.variant_id]
            self.model.levels[posted.variant_id] = posted.quantity_after
            self.model.moved.append(Moved(posted.movement_id, posted.variant_id, posted.quantity))
        self.model.sent.append(Sent(operation, values, outcome))
        return outcome

    @rule(lines=DELIVERIES)
    def receive(self, lines: list[tuple[int, int]]) -> None:
        changes = [(self.shoes[n], quantity) for n, quantity in lines]
        self._send(ledger.receive, {"lines": [Line(variant_id=v, quantity=q) for v, q in changes]}, changes)

    @rule(cart=CARTS)
    def adjust(self, cart: list[tuple[int, int]]) -> None:
        changes = [(self.shoes[n], quantity) for n, quantity in cart]
        lines = [Line(variant_id=v, quantity=q) for v, q in changes]
        self._send(ledger.adjust, {"lines": lines, "reason": "correction", "note": NOTE}, changes)

    @rule(counted=st.dictionaries(SHOES, st.integers(0, 15), min_size=1))
    def count(self, counted: dict[int, int]) -> None:
        shelf = [(self.shoes[n], target, self.model.levels[self.shoes[n]]) for n, target in counted.items()]
        lines = [LevelLine(variant_id=v, target=target, seen=seen) for v, target, seen in shelf]
        self._send(ledger.set_level, {"lines": lines}, [(v, target - seen) for v, target, seen in shelf])

    @rule(n=SHOES, off=st.integers(-4, 4).filter(bool), wanted=st.integers(0, 15))
    def count_with_a_number_that_is_no_longer_true(self, n: int, off: int, wanted: int) -> None:
        variant = self.shoes[n]
        seen = max(0, self.model.levels[variant] + off)
        if seen != self.model.levels[variant]:
            line = LevelLine(variant_id=variant, target=wanted, seen=seen)
            outcome = self._try(ledger.set_level, {"lines": [line], "key": key()})
            assert isinstance(outcome, LevelChanged)
            assert outcome.changed[0]["on_hand"] == self.model.levels[variant]

    @precondition(lambda self: self.model.moved)
    @rule(picks=st.lists(st.integers(0, 10_000), min_size=1, max_size=3))
    def undo(self, picks: list[int]) -> None:
        chosen = {pick % len(self.model.moved) for pick in picks}
        moved = sorted((self.model.moved[n] for n in chosen), key=lambda m: m.movement_id, reverse=True)
        values = {"movement_ids": [m.movement_id for m in moved], "note": NOTE, "key": key()}
        faulty = [m for m in moved if m.undone or not m.undoable]
        if faulty:
            outcome = self._try(ledger.undo, values)
            assert isinstance(outcome, AlreadyReversed if faulty[-1].undone else InvalidInput), (outcome, faulty)
        elif self._send(ledger.undo, values, [(m.variant, -m.quantity) for m in moved]):
            for original, undo in zip(moved, self.model.moved[-len(moved) :], strict=True):
                original.undone, undo.is_undo = True, True

    @precondition(lambda self: self.model.sent)
    @rule(pick=st.integers(0, 10_000))
    def send_the_same_form_again(self, pick: int) -> None:
        sent = self.model.sent[pick % len(self.model.sent)]
        again = self._try(sent.operation, sent.values)
        assert isinstance(again, Posting), again
        assert (again.replayed, again.operation_id) == (True, sent.posting.operation_id)
        assert again.movements == sent.posting.movements

    @precondition(lambda self: self.model.sent)
    @rule(pick=st.integers(0, 10_000))
    def use_a_key_for_something_else(self, pick: int) -> None:
        sent = self.model.sent[pick % len(self.model.sent)]
        other = {"note": "another note"} if sent.values.get("note") != "another note" else {"note": NOTE}
        assert isinstance(self._try(sent.operation, sent.values | other), KeyReused)

    def _call(self, variant: UUID, change: int, order: str) -> dict[str, Any]:
        statement = "select public.update_variant_stock(:variant, :change, :order)"
        outcome: dict[str, Any] = self.shop.sql(statement, variant=variant, change=change, order=order)
        return outcome

    @rule(n=SHOES, change=st.integers(-6, 3).filter(bool))
    def sell(self, n: int, change: int) -> None:
        variant, order = self.shoes[n], key()
        before = self.model.levels[variant]
        outcome = self._call(variant, change, order)
        assert outcome["success"] is (before + change >= 0)
        assert outcome["previous_stock"] == before
        if outcome["success"]:
            self.model.levels[variant] = before + change
            self.model.moved.append(Moved(outcome["movement_id"], variant, change, by_hand=change > 0))
            self.model.calls.append((variant, change, order, outcome))
        assert outcome["new_stock"] == self.model.levels[variant]

    @precondition(lambda self: self.model.calls)
    @rule(pick=st.integers(0, 10_000))
    def sell_again_under_the_same_key(self, pick: int) -> None:
        variant, change, order, outcome = self.model.calls[pick % len(self.model.calls)]
        assert self._call(variant, change, order) == outcome
        assert self._call(variant, change - 1, order)["error_code"] in ("SK003", "SK008")

    @invariant()
    def the_levels_are_the_models(self) -> None:
        if self.shoes:
            levels = "select id, stock_quantity from public.product_variants where id = any(:ids)"
            found = {row.id: row.stock_quantity for row in self.shop.rows(levels, ids=self.shoes)}
            assert found == self.model.levels
            assert min(found.values()) >= 0

    def teardown(self) -> None:
        """Check every variant at the end: sequence, sums, hashes, rollup."""
        for variant in self.shoes:
            assert_holds(self.shop, variant)
            assert len(self.shop.history(variant)) == sum(m.variant == variant for m in self.model.moved)


def test_whatever_people_do_the_ledger_agrees_with_a_dict_of_levels(shop: Shop) -> None:
    desk = type("DeskOfThisShop", (Desk,), {"shop": shop})
    run_state_machine_as_test(
        desk,
        settings=settings(
            max_examples=24,
            stateful_step_count=30,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        ),
    )
