"""Words that many orders have find the same orders as the index of their pieces would, and read few of them."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import Connection

from core.foundation.model import Actor
from core.orders import filter as order_filter
from core.orders import reads
from core.orders.filter import OrderFilter, OrderState
from core.orders.finding import matching
from tests.support.builders import Shop
from tests.support.selling import Sale, sell, tell_refund

BUYERS = ("Anna Müller", "Ana Moreno", "Jörg Anders", "Łucja Żak", "Anna-Lena Miller")
COMMON = (
    "anna",
    "an",
    "ANNA müller",
    "muller",
    "gmail.com",
    "web",
    "web-",
    "lucja",
    "a",
    "nna mill",
    "x_1",
    "anna gmail",
)
RARE = ("nobody", "anna nobody", "web-007", "%", "anna a%")


@pytest.fixture
def busy(fresh_shop: Shop) -> Shop:
    """A shop with 300 orders of five buyers, some refunded."""
    fresh_shop.variant(500, sku="HB-40")
    sales = [
        Sale(
            lines=[("HB-40", 1)],
            more={
                "name": BUYERS[n % 5] if n % 7 else None,
                "email": f"{'anna' if n % 2 else 'x_1'}.{n}@gmail.com" if n % 11 else None,
                "number": f"WEB-{n:04}" if n % 3 else None,
            },
        )
        for n in range(300)
    ]
    sell(fresh_shop, *sales)
    for sale in sales[::9]:
        tell_refund(fresh_shop, sale)
    return fresh_shop


def found(shop: Shop, search: str, state: OrderState = OrderState.ALL) -> list[int]:
    page = shop.run(reads.page, "Sam", filter=OrderFilter(search=search, state=state), limit=1_000)
    count = shop.run(reads.count, "Sam", filter=OrderFilter(search=search, state=state))
    assert count.count == len(page.rows)
    return [row.order_id for row in page.rows]


def test_common_words_find_what_the_index_finds(busy: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def common(connection: Connection, _: Actor, *, search: str) -> bool:
        return bool(matching.common_words(connection, search))

    assert [busy.run(common, search=search) for search in COMMON] == [True] * len(COMMON)
    assert [busy.run(common, search=search) for search in RARE] == [False] * len(RARE)
    for state in (OrderState.ALL, OrderState.REFUNDED):
        looked_at = {search: found(busy, search, state) for search in COMMON}
        assert all(looked_at.values()) or state is not OrderState.ALL
        with monkeypatch.context() as patched:
            patched.setattr(matching, "common_words", lambda *_: [])
            assert {search: found(busy, search, state) for search in COMMON} == looked_at


def test_a_page_of_common_words_reads_the_latest_orders_only(busy: Shop) -> None:
    def rows_read(connection: Connection, _: Actor) -> int:
        wanted = order_filter.matching(connection, OrderFilter(search="anna"))
        keys = (order_filter.ORDERS.c.paid_at.desc(), order_filter.ORDERS.c.order_id.desc())
        query = wanted.order_by(*keys).limit(5).compile(connection, compile_kwargs={"literal_binds": True})
        connection.exec_driver_sql("set local enable_sort = off")
        plan = "\n".join(row[0] for row in connection.exec_driver_sql(f"explain (analyze, timing off) {query}"))
        scanned = re.search(r"orders_paid_idx.*rows=(\d+)[\s\S]*?Rows Removed by Filter: (\d+)", plan)
        assert scanned, plan
        return int(scanned[1]) + int(scanned[2])

    assert busy.run(rows_read) < 60


def test_what_was_refunded_in_several_parts_is_refunded_in_full(fresh_shop: Shop) -> None:
    fresh_shop.variant(5, sku="HB-40")
    whole, part = (Sale(lines=[("HB-40", 1)]) for _ in range(2))
    sell(fresh_shop, whole, part)
    for sale, amount in ((whole, 400), (whole, 600), (part, 999)):
        tell_refund(fresh_shop, sale, amount=amount)
    (one,) = found(fresh_shop, "", OrderState.REFUNDED)
    (other,) = found(fresh_shop, "", OrderState.REFUNDED_IN_PART)
    assert fresh_shop.sql("select payment_id from stockroom.orders where id = :id", id=one) == whole.payment_id
    assert fresh_shop.sql("select payment_id from stockroom.orders where id = :id", id=other) == part.payment_id
