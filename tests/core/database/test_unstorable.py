"""What PostgreSQL does not take, such as a null character, is answered with a sentence by every search of core."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from core.alerts.reads import AlertFilter
from core.catalog import codes
from core.database.engine import call
from core.foundation.errors import InvalidInput, StockError
from core.ledger.level_filter import LevelFilter, LevelSort
from core.ledger.movements import MovementFilter
from core.orders import lines
from core.orders.filter import OrderFilter
from core.people import accounts
from core.screens import deliveries, finding, orders, stock
from tests.support.builders import Shop
from tests.support.outside.texts import HOSTILE, UNSTORABLE

SEARCHES: dict[str, Callable[[Shop, str], Any]] = {
    "everything": lambda shop, text: shop.run(finding.find, "Ada", text=text),
    "a code": lambda shop, text: shop.run(codes.find, "Ada", text=text),
    "codes": lambda shop, text: shop.run(codes.choices, "Ada", text=text),
    "goods of an order": lambda shop, text: shop.run(lines.find, "Ada", text=text, currency="usd"),
    "levels": lambda shop, text: shop.run(
        stock.stock_list, "Ada", filter=LevelFilter(search=text, brand=text, shelf=text), sort=LevelSort.SKU,
        offset=0, limit=5,
    ),
    "movements": lambda shop, text: shop.run(
        stock.ledger, "Ada", filter=MovementFilter(search=text, reference=text, performed_by=text), cursor=text, limit=5
    ),
    "orders": lambda shop, text: shop.run(
        orders.orders, "Ada", filter=OrderFilter(search=text), cursor=text, limit=5
    ),
    "cases": lambda shop, text: shop.run(orders.cases, "Ada", filter=AlertFilter(search=text), cursor=text, limit=5),
    "deliveries": lambda shop, text: shop.run(deliveries.delivery_list, "Ada", search=text),
    "a session": lambda shop, text: accounts.at_the_door(shop.engine, accounts.find_session, token=text),
    "a password": lambda shop, text: accounts.prove_password(
        shop.engine, email=text, password=text, address=text, browser=text
    ),
}  # fmt: skip


@pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)
def test_a_search_for_what_cannot_be_stored_is_answered(
    embedded_shop: Shop, search: Callable[[Shop, str], Any]
) -> None:
    for text in (*UNSTORABLE, *HOSTILE):
        with contextlib.suppress(StockError):  # a sentence; anything else is a stack trace
            search(embedded_shop, text)
    search(embedded_shop, "SKU-1")


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_a_statement_with_a_value_that_cannot_be_stored_is_refused(embedded_shop: Shop, text: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be stored or searched for"):
        embedded_shop.run(lambda connection, _: call(connection, "select %(text)s::text", {"text": text}))
