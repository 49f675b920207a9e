"""What each page costs the server, at a small and at a large ledger: read as the core reads it, in turns."""

from __future__ import annotations

import functools
import random
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection

from core.database import engine as database
from core.foundation.model import Actor, MovementType
from core.ledger import reports
from core.ledger.level_filter import LevelFilter, LevelSort, LevelStatus
from core.ledger.movements import MovementFilter
from core.screens import stock as screens
from tests.bench.browsing import sign_in
from tests.bench.place import Database

ROUNDS = 15
Read = Callable[[Connection, Actor], object]


class Reader:
    """A signed-in manager of one database, and what the views of the pages ask for there."""

    def __init__(self, where: Database) -> None:
        self.engine = database.create_engine(where.app_url, pool_size=1)
        with where.connect() as connection:
            self.actor = sign_in(connection, 0).actor
            self.skus = [row[0] for row in connection.execute("select sku from public.product_variants")]
            self.ids = [row[0] for row in connection.execute("select id from public.product_variants")]
        self.views = self._views()

    def milliseconds(self, view: str) -> float:
        """Read a view once and return how long that took."""
        read = self.views[view]()
        start = time.perf_counter()
        database.run(self.engine, read, self.actor)
        return (time.perf_counter() - start) * 1000

    def _views(self) -> dict[str, Callable[[], Read]]:
        return {
            "Overview": lambda: functools.partial(screens.overview, days=30),
            "Overview, a year": lambda: functools.partial(screens.overview, days=365),
            "Stock": lambda: self._stock(LevelSort.PRODUCT),
            "Stock, page 100": lambda: self._stock(LevelSort.PRODUCT, offset=4_950),
            "Stock, least first": lambda: self._stock(LevelSort.LEAST),
            "Stock, searched": lambda: self._stock(LevelSort.PRODUCT, search=random.choice(self.skus)[:5]),
            "Stock, low": lambda: self._stock(LevelSort.MOVED, status=LevelStatus.LOW),
            "Stock, sizes": lambda: functools.partial(screens.stock_grid, filter=LevelFilter(), offset=0, limit=50),
            "Variant": lambda: functools.partial(screens.variant, sku=random.choice(self.skus), days=90),
            "Variant, all its past": lambda: functools.partial(
                screens.variant, sku=random.choice(self.skus), days=None
            ),
            "Movements": lambda: self._ledger(),
            "Movements, a type": lambda: self._ledger(types=(MovementType.RESTORATION,)),
            "Movements, a rare reason": lambda: self._ledger(reasons=("theft",)),
            "Movements, a person": lambda: self._ledger(performed_by="Person 7"),
            "Movements, a reference": lambda: self._ledger(reference=f"PI-{random.randint(1_000, 9_999)}"),
            "Movements, a variant": lambda: self._ledger(variant_id=random.choice(self.ids)),
            "Movements, a variant and a rare type": self._rare,
            "Movements, a week last year": lambda: self._ledger(since=_ago(372), until=_ago(366)),
            "Movements, a person's thefts last year": lambda: self._ledger(
                reasons=("theft",), performed_by="Person 7", since=_ago(500), until=_ago(366)
            ),
        }

    def _stock(
        self, sort: LevelSort, *, search: str = "", status: LevelStatus = LevelStatus.ALL, offset: int = 0
    ) -> Read:
        wanted = LevelFilter(search=search, status=status)
        return functools.partial(screens.stock_list, filter=wanted, sort=sort, offset=offset, limit=50)

    def _ledger(self, **wanted: object) -> Read:
        return functools.partial(screens.ledger, filter=MovementFilter(**wanted), cursor=None, limit=50)  # type: ignore[arg-type]

    def _rare(self) -> Read:
        return self._ledger(variant_id=random.choice(self.ids), types=(MovementType.RESTORATION,))


def compare(small: Database, large: Database | None) -> list[tuple[str, ...]]:
    """Return a row for each view: milliseconds at the small ledger, at the large one, and the ratio of the two."""
    readers = [Reader(where) for where in (small, large) if where]
    rows = []
    for view in readers[0].views:
        for reader in readers:
            reader.milliseconds(view)  # the first reader of a day sums it up for all others
        rounds = [[reader.milliseconds(view) for reader in readers] for _ in range(ROUNDS)]
        rows.append((view, *_told([statistics.median(times) for times in zip(*rounds, strict=True)])))
    return rows


def past_levels(where: Database) -> float:
    """Return how many seconds the level of every variant at a past moment takes, at the median."""
    reader = Reader(where)
    times = []
    for _ in range(ROUNDS):
        at = datetime.now(UTC) - timedelta(days=random.uniform(0, 1_090))
        start = time.perf_counter()
        database.run(reader.engine, reports.levels_at, reader.actor, at=at)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def _ago(days: int) -> date:
    return datetime.now(UTC).date() - timedelta(days=days)


def _told(times: Sequence[float]) -> list[str]:
    figures = [f"{value:.1f}" for value in times]
    return figures if len(times) == 1 else [*figures, f"{times[1] / times[0]:.2f}"]
