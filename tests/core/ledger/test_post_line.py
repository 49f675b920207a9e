"""The common case has its own statement: it writes exactly what the set-based one writes, or nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, text

from tests.support.builders import Shop, key
from tests.support.proof import assert_holds

POST = """
    select * from stockroom_api.{function}(
        stockroom_api.claim_operation(:key, 'test', :key, null, 'Wanda'), 'Wanda', array[
            row (:variant, :type, :reason, :quantity, cast(:at as timestamptz), 'receipt', 'DN-7', null, 'As said')
            ::stockroom.line])"""
TABLES = {
    "public.stock_movements": "variant_id",
    "public.product_variants": "id",
    "stockroom.variant_days": "variant_id",
    "stockroom.cost_steps": "variant_id",
}
OWN = {"id", "variant_id", "product_id", "sku", "operation_id", "chain_hash", "chain_head", "created_at"}
CHANGES = [
    ("purchase", "delivery", 5),
    ("purchase", "supplier_return", -5),
    ("sale", "stock_decrease", -5),
    ("restoration", "refund", 1),
    ("adjustment", "found", 2),
    ("adjustment", "damaged", -2),
    ("count", "cycle_count", 0),
    ("count", "cycle_count", -3),
    ("count", "undo", 3),
]


def post(connection: Connection, function: str, variant: UUID, change: tuple[str, str, int], at: Any = None) -> Any:
    kind, reason, quantity = change
    values = {"key": key(), "variant": variant, "type": kind, "reason": reason, "quantity": quantity, "at": at}
    return connection.execute(text(POST.format(function=function)), values).one()


def written(connection: Connection, table: str, variant: UUID) -> list[dict[str, Any]]:
    rows = connection.execute(text(f"select * from {table} where {TABLES[table]} = :id"), {"id": variant})
    return sorted(({name: value for name, value in row._mapping.items() if name not in OWN} for row in rows), key=str)


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_single_line_is_written_as_a_batch_of_one_would_be(shop: Shop, change: tuple[str, str, int]) -> None:
    one, batch = shop.variant(unit_cost=7), shop.variant(unit_cost=7)
    with shop.owner.begin() as connection:
        for step in (("purchase", "delivery", 10), change, change):
            posted = post(connection, "post_line", one, step)
            posted_too = post(connection, "post_lines", batch, step)
            assert posted[5:] == posted_too[5:]
        for table in TABLES:
            assert written(connection, table, one) == written(connection, table, batch), table
    for variant in (one, batch):
        assert_holds(shop, variant)


@pytest.mark.parametrize(
    ("change", "at"),
    [
        (("sale", "stock_decrease", -11), None),
        (("adjustment", "found", 2_000_000_000), None),
        (("adjustment", "found", 1), datetime(2026, 1, 1, tzinfo=UTC)),
    ],
    ids=["too little", "too much", "a past moment"],
)
def test_anything_else_is_left_to_the_batch(shop: Shop, change: tuple[str, str, int], at: datetime | None) -> None:
    variant = shop.variant(10)
    before = shop.history(variant)
    with shop.owner.begin() as connection:
        assert post(connection, "post_line", variant, change, at).movement_id is None
    assert shop.history(variant) == before
    assert shop.on_hand(variant) == 10


def test_an_unknown_variant_is_left_to_the_batch(shop: Shop) -> None:
    with shop.owner.begin() as connection:
        assert post(connection, "post_line", UUID(int=7), CHANGES[0]).movement_id is None
