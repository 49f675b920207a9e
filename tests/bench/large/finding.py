"""What finding orders costs where there are a million: by words that most have, by rare ones, by state."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from sqlalchemy import Engine

from core.database import engine as database
from core.foundation.model import Actor
from core.orders import reads
from core.orders.filter import OrderFilter, OrderState
from tests.bench.browsing import sign_in
from tests.bench.place import Database
from tests.bench.rates import server_cpu

ROUNDS = 3
ASKED = {
    "all orders": OrderFilter(),
    "gmail.com": OrderFilter(search="gmail.com"),
    "anna": OrderFilter(search="anna"),
    "anna miller": OrderFilter(search="anna miller"),
    "miller gmail": OrderFilter(search="miller gmail"),
    "kowalskiova": OrderFilter(search="kowalskiova"),
    "quentin yilmaz": OrderFilter(search="quentin yilmaz"),
    "no such buyer": OrderFilter(search="nosuchbuyer"),
    "refunded": OrderFilter(state=OrderState.REFUNDED),
    "refunded in part": OrderFilter(state=OrderState.REFUNDED_IN_PART),
    "refunded, anna": OrderFilter(state=OrderState.REFUNDED, search="anna"),
    "open": OrderFilter(state=OrderState.OPEN),
}


def compare(where: Database) -> Iterator[tuple[str, ...]]:
    """Yield a row for each question: how many it finds, and the seconds and CPU seconds of page and count."""
    engine = database.create_engine(where.app_url, pool_size=1)
    with where.connect() as connection:
        actor = sign_in(connection, 0).actor
        for name, wanted in ASKED.items():
            found, times, spent = "", list[float](), list[float]()
            for _ in range(ROUNDS):
                began, used = time.monotonic(), server_cpu(connection)
                found = _ask(engine, actor, wanted)
                times.append(time.monotonic() - began)
                spent.append(server_cpu(connection) - used)
            yield (name, found, f"{statistics.median(times):.2f}", f"{statistics.median(spent):.2f}")
    engine.dispose()


def _ask(engine: Engine, actor: Actor, wanted: OrderFilter) -> str:
    database.run(engine, reads.page, actor, filter=wanted)
    count = database.run(engine, reads.count, actor, filter=wanted)
    return f"{count.count:,}{'+' if count.at_least else ''}"
