"""A year of a real shop in the ledger: every row and unit of the published file is accounted for.

Every fourth code with all its rows, because the whole file takes a minute. `test_retail.py` reads the whole file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pyarrow.compute as pc
import pytest

from core.database.engine import run
from core.foundation.model import COMMAND_LINE
from core.ledger.history import HistoryImport, import_history
from core.proof import checks as reconciliation
from tests.conftest import prepare
from tests.support import retail
from tests.support.builders import Shop
from tests.support.retail import Conversion, Kind
from tests.support.servers import Server

pytestmark = pytest.mark.slow
DATABASE = "retail_year"


@pytest.fixture(scope="module")
def year() -> Conversion:
    return retail.part_of_it()


@pytest.fixture(scope="module")
def path(year: Conversion, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("retail") / "year.parquet"
    retail.write(year.history, path)
    return path


@pytest.fixture(scope="module")
def shop(path: Path, embedded: Server) -> Iterator[Shop]:
    """A separate shop for the year. It depends on the file, so that nothing is set up without one."""
    with psycopg.connect(embedded.url("postgres").replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(f"create database {DATABASE}")
        prepare(embedded.url(DATABASE))
        opened = Shop.open(embedded.url(DATABASE, "stockroom_app"), embedded.url(DATABASE))
        yield opened
        opened.close()
        admin.execute(f"drop database {DATABASE} with (force)")


@pytest.fixture(scope="module")
def done(shop: Shop, path: Path) -> HistoryImport:
    return import_history(shop.engine, COMMAND_LINE, path)


def smallest_openings(year: Conversion) -> dict[str, int]:
    """For each code that falls below zero, how far: computed row by row, without the database."""
    level: Counter[str] = Counter()
    lowest: Counter[str] = Counter()
    for sku, quantity in zip(year.history["sku"].to_pylist(), year.history["quantity"].to_pylist(), strict=True):
        level[sku] += quantity
        lowest[sku] = min(lowest[sku], level[sku])
    return {sku: -depth for sku, depth in lowest.items() if depth < 0}


def test_movements_by_type_are_the_rows_of_the_file_and_units_are_its_units(
    shop: Shop, year: Conversion, done: HistoryImport
) -> None:
    expected: dict[tuple[str, str], tuple[int, int]] = {}
    for moved, count in year.written.items():
        rows, units = expected.get((moved.movement_type, moved.reason), (0, 0))
        expected[moved.movement_type, moved.reason] = (rows + count.rows, units + count.units)
    expected["count", "initial_count"] = (done.opening_codes, done.opening_units)
    posted = shop.rows("select movement_type, reason, count(*), sum(quantity) from stock_movements group by 1, 2")
    assert {(row[0], row[1]): (row[2], row[3]) for row in posted} == expected


def test_sales_and_refunds_are_the_published_counts_less_what_moves_no_goods(
    shop: Shop, year: Conversion, done: HistoryImport
) -> None:
    assert done.rows == year.history.num_rows > 100_000
    for kind, movement_type in ((Kind.SALE, "sale"), (Kind.CANCELLATION, "restoration")):
        rows, units = shop.rows(
            "select count(*), sum(quantity) from stock_movements where movement_type = :type", type=movement_type
        )[0]
        assert rows == year.read[kind].rows - year.dropped[kind].rows
        assert units == -(year.read[kind].units - year.dropped[kind].units)


def test_each_opening_is_the_smallest_that_keeps_its_code_at_zero_or_above(
    shop: Shop, year: Conversion, done: HistoryImport
) -> None:
    openings = smallest_openings(year)
    posted = shop.rows("select sku, quantity, variant_sequence from stock_movements where movement_type = 'count'")
    assert {row.sku: row.quantity for row in posted} == openings
    assert {row.variant_sequence for row in posted} == {1}
    assert (done.opening_codes, done.opening_units) == (len(openings), sum(openings.values()))


def test_levels_are_openings_plus_everything_that_moved(shop: Shop, year: Conversion, done: HistoryImport) -> None:
    on_hand = shop.sql("select sum(stock_quantity) from product_variants")
    assert on_hand == done.opening_units + pc.sum(year.history["quantity"]).as_py()
    assert shop.sql("select count(*) from product_variants") == done.new_codes
    assert shop.sql("select count(*) from product_variants") > 900


@pytest.mark.usefixtures("done")
def test_levels_chain_and_daily_figures_hold_over_the_whole_year(shop: Shop) -> None:
    checks = {check.code: check for check in run(shop.engine, reconciliation.run_checks, COMMAND_LINE)}
    assert {"R1", "R2", "R11"} <= checks.keys()
    assert {code: check.examples for code, check in checks.items() if not check.holds} == {}


@pytest.mark.usefixtures("done")
def test_movements_were_written_in_the_order_they_happened(shop: Shop) -> None:
    late = shop.sql(
        """select count(*) from (select occurred_at, lag(occurred_at) over (order by id) as before from stock_movements
                                  where movement_type <> 'count') m
            where m.occurred_at < m.before"""
    )
    assert late == 0


def test_the_same_year_again_changes_nothing(shop: Shop, path: Path, done: HistoryImport) -> None:
    again = import_history(shop.engine, COMMAND_LINE, path)
    assert again.already
    assert shop.sql("select count(*) from stock_movements") == done.rows + done.opening_codes
    assert shop.sql("select count(*) from stockroom.history_rows") == 0
