"""Buyers in several processes: many threads in each share a few connections and start at the same moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any, TypeVar

from tests.support.shared.processes import forking

PROCESSES = 4
_Answer = TypeVar("_Answer")
Shopping = Callable[[int], list[_Answer]]
_gate: Any = None


def in_processes(open_shopping: Callable[..., Shopping[_Answer]], *where: Any, buyers: int) -> list[_Answer]:
    """Send so many buyers shopping; each process opens its way to the shop `where` once, for all of its buyers."""
    with (
        forking() as context,
        ProcessPoolExecutor(PROCESSES, context, _remember, (context.Barrier(PROCESSES),)) as processes,
    ):
        parts = [range(first, buyers, PROCESSES) for first in range(PROCESSES)]
        answers = [processes.submit(_shop, open_shopping, where, part) for part in parts]
        return [answer for part in answers for answer in part.result()]


def _remember(gate: Any) -> None:
    global _gate
    _gate = gate


def _shop(open_shopping: Callable[..., Shopping[_Answer]], where: Sequence[Any], buyers: range) -> list[_Answer]:
    shopping = open_shopping(*where)
    _gate.wait(60)
    with ThreadPoolExecutor(len(buyers)) as crowd:
        return [answer for answers in crowd.map(shopping, buyers) for answer in answers]


def twice(action: Callable[[], _Answer]) -> tuple[_Answer, _Answer]:
    """Press the button twice at once."""
    with ThreadPoolExecutor(2) as hands:
        first, second = hands.submit(action), hands.submit(action)
        return first.result(), second.result()
