"""An old history with errors: correct rows are carried over, incorrect rows are reported and stay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from core.adoption import adopt as adoption
from core.foundation.errors import SetupError
from core.foundation.model import COMMAND_LINE
from core.proof.checks import run_checks
from tests.support.legacy import CATALOGUE, FUNCTIONS, NINE, SHOE, TABLES, TEN, Legacy, legacy_database
from tests.support.servers import Server

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("lies_ready")]

OPENING = "The level before the oldest movement that was carried over"
DAY = "2025-03-02 10:00+00"
GONE = UUID("00000000-0000-4000-8000-0000000000ff")


@pytest.fixture
def old(supabase_server: Server) -> Iterator[Legacy]:
    """A small catalogue whose history each test writes."""
    with legacy_database(supabase_server, TABLES, FUNCTIONS, CATALOGUE) as legacy:
        yield legacy


def ledger(old: Legacy, variant_id: UUID = NINE) -> list[tuple[Any, ...]]:
    rows = old.rows(
        """select movement_type, quantity, quantity_before as before, quantity_after as after
             from public.stock_movements
            where variant_id = %s order by variant_sequence""",
        variant_id,
    )
    return [tuple(row) for row in rows]


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "nothing before": ({"before": None, "quantity": -1}, "it does not say the level before and after"),
    "nothing after": ({"after": None, "quantity": -1}, "it does not say the level before and after"),
    "wrong arithmetic": ({"quantity": -3}, "wrong arithmetic: 10 and -3 do not make 9"),
    "no quantity": ({"quantity": None}, "wrong arithmetic: 10 and nothing do not make 9"),
    "no variant": ({"variant_id": None}, "it names no variant"),
    "a variant that is gone": ({"variant_id": GONE}, f"its variant {GONE} does not exist"),
    "an unknown type": ({"kind": "Gift Wrap"}, 'its type "Gift Wrap" is unknown'),
    "no date": ({"at": None}, "it has no date"),
    "the future": ({"at": "2199-01-01"}, "it is in the future"),
    "pending": ({"status": "pending"}, "its status is pending, so it never moved stock"),
    "failed": ({"status": "failed"}, "its status is failed, so it never moved stock"),
    "cancelled": ({"status": "cancelled"}, "its status is cancelled, so it never moved stock"),
    "nothing moved": ({"after": 10, "quantity": 0}, "it moved nothing"),
    "below zero": ({"before": 0, "after": -1}, "its level is below zero"),
    "a sale that adds": ({"after": 11, "quantity": 1}, "it adds stock, which a sale does not"),
    "a return that takes": ({"kind": "return"}, "it takes stock, which a return does not"),
    "a purchase against its sign": ({"kind": "purchase", "quantity": 1}, "wrong arithmetic: 10 and 1 do not make 9"),
}


def test_each_incorrect_row_is_reported_with_its_reason_and_stays(old: Legacy) -> None:
    old.move(NINE, "purchase", 0, 10, "2025-03-01 10:00+00")
    expected = {}
    for changes, why in FAULTS.values():
        values: dict[str, Any] = {"variant_id": NINE, "kind": "sale", "before": 10, "after": 9, "at": DAY} | changes
        expected[str(old.move(**values))] = why
    found = adoption.check(old.url).left_out
    assert {row.row_id: row.why for row in found} == expected
    assert adoption.adopt(old.url).left_out == found
    assert old.one("select count(*) from stock_movements_legacy where id = any (%s::uuid[])", list(expected)) == len(
        FAULTS
    )
    assert ledger(old) == [("purchase", 10, 0, 10), ("count", -5, 10, 5)]


KINDS = {
    "sale": (-2, "sale", "stock_decrease"),
    "purchase": (2, "purchase", "delivery"),
    "Purchase": (-2, "purchase", "supplier_return"),
    "return": (2, "restoration", "refund"),
    "restoration": (2, "restoration", "refund"),
    "adjustment": (2, "adjustment", "stock_increase"),
    "manual adjustment": (-2, "adjustment", "stock_decrease"),
    "damage": (-2, "adjustment", "damaged"),
    "loss": (-2, "adjustment", "lost"),
    "theft": (-2, "adjustment", "theft"),
    "transfer_in": (2, "adjustment", "found"),
    "TRANSFER-OUT": (-2, "adjustment", "correction"),
    "count": (0, "count", "cycle_count"),
    "initial": (2, "count", "initial_count"),
}


def test_every_old_type_has_one_of_ours(old: Legacy) -> None:
    for n, (kind, (quantity, _, _)) in enumerate(KINDS.items()):
        old.move(NINE, kind, 10, 10 + quantity, f"2025-03-02 10:00:{n:02}+00")
    adoption.adopt(old.url)
    rows = old.rows("select * from stock_movements where variant_id = %s and note is distinct from %s", NINE, OPENING)
    found = [(row.quantity, row.movement_type, row.reason) for row in sorted(rows, key=lambda row: row.id)]
    assert found[: len(KINDS)] == list(KINDS.values())


REASONS = {
    "theft": ("theft", "Carried over"),
    "Donation": ("donation", None),
    "stock_increase": ("stock_decrease", "stock_increase"),
    "fell behind the shelf": ("stock_decrease", "fell behind the shelf"),
    "undo": ("stock_decrease", "undo"),
    "lost": ("lost", "Carried over"),
}


def test_an_old_reason_of_ours_is_kept_and_any_other_becomes_the_note(old: Legacy) -> None:
    for n, reason in enumerate(REASONS):
        old.move(NINE, "adjustment", 20 - n, 19 - n, f"2025-03-02 10:00:{n:02}+00", reason=reason)
    adoption.adopt(old.url)
    rows = old.rows("select reason, note from stock_movements where movement_type = 'adjustment' order by occurred_at")
    assert [tuple(row) for row in rows] == list(REASONS.values())


def test_a_sale_that_was_logged_twice_is_carried_once(old: Legacy) -> None:
    first = old.move(NINE, "sale", 7, 6, "2025-03-02 10:00:00+00", reference_id="pi_1")
    second = old.move(NINE, "sale", 6, 5, "2025-03-02 10:00:04+00", reference_id="pi_1")
    report = adoption.adopt(old.url)
    assert [(row.row_id, row.why) for row in report.left_out] == [
        (str(second), f"logged twice: the same sale as {first}")
    ]
    assert ledger(old) == [("count", 7, 0, 7), ("sale", -1, 7, 6), ("count", -1, 6, 5)]


@pytest.mark.parametrize(
    "second",
    [
        {"at": "2025-03-02 10:01:00+00", "reference_id": "pi_1"},
        {"at": "2025-03-02 10:00:04+00", "reference_id": "pi_2"},
        {"at": "2025-03-02 10:00:04+00"},
    ],
    ids=["a minute later", "another order", "no reference"],
)
def test_two_sales_that_only_look_alike_are_both_carried(old: Legacy, second: dict[str, Any]) -> None:
    old.move(NINE, "sale", 7, 6, "2025-03-02 10:00:00+00", reference_id="pi_1")
    old.move(NINE, "sale", 6, 5, **second)
    assert adoption.adopt(old.url).left_out == []
    assert ledger(old) == [("count", 7, 0, 7), ("sale", -1, 7, 6), ("sale", -1, 6, 5)]


def test_rows_of_one_moment_are_put_in_the_order_of_their_levels(old: Legacy) -> None:
    for before in (7, 9, 8, 6, 10):
        old.move(NINE, "sale", before, before - 1, DAY, quantity=1)
    adoption.adopt(old.url)
    assert ledger(old) == [("count", 10, 0, 10)] + [("sale", -1, n, n - 1) for n in (10, 9, 8, 7, 6)]


def test_a_history_with_a_gap_never_falls_below_zero(old: Legacy) -> None:
    old.move(NINE, "sale", 2, 1, "2025-03-01 10:00+00")
    old.move(NINE, "purchase", None, None, "2025-03-02 10:00+00", quantity=20)
    old.move(NINE, "sale", 21, 9, "2025-03-03 10:00+00")
    report = adoption.adopt(old.url)
    assert any(found.what == "levels that do not join" for found in report.findings)
    assert ledger(old) == [("count", 13, 0, 13), ("sale", -1, 13, 12), ("sale", -12, 12, 0), ("count", 5, 0, 5)]
    with old.shop() as shop:
        assert all(result.holds for result in shop.run(run_checks, COMMAND_LINE))


def test_a_variant_below_zero_begins_at_zero_and_its_holds_are_released(old: Legacy) -> None:
    old.run("update product_variants set stock_quantity = -2 where id = %s", NINE)
    old.run("update product_variants set reserved_quantity = 3 where id = %s", TEN)
    found = {each.what: each.found for each in adoption.adopt(old.url).findings}
    assert (found["variants below zero"], found["reserved_quantity"]) == ("1 variant", "3 units")
    assert old.rows("select stock_quantity, reserved_quantity from product_variants order by sku") == [
        (8, 0),
        (0, 0),
        (0, 0),
    ]


def test_a_variant_without_a_sku_gets_a_placeholder(old: Legacy) -> None:
    old.run("update product_variants set sku = null where id = %s", TEN)
    adoption.adopt(old.url)
    assert old.one("select sku from product_variants where id = %s", TEN) == "NO-SKU-000000000000"


IMPOSSIBLE = {
    "two variants under one SKU": (
        "alter table product_variants drop constraint product_variants_sku_key cascade; "
        "update product_variants set sku = 'TWIN' where stock_quantity > 0",
        r"product_variants\.sku must be unique: TWIN\.",
    ),
    "half a pair": (
        "alter table product_variants drop column computed_available_stock, alter column stock_quantity type numeric; "
        "update product_variants set stock_quantity = 1.5 where sku = 'AC-9'",
        r"product_variants\.stock_quantity is not a whole number of units in 1 row: 1\.5\.",
    ),
    "a price that is a word": (
        "alter table product_variants alter column price type text; update product_variants set price = 'cheap'",
        r"product_variants\.price is not an amount of money in 3 rows: cheap, cheap, cheap\.",
    ),
    "a list of pictures": (
        "alter table products alter column image_url type text[] using array[image_url]",
        r"products\.image_url is text\[\], which cannot safely become text\.",
    ),
    "counted ids": (
        "drop table order_items; drop table product_variants cascade; create table product_variants "
        "(id serial primary key, sku text, stock_quantity int)",
        r"product_variants\.id is integer, which cannot safely become uuid\.",
    ),
    "a view under our name": (
        "drop table stock_movements; create view stock_movements as select 1 as id",
        r"public\.stock_movements is not a plain table, so its rows cannot be moved\. Rename public\.stock_movements, "
        r"create a plain table with its name",
    ),
    "a name that is taken": (
        "create table products_legacy ()",
        r"The name public\.products_legacy is taken",
    ),
    "a list of what moved": (
        'create materialized view "Moved" as select status, notes, quantity from stock_movements',
        r'public\."Moved" depends on the old tables',
    ),
    "a stored view": (
        "create materialized view stored as select sku from product_variants",
        r"public\.stored depends on the old tables",
    ),
    "a key that leads to a column of theirs": (
        "create table pages (slug text references products (slug))",
        r"public\.pages refers to slug of products",
    ),
    "a function that a default needs": (
        "create table carts (id uuid, ok jsonb default public.validate_order_stock('[]'))",
        r"function public\.validate_order_stock\(jsonb\) cannot be replaced: it is used by default value for column ok",
    ),
}


@pytest.mark.parametrize("obstacle", IMPOSSIBLE)
def test_an_obstacle_is_a_sentence_and_nothing_changes(old: Legacy, obstacle: str) -> None:
    change, sentence = IMPOSSIBLE[obstacle]
    old.run("alter table product_variants disable trigger log_stock")
    old.run(change)
    before = old.one("select count(*) from pg_class")
    report = adoption.check(old.url)
    assert not report.possible
    with pytest.raises(SetupError, match=sentence) as refused:
        adoption.adopt(old.url)
    assert str(refused.value) == "\n".join([*report.obstacles, "Nothing was changed."])
    assert old.one("select count(*) from pg_class") == before


def test_a_failure_at_the_very_end_leaves_everything_as_it_was(old: Legacy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.adoption.move._RECORD", "select 1 / 0")
    with pytest.raises(SetupError, match=r"division by zero\. Nothing was changed\."):
        adoption.adopt(old.url)
    assert old.one("select count(*) from products where id = %s", SHOE) == 1
    assert old.one("select count(*) from pg_class where relname like '%_legacy'") == 0


def test_a_price_in_a_floating_point_column_keeps_its_cents(old: Legacy) -> None:
    old.run("update product_variants set price = 0.1::float8 + 0.2::float8")
    adoption.adopt(old.url)
    assert {str(row.price) for row in old.rows("select price from product_variants")} == {"0.30"}
