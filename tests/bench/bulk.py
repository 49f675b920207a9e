"""A past into the ledger, against COPY of the very rows it wrote into a table with the same indexes and checks.

Once without the foreign key that the ledger has on its variants, and once with it.
"""

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
PLAIN, KEYED = "copied_movements", "keyed_movements"
COPIED = """
create table if not exists {0} (like public.stock_movements including all);
insert into {0} overriding system value select * from public.stock_movements on conflict do nothing;
analyze {0};
"""
KEY = f"alter table {KEYED} add foreign key (variant_id) references public.product_variants (id)"
_KINDS = [("sale", "stock_decrease", -1)] * 8 + [("purchase", "delivery", 12), ("restoration", "refund", 1)]


def compare(where: Database) -> list[tuple[str, ...]]:
    """Return the table: rows a second by COPY in both ways, and by the import from file to commit; two ratios."""
    engine = database.create_engine(where.app_url, pool_size=1)
    with where.connect() as connection, tempfile.TemporaryDirectory() as folder:
        for table in (PLAIN, KEYED):
            connection.execute(COPIED.format(table).encode())
        connection.execute(KEY.encode())
        rounds = []
        for number in range(ROUNDS):
            path = Path(folder) / f"{number}.parquet"
            write_history(path)
            operation_id, imported = _import(engine, path)
            rows = _rows(connection, operation_id)
            rounds.append((_copy(connection, rows, PLAIN), _copy(connection, rows, KEYED), imported))
    plain, keyed, imported = medians(rounds)
    rates = (f"{rate:,.0f}" for rate in (plain, keyed, imported))
    return [(f"{ROWS:,}", *rates, f"{imported / plain:.2f}", f"{imported / keyed:.2f}")]


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


def _import(engine: Engine, path: Path) -> tuple[int, float]:
    start = time.perf_counter()
    done = history.import_history(engine, COMMAND_LINE, path)
    return done.operation_id, (done.rows + done.opening_codes) / (time.perf_counter() - start)


def _rows(connection: Connection, operation_id: int) -> bytes:
    query = f"copy (select * from public.stock_movements where operation_id = {operation_id} order by id) to stdout"
    with connection.cursor() as cursor, cursor.copy(query.encode()) as source:
        return b"".join(source)


def _copy(connection: Connection, rows: bytes, table: str) -> float:
    start = time.perf_counter()
    with connection.cursor() as cursor, cursor.copy(f"copy {table} from stdin".encode()) as sink:
        sink.write(rows)
    return rows.count(b"\n") / (time.perf_counter() - start)
