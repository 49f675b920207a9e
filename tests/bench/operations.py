"""One stock change: through core, as the best single statement, and in five round trips as an ORM page would do it."""

from __future__ import annotations

import functools
import random
import subprocess
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path

import psycopg
import sqlalchemy
from sqlalchemy import text

from core import database, ledger
from core.embedded import programs
from core.model import COMMAND_LINE, Line
from tests.bench import rates
from tests.bench.place import Place

CLIENTS = (1, 8, 32)
SECONDS = 4.0
ROUNDS = 3
PLAIN = """
create table plain_variants (like public.product_variants including all);
create table plain_movements (like public.stock_movements including all);
insert into plain_variants (id, product_id, sku, stock_quantity)
select id, product_id, sku, 1000 from public.product_variants;
alter table plain_variants add column n serial;
create unique index on plain_variants (n);
"""
SINGLE = """
\\set n random(1, 10000)
with moved as (update plain_variants set stock_quantity = stock_quantity + 1, movement_sequence = movement_sequence + 1
                where n = :n returning id, sku, stock_quantity, movement_sequence)
insert into plain_movements (variant_id, sku, movement_type, reason, quantity, quantity_before, quantity_after,
       variant_sequence, operation_id, performed_by, occurred_at, chain_hash)
select id, sku, 'adjustment', 'stock_increase', 1, stock_quantity - 1, stock_quantity, movement_sequence, 1, 'bench', now(),
       '\\x00' from moved;
"""


def through_core(url: str, variant_ids: list[uuid.UUID]) -> Callable[[], None]:
    """A client that adjusts a random variant by one unit."""
    engine = database.create_engine(url, pool_size=1)

    def adjust() -> None:
        line = Line(variant_id=random.choice(variant_ids), quantity=1)
        key = uuid.uuid4().hex
        database.run(engine, ledger.adjust, COMMAND_LINE, lines=[line], reason="stock_increase", key=key)

    return adjust


def five_trips(url: str) -> Callable[[], None]:
    """A client that begins, selects for update, updates, inserts and commits: five round trips, no key, no chain, no rollup."""
    connection = sqlalchemy.create_engine(url).connect()

    def change() -> None:
        with connection.begin():
            row = connection.execute(_SELECT, {"n": random.randint(1, 10_000)}).one()
            connection.execute(_UPDATE, {"id": row.id})
            connection.execute(_INSERT, row._asdict())

    return change


_SELECT = text("select id, sku, stock_quantity, movement_sequence from plain_variants where n = :n for update")
_UPDATE = text(
    "update plain_variants set stock_quantity = stock_quantity + 1, movement_sequence = movement_sequence + 1 where id = :id"
)
_INSERT = text(
    """insert into plain_movements (variant_id, sku, movement_type, reason, quantity, quantity_before, quantity_after,
              variant_sequence, operation_id, performed_by, occurred_at, chain_hash)
       values (:id, :sku, 'adjustment', 'stock_increase', 1, :stock_quantity, :stock_quantity + 1,
              :movement_sequence + 1, 1, 'bench', now(), '\\x00')"""
)


def single_statement(place: Place, clients: int, seconds: float) -> float:
    """Return how many of the best single statements pgbench does a second."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(" ".join(SINGLE.strip().splitlines()[1:]).join(["\\set n random(1, 10000)\n", "\n"]))
        script.flush()
        Path(script.name).chmod(0o644)
        done = subprocess.run(
            [programs() / "pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(int(seconds)),
             "-f", script.name, place.server.owner_url.replace("+psycopg", "")],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    line = next(line for line in done.stdout.splitlines() if line.startswith("tps"))
    return float(line.split("=")[1].split()[0])


def run(place: Place) -> list[tuple[str, ...]]:
    """Return the table: clients, changes a second each way, and the two ratios."""
    with psycopg.connect(place.server.owner_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(PLAIN)
        ids = [row[0] for row in connection.execute("select id from public.product_variants")]
    core = functools.partial(through_core, place.server.app_url, ids)
    trips = functools.partial(five_trips, place.server.owner_url)
    table = []
    for clients in CLIENTS:
        rounds = [
            (
                rates.per_second(core, clients, SECONDS),
                single_statement(place, clients, SECONDS),
                rates.per_second(trips, clients, SECONDS),
            )
            for _ in range(ROUNDS)
        ]
        ours, single, five = (rates.median(list(column)) for column in zip(*rounds, strict=True))
        table.append((str(clients), f"{ours:,.0f}", f"{single:,.0f}", f"{five:,.0f}", f"{ours / single:.2f}", f"{ours / five:.2f}"))
    return table
