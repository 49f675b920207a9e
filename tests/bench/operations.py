"""One stock change: through core, as the best single statement, and in five round trips as an ORM page would do it."""

from __future__ import annotations

import functools
import random
import subprocess
import tempfile
import uuid
from collections.abc import Callable

import sqlalchemy
from sqlalchemy import text

from core import database, ledger
from core.model import COMMAND_LINE, Line
from core.programs import client_program
from tests.bench.fill import VARIANTS
from tests.bench.place import Database, libpq_url
from tests.bench.rates import Crowd, medians

CLIENTS = (1, 8, 32)
SECONDS = 2
ROUNDS = 7

# The same tables with the same rows, indexes and checks, less what makes a ledger: keys of operations, chain, rollup.
PLAIN = """
create table if not exists plain_variants (like public.product_variants including all);
create table if not exists plain_movements (like public.stock_movements including all);
insert into plain_movements overriding system value select * from public.stock_movements on conflict do nothing;
select setval(pg_get_serial_sequence('plain_movements', 'id'), (select max(id) from plain_movements));
insert into plain_variants (id, product_id, sku, stock_quantity, movement_sequence)
select id, product_id, sku, stock_quantity, movement_sequence from public.product_variants on conflict do nothing;
alter table plain_variants add column if not exists n serial;
create unique index if not exists plain_variants_n on plain_variants (n);
analyze plain_variants, plain_movements;
"""
SINGLE = f"""\\set n random(1, {VARIANTS})
with moved as (
update plain_variants set stock_quantity = stock_quantity + 1, movement_sequence = movement_sequence + 1
where n = :n returning id, sku, stock_quantity, movement_sequence)
insert into plain_movements (variant_id, sku, movement_type, reason, quantity, quantity_before, quantity_after,
variant_sequence, operation_id, performed_by, occurred_at, chain_hash)
select id, sku, 'adjustment', 'stock_increase', 1, stock_quantity - 1, stock_quantity, movement_sequence, 1, 'bench',
now(), '\\x00' from moved;
"""
_SELECT = text("select id, sku, stock_quantity, movement_sequence from plain_variants where n = :n for update")
_UPDATE = text(
    """update plain_variants set stock_quantity = stock_quantity + 1, movement_sequence = movement_sequence + 1
        where id = :id"""
)
_INSERT = text(
    """insert into plain_movements (variant_id, sku, movement_type, reason, quantity, quantity_before, quantity_after,
              variant_sequence, operation_id, performed_by, occurred_at, chain_hash)
       values (:id, :sku, 'adjustment', 'stock_increase', 1, :stock_quantity, :stock_quantity + 1,
              :movement_sequence + 1, 1, 'bench', now(), '\\x00')"""
)


def through_core(url: str, variant_ids: list[uuid.UUID]) -> Callable[[], None]:
    """Return a client that adjusts a random variant by one unit, each time under a new key."""
    engine = database.create_engine(url, pool_size=1, direct=True)

    def adjust() -> None:
        line = Line(variant_id=random.choice(variant_ids), quantity=1)
        database.run(engine, ledger.adjust, COMMAND_LINE, lines=[line], reason="stock_increase", key=ledger.new_key())

    return adjust


def five_trips(url: str) -> Callable[[], None]:
    """Return a client that begins, selects for update, updates, inserts and commits; no key, no chain, no rollup."""
    connection = sqlalchemy.create_engine(url).connect()

    def change() -> None:
        with connection.begin():
            row = connection.execute(_SELECT, {"n": random.randint(1, VARIANTS)}).one()
            connection.execute(_UPDATE, {"id": row.id})
            connection.execute(_INSERT, row._asdict())

    return change


def single_statement(where: Database, clients: int, seconds: int) -> float:
    """Return how many of the best single statements pgbench does a second."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(SINGLE)
        script.flush()
        arguments = ["-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(seconds), "-f", script.name]
        done = subprocess.run(
            [client_program("pgbench"), *arguments, libpq_url(where.owner_url)],
            capture_output=True,
            text=True,
            check=True,
        )
    line = next(line for line in done.stdout.splitlines() if line.startswith("tps"))
    return float(line.split("=")[1].split()[0])


def compare(where: Database) -> list[tuple[str, ...]]:
    """Return a row for each number of clients: changes a second each way, and the two ratios."""
    core = functools.partial(through_core, where.app_url, prepare(where))
    trips = functools.partial(five_trips, where.owner_url)
    table: list[tuple[str, ...]] = []
    for clients in CLIENTS:
        with Crowd(core, clients) as by_core, Crowd(trips, clients) as by_trips:
            rounds = [
                (
                    by_core.per_second(SECONDS),
                    single_statement(where, clients, SECONDS),
                    by_trips.per_second(SECONDS),
                )
                for _ in range(ROUNDS)
            ]
        ours, single, five = medians(rounds)
        speeds = (f"{speed:,.0f}" for speed in (single, five, ours))
        table.append((str(clients), *speeds, f"{ours / single:.2f}", f"{ours / five:.2f}"))
    return table


def prepare(where: Database) -> list[uuid.UUID]:
    """Make the plain tables beside the ledger and return the ids of the variants."""
    with where.connect() as connection:
        connection.execute(PLAIN)
        return [row[0] for row in connection.execute("select id from public.product_variants")]
