"""The large sample: as many orders as asked for, all checks pass, and it continues after an interruption."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.foundation.errors import InvalidInput, SetupError
from core.foundation.model import COMMAND_LINE
from core.foundation.settings import load_settings
from core.inbox import applying, polling
from core.proof import checks, runs
from core.sample.large import Large, load_large
from core.sandbox import connection, play
from tests.conftest import SAMPLE_AT, open_fresh
from tests.support.builders import Shop
from tests.support.servers import Server

DAYS, ORDERS = 15, 500
NO_KEY = load_settings({})


class Stopped(Exception):
    """The process was killed."""


@pytest.fixture(scope="module")
def large(embedded: Server) -> Iterator[tuple[Shop, list[Large]]]:
    """A large sample that was killed in the middle and continued, with what was told. These tests only read it."""
    for shop in open_fresh(embedded):
        told = list[Large]()

        def tell(state: Large, told: list[Large] = told) -> None:
            told.append(state)
            if len(told) == 2:
                raise Stopped

        with pytest.raises(Stopped):
            load_large(shop.engine, days=DAYS, orders=ORDERS, tell=tell)
        assert 0 < shop.sql("select count(*) from stockroom.orders") < ORDERS
        assert faults(shop) == {}
        load_large(shop.engine, days=DAYS, orders=ORDERS, tell=tell)
        yield shop, told


def faults(shop: Shop) -> dict[str, int]:
    return {result.code: result.failures for result in shop.run(checks.run_checks) if result.failures}


def test_it_has_the_orders_of_so_many_days_and_every_check_passes(large: tuple[Shop, list[Large]]) -> None:
    shop, told = large
    assert faults(shop) == {}
    assert (told[-1].made, told[-1].filled, told[-1].is_whole) == (ORDERS, DAYS, True)
    assert [state.made for state in told] == sorted(state.made for state in told)
    first, last = shop.rows("select min(paid_at), max(paid_at) from stockroom.orders")[0]
    assert DAYS - 3 < (last - first).days < DAYS
    assert shop.sql("select count(*) from stockroom.orders") == ORDERS
    days = "stockroom_api.shelf_days('-infinity', 'infinity')"
    assert shop.sql(f"select sum(unexplained) + sum(open_lines) from {days}") == 0
    assert shop.sql("select max(occurred_at) < now() and min(quantity_after) >= 0 from stock_movements")
    assert shop.sql("select count(*) from stockroom.large_lines") == 0


def test_it_has_refunds_decided_and_waiting_receipts_counts_and_cases(large: tuple[Shop, list[Large]]) -> None:
    shop, _ = large
    states = dict(tuple(row) for row in shop.rows("select state, count(*) from stockroom.refunds group by 1"))
    assert states["decided"] > 3
    odd = """select count(*)
               from stockroom.refund_decisions d left join stock_movements m on m.id = d.movement_id
              where (d.disposition = 'restock') <> coalesce(m.reason = 'refund' and m.quantity = d.quantity, false)"""
    assert shop.sql(odd) == 0
    waiting = "select count(*) from stockroom.alerts where kind = 'insufficient_stock' and state = 'open'"
    assert shop.sql(waiting) > 0
    kinds = {row[0] for row in shop.rows("select distinct movement_type from stock_movements")}
    assert kinds == {"purchase", "sale", "restoration", "adjustment", "count"}


def test_the_same_size_is_not_loaded_twice_and_another_size_is_refused(large: tuple[Shop, list[Large]]) -> None:
    shop, _ = large
    before = shop.sql("select count(*) from stock_movements")
    with pytest.raises(SetupError, match="all 500 orders already"):
        load_large(shop.engine, days=DAYS, orders=ORDERS)
    with pytest.raises(SetupError, match="Remove it first"):
        load_large(shop.engine, days=DAYS, orders=ORDERS + 1)
    assert shop.sql("select count(*) from stock_movements") == before


def test_of_two_processes_that_continue_it_each_part_is_filled_once(embedded_shop: Shop) -> None:
    shop = embedded_shop

    def stop(state: Large) -> None:
        if state.made:
            raise Stopped

    with pytest.raises(Stopped):
        load_large(shop.engine, days=30, orders=90, tell=stop)
    with ThreadPoolExecutor(2) as two:
        list(two.map(lambda _: load_large(shop.engine, days=30, orders=90), range(2)))
    assert shop.sql("select count(*) from stockroom.orders") == 90
    assert faults(shop) == {}


def test_it_needs_an_empty_database_and_a_size_that_can_be(embedded_shop: Shop) -> None:
    for size in ((0, 10), (10, 0), (4000, 10)):
        with pytest.raises(InvalidInput, match="must be"):
            load_large(embedded_shop.engine, days=size[0], orders=size[1], now=SAMPLE_AT)
    assert embedded_shop.sql("select count(*) from products") == 0
    embedded_shop.variant(3)
    with pytest.raises(InvalidInput, match="needs an empty database"):
        load_large(embedded_shop.engine, days=1, orders=10)


def test_it_goes_on_selling_through_the_sandbox_and_agrees_with_it(embedded_shop: Shop) -> None:
    shop = embedded_shop
    load_large(shop.engine, days=2, orders=10)
    gateway = connection.find(NO_KEY, shop.engine)
    assert gateway is not None
    assert polling.poll(shop.engine, gateway) == 0
    sku = shop.sql("select sku from stockroom_api.levels where available > 1 order by sku limit 1")
    play.open_account(shop.engine).pay(9_900, "eur", {"cart": f'[{{"sku": "{sku}", "quantity": 1}}]'})
    assert polling.poll(shop.engine, gateway) > 0
    applying.apply_due(shop.engine, gateway)
    assert shop.sql("select count(*) from stockroom.orders") == 11
    (compared,) = [result for result in runs.prove(shop.engine, gateway, COMMAND_LINE).results if result.code == "R3"]
    assert compared.holds, compared
    assert compared.not_compared is None
    assert compared.checked > 0
