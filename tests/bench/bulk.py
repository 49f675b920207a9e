"""A past into the ledger, against COPY of the very rows it wrote into a table with the same indexes and checks."""

from __future__ import annotations

import random
import tempfile
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
from psycopg import Connection
from sqlalchemy import Engine

from core.database import engine as database
from core.foundation.model import COMMAND_LINE
from core.ledger import history
from tests.bench.place import Database
from tests.bench.rates import medians

ROWS = 100_000
SKUS = 4_000
ROUNDS = 3
COPIED = """
create table if not exists copied_movements (like public.stock_movements including all);
insert into copied_movements overriding system value select * from public.stock_movements on conflict do nothing;
analyze copied_movements;
"""
_KINDS = [("sale", "stock_decrease", -1)] * 8 + [("purchase", "delivery", 12), ("restoration", "refund", 1)]


def compare(where: Database) -> list[tuple[str, ...]]:
    """Return the table: rows a second by COPY, by the import from file to commit, by its posting alone; two ratios."""
    engine = database.create_engine(where.app_url, pool_size=1)
    with where.connect() as connection, tempfile.TemporaryDirectory() as folder:
        connection.execute(COPIED)
        rounds = []
        for number in range(ROUNDS):
            path = Path(folder) / f"{number}.parquet"
            write_history(path)
            operation_id, whole, posting = _import(engine, path)
            rounds.append((_copy(connection, operation_id), whole, posting))
    copy, whole, posting = medians(rounds)
    told = (f"{rate:,.0f}" for rate in (copy, whole, posting))
    return [(f"{ROWS:,}", *told, f"{whole / copy:.2f}", f"{posting / copy:.2f}")]


def write_history(path: Path) -> None:
    """Write a year of a shop's past, in order of time, of variants that nobody has heard of."""
    prefix = uuid.uuid4().hex[:6].upper()
    begin = datetime.now(UTC) - timedelta(days=366)
    rows = []
    for n in range(ROWS):
        kind, reason, quantity = random.choice(_KINDS)
        code = f"{prefix}-{int(SKUS * random.random() ** 2):05d}"
        at = begin + timedelta(seconds=n * 365 * 86_400 / ROWS)
        rows.append((at.isoformat(timespec="seconds"), code, kind, reason, quantity, f"R-{n // 3}", f"Shoe {code}"))
    columns = ("occurred_at", "sku", "movement_type", "reason", "quantity", "reference", "name")
    table = pa.table(dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True)))
    pyarrow.parquet.write_table(table, path)


def _import(engine: Engine, path: Path) -> tuple[int, float, float]:
    staged_at = time.perf_counter()

    def note(step: str, _done: int, _total: int) -> None:
        nonlocal staged_at
        if step == "staged":
            staged_at = time.perf_counter()

    start = time.perf_counter()
    done = history.import_history(engine, COMMAND_LINE, path, progress=note)
    end = time.perf_counter()
    rows = done.rows + done.opening_codes
    return done.operation_id, rows / (end - start), rows / (end - staged_at)


def _copy(connection: Connection, operation_id: int) -> float:
    with connection.cursor() as cursor:
        query = f"copy (select * from public.stock_movements where operation_id = {operation_id} order by id) to stdout"
        with cursor.copy(query.encode()) as source:
            rows = b"".join(source)
        start = time.perf_counter()
        with cursor.copy("copy copied_movements from stdin") as sink:
            sink.write(rows)
        return rows.count(b"\n") / (time.perf_counter() - start)
