"""A test gets a database as if it were new, also where an earlier test has used it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from core.foundation.addresses import libpq_url
from tests.conftest import open_fresh
from tests.support.builders import Shop
from tests.support.servers import Server
from tests.support.shared.databases import _SEQUENCES, _TABLES

opened = contextmanager(open_fresh)


def contents(shop: Shop) -> list[Any]:
    """Return every row of every table, and the state of every sequence."""
    with psycopg.connect(libpq_url(shop.owner_url)) as connection:
        tables = [name for name, _ in connection.execute(_TABLES.encode()).fetchall()]
        rows = [connection.execute(f"select t::text from {name} t order by 1".encode()).fetchall() for name in tables]
        return [dict(zip(tables, rows, strict=True)), connection.execute(_SEQUENCES.encode()).fetchall()]


def used(server: Server, *statements: str) -> tuple[str, list[Any]]:
    """Use a database for a test that sells and does this; return its address and what it held before."""
    with opened(server) as shop:
        before = contents(shop)
        shop.adjust(shop.variant(3), -1)
        for statement in statements:
            shop.sql(statement)
    return shop.owner_url, before


def test_rows_sequences_settings_and_locks_of_a_test_are_gone_in_the_next(embedded: Server) -> None:
    one, before = used(
        embedded,
        "update stockroom.shop set name = 'Left over'",
        "delete from stockroom.sql_text",
        "set work_mem = '1GB'",
        "set role stockroom_app",
        "select pg_advisory_lock(15)",
    )
    with opened(embedded) as shop:
        assert (shop.owner_url, contents(shop)) == (one, before)
        found = "select current_user, current_setting('work_mem'), count(*) from pg_locks where locktype = 'advisory'"
        assert shop.rows(found) == [("postgres", "4MB", 0)]


@pytest.mark.parametrize(
    "change",
    [
        "create table public.left_over (id int)",
        "drop view stockroom_api.levels cascade",
        "grant select on public.products to public",
        "comment on table public.products is 'Left over'",
        "alter table public.stock_movements disable trigger stock_movements_append_only",
        "analyze public.products",
        "do $$ begin execute format('alter database %I set work_mem = ''1MB''', current_database()); end $$",
    ],
)
def test_a_database_in_which_more_than_rows_has_changed_is_not_used_again(embedded: Server, change: str) -> None:
    one, _ = used(embedded, change)
    with opened(embedded) as shop:
        assert shop.owner_url != one


def test_a_database_that_somebody_still_uses_is_not_used_again(embedded: Server) -> None:
    with opened(embedded) as shop:
        one, connection = shop.owner_url, psycopg.connect(libpq_url(shop.owner_url))
    with opened(embedded) as shop:
        assert shop.owner_url != one
    connection.close()
