"""Deliveries: announced, checked off by several people, posted as one receipt, undone as one."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from core.catalog import codes
from core.deliveries import changes, note, reads
from core.deliveries.changes import Correction, Created
from core.deliveries.reads import Delivery, DeliveryState
from core.foundation.errors import InsufficientStock, InvalidInput
from core.foundation.model import Posting
from core.ledger import changes as ledger
from tests.support.builders import Shop, key, new_ean
from tests.support.proof import assert_holds


def announce(shop: Shop, text: str, actor: str = "Wanda", **values: Any) -> int:
    """Announce a delivery with these pasted lines and return its id."""
    made: Created = shop.run(
        changes.announce, actor, **{"lines": note.parse(text), "key": key(), "original": text} | values
    )
    return made.delivery_id


def scan(shop: Shop, delivery_id: int, code: str, units: int = 1, actor: str = "Wanda", **values: Any) -> Any:
    return shop.run(
        changes.scan, actor, **{"delivery_id": delivery_id, "code": code, "units": units, "key": key()} | values
    )


def seen(shop: Shop, delivery_id: int) -> Delivery:
    found: Delivery = shop.run(reads.delivery, "Sam", delivery_id=delivery_id)
    return found


def post(shop: Shop, delivery_id: int, actor: str = "Wanda", **values: Any) -> Posting | None:
    row = seen(shop, delivery_id).row
    posted: Posting | None = shop.run(
        changes.post, actor, **{"delivery_id": delivery_id, "seen": row.revision, "key": key()} | values
    )
    return posted


def by_code(found: Delivery) -> dict[str, tuple[int, int, int]]:
    return {line.sku or line.code: (line.expected, line.scanned, line.received) for line in found.lines}


def test_a_delivery_is_checked_off_posted_as_one_receipt_and_undone_as_one(shop: Shop) -> None:
    a, b, c = (shop.variant(2, sku=f"{key()[:8]}-{n}") for n in "abc")
    skus = [shop.sql("select sku from product_variants where id = :id", id=v) for v in (a, b, c)]
    shop.run(codes.attach, "Mia", variant_id=a, code=f"BOX-{skus[0]}", kind="carton", units=12, key=key())
    delivery_id = announce(
        shop,
        f"{skus[0]}\t12\t9,50\n{skus[1]}\t3\t4.20\n",
        reference="LS-4711",
        supplier="Fjell",
        expected_on=date(2026, 12, 3),
    )
    assert seen(shop, delivery_id).row.state is DeliveryState.EXPECTED
    due = shop.run(reads.expected, "Sam", variant_ids=[a, b, c])
    assert {v: (row.units, row.next_on) for v, row in due.items()} == {
        a: (12, date(2026, 12, 3)),
        b: (3, date(2026, 12, 3)),
    }

    carton = scan(shop, delivery_id, f"BOX-{skus[0]}")
    assert (carton.sku, carton.units, carton.scanned, carton.expected) == (skus[0], 12, 12, 12)
    scan(shop, delivery_id, skus[1].lower(), 2, actor="Mia")
    scan(shop, delivery_id, skus[2])
    scan(shop, delivery_id, "no such code", 4)
    found = seen(shop, delivery_id)
    assert by_code(found) == {skus[0]: (12, 12, 0), skus[1]: (3, 2, 0), skus[2]: (0, 1, 0), "no such code": (0, 4, 0)}
    assert (found.row.state, found.row.short, found.row.over, found.row.unknown) == (DeliveryState.IN_PROGRESS, 1, 1, 1)
    assert [line.unit_cost for line in found.lines] == [Decimal("9.5"), Decimal("4.2"), None, None]

    posted = post(shop, delivery_id, note="two boxes open")
    assert posted is not None
    assert sorted(row.quantity for row in posted.movements) == [1, 2, 12]
    assert [shop.on_hand(v) for v in (a, b, c)] == [14, 4, 3]
    last = shop.history(a)[-1]
    assert (last.reference_type, last.reference_id, last.reason, last.performed_by) == (
        "receipt",
        "LS-4711",
        "delivery",
        "Wanda",
    )
    found = seen(shop, delivery_id)
    assert found.row.state is DeliveryState.IN_PROGRESS, "one unit is to come, and a code is unknown"
    assert shop.run(reads.expected, "Sam", variant_ids=[a, b])[b].units == 1
    assert shop.run(reads.of_movement, "Sam", movement_ids=[last.id]) == (delivery_id, "LS-4711")

    receipt = found.receipts[0]
    assert (receipt.units, receipt.undone) == (15, 0)
    shop.run(ledger.undo, "Mia", movement_ids=receipt.movement_ids, key=key(), note="the wrong pallet")
    assert [shop.on_hand(v) for v in (a, b, c)] == [2, 2, 2]
    found = seen(shop, delivery_id)
    assert by_code(found)[skus[0]] == (12, 12, 0)
    assert found.steps[0].step == "undone"
    assert found.steps[0].units == 15
    assert post(shop, delivery_id) is not None, "it can be posted again"
    for variant in (a, b, c):
        assert_holds(shop, variant)


def test_a_known_note_is_known_again_when_its_upload_is_repeated(shop: Shop) -> None:
    note_, again = f"{key()[:8]}\t3\n", key()
    values: dict[str, Any] = {"lines": note.parse(note_), "reference": key()}
    first = shop.run(changes.announce, "Wanda", **values, key=key())
    for _ in range(2):
        known: Created = shop.run(changes.announce, "Wanda", **values, key=again)
        assert known == Created(delivery_id=first.delivery_id, is_known=True)


def test_the_lines_of_a_delivery_are_found_without_reading_those_of_all(shop: Shop) -> None:
    plan = "select indexdef from pg_indexes where tablename = 'goods_lines' and indexdef not like '% WHERE %'"
    assert any("(delivery_id)" in row.indexdef for row in shop.rows(plan))


def test_a_note_of_more_units_than_any_shop_receives_is_refused_with_the_code(shop: Shop) -> None:
    box = f"BOX-{key()[:8]}"
    shop.run(codes.attach, "Mia", variant_id=shop.variant(), code=box, kind="carton", units=100_000, key=key())
    with pytest.raises(InvalidInput, match=f"Quantity of {box} would be above 1,000,000. Nothing was saved"):
        announce(shop, f"{box};90000;1,50\n")


def test_what_is_missing_stays_expected_or_is_closed_as_short(shop: Shop) -> None:
    sku = key()[:10]
    variant = shop.variant(sku=sku)
    delivery_id = announce(shop, f"{sku} 10")
    scan(shop, delivery_id, sku, 4)
    post(shop, delivery_id)
    assert seen(shop, delivery_id).row.state is DeliveryState.IN_PROGRESS
    assert shop.run(reads.expected, "Sam", variant_ids=[variant])[variant].units == 6
    with pytest.raises(InvalidInput, match="no newly counted units"):
        post(shop, delivery_id)
    scan(shop, delivery_id, sku, 5)
    post(shop, delivery_id, closes=True)
    row = seen(shop, delivery_id).row
    assert (row.state, row.short, row.received, row.closed_by) == (DeliveryState.RECEIVED, 1, 9, "Wanda")
    assert shop.run(reads.expected, "Sam", variant_ids=[variant]) == {}
    assert delivery_id not in [row.delivery_id for row in shop.run(reads.open_deliveries, "Sam")]

    other = announce(shop, f"{sku} 3")
    scan(shop, other, sku, 1)
    post(shop, other)
    assert post(shop, other, closes=True) is None, "closing alone moves nothing"
    assert seen(shop, other).row.state is DeliveryState.RECEIVED
    assert shop.on_hand(variant) == 10


def test_more_than_announced_is_received_and_marked(shop: Shop) -> None:
    sku = key()[:10]
    variant = shop.variant(sku=sku)
    delivery_id = announce(shop, f"{sku} 2")
    assert scan(shop, delivery_id, sku, 5).scanned == 5
    assert seen(shop, delivery_id).row.over == 1
    post(shop, delivery_id)
    assert (seen(shop, delivery_id).row.state, shop.on_hand(variant)) == (DeliveryState.RECEIVED, 5)


def test_an_unknown_code_keeps_the_delivery_open_until_it_is_attached(shop: Shop) -> None:
    sku = key()[:10]
    variant = shop.variant(sku=sku)
    delivery_id = announce(shop, f"{sku};2;10\nOLD-{sku};4;13\n")
    scan(shop, delivery_id, sku, 2)
    scan(shop, delivery_id, f"OLD-{sku}", 4)
    post(shop, delivery_id, closes=True)
    found = seen(shop, delivery_id)
    assert (found.row.state, found.row.unknown, shop.on_hand(variant)) == (DeliveryState.IN_PROGRESS, 1, 2)
    (line,) = [each for each in found.lines if each.variant_id is None]
    assert line.original == f"OLD-{sku};4;13"
    shop.run(changes.attach, "Mia", delivery_id=delivery_id, line_id=line.line_id, variant_id=variant, key=key())
    with pytest.raises(InvalidInput, match="somebody attached it"):
        shop.run(changes.attach, "Wanda", delivery_id=delivery_id, line_id=line.line_id, variant_id=variant, key=key())
    assert by_code(seen(shop, delivery_id)) == {sku: (6, 4, 2)}
    post(shop, delivery_id)
    assert (seen(shop, delivery_id).row.state, shop.on_hand(variant)) == (DeliveryState.RECEIVED, 6)


def test_an_undo_that_would_go_below_zero_names_the_variant_and_keeps_the_delivery_received(shop: Shop) -> None:
    skus = sorted(key()[:10] for _ in range(2))
    sold, kept = (shop.variant(sku=sku) for sku in skus)
    delivery_id = announce(shop, f"{skus[0]} 3\n{skus[1]} 3")
    for sku in skus:
        scan(shop, delivery_id, sku, 3)
    posted = post(shop, delivery_id)
    assert posted is not None
    ids = [row.movement_id for row in posted.movements]
    shop.adjust(sold, -1)
    with pytest.raises(InsufficientStock) as refused:
        shop.run(ledger.undo, "Wanda", movement_ids=ids, key=key(), note="wrong")
    assert [short["sku"] for short in refused.value.short] == [skus[0]]
    assert seen(shop, delivery_id).row.state is DeliveryState.RECEIVED
    one = [row.movement_id for row in posted.movements if row.variant_id == kept]
    shop.run(ledger.undo, "Wanda", movement_ids=one, key=key(), note="only this line")
    found = seen(shop, delivery_id)
    assert found.row.state is DeliveryState.IN_PROGRESS
    assert by_code(found) == {skus[0]: (3, 0, 3), skus[1]: (3, 3, 0)}
    assert (found.receipts[0].undone, shop.on_hand(kept), shop.on_hand(sold)) == (1, 0, 2)


def test_goods_that_nobody_announced_are_received_at_once_with_a_number_of_ours(shop: Shop) -> None:
    sku = key()[:10]
    variant = shop.variant(sku=sku)
    made = shop.run(changes.begin, "Wanda", key=key())
    shop.run(
        changes.add,
        "Wanda",
        delivery_id=made.delivery_id,
        lines=note.parse(f"{sku}\n{sku}\n{sku}\t4\n", bare=1),
        key=key(),
    )
    found = seen(shop, made.delivery_id)
    assert (found.row.state, found.row.reference, found.row.short, found.row.over) == (
        DeliveryState.IN_PROGRESS, f"D-{made.delivery_id}", 0, 0,
    )  # fmt: skip
    post(shop, made.delivery_id)
    assert (seen(shop, made.delivery_id).row.state, shop.on_hand(variant)) == (DeliveryState.RECEIVED, 6)
    assert shop.history(variant)[-1].reference_id == f"D-{made.delivery_id}"


def test_a_delivery_of_which_something_was_received_is_not_cancelled(shop: Shop) -> None:
    sku = key()[:10]
    shop.variant(sku=sku)
    delivery_id = announce(shop, f"{sku} 2")
    with pytest.raises(InvalidInput, match="no counted units"):
        post(shop, delivery_id, closes=True)
    scan(shop, delivery_id, sku)
    post(shop, delivery_id)
    with pytest.raises(InvalidInput, match="received in part"):
        shop.run(changes.cancel, "Wanda", delivery_id=delivery_id, key=key())


@pytest.mark.parametrize(
    "values",
    [
        {"reference": "LS\x00"}, {"reference": "x" * 201}, {"supplier": "Fj\u200bell"}, {"key": ""}, {"lines": ()},
        {"expected_on": "tomorrow"},
    ],
)  # fmt: skip
def test_texts_and_days_are_checked(shop: Shop, values: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        announce(shop, "A 1", **values)


def test_the_states_in_python_are_those_of_the_table(shop: Shop) -> None:
    rule = shop.sql(
        "select pg_get_constraintdef(oid) from pg_constraint where conname = 'goods_deliveries_state_check'"
    )
    assert set(DeliveryState) == {
        part for part in rule.split("'") if part.replace("_", "").isalpha() and part.islower()
    }


def test_lines_of_one_variant_are_added_up_with_their_average_cost_and_cartons_count_their_units(shop: Shop) -> None:
    sku = key()[:10]
    ean = new_ean()
    variant = shop.variant(sku=sku, barcode=ean, unit_cost=5)
    shop.run(codes.attach, "Mia", variant_id=variant, code=f"BOX-{sku}", kind="carton", units=12, key=key())
    delivery_id = announce(shop, f"{sku};6;10\n{ean};6;20\nBOX-{sku};2;12\n{sku};1,5;\n")
    (line,) = seen(shop, delivery_id).lines
    assert (line.expected, line.unit_cost, line.sku) == (36, Decimal(13), sku)
    assert line.original == f"{sku};6;10\n{ean};6;20\nBOX-{sku};2;12\n{sku};1,5;"
    assert line.problem is not None
    assert "Line 4" in line.problem
    fix = Correction(line_id=line.line_id, expected=37, counted=0, unit_cost=Decimal("14.8"))
    shop.run(changes.change, "Wanda", delivery_id=delivery_id, seen=0, changes=[fix], key=key())
    scan(shop, delivery_id, f"0{ean}", 37)
    post(shop, delivery_id)
    found = seen(shop, delivery_id)
    assert (found.row.state, found.lines[0].problem, found.lines[0].unit_cost) == (
        DeliveryState.RECEIVED,
        None,
        Decimal("14.8"),
    )
    assert shop.sql("select unit_cost from product_variants where id = :id", id=variant) == 5, (
        "the variant's cost is kept"
    )
