"""Edits of history are detected: sequence, before and after, and a hash chain that plain Python can recompute."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, text

from core.foundation.model import LevelLine, Line
from core.ledger import changes as ledger
from tests.support.builders import Shop, key
from tests.support.proof import assert_holds, broken_link, canonical_text


@pytest.fixture
def busy(shop: Shop) -> UUID:
    """A variant with one movement of every kind that people and the storefront can make, in hard letters too."""
    variant = shop.variant(sku=f"ÅŠ|10:{key()[:8]}")
    line = Line(variant_id=variant, quantity=20)
    shop.run(ledger.receive, "Mia", lines=[line], key=key(), reference="PO|7", note="5:five")
    shop.adjust(variant, -2, reason="lost", note="„Größe 9“ — 靴 🥾\n\tsecond line")
    shop.run(ledger.set_level, "Ada", lines=[LevelLine(variant_id=variant, target=18, seen=18)], key=key())
    shop.sql("select public.update_variant_stock(:id, -3, null, 'order', '-', 'Checkout')", id=variant)
    wrong = shop.adjust(variant, 5).movements[0].movement_id
    shop.run(ledger.undo, "Wanda", movement_ids=[wrong], key=key(), note="-")
    return variant


def test_every_movement_follows_from_the_one_before(shop: Shop, busy: UUID) -> None:
    assert [row.variant_sequence for row in shop.history(busy)] == [1, 2, 3, 4, 5, 6]
    assert_holds(shop, busy)


def test_an_auditor_with_a_copy_of_the_table_can_follow_the_chain(shop: Shop, busy: UUID) -> None:
    rows = shop.history(busy)
    assert canonical_text(rows[1]).endswith(":„Größe 9“ — 靴 🥾\n\tsecond line")
    assert broken_link(rows) is None


def test_the_database_and_the_auditor_write_the_same_canonical_text(shop: Shop, busy: UUID) -> None:
    written = shop.rows(
        """select stockroom.movement_text(variant_id, variant_sequence, sku, movement_type, reason, quantity,
                  quantity_before, quantity_after, operation_id, reference_type, reference_id, reverses_id,
                  performed_by, note, occurred_at, created_at) as said
             from public.stock_movements where variant_id = :id order by variant_sequence""",
        id=busy,
    )
    assert [row.said for row in written] == [canonical_text(row) for row in shop.history(busy)]


@contextmanager
def unguarded(shop: Shop) -> Iterator[Connection]:
    """What only an administrator can do: work with the append-only trigger switched off; nothing of it stays."""
    with shop.owner.connect() as connection:
        connection.execute(text("set local session_replication_role = replica"))
        yield connection
        connection.rollback()


EDITS = {
    "quantity": "quantity = quantity + 1, quantity_after = quantity_after + 1",
    "before and after": "quantity_before = quantity_before + 1, quantity_after = quantity_after + 1",
    "type": "movement_type = case movement_type when 'sale' then 'adjustment' else 'sale' end",
    "reason": "reason = 'found'",
    "who": "performed_by = 'Carl'",
    "note": "note = coalesce(note, '')",
    "added note": "note = coalesce(note, '') || '!'",
    "sku": "sku = lower(sku) || 'x'",
    "reference": "reference_id = 'PO-8'",
    "reference type": "reference_type = 'order-'",
    "reference instead of its type": "reference_type = reference_id, reference_id = coalesce(reference_type, 'x')",
    "operation": "operation_id = operation_id - 1",
    "undo of": "reverses_id = 0",
    "when it happened": "occurred_at = occurred_at - interval '1 microsecond'",
    "when it was written": "created_at = created_at + interval '1 day'",
}


@pytest.mark.parametrize("edit", EDITS)
def test_any_edit_of_any_movement_breaks_the_chain_there(shop: Shop, busy: UUID, edit: str) -> None:
    before = shop.history(busy)
    with unguarded(shop) as connection:
        connection.execute(
            text(f"update public.stock_movements set {EDITS[edit]} where variant_id = :id and variant_sequence = 4"),
            {"id": busy},
        )
        rows = _rows(connection, busy)
    changed = [row.variant_sequence for row, was in zip(rows, before, strict=True) if row != was]
    assert (changed, broken_link(rows)) == ([4], 4)


def test_every_field_of_a_movement_but_its_own_number_is_under_the_hash(shop: Shop, busy: UUID) -> None:
    columns = {row[0] for row in shop.rows("select attname from pg_attribute where attrelid = cast("
                                           "'public.stock_movements' as regclass) and attnum > 0")}  # fmt: skip
    covered = {"variant_id", "variant_sequence", "sku", "movement_type", "reason", "quantity", "quantity_before"}
    covered |= {"quantity_after", "operation_id", "reference_type", "reference_id", "reverses_id", "performed_by"}
    covered |= {"note", "occurred_at", "created_at"}
    assert columns - covered == {"id", "chain_hash"}


def test_a_removed_movement_breaks_the_chain_at_the_next(shop: Shop, busy: UUID) -> None:
    with unguarded(shop) as connection:
        statement = text("delete from public.stock_movements where variant_id = :id and variant_sequence = 3")
        connection.execute(statement, {"id": busy})
        assert broken_link(_rows(connection, busy)) == 4


def test_two_movements_that_changed_places_break_the_chain(shop: Shop, busy: UUID) -> None:
    rows = shop.history(busy)
    assert broken_link([rows[0], rows[2], rows[1], *rows[3:]]) == 3


def test_an_empty_text_and_no_text_are_not_the_same(shop: Shop, busy: UUID) -> None:
    texts = shop.rows("select stockroom.netstring(null), stockroom.netstring(''), stockroom.netstring('-')")
    assert tuple(texts[0]) == ("-", "0:", "1:-")


def _rows(connection: Connection, variant: UUID) -> list[Any]:
    statement = text("select * from public.stock_movements where variant_id = :id order by variant_sequence")
    return list(connection.execute(statement, {"id": variant}))
