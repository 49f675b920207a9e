"""The common case has its own statement: it writes exactly what the set-based one writes, or nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from tests.support.builders import Shop, key
from tests.support.proof import assert_holds

POST = """
    select * from stockroom_api.{function}(
        stockroom_api.claim_operation(:key, 'test', :key, null, 'Wanda'), 'Wanda', array[
            row (:variant, :type, :reason, :quantity, cast(:at as timestamptz), 'receipt', 'DN-7', null, 'As said')
            ::stockroom.line], _costs => array[cast(:cost as numeric)])"""
LINK = """
    select stockroom_api.link(x.head, x.id, 3, x.sku, 'sale', 'stock_decrease', -2, 7, 5, 11, x.kind, x.number,
                              x.undone, x.person, x.note, x.happened, x.happened + interval '1 microsecond')
         = stockroom.chain_link(x.head, stockroom.movement_text(
                              x.id, 3, x.sku, 'sale', 'stock_decrease', -2, 7, 5, 11, x.kind, x.number,
                              x.undone, x.person, x.note, x.happened, x.happened + interval '1 microsecond'), null)
      from (select cast(:head as bytea) as head, gen_random_uuid() as id, cast(:sku as text) as sku,
                   cast(:kind as text) as kind, cast(:number as text) as number, cast(:undone as bigint) as undone,
                   cast(:person as text) as person, cast(:note as text) as note,
                   cast(:happened as timestamptz) as happened) x"""
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


TEXTS = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=5)
MAYBE = st.none() | TEXTS
COSTS = st.none() | st.decimals(0, 100, places=5)
STEPS = st.lists(st.tuples(st.sampled_from(CHANGES), COSTS), min_size=1, max_size=6)
EXAMPLES = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


def post(
    connection: Connection, function: str, variant: UUID, change: tuple[str, str, int], at: Any = None, cost: Any = None
) -> Any:
    kind, reason, quantity = change
    values = {"key": key(), "variant": variant, "type": kind, "reason": reason, "quantity": quantity, "at": at}
    values["cost"] = cost
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


def test_single_lines_with_any_costs_are_written_as_batches_of_one_would_be(shop: Shop) -> None:
    @EXAMPLES
    @given(steps=STEPS, catalogue=st.sampled_from([None, 7]))
    def compare(steps: Any, catalogue: int | None) -> None:
        one, batch = shop.variant(unit_cost=catalogue), shop.variant(unit_cost=catalogue)
        with shop.owner.begin() as connection:
            for change, cost in [(CHANGES[0], None), *steps]:
                posted = post(connection, "post_line", one, change, cost=cost)
                if posted.movement_id is not None:
                    assert posted[5:] == post(connection, "post_lines", batch, change, cost=cost)[5:]
            for table in TABLES:
                assert written(connection, table, one) == written(connection, table, batch), table

    compare()


def test_a_link_of_the_chain_is_that_of_the_text_of_its_movement(shop: Shop) -> None:
    moments = st.integers(-(10**15), 10**16).map(
        lambda moment: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment)
    )

    @EXAMPLES
    @given(
        head=st.none() | st.binary(min_size=32, max_size=32), sku=TEXTS, kind=MAYBE, number=MAYBE,
        undone=st.none() | st.integers(1, 2**62), person=TEXTS, note=MAYBE, happened=moments,
    )  # fmt: skip
    def compare(**values: Any) -> None:
        with shop.owner.connect() as connection:
            assert connection.execute(text(LINK), values).scalar_one() is True

    compare()


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
