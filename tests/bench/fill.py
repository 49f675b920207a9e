"""Fill a database with a shop of ten thousand variants and three years of movements, as quickly as PostgreSQL can.

Everything is as if the shop had posted it line by line: sequence, before and after, the hash chain, the rollup, the
levels. `python -m core reconcile` agrees with it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.bench.place import Database

VARIANTS = 10_000
_SQL = Path(__file__).with_name("fill.sql").read_text(encoding="utf-8")


def fill(database: Database, movements: int) -> float:
    """Write about `movements` movements and return how many seconds that took."""
    start = time.monotonic()
    with database.connect() as connection:
        connection.execute("set session_replication_role = replica")  # keys are right by construction: no look-ups
        connection.execute("set work_mem = '512MB'; set maintenance_work_mem = '512MB'; set synchronous_commit = off")
        with _without_indexes(connection):
            for statement in (
                _SQL.replace(":variants", str(VARIANTS)).replace(":movements", str(movements)).split(";\n\n")
            ):
                connection.execute(statement.encode())
        connection.execute("vacuum analyze")
        connection.execute("checkpoint")
    return time.monotonic() - start


@contextmanager
def _without_indexes(connection: psycopg.Connection) -> Iterator[None]:
    """Drop what would be kept in order row by row, and make it anew at the end."""
    tables = (
        "('public.stock_movements'::regclass, 'stockroom.variant_days'::regclass, 'stockroom.operations'::regclass)"
    )
    keys = connection.execute(
        f"""select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
             where conrelid in {tables} and contype in ('p', 'u')""".encode()
    ).fetchall()
    names = [name for _, name, _ in keys]
    indexes = connection.execute(
        f"""select indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index
             join pg_class on pg_class.oid = indexrelid where indrelid in {tables} and relname <> all (%s)""".encode(),
        [names],
    ).fetchall()
    foreign = connection.execute(
        f"""select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
             where contype = 'f' and confrelid in {tables}""".encode()
    ).fetchall()
    for table, name, _ in foreign + keys:
        connection.execute(f"alter table {table} drop constraint {name}".encode())
    for name, _ in indexes:
        connection.execute(f"drop index {name}".encode())
    yield
    for _, definition in indexes:
        connection.execute(definition.encode())
    for table, name, definition in keys + foreign:
        connection.execute(f"alter table {table} add constraint {name} {definition}".encode())
