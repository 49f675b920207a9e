"""What a crowd posted and heard back, and what the ledger must then have: each answered operation exactly once."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self
from uuid import UUID

from sqlalchemy import Engine

from core.database import engine as database
from core.foundation.errors import Unavailable
from core.foundation.model import COMMAND_LINE, Actor, Line
from core.ledger import changes as ledger
from core.proof import runs as proof
from tests.support.builders import Shop, key

Moved = tuple[str, UUID]
"""The key of an operation, and a variant that it moved."""

_POSTED = """
    select o.key, m.variant_id, m.quantity from public.stock_movements m
      join stockroom.operations o on o.id = m.operation_id"""
_LEVELS = "select id, stock_quantity from public.product_variants"


@dataclass
class Tally:
    """The operations of a crowd. `asked`: sent at least once; `answered`: confirmed by the database."""

    asked: dict[Moved, int] = field(default_factory=dict)
    answered: set[Moved] = field(default_factory=set)

    def faults(self, posted: Sequence[tuple[str, UUID, int]], levels: Mapping[UUID, int]) -> list[str]:
        """Return how a ledger's rows and levels differ from what was answered; nothing if they do not."""
        rows = Counter((each, variant) for each, variant, _ in posted)
        ours = [(each, variant, quantity) for each, variant, quantity in posted if (each, variant) in self.asked]
        found = [f"lost: {moved}" for moved in sorted(self.answered - set(rows), key=str)]
        found += [f"doubled: {moved}" for moved, times in rows.items() if times > 1]
        found += [
            f"changed: {each} has {quantity}"
            for each, variant, quantity in ours
            if self.asked[each, variant] != quantity
        ]
        for variant in {variant for _, variant in self.asked}:
            total = sum(quantity for _, moved, quantity in posted if moved == variant)
            if levels.get(variant) != total:
                found.append(f"level: {variant} has {levels.get(variant)}, its movements make {total}")
        return found


class Crowd:
    """Threads that adjust variants and ask again with the same key until they are answered."""

    def __init__(
        self,
        engine: Engine,
        variants: Sequence[UUID],
        actor: Actor = COMMAND_LINE,
        people: int = 6,
        pause: float = 0.0,
    ) -> None:
        self.tally, self.faults, self.longest = Tally(), list[BaseException](), 0.0
        self._engine, self._variants, self._actor, self._pause = engine, variants, actor, pause
        self._stopping, self._lock = threading.Event(), threading.Lock()
        self._heard = threading.Condition(self._lock)
        self._threads = [threading.Thread(target=self._work, args=(each,), daemon=True) for each in range(people)]

    @contextmanager
    def at_work(self) -> Iterator[Self]:
        """Have them work until the block ends; each then ends the operation that it has begun."""
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self._stopping.set()
            for thread in self._threads:
                thread.join(90)
        assert not self.faults, self.faults[0]
        assert not any(thread.is_alive() for thread in self._threads), "an operation was never answered"

    def until_answered(self, more: int, patience: float = 60) -> None:
        """Wait until so many more operations are answered."""
        with self._heard:
            wanted = len(self.tally.answered) + more
            assert self._heard.wait_for(lambda: len(self.tally.answered) >= wanted or self.faults, patience)
        assert not self.faults, self.faults[0]

    def _work(self, number: int) -> None:
        chance = random.Random(number)
        try:
            while not self._stopping.wait(self._pause):
                moved, quantity = (key(), chance.choice(self._variants)), chance.choice((-1, 1, 2))
                self.tally.asked[moved] = quantity
                began = time.monotonic()
                self._post(moved, quantity)
                with self._heard:
                    self.longest = max(self.longest, time.monotonic() - began)
                    self.tally.answered.add(moved)
                    self._heard.notify_all()
        except BaseException as error:
            self.faults.append(error)

    def _post(self, moved: Moved, quantity: int) -> None:
        lines, until = [Line(variant_id=moved[1], quantity=quantity)], time.monotonic() + 80
        reason = "stock_increase" if quantity > 0 else "stock_decrease"
        while True:
            try:
                database.run(self._engine, ledger.adjust, self._actor, lines=lines, reason=reason, key=moved[0])
                return
            except Unavailable:
                if time.monotonic() > until:
                    raise
                self._stopping.wait(0.02)


def judge(tally: Tally, shop: Shop) -> list[str]:
    """Return what the ledger of a shop has wrong: against the tally, and by its own full proof."""
    shop.owner.dispose()  # its connections may be to a server that died
    posted = [(row.key, row.variant_id, row.quantity) for row in shop.rows(_POSTED)]
    found = tally.faults(posted, {row.id: row.stock_quantity for row in shop.rows(_LEVELS)})
    done = proof.prove(shop.engine, None, COMMAND_LINE)
    return found if done.holds else [*found, "the full proof fails"]
