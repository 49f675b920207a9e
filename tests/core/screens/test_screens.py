"""Screens: all that a page reads, in few statements, and never more than it shows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from core.foundation.errors import Forbidden, SignInRequired
from core.ledger import size_grid
from core.ledger.level_filter import LevelFilter, LevelSort, LevelStatus
from core.ledger.movements import MovementFilter
from core.ledger.size_grid import Run
from core.screens import stock as screens
from tests.support.builders import Shop

LIST: dict[str, Any] = {"filter": LevelFilter(), "sort": LevelSort.SKU, "offset": 0, "limit": 50}
LEDGER: dict[str, Any] = {"filter": MovementFilter(), "cursor": None, "limit": 50}
READS: list[tuple[Callable[..., Any], dict[str, Any]]] = [
    (screens.overview, {"days": 30}),
    (screens.stock_list, LIST),
    (screens.stock_grid, {"filter": LevelFilter(), "offset": 0, "limit": 25}),
    (screens.variant, {"sku": "A-1", "days": 90}),
    (screens.ledger, LEDGER),
    (screens.ledger_choices, {}),
]


def statements(shop: Shop, read: Callable[..., Any], values: dict[str, Any]) -> int:
    counted: list[str] = []

    def count(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        counted.append(statement)

    event.listen(shop.engine, "before_cursor_execute", count)
    try:
        shop.run(read, "Sam", **values)
    finally:
        event.remove(shop.engine, "before_cursor_execute", count)
    return len(counted)


@pytest.mark.parametrize(("read", "values"), READS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_screen_costs_the_same_few_statements_however_much_there_is(
    fresh_shop: Shop, read: Callable[..., Any], values: dict[str, Any]
) -> None:
    fresh_shop.adjust(fresh_shop.variant(on_hand=5, sku="A-1"), 1)
    few = statements(fresh_shop, read, values)
    for number in range(20):
        fresh_shop.adjust(fresh_shop.variant(on_hand=5, sku=f"B-{number}"), 1)
    assert statements(fresh_shop, read, values) == few <= 25


@pytest.mark.parametrize(("read", "values"), READS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_signed_out_person_reads_no_screen(shop: Shop, read: Callable[..., Any], values: dict[str, Any]) -> None:
    with pytest.raises((SignInRequired, Forbidden)):
        shop.run(read, "Carl", **values)


def test_a_page_behind_the_end_of_the_list_is_the_first(fresh_shop: Shop) -> None:
    fresh_shop.variant(sku="A-1")
    found = fresh_shop.run(screens.stock_list, "Sam", **(LIST | {"offset": 5_000}))
    assert [row.sku for row in found.page.rows] == ["A-1"]


def test_a_variant_is_found_by_its_barcode_too_and_an_unknown_code_is_none(fresh_shop: Shop) -> None:
    fresh_shop.variant(on_hand=4, sku="A-1", barcode="4006381333931")
    found = fresh_shop.run(screens.variant, "Sam", sku="4006381333931", days=None)
    assert (found.row.sku, found.row.on_hand, found.explanation.total) == ("A-1", 4, 4)
    assert fresh_shop.run(screens.variant, "Sam", sku="nothing", days=30) is None


def test_the_grid_has_whole_products_of_which_a_variant_matches(fresh_shop: Shop) -> None:
    first = fresh_shop.variant(on_hand=4, sku="R-9", size="9", product="Runner")
    second = fresh_shop.variant(sku="R-10", size="10", product="Runner")
    fresh_shop.variant(on_hand=4, sku="B-9", size="9", product="Boot")
    fresh_shop.sql(
        """update product_variants set product_id = (select product_id from product_variants where id = :first)
            where id = :second""", first=first, second=second,
    )  # fmt: skip
    wanted = LevelFilter(status=LevelStatus.OUT)
    page = fresh_shop.run(size_grid.page, "Sam", filter=wanted, offset=0, limit=25)
    assert [(row.product, [v.sku for v in row.variants], row.run) for row in page.rows] == [
        ("Runner", ["R-10", "R-9"], Run.BROKEN)
    ]
    everything = fresh_shop.run(size_grid.page, "Sam", filter=LevelFilter(), offset=0, limit=25)
    assert [(row.product, row.run) for row in everything.rows] == [("Boot", Run.FULL), ("Runner", Run.BROKEN)]


def test_the_chart_of_the_ledger_covers_the_filter_or_the_days_up_to_the_page(fresh_shop: Shop) -> None:
    def days(since: date | None = None, until: date | None = None) -> tuple[date, date]:
        wanted = MovementFilter(since=since, until=until)
        found = fresh_shop.run(screens.ledger, "Sam", **(LEDGER | {"filter": wanted}))
        return found.chart.since, found.chart.until

    today = fresh_shop.sql("select today from stockroom_api.shop")
    tomorrow = today + timedelta(days=1)
    assert days() == (today - timedelta(days=29), tomorrow)
    assert days(since=date(2026, 1, 1)) == (date(2026, 1, 1), tomorrow)
    assert days(until=date(2026, 1, 31)) == (date(2026, 1, 2), date(2026, 2, 1))
    assert days(since=date(2026, 2, 1), until=date(2026, 1, 1)) == (date(2026, 1, 1), date(2026, 1, 2))
    assert days(since=date(1900, 1, 1))[1] == tomorrow, "a range without end is cut to the last ten years"


def test_the_chart_of_a_past_that_was_imported_lies_in_that_past(fresh_shop: Shop) -> None:
    shoe = fresh_shop.variant(sku="A-1")
    fresh_shop.sql(
        """select count(*) from stockroom_api.post_lines(
               stockroom_api.claim_operation('past', 'test', '', null, 'Import'), 'Import', array[
               row (:shoe, 'purchase', 'delivery', 5, '2011-03-05 09:00+00', null, null, null, null)
               ::stockroom.line])""",
        shoe=shoe,
    )
    found = fresh_shop.run(screens.ledger, "Sam", **LEDGER)
    assert (found.chart.since, found.chart.until) == (date(2011, 2, 4), date(2011, 3, 6))
    assert [(flow.start, flow.units_in) for flow in found.chart.flows] == [(date(2011, 3, 5), 5)]
