"""Fill a database with a shop of ten thousand variants and three years of movements, as quickly as PostgreSQL can.

Everything is as if the shop had posted it line by line: sequence, before and after, the hash chain, the rollup, the
levels. `python -m core reconcile` agrees with it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.bench.place import Database, Place

VARIANTS = 10_000
_SQL = Path(__file__).with_name("fill.sql").read_text(encoding="utf-8")


def filled(place: Place, name: str, movements: int, *, anew: bool = False) -> Database:
    """Return a database with about so many movements: the one that was kept, if it is whole, else a new one."""
    whole = f"holds {movements} movements"
    where, is_new = place.database(name)
    if not is_new and (anew or _note(where) != whole):
        place.drop(name)
        where, is_new = place.database(name)
    if is_new:
        start = time.monotonic()
        fill(where, movements)
        with where.connect() as connection:
            connection.execute(f"comment on database {name} is '{whole}'".encode())
        print(f"Filled {movements:,} movements in {time.monotonic() - start:,.0f} s.\n", flush=True)
    warm(where)
    return where


def fill(database: Database, movements: int) -> None:
    """Write about `movements` movements."""
    values = {":variants": VARIANTS, ":movements": movements}
    script = _SQL
    for name, value in values.items():
        script = script.replace(name, str(value))
    with database.connect() as connection:
        connection.execute("set session_replication_role = replica")  # keys are right by construction: no look-ups
        connection.execute("set work_mem = '512MB'; set maintenance_work_mem = '512MB'; set synchronous_commit = off")
        with without_indexes(connection, ("public.stock_movements", "stockroom.variant_days", "stockroom.operations")):
            for statement in script.split(";\n\n"):
                connection.execute(statement.encode())
        connection.execute("vacuum analyze")
        connection.execute("checkpoint")


def warm(database: Database) -> None:
    """Read every file once, so that they lie in memory as they do on a server that has been running for a while."""
    with database.connect() as connection:
        connection.execute(
            """select sum(length(pg_read_binary_file('base/' || d.oid || '/' || file, part * 16777216, 16777216, true)))
                 from pg_database d, pg_ls_dir('base/' || d.oid) file, generate_series(0, 63) part
                where d.datname = current_database()"""
        )


def _note(database: Database) -> str | None:
    with database.connect() as connection:
        row = connection.execute(
            "select shobj_description(oid, 'pg_database') from pg_database where datname = current_database()"
        ).fetchone()
        return row[0] if row else None


@contextmanager
def without_indexes(connection: psycopg.Connection, names: Sequence[str], *, keys_too: bool = True) -> Iterator[None]:
    """Drop the indexes of these tables, with their keys unless views need these, and create them again at the end."""
    tables = "(" + ", ".join(f"'{name}'::regclass" for name in names) + ")"
    keys = connection.execute(
        f"""select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
             where conrelid in {tables} and contype in ('p', 'u')""".encode()
    ).fetchall()
    kept = [name for _, name, _ in keys]
    indexes = connection.execute(
        f"""select indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index
             join pg_class on pg_class.oid = indexrelid where indrelid in {tables} and relname <> all (%s)""".encode(),
        [kept],
    ).fetchall()
    foreign = connection.execute(
        f"""select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
             where contype = 'f' and confrelid in {tables}""".encode()
    ).fetchall()
    constraints = keys + foreign if keys_too else []
    for table, name, _ in reversed(constraints):
        connection.execute(f"alter table {table} drop constraint {name}".encode())
    for name, _ in indexes:
        connection.execute(f"drop index {name}".encode())
    yield
    for _, definition in indexes:
        connection.execute(definition.encode())
    for table, name, definition in constraints:
        connection.execute(f"alter table {table} add constraint {name} {definition}".encode())
