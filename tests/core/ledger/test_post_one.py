"""The common case has its own statement: it writes exactly what the set-based one writes, or nothing."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from core.database.engine import run
from core.foundation.model import COMMAND_LINE
from core.people.access import Permission, roles_for
from core.proof import checks
from tests.support.builders import PastLine, Shop, key
from tests.support.proof import assert_holds

CLAIM = "stockroom_api.claim_operation(:key, 'test', :key, null, 'Wanda')"
ONE = f"""
    select o.movement_id, :type, :reason, cast(:quantity as int), o.level - :quantity, o.level, o.sequence
      from stockroom_api.post_one({CLAIM}, 'Wanda', :variant, :type, :reason, :quantity, 'receipt', 'DN-7', null,
                                  'As said', cast(:cost as numeric)) o"""
BATCH = f"""
    select p.movement_id, p.movement_type, p.reason, p.quantity, p.quantity_before, p.quantity_after,
           p.variant_sequence
      from stockroom_api.post_lines({CLAIM}, 'Wanda', array[
            row (:variant, :type, :reason, :quantity, null, 'receipt', 'DN-7', null, 'As said')::stockroom.line],
            _costs => array[cast(:cost as numeric)]) p"""
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
    connection: Connection, statement: str, variant: UUID, change: tuple[str, str, int], cost: Any = None
) -> tuple[int | None, ...]:
    """Post a line; return its movement, or None, and what the line did to its variant."""
    kind, reason, quantity = change
    values = {"key": key(), "variant": variant, "type": kind, "reason": reason, "quantity": quantity, "cost": cost}
    return tuple(connection.execute(text(statement), values).one())


def written(connection: Connection, table: str, variant: UUID) -> list[dict[str, Any]]:
    rows = connection.execute(text(f"select * from {table} where {TABLES[table]} = :id"), {"id": variant})
    return sorted(({name: value for name, value in row._mapping.items() if name not in OWN} for row in rows), key=str)


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_single_line_is_written_as_a_batch_of_one_would_be(shop: Shop, change: tuple[str, str, int]) -> None:
    one, batch = shop.variant(unit_cost=7), shop.variant(unit_cost=7)
    with shop.owner.begin() as connection:
        for step in (("purchase", "delivery", 10), change, change):
            assert post(connection, ONE, one, step)[1:] == post(connection, BATCH, batch, step)[1:]
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
                movement_id, *posted = post(connection, ONE, one, change, cost=cost)
                if movement_id is not None:
                    assert posted == list(post(connection, BATCH, batch, change, cost=cost)[1:])
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
    "change",
    [("sale", "stock_decrease", -11), ("adjustment", "found", 2_000_000_000)],
    ids=["too little", "too much"],
)
def test_anything_else_is_left_to_the_batch(shop: Shop, change: tuple[str, str, int]) -> None:
    variant = shop.variant(10)
    before = shop.history(variant)
    with shop.owner.begin() as connection:
        assert post(connection, ONE, variant, change)[0] is None
    assert shop.history(variant) == before
    assert shop.on_hand(variant) == 10


def test_an_unknown_variant_is_left_to_the_batch(shop: Shop) -> None:
    with shop.owner.begin() as connection:
        assert post(connection, ONE, UUID(int=7), CHANGES[0])[0] is None


KINDS = [
    ("sale", "stock_decrease", -1),
    ("purchase", "delivery", 3),
    ("purchase", "supplier_return", -1),
    ("restoration", "refund", 1),
    ("adjustment", "lost", -1),
    ("adjustment", "found", 2),
    ("count", "cycle_count", 2),
    ("count", "cycle_count", 0),
    ("count", "cycle_count", -1),
]
KEPT = """
    select array[
        (select jsonb_agg(to_jsonb(m) - 'id' order by m.id)::text from public.stock_movements m),
        (select jsonb_agg(v order by v.id)::text from public.product_variants v),
        (select jsonb_agg(d order by d.variant_id, d.day)::text from stockroom.variant_days d),
        (select jsonb_agg(c order by c.variant_id, c.sequence, c.place)::text from stockroom.cost_steps c),
        (select jsonb_agg(d order by d.day)::text from stockroom.shop_days d),
        (select jsonb_agg(m order by m.month)::text from stockroom.closed_months m)]"""
BEGIN = """
    select stockroom_api.begin_history(null, null, :roles, 'Ada', i.id) from stockroom.history_imports i"""
DIP = """
    update stockroom.history_rows h set quantity = case h.line when 60 then -1000 else 2000 end
      from (select max(o.line) as last
              from stockroom.history_rows o join stockroom.history_rows d on d.line = 60 and d.sku = o.sku) x
     where h.line in (60, x.last)"""
POSTED = """
    select stockroom_api.{function}(i, o, :after, :until)
      from stockroom.history_imports i join stockroom.operations o on o.id = i.operation_id"""


def _random_history(shop: Shop, some: random.Random, begin: datetime) -> int:
    """Stage random rows, and return how many: of new SKUs and of known ones with and without a cost or stock."""
    known = [shop.variant(sku=f"K-{n}", unit_cost=cost) for n, cost in enumerate([None, 7, 5, None])]
    shop.post_past(
        *(
            PastLine(
                variant_id=known[n],
                quantity=4,
                occurred_at=begin - timedelta(hours=n),
                movement_type="purchase",
                reason="delivery",
            )
            for n in (0, 1)
        )
    )
    shop.sql("update product_variants set unit_cost = 3 where sku = 'K-3'")
    skus = ["K-0", "K-1", "K-2", "K-3", "N-0", "N-1"]
    shop.sql("insert into stockroom.history_imports (digest, file_name, rows_total) values ('d', 'past.csv', 60)")
    at = begin
    for place in range(1, 61):
        at += timedelta(hours=some.choice([0, 1, 1, 40]), microseconds=some.randrange(10**6))
        kind, reason, quantity = some.choice(KINDS)
        shop.sql(
            """insert into stockroom.history_rows
                      (import_id, line, occurred_at, sku, movement_type, reason, quantity, reference, name)
               select id, :line, :at, :sku, :kind, :reason, :quantity, :reference, 'Shoe'
                 from stockroom.history_imports""",
            line=2 * place, at=at, sku=some.choice(skus), kind=kind, reason=reason,
            quantity=quantity * some.randint(1, 4), reference=some.choice([None, "R-1", "Ø|2:x"]),
        )  # fmt: skip
    return 60


def _kept(connection: Connection, function: str, total: int, step: int) -> list[str]:
    for after in range(0, total, step):
        values = {"after": 2 * after, "until": 2 * min(after + step, total)}
        assert connection.execute(text(POSTED.format(function=function)), values).scalar_one() > 0
    return list(connection.execute(text(KEPT)).scalar_one())


@pytest.mark.parametrize("seed", range(4))
def test_a_history_is_written_as_a_batch_of_its_lines_would_be(fresh_shop: Shop, seed: int) -> None:
    some = random.Random(seed)
    begin = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    fresh_shop.sql("update stockroom.shop set zone = 'Asia/Kathmandu'")
    total = _random_history(fresh_shop, some, begin)
    fresh_shop.sql("select stockroom_api.close_days('2026-02-20', '2026-05-20')")
    with fresh_shop.owner.connect() as connection:
        connection.execute(text(BEGIN), {"roles": list(roles_for(Permission.IMPORT_HISTORY))})
        before = list(connection.execute(text(KEPT)).scalar_one())
        written = []
        for function, step in (("post_staged", total), ("post_staged_lines", total), ("post_staged", 7)):
            with connection.begin_nested() as undone:
                written.append(_kept(connection, function, total, step))
                undone.rollback()
    whole, lines, steps = written
    assert whole == lines == steps
    assert all(now != then for now, then in zip(whole[:5], before[:5], strict=True))


def test_a_history_that_is_not_in_order_of_time_is_left_to_the_batch(fresh_shop: Shop) -> None:
    _random_history(fresh_shop, random.Random(1), datetime(2026, 3, 1, tzinfo=UTC))
    fresh_shop.sql("update stockroom.history_rows set occurred_at = '2026-03-02' where line > 60")
    with fresh_shop.owner.connect() as connection:
        connection.execute(text(BEGIN), {"roles": list(roles_for(Permission.IMPORT_HISTORY))})
        before = connection.execute(text(KEPT)).scalar_one()
        values = {"after": 0, "until": 120}
        assert connection.execute(text(POSTED.format(function="post_staged")), values).scalar_one() == 0
        assert connection.execute(text(KEPT)).scalar_one() == before
        assert (
            connection.execute(
                text("select stockroom_api.post_history(id, 0, 100) from stockroom.history_imports")
            ).scalar_one()
            > 50
        )
        connection.commit()
    assert [check for check in run(fresh_shop.engine, checks.run_checks, COMMAND_LINE) if not check.holds] == []


def test_a_history_that_would_go_below_zero_is_not_written(fresh_shop: Shop) -> None:
    _random_history(fresh_shop, random.Random(1), datetime(2026, 3, 1, tzinfo=UTC))
    with fresh_shop.owner.connect() as connection:
        connection.execute(text(BEGIN), {"roles": list(roles_for(Permission.IMPORT_HISTORY))})
        connection.execute(text(DIP))
        before = connection.execute(text(KEPT)).scalar_one()
        values = {"after": 0, "until": 120}
        assert connection.execute(text(POSTED.format(function="post_staged")), values).scalar_one() == 0
        assert connection.execute(text(KEPT)).scalar_one() == before
