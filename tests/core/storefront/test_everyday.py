"""The short paths of the storefront's calls write to the last hash what the general ones write, or nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text
from sqlalchemy.exc import DatabaseError, IntegrityError

from core.orders import reads
from core.orders.filter import OrderFilter
from tests.core.storefront.test_contract import process
from tests.support.builders import Shop

ORDER = UUID(int=15)
TABLES = (
    "public.stock_movements", "public.product_variants", "stockroom.variant_days", "stockroom.shop_days",
    "stockroom.operations", "stockroom.orders", "stockroom.order_lines", "stockroom.order_line_movements",
    "stockroom.reservations", "stockroom.reservation_lines", "stockroom.alerts",
)  # fmt: skip
SEQUENCES = (
    "public.stock_movements_id_seq", "stockroom.operations_id_seq", "stockroom.orders_id_seq",
    "stockroom.order_lines_id_seq",
)  # fmt: skip
HOLD = "select stockroom_api.hold(:key, cast(:items as jsonb), :reference, 600, 'Storefront')"
UNUSUAL = {
    "a known order": "select stockroom_api.process_order(:order, cast(:items as jsonb))",
    "a hold has expired": "update stockroom.reservations set expires_at = now() where reference = 'other'",
    "a movement is later": "update public.product_variants set last_moved_at = now() + '1 day' where id = :first",
    "a reason needs a note": "update stockroom.reasons set note_required = true where reason like 'stock_%'",
    "an id is a SKU, too": "update public.product_variants set sku = cast(:first as text) where id = :last",
    "an id has a meaning": """insert into stockroom.sku_aliases (code, kind, variant_id, added_by)
                              values (cast(:first as text), 'variant', :last, 'Sam')""",
    "a key is known": """insert into stockroom.operations (key, kind, fingerprint, performed_by)
                         values ('stripe:order:' || :order, 'order', '', 'Stripe'), ('a key', 'adjust', '', 'Wanda')""",
    "a refund came first": """
        insert into stockroom.refunds (refund_id, payment_id, amount, currency, status, refunded_at, told_at)
        values ('re_1', 'order:' || :order, 1, 'eur', 'succeeded', now(), now())""",
    "a number repeats": """
        insert into stockroom.orders (payment_id, number, amount, currency, paid_at, livemode, policy, cart_state)
        values ('pi_1', upper(cast(:order as text)), 0, 'eur', now(), true, 'normal', 'absent')""",
}
VARIANTS = st.integers(0, 3)
UNITS = st.integers(1, 3) | st.sampled_from([0, 7, "2"])
CARTS = st.lists(
    st.tuples(VARIANTS, UNITS, st.sampled_from(["variant_id", "variant_id", "variantId", "sku", "product_id"])),
    min_size=1, max_size=4, unique_by=lambda line: (line[0], line[1] == 2),
)  # fmt: skip
CHANGES = st.sampled_from([-1, -2, -3, -5, -6, -7, 1, 7, 8, 10**6, 10**6 + 1, 0, None])
SAID = st.sampled_from(
    [
        ("a key", None, None, None), ("a key", "order", "R-1", "Shop"), ("a key", "order", "R-2", None),
        ("", None, None, None), ("a key", "a\tkind", None, None), ("a key", None, "n" * 201, None),
        ("a key", None, None, "a" * 81), ("k" * 201, None, None, None),
    ]
)  # fmt: skip
HOLDS = st.lists(st.tuples(VARIANTS, st.integers(1, 3)), max_size=3, unique_by=lambda line: line[0])
BEFORE = st.sampled_from([""] * 5 + [*UNUSUAL])
EXAMPLES = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def test_an_everyday_order_is_written_as_the_general_path_would_write_it(fresh_shop: Shop) -> None:
    variants, seen = shelf(fresh_shop), []

    @EXAMPLES
    @given(cart=CARTS, own=HOLDS, others=HOLDS, before=BEFORE)
    def compare(cart: Any, own: Any, others: Any, before: str) -> None:
        with at_the_till(fresh_shop) as connection:
            hold(connection, variants, "other", others)
            hold(connection, variants, str(ORDER), own)
            items = json.dumps([item(variants, *line) for line in cart])
            happen(connection, before, variants, items=items)
            values = {"order": ORDER, "items": items}
            seen.append(
                same(
                    connection,
                    "select stockroom_api.everyday_order(:order, cast(:items as jsonb))",
                    "select stockroom_api.process_order(:order, cast(:items as jsonb))",
                    values,
                )
            )

    for unusual in reversed(UNUSUAL):
        cart = [(0, 1, "variant_id"), (2, 2, "sku")]
        compare = example(cart=cart, own=[(2, 1)], others=[(0, 1)], before=unusual)(compare)
    compare()
    assert seen[: len(UNUSUAL)] == [unusual == "an id is a SKU, too" for unusual in UNUSUAL]
    assert seen.count(True) > 2


def test_an_everyday_change_is_written_as_the_general_path_would_write_it(fresh_shop: Shop) -> None:
    variants, seen = shelf(fresh_shop), []
    arguments = "(:variant, cast(:change as int), :key, :kind, :number, :actor)"

    @EXAMPLES
    @given(variant=VARIANTS, change=CHANGES, said=SAID, held=HOLDS, before=BEFORE)
    def compare(variant: int, change: int | None, said: tuple[Any, ...], held: Any, before: str) -> None:
        with at_the_till(fresh_shop) as connection:
            hold(connection, variants, "other", held)
            happen(connection, before, variants, items=json.dumps([item(variants, 0, 1, "variant_id")]))
            values = dict(zip(("key", "kind", "number", "actor"), said, strict=True))
            seen.append(
                same(
                    connection,
                    f"select stockroom_api.everyday_change{arguments}",
                    f"select stockroom_api.change_from_storefront{arguments}",
                    values | {"variant": variants[variant] if change != 8 else ORDER, "change": change},
                )
            )

    unlike = ("a hold has expired", "a movement is later", "a reason needs a note", "a key is known")
    for unusual in unlike:
        said = ("a key", None, None, None)
        compare = example(variant=0, change=-1, said=said, held=[(0, 1)], before=unusual)(compare)
    compare()
    assert seen[: len(unlike)] == [False] * len(unlike)
    assert seen.count(True) > 2


def test_an_everyday_order_is_found_by_its_variant_and_keeps_its_lines_and_movements(shop: Shop) -> None:
    shoe, order = shop.variant(3), uuid4()
    assert process(shop, order, {"variant_id": str(shoe), "quantity": 1})["success"]
    (found,) = shop.run(reads.page, filter=OrderFilter(search=str(shoe).upper())).rows
    assert found.number == str(order)
    for statement in (
        "delete from stockroom.orders where id = :id",
        "update stockroom.orders set id = default where id = :id",
        "delete from stockroom.order_lines where order_id = :id",
    ):
        with pytest.raises(IntegrityError, match="cannot be deleted"):
            shop.sql(statement, id=found.order_id)


def test_a_change_whose_key_another_operation_takes_meanwhile_is_refused_and_posts_nothing(shop: Shop) -> None:
    shoe, key = shop.variant(3), str(uuid4())
    change = text("select public.update_variant_stock(:variant, -1, :key)")

    def ask() -> dict[str, Any]:
        with shop.owner.begin() as connection:
            outcome: dict[str, Any] = connection.execute(change, {"variant": shoe, "key": key}).scalar_one()
            return outcome

    with ThreadPoolExecutor(1) as storefront, shop.owner.begin() as connection:
        claim = text("select stockroom_api.claim_operation(:key, 'adjust', 'something else', null, 'Wanda')")
        connection.execute(claim, {"key": key})
        asked = storefront.submit(ask)
        with pytest.raises(TimeoutError):
            asked.result(0.3)
        connection.commit()
        assert asked.result()["error_code"] == "SK003"
    assert shop.on_hand(shoe) == 3


def shelf(shop: Shop) -> list[UUID]:
    """Four variants with a few units each."""
    return [shop.variant(units, sku=f"S-{number}", reorder_point=2) for number, units in enumerate((6, 6, 5, 4))]


@contextmanager
def at_the_till(shop: Shop) -> Iterator[Connection]:
    """One transaction, so one moment, of which nothing stays."""
    with shop.owner.connect() as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()


def item(variants: list[UUID], variant: int, units: Any, name: str) -> dict[str, Any]:
    return {name: f"S-{variant}" if name == "sku" else str(variants[variant]), "quantity": units}


def hold(connection: Connection, variants: list[UUID], reference: str, lines: Any) -> None:
    """Hold what is there of it."""
    items = [{"variant_id": str(variants[variant]), "quantity": units} for variant, units in lines]
    if items:
        attempt(connection, HOLD, {"key": reference, "items": json.dumps(items), "reference": reference}, "SK002")


def happen(connection: Connection, what: str, variants: list[UUID], items: str) -> None:
    if what:
        values = {"order": str(ORDER), "items": items, "first": variants[0], "last": variants[-1]}
        attempt(connection, UNUSUAL[what].replace("(:order,", "(cast(:order as uuid),"), values, "SK008")


def attempt(connection: Connection, statement: str, values: dict[str, Any], refusal: str) -> None:
    """Run a statement, which may be refused with this code."""
    try:
        with connection.begin_nested():
            connection.execute(text(statement), values)
    except DatabaseError as error:
        if getattr(error.orig, "sqlstate", None) != refusal:
            raise


def same(connection: Connection, short: str, general: str, values: dict[str, Any]) -> bool:
    """Whether the short path took it: then everything is as after the general path, else as before."""
    before, numbers = written(connection), [(name, next_number(connection, name)) for name in SEQUENCES]
    with connection.begin_nested() as first:
        answer = connection.execute(text(short), values).scalar_one()
        after = written(connection)
        first.rollback()
    if answer is None:
        assert after == before
        return False
    for name, number in numbers:
        connection.execute(text("select setval(:name, :number, false)"), {"name": name, "number": number})
    with connection.begin_nested() as second:
        assert answer == connection.execute(text(general), values).scalar_one()
        general_after = written(connection)
        second.rollback()
    for table in TABLES:
        assert after[table] == general_after[table], table
    return True


def next_number(connection: Connection, sequence: str) -> int:
    row = connection.execute(text(f"select last_value + is_called::int from {sequence}")).scalar_one()
    return int(row)


def written(connection: Connection) -> dict[str, list[str]]:
    """Every row of the tables, whole."""
    return {
        table: list(connection.execute(text(f"select to_jsonb(t)::text from {table} t order by 1")).scalars())
        for table in TABLES
    }
