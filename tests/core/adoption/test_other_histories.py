"""A history under another name: recognised by its columns, or named with what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from core.adoption import adopt as adoption
from core.adoption.report import Report
from core.foundation.model import COMMAND_LINE
from core.proof.checks import run_checks
from tests.support.legacy import CATALOGUE, FUNCTIONS, NINE, TABLES, Legacy, legacy_database, snapshot
from tests.support.servers import Server

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("lies_ready")]

NO_HISTORY = """
drop trigger log_stock on public.product_variants;
drop table public.stock_movements;
"""
PUBLIC_SHOP = """
create table public.inventory_movements (
    id bigserial primary key, variant_id uuid not null references public.product_variants,
    quantity_delta int not null, quantity_after int not null, reason text, order_id text, created_by text,
    created_at timestamptz not null default now()
);
insert into public.inventory_movements
    (variant_id, quantity_delta, quantity_after, reason, order_id, created_by, created_at)
select v.id, m.delta, m.after, m.reason, m.number, 'mia', timestamptz '2026-03-01 09:00+00' + m.n * interval '1 hour'
  from public.product_variants v,
       (values (1, 9, 9, 'Initial stock', null), (2, -2, 7, 'sale', 'ORD-7'), (3, 1, 8, null, 'ORD-7'),
               (4, -3, 5, 'Wet box', null))
           m (n, delta, after, reason, number)
 where v.sku = 'AC-9';
"""
LEDGER = """select movement_type, reason, quantity, quantity_before as before, quantity_after as after,
                   reference_type as kind, reference_id as number, note
              from public.stock_movements where sku = %s order by variant_sequence"""


@pytest.fixture
def old(supabase_server: Server) -> Iterator[Legacy]:
    """A small catalogue without a table stock_movements."""
    with legacy_database(supabase_server, TABLES, FUNCTIONS, CATALOGUE, NO_HISTORY) as legacy:
        yield legacy


def ledger(old: Legacy, sku: str = "AC-9") -> list[tuple[Any, ...]]:
    return [tuple(row) for row in old.rows(LEDGER, sku)]


def then(report: Report, what: str) -> str:
    """Return what happens to a table, and an empty text if it is not named."""
    return next((each.then for each in report.findings if each.what == what), "")


def test_a_history_of_changes_and_levels_after_is_recognised(old: Legacy) -> None:
    old.run(PUBLIC_SHOP)
    before = snapshot(old)
    report = adoption.check(old.url)
    assert then(report, "inventory_movements").startswith("unchanged; its correct rows go into the ledger")
    assert adoption.adopt(old.url).left_out == []
    assert ledger(old) == [
        ("count", "initial_count", 9, 0, 9, None, None, None),
        ("sale", "stock_decrease", -2, 9, 7, "order", "ORD-7", "sale"),
        ("restoration", "refund", 1, 7, 8, "order", "ORD-7", None),
        ("adjustment", "stock_decrease", -3, 8, 5, None, None, "Wet box"),
    ]
    with old.shop() as shop:
        assert all(result.holds for result in shop.run(run_checks, COMMAND_LINE))
    adoption.undo(old.url)
    assert snapshot(old) == before


SHAPES = {
    "changes alone": (
        "stock_history (sku_ref uuid references product_variants, change int, at timestamptz)",
        ["sku_ref, change, at", "(%s, 7, '2026-03-01'), (%s, -2, '2026-03-02')"],
        ["at=occurred_at"],
        [("adjustment", 7, 0, 7), ("adjustment", -2, 7, 5)],
    ),
    "unsigned quantities of a type": (
        "stock_logs (variant_id uuid, type text, quantity int, created_at timestamptz)",
        ["variant_id, type, quantity, created_at", "(%s, 'in', 7, '2026-03-01'), (%s, 'out', 2, '2026-03-02')"],
        [],
        [("adjustment", 7, 0, 7), ("adjustment", -2, 7, 5)],
    ),
    "levels alone": (
        "inventory_log (variant_id uuid, old_stock int, new_stock int, action text, logged_at timestamp)",
        ["variant_id, old_stock, new_stock, action, logged_at",
         "(%s, 0, 7, 'restock', '2026-03-01'), (%s, 7, 5, 'sale', '2026-03-02')"],
        [],
        [("purchase", 7, 0, 7), ("sale", -2, 7, 5)],
    ),
    "names that only the mapping knows": (
        "bewegungen (variante uuid, menge int, am timestamptz)",
        ["variante, menge, am", "(%s, 7, '2026-03-01'), (%s, -2, '2026-03-02')"],
        ["bewegungen.variante=variant_id", "bewegungen.menge=quantity", "bewegungen.am=occurred_at"],
        [("adjustment", 7, 0, 7), ("adjustment", -2, 7, 5)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_other_shapes_of_a_history_are_carried_over(old: Legacy, shape: str) -> None:
    table, (columns, values), mapping, expected = SHAPES[shape]
    old.run(f"create table public.{table}")
    old.run(f"insert into public.{table.split()[0]} ({columns}) values {values}", NINE, NINE)
    assert adoption.adopt(old.url, mapping=mapping).left_out == []
    assert [(row[0], *row[2:5]) for row in ledger(old)] == expected


def test_a_history_that_is_not_understood_is_named_with_what_to_do(old: Legacy) -> None:
    old.run("create table public.stock_transactions (variant_id uuid, menge int, created_at timestamptz)")
    old.run("insert into public.stock_transactions values (%s, 5, '2026-03-01')", NINE)
    report = adoption.check(old.url)
    assert then(report, "stock_transactions").endswith("--map stock_transactions.COLUMN=quantity")
    assert report.possible
    adoption.adopt(old.url, mapping=["stock_transactions.menge=quantity"])
    assert [row[:3] for row in ledger(old)] == [("adjustment", "stock_increase", 5)]


def test_a_table_named_as_the_history_must_have_its_columns(old: Legacy) -> None:
    old.run("create table public.stock_transactions (variant_id uuid, menge int, created_at timestamptz)")
    report = adoption.check(old.url, mapping=["stock_transactions=stock_movements"])
    assert report.obstacles == [
        "stock_transactions cannot be read as the history: name the columns that hold these: "
        "--map stock_transactions.COLUMN=quantity."
    ]


def test_of_two_histories_none_is_carried_until_one_is_named(old: Legacy) -> None:
    old.run(PUBLIC_SHOP)
    old.run("create table public.stock_log (variant_id uuid, delta int, created_at timestamptz)")
    report = adoption.check(old.url)
    for name in ("inventory_movements", "stock_log"):
        assert then(report, name) == f"may be the history; to carry it over, --map {name}=stock_movements"
    adoption.adopt(old.url, mapping=["inventory_movements=stock_movements"])
    assert len(ledger(old)) == 4


def test_other_tables_with_quantities_are_not_taken_for_a_history(old: Legacy) -> None:
    old.run(
        """create table public.bundles (variant_id uuid references product_variants, quantity int, added_at date,
               created_at timestamptz);
           create table public.variant_price_changes (variant_id uuid, change numeric, changed_at timestamptz);
           alter table public.order_items add created_at timestamptz default now();
           insert into public.bundles select id, 2, '2026-03-01', now() from product_variants"""
    )
    found = {each.what for each in adoption.adopt(old.url).findings}
    assert not found & {"bundles", "variant_price_changes", "correct history"}
    assert ledger(old, "AC-10") == [
        ("count", "initial_count", 8, 0, 8, None, None, "The level at which the shop moved in")
    ]


def test_a_change_without_a_direction_is_left_out(old: Legacy) -> None:
    old.run("create table public.stock_logs (variant_id uuid, type text, quantity int, created_at timestamptz)")
    old.run("insert into public.stock_logs values (%s, 'adjustment', 5, '2026-03-01')", NINE)
    (left,) = adoption.check(old.url).left_out
    assert left.why == "it does not say whether stock came or went"
