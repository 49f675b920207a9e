"""The everyday order has a path of its own: it writes what the general path writes, or leaves the order to it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, text

from tests.conftest import open_fresh
from tests.support.builders import Shop, key
from tests.support.servers import Server

TABLES = (
    "public.stock_movements", "public.product_variants", "stockroom.variant_days", "stockroom.operations",
    "stockroom.orders", "stockroom.order_lines", "stockroom.order_line_movements", "stockroom.alerts",
    "stockroom.alert_history", "stockroom.reservations", "stockroom.refunds", "stockroom.disputes",
    "stockroom.stripe_events",
)  # fmt: skip
BY_GENERAL_PATH = """
    create or replace function stockroom_api.take_everyday(_told stockroom_api.told_order) returns bigint
        language sql as 'select null::bigint'"""
EVERYDAY = "select stockroom_api.take_everyday(o) from unnest(stockroom_api.told_orders(cast(:rows as jsonb))) o"
COUNTERS = "select format('%I.%I', schemaname, sequencename), last_value from pg_sequences where last_value > 0"
APPLY = "select recorded, taken from stockroom_api.apply_orders(cast(:rows as jsonb), cast(:done as bigint[]))"


@pytest.fixture(scope="module")
def quiet(server: Server) -> Iterator[Shop]:
    for shop in open_fresh(server):
        furnish(shop)
        yield shop


def furnish(shop: Shop) -> None:
    """A shop where much has happened before: levels, holds, other codes, an earlier order, refund and dispute."""
    for sku, units, more in (
        ("MANY", 50, {"barcode": "4006381333931", "reorder_point": 49}),
        ("FEW", 2, {"stripe_price_id": "price_1", "reorder_point": 1}),
        ("NONE", 0, {}),
        ("HELD", 3, {}),
        ("LATE", 3, {}),
        ("TWIN", 5, {"barcode": "MANY2"}),
        ("MANY2", 5, {}),
    ):
        shop.variant(units, sku=sku, **more)
    for sku, units, seconds, payment in (("HELD", 2, 900, "pi_held"), ("LATE", 3, 900, None), ("MANY", 1, 900, "pi_1")):
        items = [{"variant_id": str(variant(shop, sku)), "quantity": units}]
        hold = shop.sql(
            "select stockroom_api.hold(:key, cast(:items as jsonb), null, :seconds, 'Till')",
            key=key(), items=json.dumps(items), seconds=seconds,
        )  # fmt: skip
        shop.sql("update stockroom.reservations set payment_id = :payment where id = :id", payment=payment, id=hold)
    shop.sql("update stockroom.reservations set expires_at = now() where payment_id is null")
    shop.sql(
        "insert into stockroom.sku_aliases (code, variant_id, added_by) values ('OLD', :id, 'Mia')",
        id=variant(shop, "MANY"),
    )
    shop.sql(
        APPLY, rows=json.dumps([told("pi_known", [("MANY", 1)], email="casey@shop.example", number="N-1")]), done="{}"
    )
    shop.sql(
        """insert into stockroom.refunds
                  (refund_id, payment_id, amount, currency, kind, status, state, refunded_at, told_at)
           values ('re_1', 'pi_refunded', 100, 'eur', 'refund', 'succeeded', 'waiting', now(), now())"""
    )


def variant(shop: Shop, sku: str) -> Any:
    return shop.sql("select id from public.product_variants where sku = :sku", sku=sku)


def told(payment: str, lines: list[tuple[str, int]], *, at: datetime | None = None, **more: Any) -> dict[str, Any]:
    """An order as a worker tells it to the database."""
    at = at or datetime.now(UTC)
    return {
        "payment_id": payment, "amount": 1000, "currency": "eur", "paid_at": at.isoformat(), "livemode": False,
        "policy": "normal", "cart_state": "read", "cart_source": "metadata", "extras": 0,
        "lines": [{"code": code, "quantity": units, "unit_price": 500, "codes": []} for code, units in lines],
    } | more  # fmt: skip


def written(connection: Connection, order: dict[str, Any], event: int) -> tuple[Any, dict[str, list[Any]]]:
    """Apply an order; returns the outcome and all rows of the shop."""
    outcome = connection.execute(text(APPLY), {"rows": json.dumps([order]), "done": f"{{{event}}}"}).one()
    connection.execute(text("set constraints all immediate"))
    query = "select to_jsonb(t) - 'due_at' from {} t order by 1"
    return tuple(outcome), {name: [row[0] for row in connection.execute(text(query.format(name)))] for name in TABLES}


def both_ways(shop: Shop, order: dict[str, Any]) -> bool:
    """Compare an order by both paths, in one transaction that is rolled back; returns whether it was everyday."""
    event = shop.sql(
        """insert into stockroom.stripe_events (event_id, kind, created_at, source, livemode, body)
           values (:id, 'payment_intent.succeeded', now(), 'webhook', false, '{}') returning id""",
        id=key(),
    )
    with shop.owner.connect() as connection, connection.begin() as whole:
        counters = connection.execute(text(COUNTERS)).all()
        found = []
        for replaced in (False, True):
            with connection.begin_nested() as part:
                if replaced:
                    connection.execute(text(BY_GENERAL_PATH))
                found.append(written(connection, order, event))
                part.rollback()
            for name, value in counters:
                connection.execute(text("select setval(:name, :value)"), {"name": name, "value": value})
        with connection.begin_nested() as part:
            is_everyday = connection.execute(text(EVERYDAY), {"rows": json.dumps([order])}).scalar()
            part.rollback()
        whole.rollback()
    (ours, rows), (general, general_rows) = found
    assert ours == general, order
    for name in TABLES:
        assert rows[name] == general_rows[name], (name, order)
    return is_everyday is not None


LOADED = datetime.now(UTC)
CASES: dict[str, tuple[bool, dict[str, Any]]] = {
    "one line": (True, told("pi_a", [("MANY", 2)])),
    "three lines": (True, told("pi_a", [("MANY", 1), ("FEW", 2), ("HELD", 1)])),
    "down to the reorder point": (True, told("pi_a", [("MANY", 5), ("FEW", 1)], number="N-9", email="a@b.example")),
    "by barcode and price": (True, told("pi_a", [("4006381333931", 1), ("price_1", 1)])),
    "paid a moment ago": (True, told("pi_a", [("MANY", 1)], at=datetime.now(UTC) - timedelta(seconds=1))),
    "paid in the future": (True, told("pi_a", [("MANY", 1)], at=datetime.now(UTC) + timedelta(days=2))),
    "paid last week": (False, told("pi_a", [("MANY", 1)], at=datetime.now(UTC) - timedelta(days=7))),
    "too few": (False, told("pi_a", [("MANY", 1), ("FEW", 3)])),
    "nothing there": (False, told("pi_a", [("NONE", 1)])),
    "held by others": (False, told("pi_a", [("HELD", 2)])),
    "its own hold": (True, told("pi_held", [("HELD", 2)])),
    "its own hold and more": (True, told("pi_held", [("HELD", 3), ("MANY", 1)])),
    "another cart than its hold": (False, told("pi_held", [("MANY", 1)])),
    "a hold that is not there": (True, told("pi_a", [("MANY", 1)], reservation_id=str(UUID(int=7)))),
    "an expired hold": (False, told("pi_a", [("LATE", 1)])),
    "one variant twice": (False, told("pi_a", [("MANY", 1), ("MANY", 2)])),
    "another letter case": (False, told("pi_a", [("many", 1)])),
    "an unknown code": (False, told("pi_a", [("MANY", 1), ("WHAT", 1)])),
    "a mapped code": (False, told("pi_a", [("OLD", 1)])),
    "a code of two variants": (False, told("pi_a", [("MANY2", 1)])),
    "no lines": (False, told("pi_a", [])),
    "a known payment": (False, told("pi_known", [("MANY", 1)])),
    "a known order number": (False, told("pi_a", [("MANY", 1)], number="n-1")),
    "a buyer of a moment ago": (False, told("pi_a", [("MANY", 1)], email="Casey@shop.example")),
    "refunded before": (False, told("pi_refunded", [("MANY", 1)])),
    "a cart with a case": (False, told("pi_a", [("MANY", 1)], why="its lines do not add up", difference=5)),
    "unread": (False, told("pi_a", [], cart_state="unreadable", cart_raw="?", why="its cart cannot be read")),
    "recorded only": (False, told("pi_a", [("MANY", 1)], policy="skip")),
    "by force": (False, told("pi_a", [("FEW", 5)], policy="force")),
}


@pytest.mark.parametrize("case", CASES)
def test_an_order_is_written_as_the_general_path_writes_it(quiet: Shop, case: str) -> None:
    is_everyday, order = CASES[case]
    paid_at = datetime.fromisoformat(order["paid_at"]) + (datetime.now(UTC) - LOADED)  # others may have run for minutes
    assert both_ways(quiet, order | {"paid_at": paid_at.isoformat()}) is is_everyday


def test_orders_at_random_are_written_alike_by_both_paths(quiet: Shop) -> None:
    chance = random.Random(15)
    taken = 0
    for n in range(30):
        is_odd = n % 2
        codes = chance.sample(["MANY", "FEW", "HELD", "TWIN"] + ["4006381333931", "LATE", "OLD", "many"] * is_odd, 3)
        lines = [(code, chance.choice((1, 1, 1, 2, 3))) for code in codes[: chance.choice((1, 1, 2, 3))]]
        at = datetime.now(UTC) - timedelta(seconds=chance.choice((0, 1, 90_000 * is_odd)))
        number = chance.choice((None, f"R-{n}", "N-1" if is_odd else None))
        email = chance.choice((None, f"{n}@shop.example", "casey@shop.example" if is_odd else None))
        payment = chance.choice((f"pi_{n}", "pi_held" if is_odd or "HELD" in dict(lines) else f"pi_{n}"))
        taken += both_ways(quiet, told(payment, lines, at=at, number=number, email=email))
    assert 3 < taken < 27, "both paths were tried"


def test_a_payment_that_two_workers_apply_at_once_is_one_everyday_order(quiet: Shop) -> None:
    order, many = told("pi_twice", [("MANY", 1)]), variant(quiet, "MANY")
    before, start = quiet.on_hand(many), Barrier(2)

    def apply() -> tuple[int, int]:
        with quiet.owner.begin() as connection:
            start.wait()
            recorded, taken = connection.execute(text(APPLY), {"rows": json.dumps([order]), "done": "{}"}).one()
            return recorded, taken

    with ThreadPoolExecutor(2) as workers:
        done = [workers.submit(apply) for _ in range(2)]
    assert sorted(each.result() for each in done) == [(0, 0), (1, 1)]
    assert quiet.on_hand(many) == before - 1
