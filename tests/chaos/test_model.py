"""The model of `make chaos` finds each kind of wrong ledger, and its plans repeat: without processes, in moments."""

from __future__ import annotations

import random
from itertools import islice
from uuid import UUID

import pytest

from tests.chaos.plan import plan
from tests.support.shared.tally import Tally

KINDS = ("worker", "dashboard", "backend", "postmaster")
Row = tuple[str, UUID, int]


def day(seed: int) -> tuple[Tally, list[Row]]:
    """A day on which answers were lost and asked for again, and the ledger that it must leave."""
    chance = random.Random(seed)
    variants = [UUID(int=chance.getrandbits(128)) for _ in range(4)]
    tally, ledger = Tally(), dict[tuple[str, UUID], int]()
    for number in range(200):
        moved, quantity = (f"key-{number}", chance.choice(variants)), chance.choice((-1, 1, 2))
        tally.asked[moved] = quantity
        for _ in range(chance.choice((1, 1, 2))):  # asked again after a lost answer
            if chance.random() < 0.8:
                ledger[moved] = quantity  # a known key posts nothing again
                if chance.random() < 0.9:
                    tally.answered.add(moved)
    return tally, [(each, variant, quantity) for (each, variant), quantity in ledger.items()]


def levels(rows: list[Row]) -> dict[UUID, int]:
    return {variant: sum(q for _, v, q in rows if v == variant) for variant in {variant for _, variant, _ in rows}}


@pytest.mark.parametrize("seed", range(20))
def test_a_ledger_that_has_each_answered_operation_once_has_no_fault(seed: int) -> None:
    tally, rows = day(seed)
    assert len(tally.answered) > 100
    assert tally.faults(rows, levels(rows)) == []


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("fault", ["lost", "doubled", "changed", "level"])
def test_a_ledger_with_one_wrong_row_is_found_out(seed: int, fault: str) -> None:
    tally, rows = day(seed)
    number, right = next(n for n, row in enumerate(rows) if row[:2] in tally.answered), levels(rows)
    each, variant, quantity = rows[number]
    wrong = {
        "lost": rows[:number] + rows[number + 1 :],
        "doubled": [*rows, rows[number]],
        "changed": [*rows[:number], (each, variant, quantity + 1), *rows[number + 1 :]],
        "level": rows,
    }[fault]
    found = tally.faults(wrong, right | {variant: right[variant] + 1} if fault == "level" else levels(wrong))
    assert [line.partition(":")[0] for line in found] == [fault]


def test_a_plan_has_each_kind_before_any_again_and_is_the_same_for_a_seed() -> None:
    for seed in range(10):
        first = list(islice(plan(seed, KINDS), 30))
        assert sorted(first[: len(KINDS)]) == sorted(KINDS)
        assert first == list(islice(plan(seed, KINDS), 30))
    assert len({tuple(islice(plan(seed, KINDS), 8)) for seed in range(10)}) > 5
