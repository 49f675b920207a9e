"""Fill a million orders into the filled ledger: two of nine of its payments, with buyers, lines and refunds."""

from __future__ import annotations

import time
from pathlib import Path

from tests.bench.fill import without_indexes
from tests.bench.place import Database

_SQL = Path(__file__).with_name("orders.sql").read_text(encoding="utf-8")
_TABLES = ("stockroom.orders", "stockroom.order_lines", "stockroom.stripe_events", "stockroom.refunds")


def with_orders(where: Database) -> Database:
    """Fill the orders of a filled ledger, unless it has them."""
    with where.connect() as connection:
        if connection.execute("select from stockroom.orders limit 1").fetchone() is None:
            start = time.monotonic()
            fill(where)
            row = connection.execute("select count(*) from stockroom.orders").fetchone()
            assert row is not None
            print(f"Filled {row[0]:,} orders in {time.monotonic() - start:,.0f} s.\n", flush=True)
    return where


def fill(where: Database) -> None:
    """Write the orders, in one transaction."""
    with where.connect() as connection, connection.transaction():
        connection.execute("set local session_replication_role = replica")  # keys are right by construction
        connection.execute("set local work_mem = '512MB'")
        connection.execute("set local maintenance_work_mem = '512MB'")
        with without_indexes(connection, _TABLES, keys_too=False):
            for statement in _SQL.split(";\n\n"):
                connection.execute(statement.encode())
    with where.connect() as connection:
        connection.execute("vacuum analyze")
        connection.execute("checkpoint")
