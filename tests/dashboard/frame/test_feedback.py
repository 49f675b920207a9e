"""Messages after a refusal: what is wrong, that nothing was changed if that is true, and the next step."""

from __future__ import annotations

from uuid import uuid4

import pytest

from core.foundation import errors
from core.foundation.model import MovementType, Posted, Posting
from dashboard.frame import feedback
from dashboard.frame.words import MINUS, SPACE

REFUSALS = [kind for kind in errors.BY_SQLSTATE.values() if issubclass(kind, errors.Refused | errors.Forbidden)]


def said(error: errors.StockError) -> str:
    return feedback.sentence(error).replace("\\", "").replace(SPACE, " ")


@pytest.mark.parametrize("kind", REFUSALS, ids=lambda kind: kind.__name__)
def test_every_refusal_says_that_nothing_was_changed(kind: type[errors.StockError]) -> None:
    assert "Nothing was changed." in said(kind())


def test_a_lost_database_does_not_claim_that_nothing_was_changed() -> None:
    """The commit may have happened although its answer was lost; the message says that trying again is safe."""
    assert said(errors.Unavailable()).endswith("If the change was recorded, it will not be recorded twice.")
    assert "Nothing was changed" not in said(errors.Unavailable())


def test_a_shortage_names_the_variant_and_its_numbers() -> None:
    short = [{"sku": "A-1", "requested": 5, "on_hand": 3, "reserved": 1, "available": 2}]
    assert said(errors.InsufficientStock(short=short)) == (
        "Not enough stock: A-1 has 2 units available, 1 reserved, 5 requested. Nothing was changed. "
        "Take fewer units, or count the shelf and set the level."
    )


def test_a_moved_level_names_both_numbers() -> None:
    changed = [{"sku": "A-1", "seen": 12, "on_hand": 9, "since": []}]
    assert "A-1 was at 12 when you opened the form and is at 9 now." in said(errors.LevelChanged(changed=changed))


def test_a_name_in_a_refusal_is_shown_letter_by_letter() -> None:
    assert r"\*A\*" in feedback.sentence(errors.InvalidInput("The SKU *A* is unknown."))


def movement(quantity: int, after: int, sku: str = "A-1", reason: str = "damaged") -> Posted:
    return Posted(
        movement_id=after, variant_id=uuid4(), sku=sku, movement_type=MovementType.ADJUSTMENT, reason=reason,
        quantity=quantity, quantity_before=after - quantity, quantity_after=after, variant_sequence=1,
    )  # fmt: skip


def notice(*movements: Posted, replayed: bool = False) -> feedback.Notice:
    return feedback.posted(Posting(operation_id=7, replayed=replayed, movements=movements))


def test_what_was_posted_is_said_with_before_and_after_and_can_be_undone() -> None:
    told = notice(movement(-2, 10))
    assert told.text.replace(SPACE, " ") == f"A-1: 12 → 10 ({MINUS}2 units)"
    assert told.undoable == (10,)


def test_many_variants_are_summed_up() -> None:
    told = notice(movement(3, 5), movement(-1, 4, "B-1"))
    assert told.text.replace(SPACE, " ") == "2 variants changed, +2 units in total"


def test_an_undo_is_not_offered_another_undo() -> None:
    told = notice(movement(2, 12, reason="undo"))
    assert told.text.startswith("Undone. A-1")
    assert told.undoable == ()


def test_a_count_that_found_no_variance_has_nothing_to_undo() -> None:
    assert notice(movement(0, 12), movement(3, 5)).undoable == (5,)
    assert notice(movement(0, 12)).undoable == ()


def test_a_replayed_operation_says_that_it_was_already_recorded() -> None:
    assert notice(movement(2, 12), replayed=True).text.endswith("(already recorded)")
