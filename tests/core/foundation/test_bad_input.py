"""Bad input gets a sentence that names the field, and nothing changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, text

from core.foundation.errors import InvalidInput, UnknownVariant
from core.foundation.model import MAX_LINES, Actor, LevelLine, Line, MovementType
from core.ledger import changes as ledger
from tests.support.builders import Shop, key
from tests.support.proof import assert_holds


@pytest.fixture
def shoe(shop: Shop) -> Iterator[UUID]:
    """A variant with ten units. Every test must leave ten units and a correct ledger."""
    variant = shop.variant(10)
    yield variant
    assert shop.on_hand(variant) == 10
    assert len(shop.history(variant)) == 1
    assert_holds(shop, variant)


def refused(shop: Shop, operation: Callable[..., Any], **values: Any) -> InvalidInput:
    """Run an operation as Wanda. It must be refused with a sentence that begins with the field."""
    operations = "select count(*) from stockroom.operations where key = :key"
    values = {"key": key()} | values
    with pytest.raises(InvalidInput) as error:
        shop.run(operation, "Wanda", **values)
    assert error.value.message.lower().startswith(error.value.field)
    assert error.value.message.endswith(".")
    assert len(error.value.message) < 300
    if isinstance(values["key"], str) and "\x00" not in values["key"]:
        assert shop.sql(operations, key=values["key"][:200]) == 0
    return error.value


NO_QUANTITIES: dict[str, tuple[Any, str]] = {
    "zero": (0, "Quantity must not be zero."),
    "a half": (1.5, "Quantity must be a whole number."),
    "a decimal": (Decimal("2"), "Quantity must be a whole number."),
    "a fraction": (Fraction(1, 3), "Quantity must be a whole number."),
    "not a number": (float("nan"), "Quantity must be a whole number."),
    "infinity": (float("inf"), "Quantity must be a whole number."),
    "yes": (True, "Quantity must be a whole number."),
    "a word": ("many", "Quantity must be a whole number."),
    "a digit as text": ("5", "Quantity must be a whole number."),
    "nothing": (None, "Quantity must be a whole number."),
    "a list": ([1], "Quantity must be a whole number."),
    "a million and one": (1_000_001, "Quantity must be between -1,000,000 and 1,000,000."),
    "minus a million and one": (-1_000_001, "Quantity must be between -1,000,000 and 1,000,000."),
    "too big for an int": (2**31, "Quantity must be between -1,000,000 and 1,000,000."),
    "too big for a bigint": (2**70, "Quantity must be between -1,000,000 and 1,000,000."),
    "five thousand digits": (10**5_000, "Quantity must be between -1,000,000 and 1,000,000."),
    "1e308": (1e308, "Quantity must be between -1,000,000 and 1,000,000."),
}


@pytest.mark.parametrize("given", NO_QUANTITIES)
def test_a_quantity_that_is_not_a_whole_number_is_refused_not_rounded(shop: Shop, shoe: UUID, given: str) -> None:
    quantity, said = NO_QUANTITIES[given]
    error = refused(
        shop, ledger.adjust, lines=[Line(variant_id=shoe, quantity=quantity)], reason="correction", note="x"
    )
    assert (error.field, error.message) == ("quantity", said)


@pytest.mark.parametrize("target", [-1, 1_000_001, 2.5, None, "7"])
def test_a_level_that_is_not_a_whole_number_is_refused(shop: Shop, shoe: UUID, target: Any) -> None:
    error = refused(shop, ledger.set_level, lines=[LevelLine(variant_id=shoe, target=target, seen=10)])
    assert error.field == "new level"


@pytest.mark.parametrize("seen", [-1, 2**31, "10", None])
def test_a_seen_level_that_is_impossible_is_refused(shop: Shop, shoe: UUID, seen: Any) -> None:
    error = refused(shop, ledger.set_level, lines=[LevelLine(variant_id=shoe, target=9, seen=seen)])
    assert error.field == "level seen"


def test_a_whole_number_that_a_table_returns_as_a_float_is_accepted(shop: Shop) -> None:
    variant = shop.variant(10)
    two: Any = 2.0
    line = Line(variant_id=variant, quantity=two)
    shop.run(ledger.adjust, "Wanda", lines=[line], reason="found", note="behind the shelf", key=key())
    assert shop.on_hand(variant) == 12


TEXTS: dict[str, tuple[str, str]] = {
    "100 kB": ("x" * 100_000, "must have at most 1,000 characters"),
    "one too many": ("é" * 1_001, "must have at most 1,000 characters"),
    "a null byte": ("a\x00b", "must not contain control characters"),
    "a bell": ("a\x07b", "must not contain control characters"),
    "an escape": ("\x1b[31mred", "must not contain control characters"),
    "a C1 control": ("a\x9bb", "must not contain control characters"),
    "half a letter": ("a\ud800b", "must not contain control characters"),
}


@pytest.mark.parametrize("given", TEXTS)
def test_a_note_that_cannot_be_stored_is_refused(shop: Shop, shoe: UUID, given: str) -> None:
    note, why = TEXTS[given]
    error = refused(shop, ledger.adjust, lines=[Line(variant_id=shoe, quantity=1)], reason="correction", note=note)
    assert error.field == "note"
    assert why in error.message


HARD_NOTES = [
    "'; drop table public.stock_movements; --",
    "x" * 1_000,
    "%(note)s :note {note} \\",
    "靴 🥾 „9½“",
    "a\n\tb",
]


@pytest.mark.parametrize("note", HARD_NOTES)
def test_a_note_is_stored_as_it_was_typed(shop: Shop, note: str) -> None:
    variant = shop.variant(10)
    shop.adjust(variant, -1, note=note)
    assert shop.history(variant)[-1].note == note
    assert_holds(shop, variant)


def test_a_drop_table_in_any_field_is_only_text(shop: Shop, shoe: UUID) -> None:
    attack = "'; drop table public.stock_movements; --"
    error = refused(shop, ledger.adjust, lines=[Line(variant_id=shoe, quantity=1)], reason=attack)
    assert error.field == "reason"
    variant = shop.variant()
    line = Line(variant_id=variant, quantity=1)
    shop.run(ledger.receive, "Wanda", lines=[line], reference=attack, key=f"{key()}{attack}")
    assert shop.history(variant)[-1].reference_id == attack


REASONS = {
    "of another type": ("delivery", '"delivery" does not belong to adjustment'),
    "made up": ("because", '"because" does not belong to adjustment'),
    "empty": ("  ", "must not be empty"),
    "of an undo that undoes nothing": ("undo", "needs the movement it reverses"),
    "too long": ("r" * 41, "must have at most 40 characters"),
}


@pytest.mark.parametrize("given", REASONS)
def test_a_reason_must_belong_to_the_operation(shop: Shop, shoe: UUID, given: str) -> None:
    reason, why = REASONS[given]
    error = refused(shop, ledger.adjust, lines=[Line(variant_id=shoe, quantity=1)], reason=reason, note="x")
    assert error.field == "reason"
    assert why in error.message


def test_goods_are_not_received_as_an_undo(shop: Shop, shoe: UUID) -> None:
    error = refused(shop, ledger.receive, lines=[Line(variant_id=shoe, quantity=1)], reason="undo", note="x")
    assert error.field == "reason"


def test_a_retired_reason_is_refused(fresh_shop: Shop) -> None:
    variant = fresh_shop.variant(10)
    fresh_shop.sql("update stockroom.reasons set is_active = false where reason = 'sample'")
    with pytest.raises(InvalidInput, match='Reason "Sample" is no longer used'):
        fresh_shop.adjust(variant, -1, reason="sample")
    assert fresh_shop.on_hand(variant) == 10


@pytest.mark.parametrize(
    ("reason", "quantity", "said"),
    [
        ("damaged", 1, 'Quantity must be below zero for "Damaged".'),
        ("found", -1, 'Quantity must be above zero for "Found".'),
        ("stock_increase", -1, 'Quantity must be above zero for "Stock increase".'),
    ],
)
def test_a_reason_fixes_the_direction(shop: Shop, shoe: UUID, reason: str, quantity: int, said: str) -> None:
    error = refused(shop, ledger.adjust, lines=[Line(variant_id=shoe, quantity=quantity)], reason=reason, note="x")
    assert error.message == said


@pytest.mark.parametrize("reason", ["lost", "theft", "found", "correction"])
@pytest.mark.parametrize("note", [None, "", " \n "])
def test_some_reasons_need_a_note(shop: Shop, shoe: UUID, reason: str, note: str | None) -> None:
    quantity = 1 if reason == "found" else -1
    error = refused(shop, ledger.adjust, lines=[Line(variant_id=shoe, quantity=quantity)], reason=reason, note=note)
    assert error.field == "note"
    assert "is needed for" in error.message


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("k" * 201, "must have at most 200 characters"),
        ("", "must not be empty"),
        ("   ", "must not be empty"),
        ("a\x00b", "must not contain control characters"),
        (None, "must be text"),
        (7, "must be text"),
    ],
)
def test_an_invalid_idempotency_key_is_refused(shop: Shop, shoe: UUID, given: Any, why: str) -> None:
    lines = [Line(variant_id=shoe, quantity=1)]
    error = refused(shop, ledger.adjust, lines=lines, reason="stock_increase", key=given)
    assert error.field == "key"
    assert why in error.message


@pytest.mark.parametrize("count", [0, MAX_LINES + 1])
def test_an_operation_has_one_to_a_hundred_thousand_lines(shop: Shop, shoe: UUID, count: int) -> None:
    lines = [Line(variant_id=shoe, quantity=1)] * count
    error = refused(shop, ledger.adjust, lines=lines, reason="stock_increase")
    assert error.message == "Lines must be 1 to 100,000."


@pytest.mark.parametrize("wrong", [0, 2.5, 10**7])
def test_the_line_that_is_wrong_is_named(shop: Shop, shoe: UUID, wrong: Any) -> None:
    lines = [Line(variant_id=shoe, quantity=quantity) for quantity in (1, 2, wrong, 4)]
    assert refused(shop, ledger.adjust, lines=lines, reason="stock_increase").facts["line"] == 3


@pytest.mark.parametrize("given", ["SKU-1", None, 7, "00000000-0000-0000-0000-000000000000"])
def test_a_variant_is_named_by_its_id(shop: Shop, shoe: UUID, given: Any) -> None:
    lines = [Line(variant_id=shoe, quantity=1), Line(variant_id=given, quantity=1)]
    assert refused(shop, ledger.adjust, lines=lines, reason="stock_increase").field == "variant"


def test_a_variant_that_does_not_exist_is_unknown(shop: Shop) -> None:
    order = key()
    with pytest.raises(UnknownVariant) as error:
        shop.run(ledger.receive, "Wanda", lines=[Line(variant_id=uuid4(), quantity=1)], key=order)
    assert error.value.message == "A variant is unknown."
    assert shop.sql("select count(*) from stockroom.operations where key = :key", key=order) == 0


@pytest.mark.parametrize("given", [[], ["one"], [None], [1.5], [True], [0], [-1], [2**63], [2**70]])
def test_a_movement_is_named_by_its_number(shop: Shop, given: list[Any]) -> None:
    assert refused(shop, ledger.undo, movement_ids=given, note="x").field in ("movement", "movements")


def test_a_level_has_a_limit_too(shop: Shop, shoe: UUID) -> None:
    lines = [Line(variant_id=shoe, quantity=1_000_000)] * 2_000
    error = refused(shop, ledger.adjust, lines=lines, reason="stock_increase")
    assert error.message == "Quantity would take the level above 2,000,000,000."
    error = refused(shop, ledger.adjust, lines=lines * 2, reason="stock_increase")
    assert error.message == "Quantity would take the level above 2,000,000,000."


@pytest.mark.parametrize(("reference", "why"), [("x" * 201, "at most 200"), ("\x01", "control"), ("  ", "empty")])
def test_a_reference_is_a_short_text(shop: Shop, shoe: UUID, reference: str, why: str) -> None:
    error = refused(shop, ledger.receive, lines=[Line(variant_id=shoe, quantity=1)], reference=reference)
    assert error.field == "reference"
    assert why in error.message


def test_a_level_is_set_by_a_count_or_an_adjustment_only(shop: Shop, shoe: UUID) -> None:
    for kind in (MovementType.SALE, MovementType.PURCHASE, MovementType.RESTORATION):
        lines = [LevelLine(variant_id=shoe, target=9, seen=10)]
        error = refused(shop, ledger.set_level, lines=lines, movement_type=kind, reason="stock_decrease")
        assert error.field == "movement type"


def test_a_direct_sql_call_with_a_missing_variant_posts_nothing(shop: Shop, shoe: UUID) -> None:
    """The SQL functions check input themselves: a null among the variants is unknown, not ignored."""

    def past_core(connection: Connection, actor: Actor, variants: list[UUID | None]) -> None:
        statement = text(
            """select * from stockroom_api.post_change(:key, 'adjust', null, null, null, 'Somebody', 'adjustment',
                      'stock_increase', cast(:variants as uuid[]), array[1, 1])"""
        )
        connection.execute(statement, {"variants": variants, "key": key()})

    with pytest.raises(UnknownVariant):
        shop.run(past_core, variants=[shoe, None])
