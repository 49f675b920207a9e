"""Receiving: bought goods that came in, and goods that went back to the supplier."""

from __future__ import annotations

import pytest

from core.foundation.errors import Forbidden, InsufficientStock, InvalidInput
from core.foundation.model import Line, MovementType
from core.ledger import changes as ledger
from tests.support.builders import Shop, key
from tests.support.proof import assert_holds


def test_a_delivery_is_a_purchase_with_the_number_of_its_note(shop: Shop) -> None:
    boots, laces = shop.variant(), shop.variant(2)
    lines = [Line(variant_id=boots, quantity=12), Line(variant_id=laces, quantity=100)]
    posting = shop.run(ledger.receive, "Wanda", lines=lines, key=key(), reference="PO-2231", note="two cartons")
    assert {(p.movement_type, p.reason) for p in posting.movements} == {(MovementType.PURCHASE, "delivery")}
    assert (shop.on_hand(boots), shop.on_hand(laces)) == (12, 102)
    row = shop.history(boots)[-1]
    assert (row.reference_type, row.reference_id, row.note) == ("receipt", "PO-2231", "two cartons")
    assert_holds(shop, boots)


def test_a_delivery_without_a_note_has_no_reference(shop: Shop) -> None:
    row = shop.history(shop.variant(1))[-1]
    assert (row.reference_type, row.reference_id) == (None, None)


def test_the_first_purchase_has_a_reason_of_its_own(shop: Shop) -> None:
    variant = shop.variant()
    line = Line(variant_id=variant, quantity=50)
    shop.run(ledger.receive, "Mia", lines=[line], key=key(), reason="initial_purchase")
    label = "select label from stockroom.reasons where movement_type = 'purchase' and reason = :reason"
    assert shop.sql(label, reason=shop.history(variant)[-1].reason) == "Initial stock purchase"


def test_goods_that_go_back_to_the_supplier_leave_the_shelf(shop: Shop) -> None:
    variant = shop.variant(10)
    back = Line(variant_id=variant, quantity=-4)
    shop.run(ledger.receive, "Wanda", lines=[back], key=key(), reason="supplier_return")
    assert shop.on_hand(variant) == 6
    with pytest.raises(InsufficientStock):
        shop.run(
            ledger.receive,
            "Wanda",
            lines=[Line(variant_id=variant, quantity=-7)],
            key=key(),
            reason="supplier_return",
        )


@pytest.mark.parametrize(("reason", "quantity"), [("delivery", -1), ("supplier_return", 1)])
def test_a_reason_fixes_the_direction(shop: Shop, reason: str, quantity: int) -> None:
    variant = shop.variant(5)
    line = Line(variant_id=variant, quantity=quantity)
    with pytest.raises(InvalidInput) as refused:
        shop.run(ledger.receive, "Wanda", lines=[line], key=key(), reason=reason)
    assert refused.value.field == "quantity"
    assert shop.on_hand(variant) == 5


def test_support_does_not_receive_goods(shop: Shop) -> None:
    variant = shop.variant()
    with pytest.raises(Forbidden):
        shop.run(ledger.receive, "Sam", lines=[Line(variant_id=variant, quantity=1)], key=key())
    assert shop.history(variant) == []
