"""The old history of a real shop stays readable: its columns, moments, people, reasons and order numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.adoption import adopt as adoption
from core.adoption.movements import REASONS, TYPES
from core.backups import routine as backups
from core.foundation.errors import SetupError
from core.foundation.model import COMMAND_LINE
from core.proof.checks import run_checks
from tests.support.builders import Shop
from tests.support.legacy import Legacy, snapshot
from tests.support.servers import Server
from tests.support.sneakers import landlord, once_adopted, sneaker_shop

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("lies_ready")]

MIA = "00000000-0000-4000-8000-0000000000a1"
HIGH = "00000000-0000-4000-8000-000000000101"
KEPT = "product_id, stock_level_id, status, notes, movement_date, reference_number, unit_cost"
OF_CPH = "from stock_movements where sku = 'CPH-42' order by variant_sequence"


@pytest.fixture
def old(supabase_server: Server) -> Iterator[Legacy]:
    """The sneaker shop, before it moves in."""
    with sneaker_shop(supabase_server) as legacy:
        yield legacy


@pytest.fixture
def moved(supabase_server: Server) -> Iterator[Legacy]:
    """The sneaker shop after it moved in."""
    with once_adopted(supabase_server, sneaker_shop) as legacy:
        yield legacy


def assert_same(after: list[str], before: list[str]) -> None:
    """Assert that two snapshots have the same lines, except comments on functions and views."""
    lost = [line for line in before if line not in after]
    assert [line for line in lost if not line.startswith(("COMMENT ON FUNCTION", "COMMENT ON VIEW"))] == []
    assert [line for line in after if line not in before] == []


def sell(shop: Legacy, sku: str = "CPH-42") -> Any:
    """Sell one as the storefront's server does, and return the movement."""
    call = """select public.update_variant_stock(v.id, -1, null, 'order', 'ORD-3001') as told
                from product_variants v where v.sku = %s"""
    assert shop.one(call, sku)["success"]
    (row,) = shop.rows("select * from stock_movements order by id desc limit 1")
    return row


def test_old_rows_keep_every_column_that_the_ledger_lacks(old: Legacy) -> None:
    before = old.rows(f"select {KEPT} from stock_movements order by movement_date")
    adoption.adopt(old.url)
    assert old.rows(f"select {KEPT} {OF_CPH}") == before
    kinds = """select attname::text, format_type(atttypid, atttypmod) from pg_attribute
                where attrelid = %s::regclass and attname = any (%s) order by 1"""
    names = KEPT.split(", ")
    assert old.rows(kinds, "public.stock_movements", names) == old.rows(kinds, "public.stock_movements_legacy", names)


def test_new_movements_fill_the_old_columns_as_far_as_they_are_known(moved: Legacy) -> None:
    sold = sell(moved)
    assert (str(sold.product_id), sold.status, sold.reference_number) == (HIGH, "completed", "ORD-3001")
    assert (sold.notes, sold.movement_date) == (sold.note, sold.occurred_at)
    assert (sold.stock_level_id, sold.unit_cost) == (None, None)
    (count,) = moved.rows("select * from stock_movements where sku = 'DUN-42'")
    assert (count.status, count.notes) == ("completed", "The level at which the shop moved in")


def test_old_rows_keep_the_moment_at_which_they_were_recorded(old: Legacy) -> None:
    before = old.rows("select created_at from stock_movements order by created_at")
    adoption.adopt(old.url)
    assert old.rows(f"select created_at {OF_CPH}")[: len(before)] == before
    adopted = """select count(*) from stockroom.operations o, stockroom.adoption a
                  where o.kind = 'adopt' and o.created_at = a.adopted_at"""
    assert old.one(adopted) == old.one("select count(*) from stock_movements")
    with old.shop() as shop:
        for full in (False, True):
            assert [each.code for each in shop.run(run_checks, COMMAND_LINE, full=full) if not each.holds] == []


def test_a_row_without_a_possible_moment_was_recorded_when_the_shop_moved_in(old: Legacy) -> None:
    old.run(
        """alter table stock_movements alter created_at drop not null;
           with numbered as (select id, row_number() over (order by id) as n from stock_movements)
           update stock_movements m
              set created_at = (array[null, 'infinity', '2199-01-01', '1905-01-01']::timestamptz[])[n.n]
             from numbered n where n.id = m.id"""
    )
    assert old.one("select count(distinct created_at) from stock_movements") == 3
    adoption.adopt(old.url)
    assert (
        old.one("select count(*) from stock_movements m, stockroom.adoption a where m.created_at <> a.adopted_at") == 0
    )


def test_reasons_types_people_and_order_numbers_become_ours(old: Legacy) -> None:
    report = adoption.adopt(old.url)
    assert report.left_out == []
    rows = old.rows(
        f"select movement_type, reason, quantity, reference_type, reference_id, performed_by, note {OF_CPH}"
    )
    assert [tuple(row) for row in rows] == [
        ("count", "initial_count", 7, None, None, "Mia Keller", 'Counted with Sam; Was "adjustment_in" before'),
        ("purchase", "initial_purchase", 4, "purchase_order", "PO-118", "Mia Keller", None),
        ("sale", "stock_decrease", -3, "order", "ORD-2041", "Mia Keller", "Order"),
        (
            "adjustment",
            "stock_decrease",
            -3,
            None,
            None,
            "Mia Keller",
            'Shelf B; Water damage; Was "adjustment_out" before',
        ),
    ]
    found = {each.what: each.found for each in report.findings}
    assert found["stock_movements.performed_by"] == "1 person"


def test_people_are_found_without_a_foreign_key_by_name_or_by_mail(old: Legacy) -> None:
    kim, none = "00000000-0000-4000-8000-0000000000a2", "00000000-0000-4000-8000-0000000000ff"
    old.run("alter table stock_movements drop constraint stock_movements_performed_by_fkey")
    old.run("delete from orders")
    old.run("delete from public.users where id = %s", kim)
    old.run("update stock_movements set performed_by = %s where movement_type = 'sale'", kim)
    old.run("update stock_movements set performed_by = %s where movement_type = 'purchase'", none)
    adoption.adopt(old.url)
    people = [row.performed_by for row in old.rows(f"select performed_by {OF_CPH}")]
    assert people == ["Mia Keller", none, "kim@mail.example", "Mia Keller"]


def test_every_reason_of_ours_is_known_by_its_code_and_its_label(moved: Legacy) -> None:
    known = moved.rows("select movement_type, reason, label, sign from stockroom.reasons where reason <> 'undo'")
    for row in known:
        for text in (row.reason, row.label):
            word = "_".join(text.lower().replace(",", "").split())
            assert (word, row.movement_type, row.reason, row.sign) in REASONS
    assert {(kind, reason) for _, kind, reason, _ in REASONS} == {(row.movement_type, row.reason) for row in known}
    ours = {(kind, reason) for kind, *reasons, _ in TYPES.values() for reason in reasons}
    assert ours <= {(row.movement_type, row.reason) for row in known}
    others = [word for word, kind, _, _ in REASONS if kind != "sale"]
    assert len(others) == len(set(others))


DIRECTIONS = {
    "adjustment_in": 1, "stock_in": 1, "in": 1, "increase": 1, "sale_reversal": 1, "order_cancelled": 1, "Returned": 1,
    "adjustment_out": -1, "out": -1, "decrease": -1, "stock-out": -1, "order_fulfilled": -1, "Write off": -1,
}  # fmt: skip


def test_types_with_a_direction_are_known_and_their_quantities_have_no_sign(old: Legacy) -> None:
    level = 10
    for day, (kind, direction) in enumerate(DIRECTIONS.items(), 1):
        after = level + 2 * direction
        old.run(
            """insert into stock_movements
                      (variant_id, movement_type, quantity, quantity_before, quantity_after, created_at)
               select id, %s, 2, %s, %s, %s from product_variants where sku = 'DUN-42'""",
            *(kind, level, after, f"2026-01-{day} 09:00+00"),
        )
        level = after
    assert adoption.check(old.url).left_out == []
    adoption.adopt(old.url)
    moved = "select quantity from stock_movements where sku = 'DUN-42' and movement_type <> 'count' order by id"
    assert [row.quantity for row in old.rows(moved)] == [2 * direction for direction in DIRECTIONS.values()]


def test_views_of_the_old_columns_are_created_again_and_show_new_movements(old: Legacy) -> None:
    old.run(
        """create view movement_log as
           select m.notes, m.status, m.reference_number, p.name, m.movement_date, m.performed_by
             from stock_movements m join products p on p.id = m.product_id"""
    )
    report = adoption.adopt(old.url)
    assert {each.what: each.then for each in report.findings}["view public.movement_log"].startswith(
        "reads performed_by"
    )
    sell(old)
    rows = old.rows("select name, status, reference_number from movement_log order by movement_date desc limit 1")
    assert [tuple(row) for row in rows] == [("Canyon Purple High", "completed", "ORD-3001")]


def test_a_view_that_needs_an_old_type_is_named_and_nothing_changes(old: Legacy) -> None:
    old.run("create view by_person as select u.full_name from stock_movements m join users u on u.id = m.performed_by")
    with pytest.raises(SetupError, match=r"The view public\.by_person cannot be created on the new tables: operator"):
        adoption.adopt(old.url)
    assert old.one("select to_regclass('public.stock_movements_legacy') is null")


ODD = """
create domain public.code as varchar(6) not null check (value ~ '^[A-Z0-9-]+$');
create function private.whoami() returns text language sql as $$ select 'mia'::text $$;
update public.stock_movements set notes = 'none' where notes is null;
alter table public.stock_movements alter reference_number type varchar(6) using 'PO-1', alter notes set not null,
    add bin int not null default -1, add code public.code default 'A-1', add channel text not null default 'web',
    add author text default private.whoami(), add day date not null default '2026-01-01', add line bigserial,
    add total numeric generated always as (quantity * 2) stored, add constraint odd check (notes <> '');
"""


def test_required_and_computed_old_columns_never_refuse_a_movement(old: Legacy) -> None:
    old.run(ODD)
    before = snapshot(old)
    adoption.adopt(old.url)
    assert old.rows(f"select channel, total, author, line > 0 {OF_CPH}")[:2] == [
        ("web", 14, "mia", True),
        ("web", 8, "mia", True),
    ]
    adoption.undo(old.url)
    assert_same(snapshot(old), before)
    adoption.adopt(old.url)
    sold = sell(old)
    assert (sold.reference_number, sold.channel, sold.author, sold.total) == ("ORD-30", "web", None, None)
    assert (sold.bin, sold.code, sold.line, str(sold.day)) == (-1, "A-1", None, "2026-01-01")


def test_a_backup_of_an_adopted_shop_restores_the_old_columns(moved: Legacy, tmp_path: Path) -> None:
    sell(moved)
    backup = backups.make(moved.url, tmp_path, keep=1)
    assert backups.verify(moved.url, backup).movements == moved.one("select count(*) from stock_movements")


def test_undo_removes_the_old_columns_and_what_fills_them(old: Legacy) -> None:
    before = snapshot(old)
    for _ in range(2):
        adoption.adopt(old.url)
        adoption.undo(old.url)
        assert_same(snapshot(old), before)


def test_a_shop_that_did_not_move_in_has_no_trigger_on_its_ledger(fresh_shop: Shop) -> None:
    triggers = "select tgname from pg_trigger where tgrelid = 'public.stock_movements'::regclass and not tgisinternal"
    assert [row.tgname for row in fresh_shop.rows(triggers)] == ["stock_movements_append_only"]


def test_an_account_that_is_no_superuser_keeps_the_old_columns_too(supabase_server: Server) -> None:
    with sneaker_shop(supabase_server, account=landlord(supabase_server)) as old:
        before = snapshot(old)
        adoption.adopt(old.url)
        assert old.one(f"select notes {OF_CPH}") == "Counted with Sam"
        adoption.undo(old.url)
        assert_same(snapshot(old), before)
        adoption.adopt(old.url)
        assert sell(old).status == "completed"
