"""One stock change: through core, as the best single statement, and in five round trips as a page on an ORM does it."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from uuid import UUID

import psycopg
import sqlalchemy
from sqlalchemy.orm import Session

from core.database import engine as database
from core.foundation.model import COMMAND_LINE, Line
from core.ledger import changes as ledger
from tests.bench.fill import VARIANTS
from tests.bench.place import Database, libpq_url
from tests.bench.plain import PlainMovement, PlainVariant
from tests.bench.rates import Crowd, medians, pgbench

CLIENTS = (1, 8, 32)
SECONDS = 2
ROUNDS = 7

# The same tables with the same rows, indexes and checks, less what makes a ledger: keys of operations, chain, rollup.
PLAIN = """
drop table if exists plain_variants, plain_movements;
create table plain_variants (like public.product_variants including all);
create table plain_movements (like public.stock_movements including all);
insert into plain_movements overriding system value select * from public.stock_movements;
select setval(pg_get_serial_sequence('plain_movements', 'id'), (select max(id) from plain_movements));
insert into plain_variants (id, product_id, sku, stock_quantity, movement_sequence)
select id, product_id, sku, stock_quantity, movement_sequence from public.product_variants;
alter table plain_variants add column n serial;
create unique index on plain_variants (n);
analyze plain_variants, plain_movements;
"""
SINGLE = """
with moved as (
update plain_variants set stock_quantity = stock_quantity + 1, movement_sequence = movement_sequence + 1
where n = {n} returning id, sku, stock_quantity, movement_sequence)
insert into plain_movements (variant_id, sku, movement_type, reason, quantity, quantity_before, quantity_after,
variant_sequence, operation_id, performed_by, occurred_at, chain_hash)
select id, sku, 'adjustment', 'stock_increase', 1, stock_quantity - 1, stock_quantity, movement_sequence, 1, 'bench',
now(), '\\x00' from moved
"""
_FROM_PGBENCH = f"\\set n random(1, {VARIANTS})\n{SINGLE.format(n=':n').strip()};\n"
_FROM_PYTHON = SINGLE.format(n="%s")


def compare(where: Database) -> list[tuple[str, ...]]:
    """Return a row for each number of clients: changes a second in each way, and our share of the others'."""
    variant_ids = prepare(where)
    ours = functools.partial(through_core, where.app_url, variant_ids)
    ways = (
        ours,
        functools.partial(single_from_python, where.owner_url),
        functools.partial(five_trips, where.owner_url),
    )
    table: list[tuple[str, ...]] = []
    for clients in CLIENTS:
        with Crowd(ways[0], clients) as core, Crowd(ways[1], clients) as python, Crowd(ways[2], clients) as trips:
            rounds = [
                (
                    single_from_pgbench(where, clients, SECONDS),
                    python.per_second(SECONDS),
                    trips.per_second(SECONDS),
                    core.per_second(SECONDS),
                )
                for _ in range(ROUNDS)
            ]
        *others, core_rate = medians(rounds)
        speeds = [f"{rate:,.0f}" for rate in (*others, core_rate)]
        table.append((str(clients), *speeds, *(f"{core_rate / rate:.2f}" for rate in others)))
    return table


def compare_sizes(small: Database, large: Database) -> list[tuple[str, ...]]:
    """Return a row for each number of clients: changes a second at both ledgers, and the ratio of their cost."""
    clients_of = [functools.partial(through_core, where.app_url, variants(where)) for where in (small, large)]
    table: list[tuple[str, ...]] = []
    for clients in CLIENTS:
        with Crowd(clients_of[0], clients) as at_small, Crowd(clients_of[1], clients) as at_large:
            rounds = [(at_small.per_second(SECONDS), at_large.per_second(SECONDS)) for _ in range(2 * ROUNDS)]
        small_rate, large_rate = medians(rounds)
        table.append((str(clients), f"{small_rate:,.0f}", f"{large_rate:,.0f}", f"{small_rate / large_rate:.2f}"))
    return table


def through_core(url: str, variant_ids: list[UUID]) -> Callable[[], None]:
    """Return a client that adjusts a random variant by one unit, each time under a new key."""
    engine = database.create_engine(url, pool_size=1)

    def adjust() -> None:
        line = Line(variant_id=random.choice(variant_ids), quantity=1)
        database.run(engine, ledger.adjust, COMMAND_LINE, lines=[line], reason="stock_increase", key=ledger.new_key())

    return adjust


def five_trips(url: str) -> Callable[[], None]:
    """Return a client that begins, selects for update, updates, inserts and commits; no key, no chain, no rollup."""
    engine = sqlalchemy.create_engine(url, pool_size=1)

    def change() -> None:
        with Session(engine) as session, session.begin():
            wanted = sqlalchemy.select(PlainVariant).where(PlainVariant.n == random.randint(1, VARIANTS))
            variant = session.scalars(wanted.with_for_update()).one()
            variant.stock_quantity += 1
            variant.movement_sequence += 1
            session.add(PlainMovement.of(variant, quantity=1))

    return change


def single_from_python(url: str) -> Callable[[], None]:
    """Return a client that sends the best single statement through the bare driver, prepared."""
    connection = psycopg.connect(libpq_url(url), autocommit=True)

    def change() -> None:
        connection.execute(_FROM_PYTHON.encode(), [random.randint(1, VARIANTS)], prepare=True)

    return change


def single_from_pgbench(where: Database, clients: int, seconds: int) -> float:
    """Return how many of the best single statements pgbench does a second: the limit to chase."""
    return pgbench(where.owner_url, where, _FROM_PGBENCH, clients=clients, seconds=seconds).rate


def prepare(where: Database) -> list[UUID]:
    """Make the plain tables beside the ledger and return the ids of the variants."""
    with where.connect() as connection:
        connection.execute(PLAIN)
    return variants(where)


def variants(where: Database) -> list[UUID]:
    """Return the ids of the variants."""
    with where.connect() as connection:
        return [row[0] for row in connection.execute("select id from public.product_variants")]
