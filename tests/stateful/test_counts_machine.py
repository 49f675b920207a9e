"""Two counters, a seller, a receiver and a clock in any order, compared with a plain model of levels over time.

The suite plays a share of the runs. `COUNT_RUNS=1000` plays a thousand.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import datetime
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

from core.counts import applying, entering, review, sessions
from core.counts.review import Decision, Question
from core.counts.sessions import Scope
from core.foundation.errors import InsufficientStock, InvalidInput
from core.foundation.model import COMMAND_LINE, Line
from core.ledger import changes as ledger
from core.ledger import holds
from core.ledger.holds import Wanted
from tests.support.builders import PastLine, Shop, key
from tests.support.proof import assert_holds

RUNS = int(os.environ.get("COUNT_RUNS", "80"))
SHOES = st.integers(0, 1)
UNITS = st.integers(0, 9)
FEW = st.integers(1, 4)
PEOPLE = st.sampled_from(["Wanda", "Mia"])
ANSWERS = st.lists(st.sampled_from(["sum", "Wanda", "Mia", "now", "recount"]), min_size=2, max_size=2)


@dataclass
class Entry:
    """What a person entered: at which moment of the model, and whether it replaces what they had."""

    at: int
    units: int
    is_typed: bool


@dataclass
class Tally:
    """What a person's entries come to."""

    units: int
    first: int
    last: int
    is_scanned: bool


@dataclass
class Shelf:
    """One variant as the model knows it: changes with their moments, and what was entered in the present round."""

    moves: list[tuple[int, int, bool]] = field(default_factory=list)  # moment, units, whether goods really moved
    entries: dict[str, list[Entry]] = field(default_factory=dict)
    answer: str | None = None
    is_accepted: bool = False

    def level(self) -> int:
        return sum(units for _, units, _ in self.moves)

    def since(self, at: int) -> int:
        """What really moved after a moment."""
        return sum(units for moment, units, really in self.moves if really and moment > at)

    def tallies(self) -> dict[str, Tally]:
        """What counts of each person: the latest typed number and the scans after it."""
        found = {}
        for person, entries in self.entries.items():
            ordered = sorted(entries, key=lambda entry: entry.at)  # stable: of one moment, the later entry is later
            typed = [n for n, entry in enumerate(ordered) if entry.is_typed]
            valid = ordered[typed[-1] :] if typed else ordered
            found[person] = Tally(sum(e.units for e in valid), valid[0].at, valid[-1].at, not typed)
        return found

    def counted(self) -> Tally | None:
        """The number of the line, or None while it is unclear whose."""
        tallies = self.tallies()
        if self.answer in tallies:
            return tallies[self.answer]
        each = tallies.values()
        is_scanned = all(tally.is_scanned for tally in each)
        if len(tallies) > 1 and not is_scanned and self.answer != "sum":
            return None
        return Tally(sum(t.units for t in each), min(t.first for t in each), max(t.last for t in each), is_scanned)

    def question(self) -> Question | None:
        counted = self.counted()
        if counted is None:
            return Question.CONFLICT
        moved = any(really and counted.first < moment <= counted.last for moment, _, really in self.moves)
        return Question.MOVED if moved and not self.is_accepted else None

    def enter(self, person: str, entry: Entry) -> None:
        self.entries.setdefault(person, []).append(entry)
        self.answer, self.is_accepted = None, False


@dataclass(eq=False)  # two holds of the same units are two: the latest is given up
class Hold:
    """A hold of a checkout."""

    wanted: dict[int, int]


class Floor(RuleBasedStateMachine):
    """A shop floor. `shop` is set by the test that runs it."""

    shop: Shop

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.ticks: list[tuple[int, datetime]] = []
        self.shoes: list[UUID] = []
        self.shelves = [Shelf(), Shelf()]
        self.holds: list[Hold] = []
        self.applied: list[tuple[int, list[int]]] = []

    def _moment(self) -> int:
        self.now += 1
        return self.now

    def _reserved(self, n: int) -> int:
        return sum(hold.wanted.get(n, 0) for hold in self.holds)

    @initialize(levels=st.tuples(UNITS, UNITS))
    def open(self, levels: tuple[int, int]) -> None:
        self.shoes = sorted(self.shop.variant() for _ in levels)
        lines = [Line(variant_id=self.shoes[n], quantity=level) for n, level in enumerate(levels) if level]
        if lines:
            self.shop.run(ledger.receive, lines=lines, key=key())
        for shelf, level in zip(self.shelves, levels, strict=True):
            shelf.moves.append((self._moment(), level, True))
        self.tick()
        self._begin()

    def _begin(self) -> None:
        values: dict[str, Any] = {"name": "Floor", "scope": Scope.LIST, "variant_ids": self.shoes, "key": key()}
        self.count_id: int = self.shop.run(sessions.start, "Wanda", **values)

    @rule(n=SHOES, units=FEW)
    def sell(self, n: int, units: int) -> None:
        self._sell(n, units)

    def _sell(self, n: int, units: int) -> None:
        shelf, order = self.shelves[n], "select public.update_variant_stock(:id, :change)"
        sold = self.shop.sql(order, id=self.shoes[n], change=-units)["success"]
        assert sold is (shelf.level() - self._reserved(n) >= units)
        if sold:
            shelf.moves.append((self._moment(), -units, True))

    @rule(n=SHOES, units=FEW)
    def receive(self, n: int, units: int) -> None:
        self.shop.run(ledger.receive, "Wanda", lines=[Line(variant_id=self.shoes[n], quantity=units)], key=key())
        self.shelves[n].moves.append((self._moment(), units, True))

    @rule(n=SHOES, units=FEW, more=st.integers(0, 2))
    def hold(self, n: int, units: int, more: int) -> None:
        wanted = {n: units} | ({1 - n: more} if more else {})
        items = [Wanted(variant_id=self.shoes[k], quantity=quantity) for k, quantity in wanted.items()]
        fits = all(self.shelves[k].level() - self._reserved(k) >= quantity for k, quantity in wanted.items())
        try:
            self.shop.run(holds.hold, COMMAND_LINE, items=items, key=key())
        except InsufficientStock:
            assert not fits
        else:
            assert fits
            self.holds.append(Hold(wanted))

    @rule(n=SHOES, units=FEW)
    def sell_and_look_at_the_clock(self, n: int, units: int) -> None:
        self._sell(n, units)
        self.tick()

    def tick(self) -> None:
        """Let the clock pass, and remember the moment."""
        self.ticks.append((self._moment(), self.shop.sql("select clock_timestamp()")))

    @rule(n=SHOES, units=FEW, pick=st.integers(0, 99))
    def receive_what_came_earlier(self, n: int, units: int, pick: int) -> None:
        moment, at = self.ticks[pick % len(self.ticks)]
        self.shop.post_past(PastLine(variant_id=self.shoes[n], quantity=units, occurred_at=at, movement_type="purchase",
                                     reason="delivery"))  # fmt: skip
        self.shelves[n].moves.append((moment, units, True))

    @rule(who=PEOPLE, n=SHOES, units=UNITS, is_typed=st.booleans(), pick=st.none() | st.integers(0, 99))
    def count(self, who: str, n: int, units: int, is_typed: bool, pick: int | None) -> None:
        """Type a number or scan units, now, or at an earlier moment without a connection."""
        moment, at = (self._moment(), None) if pick is None else self.ticks[pick % len(self.ticks)]
        units = units if is_typed else units // 3 + 1
        values: dict[str, Any] = {"count_id": self.count_id, "variant_id": self.shoes[n], "units": units}
        enter = entering.count_typed if is_typed else entering.count_scan
        self.shop.run(enter, who, **values, counted_at=at, key=key())
        self.shelves[n].enter(who, Entry(moment, units, is_typed))

    @precondition(lambda self: any(shelf.entries for shelf in self.shelves))
    @rule(answers=ANSWERS, seen=st.tuples(UNITS, UNITS))
    def review_and_apply(self, answers: list[str], seen: tuple[int, int]) -> None:
        self._review_and_apply(answers, seen)

    def _review_and_apply(self, answers: list[str], seen: tuple[int, int]) -> None:
        self.shop.run(sessions.finish, "Wanda", count_id=self.count_id)
        self._compare()
        for n, shelf in enumerate(self.shelves):
            if shelf.entries and (question := shelf.question()):
                self._decide(n, shelf, question, answers[n], seen[n])
        self._compare()
        if not any(shelf.entries for shelf in self.shelves):
            self.shop.run(sessions.resume, "Mia", count_id=self.count_id)
            return
        lines = [n for n, shelf in enumerate(self.shelves) if shelf.entries and shelf.question()]
        if lines:
            try:
                self.shop.run(applying.apply, "Wanda", count_id=self.count_id, key=key())
                raise AssertionError(lines)
            except InvalidInput:
                self.shop.run(sessions.resume, "Mia", count_id=self.count_id)
                return
        posting = self.shop.run(applying.apply, "Wanda", count_id=self.count_id, key=key())
        self._post({m.variant_id: m.quantity for m in posting.movements})
        self._begin()

    def _decide(self, n: int, shelf: Shelf, question: Question, answer: str, seen: int) -> None:
        values: dict[str, Any] = {"count_id": self.count_id, "variant_id": self.shoes[n], "key": key()}
        if question is Question.MOVED:
            values["what"], shelf.is_accepted = Decision.ACCEPT, True
        elif answer == "now":
            values |= {"what": Decision.NOW, "units": seen}
            shelf.entries = {"Mia": [Entry(self._moment(), seen, True)]}
            shelf.answer, shelf.is_accepted = None, True
        elif answer == "recount":
            values["what"] = Decision.RECOUNT
            shelf.entries, shelf.answer, shelf.is_accepted = {}, None, False
        elif answer == "sum":
            values["what"], shelf.answer, shelf.is_accepted = Decision.SUM, "sum", True
        else:
            values |= {"what": Decision.PERSON, "person_id": self.shop.person(answer).user_id}
            shelf.answer, shelf.is_accepted = answer, True
        self.shop.run(review.decide, "Mia", **values)

    def _compare(self) -> None:
        """The review says of each counted line what the model says."""
        found = {line.variant_id: line for line in self.shop.run(review.variances, "Mia", count_id=self.count_id)}
        assert set(found) == {self.shoes[n] for n, shelf in enumerate(self.shelves) if shelf.entries}
        for n, shelf in enumerate(self.shelves):
            if shelf.entries:
                line, counted = found[self.shoes[n]], shelf.counted()
                assert line.question is shelf.question()
                assert line.counted == (counted.units if counted else None)
                if counted:
                    assert line.since == shelf.since(counted.last)
                    assert line.expected == shelf.level() - line.since

    def _post(self, posted: dict[UUID, int]) -> None:
        changes = [0, 0]
        for n, shelf in enumerate(self.shelves):
            assert (self.shoes[n] in posted) is bool(shelf.entries), "a counted and equal line has its movement too"
            counted = shelf.counted() if shelf.entries else None
            if counted:
                target = max(0, counted.units + shelf.since(counted.last))
                changes[n] = target - shelf.level()
                assert posted[self.shoes[n]] == changes[n]
                while self._reserved(n) > target:
                    self.holds.remove(next(hold for hold in reversed(self.holds) if n in hold.wanted))
                shelf.moves.append((counted.last, changes[n], False))
            shelf.entries, shelf.answer, shelf.is_accepted = {}, None, False
        self.applied.append((self.count_id, changes))

    @precondition(lambda self: self.applied)
    @rule()
    def undo_the_latest_count(self) -> None:
        count, changes = self.applied[-1]
        levels = [shelf.level() for shelf in self.shelves]
        fits = all(c <= 0 or levels[n] - c >= self._reserved(n) for n, c in enumerate(changes))
        values: dict[str, Any] = {"count_id": count, "note": "Wrong shelf", "key": key()}
        try:
            self.shop.run(applying.undo, "Wanda", **values)
        except InsufficientStock:
            assert not fits
        except InvalidInput:
            assert changes == [0, 0]
        else:
            assert fits
            self.applied.pop()
            moment = self._moment()
            for shelf, change in zip(self.shelves, changes, strict=True):
                shelf.moves.append((moment, -change, False))

    @invariant()
    def levels_and_holds_are_the_models(self) -> None:
        if self.shoes:
            levels = "select stock_quantity, reserved_quantity from public.product_variants"
            rows = self.shop.rows(f"{levels} where id = any(:ids) order by id", ids=self.shoes)
            expected = [(shelf.level(), self._reserved(n)) for n, shelf in enumerate(self.shelves)]
            assert [tuple(row) for row in rows] == expected

    def teardown(self) -> None:
        """Apply what is counted, and check both variants: sequence, sums, hashes, rollup."""
        if any(shelf.entries for shelf in self.shelves):
            self._review_and_apply(["sum", "now"], (3, 5))
            self.levels_and_holds_are_the_models()
        for variant in self.shoes:
            assert_holds(self.shop, variant)


def test_a_count_agrees_with_a_plain_model_while_others_count_sell_and_receive(shop: Shop) -> None:
    floor = type("FloorOfThisShop", (Floor,), {"shop": shop})
    run_state_machine_as_test(
        floor,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=14,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        ),
    )
