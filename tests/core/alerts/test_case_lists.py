"""The lists of cases: one row an order or a product, with every page and count by row."""

from __future__ import annotations

from typing import Any

import pytest

from core.alerts import handling
from core.alerts import lists as case_lists
from core.alerts import reads as alerts
from core.alerts.lists import CaseRow
from core.alerts.reads import AlertFilter, CaseList
from core.foundation.errors import InvalidInput
from tests.support.builders import Shop
from tests.support.selling import Sale, order_id, sell


def rows(shop: Shop, of: CaseList | None, **wanted: Any) -> tuple[CaseRow, ...]:
    found: tuple[CaseRow, ...] = shop.run(case_lists.page, "Wanda", filter=AlertFilter(list=of, **wanted)).rows
    return found


def trouble(number: str) -> Sale:
    """Return an order with two cases: an unknown code, and an amount that differs."""
    more = {"number": number, "amount": 1100, "difference": 100, "why": "it is 1.00 more than its lines"}
    return Sale(lines=[("OLD-CODE", 1)], more=more)


def sizes(shop: Shop, *each: str) -> None:
    """Add the sizes of a product, all low."""
    for size in each:
        shop.variant(2, reorder_point=3, product="Runner", size=size)
    shop.sql(
        """with runner as (select id from public.products where name = 'Runner')
           update public.product_variants set product_id = (select id from runner limit 1)
            where product_id in (select id from runner)"""
    )


def test_the_cases_of_an_order_are_one_row_with_all_that_is_at_stake(fresh_shop: Shop) -> None:
    sell(fresh_shop, trouble("WEB-1"))
    sell(fresh_shop, Sale(lines=[("OLD-CODE", 2)], more={"number": "WEB-2"}))
    one, two = rows(fresh_shop, CaseList.FAILED)
    assert (one.first.order_name, len(one.alerts), one.units, one.money) == ("WEB-1", 2, 1, 1100)
    assert (two.first.order_name, len(two.alerts), two.units, two.money) == ("WEB-2", 1, 2, 2000)
    stake = fresh_shop.run(alerts.stake, "Wanda", filter=AlertFilter(list=CaseList.FAILED))
    assert (stake.cases.count, stake.rows, stake.money) == (3, 2, {"usd": 3100})


def test_the_levels_of_a_product_are_one_row_and_what_is_out_comes_first(fresh_shop: Shop) -> None:
    sizes(fresh_shop, "41", "42", "43")
    fresh_shop.adjust(fresh_shop.variant(2, reorder_point=3, product="Boot", size="40"), -2)
    boot, runner = rows(fresh_shop, CaseList.LEVELS)
    assert (boot.first.product, boot.first.on_hand) == ("Boot", 0)
    assert (runner.first.product, {alert.size for alert in runner.alerts}) == ("Runner", {"41", "42", "43"})
    assert fresh_shop.run(alerts.waiting, "Wanda").levels == 2


def test_low_levels_never_stand_before_a_failed_update(fresh_shop: Shop) -> None:
    for n in range(145):
        fresh_shop.variant(1, reorder_point=3, sku=f"LOW-{n}", product=f"Shoe {n}")
    fresh_shop.sql("update stockroom.alerts set first_at = now() - interval '30 days'")
    sell(fresh_shop, Sale(lines=[], more={"number": "WEB-9", "cart_state": "unreadable", "why": "it is cut"}))
    assert rows(fresh_shop, None)[0].first.order_name == "WEB-9"
    assert [row.first.order_name for row in rows(fresh_shop, CaseList.FAILED)] == ["WEB-9"]


def test_pages_of_rows_leave_no_order_out_and_show_none_twice(fresh_shop: Shop) -> None:
    sell(fresh_shop, *(trouble(f"WEB-{n}") for n in range(7)))
    wanted, cursor, seen = AlertFilter(list=CaseList.FAILED), None, []
    while True:
        page = fresh_shop.run(case_lists.page, "Wanda", filter=wanted, cursor=cursor, limit=3)
        seen += [row.first.order_name for row in page.rows]
        cursor = page.after
        if cursor is None:
            break
    assert sorted(seen) == [f"WEB-{n}" for n in range(7)]
    back = fresh_shop.run(case_lists.page, "Wanda", filter=wanted, cursor=page.before, limit=3)
    assert [row.first.order_name for row in back.rows] == seen[3:6]
    with pytest.raises(InvalidInput):
        fresh_shop.run(case_lists.page, "Wanda", filter=wanted, cursor="nonsense")


def test_a_row_has_only_the_cases_under_the_filter(fresh_shop: Shop) -> None:
    sale = trouble("WEB-1")
    sell(fresh_shop, sale)
    first, second = fresh_shop.run(alerts.of_order, "Wanda", order_id=order_id(fresh_shop, sale))
    fresh_shop.run(handling.resolve, "Sam", alert_ids=[second.alert_id], reason="Looked at it")
    (row,) = rows(fresh_shop, CaseList.FAILED)
    assert row.alert_ids == [first.alert_id]
    assert len(rows(fresh_shop, CaseList.FAILED, states=())[0].alerts) == 2


def test_the_other_open_cases_of_an_order_are_found_from_each(fresh_shop: Shop) -> None:
    sale = trouble("WEB-1")
    sell(fresh_shop, sale, trouble("WEB-2"))
    first, second = fresh_shop.run(alerts.of_order, "Wanda", order_id=order_id(fresh_shop, sale))
    assert fresh_shop.run(case_lists.others, "Wanda", alert=first) == (second,)
    fresh_shop.run(handling.resolve, "Sam", alert_ids=[second.alert_id], reason="Looked at it")
    assert fresh_shop.run(case_lists.others, "Wanda", alert=first) == ()


def test_an_empty_list_knows_when_its_last_case_opened_and_what_the_others_hold(fresh_shop: Shop) -> None:
    wanted = AlertFilter(list=CaseList.FAILED)
    empty = fresh_shop.run(case_lists.around, "Wanda", filter=wanted)
    assert (dict(empty.counts), empty.last_at) == ({}, None)
    sale = trouble("WEB-1")
    sell(fresh_shop, sale)
    found = fresh_shop.run(alerts.of_order, "Wanda", order_id=order_id(fresh_shop, sale))
    fresh_shop.run(handling.resolve, "Sam", alert_ids=[each.alert_id for each in found], reason="Looked at it")
    fresh_shop.variant(1, reorder_point=3)
    around = fresh_shop.run(case_lists.around, "Wanda", filter=wanted)
    assert (dict(around.counts), around.last_at) == ({CaseList.LEVELS: 1}, found[0].first_at)
