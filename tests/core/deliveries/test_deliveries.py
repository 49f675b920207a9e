"""Deliveries: announced, checked off by several people, posted as one receipt, undone as one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest

from core.catalog import codes
from core.deliveries import changes, note, reads
from core.deliveries.changes import Correction, Created
from core.deliveries.reads import Delivery, DeliveryState
from core.foundation.errors import Forbidden, InsufficientStock, InvalidInput, KeyReused, SignInRequired
from core.foundation.model import Posting
from core.ledger import changes as ledger
from tests.support.builders import Shop, key
from tests.support.proof import assert_holds


def announce(shop: Shop, text: str, actor: str = "Wanda", **values: Any) -> int:
    """Announce a delivery with these pasted lines and return its id."""
    made: Created = shop.run(
        changes.announce, actor, **{"lines": note.parse(text), "key": key(), "original": text} | values
    )
    return made.delivery_id


def scan(shop: Shop, delivery_id: int, code: str, units: int = 1, actor: str = "Wanda", **values: Any) -> Any:
    return shop.run(changes.scan, actor, **{"delivery_id": delivery_id, "code": code, "units": units, "key": key()} | values)


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
        shop, f"{skus[0]}\t12\t9,50\n{skus[1]}\t3\t4.20\n", reference="LS-4711", supplier="Fjell", expected_on=date(2026, 12, 3)
    )
    assert seen(shop, delivery_id).row.state is DeliveryState.EXPECTED
    due = shop.run(reads.expected, "Sam", variant_ids=[a, b, c])
    assert {v: (row.units, row.next_on) for v, row in due.items()} == {a: (12, date(2026, 12, 3)), b: (3, date(2026, 12, 3))}

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
    assert (last.reference_type, last.reference_id, last.reason, last.performed_by) == ("receipt", "LS-4711", "delivery", "Wanda")
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
    assert found.steps[0].step == "undone" and found.steps[0].units == 15
    assert post(shop, delivery_id) is not None, "it can be posted again"
    for variant in (a, b, c):
        assert_holds(shop, variant)
