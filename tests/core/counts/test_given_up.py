"""A shelf that holds less than checkouts hold is entered anyway: the holds that no longer fit are given up."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from core.foundation.errors import InsufficientStock, ReservationGone
from core.foundation.model import Actor, LevelLine, MovementType, Role
from core.ledger import changes as ledger
from core.ledger import given_up, holds
from core.ledger.holds import Reservation, Wanted
from core.proof.checks import run_checks
from tests.core.counts.counting import apply, begin, finish, seen, typed
from tests.support.builders import Shop, key
from tests.support.proof import assert_holds
from tests.support.selling import Sale, cases, sell, states

SITE = Actor(name="Storefront", role=Role.ADMIN)


def hold(shop: Shop, name: str, *wanted: tuple[UUID, int]) -> Reservation:
    items = [Wanted(variant_id=variant, quantity=quantity) for variant, quantity in wanted]
    held: Reservation = shop.run(holds.hold, SITE, items=items, key=key(), reference=name)
    return held


def state(shop: Shop, held: Reservation) -> str:
    return str(shop.run(holds.get, SITE, reservation_id=held.reservation_id).state)


def reserved(shop: Shop, *variants: UUID) -> list[int]:
    query = "select reserved_quantity from public.product_variants where id = :id"
    return [int(shop.sql(query, id=variant)) for variant in variants]


def test_a_count_gives_up_the_latest_holds_until_the_others_fit_and_names_them(shop: Shop) -> None:
    shoe, sock = shop.variant(6), shop.variant(5)
    first = hold(shop, "cart-1", (shoe, 2))
    second = hold(shop, "cart-2", (shoe, 1), (sock, 3))
    third = hold(shop, "cart-3", (shoe, 3))
    count = begin(shop, shoe)
    typed(shop, count, shoe, 2)
    finish(shop, count)
    assert seen(shop, count)[shoe].held_too_much == 4
    posting = apply(shop, count)
    assert [state(shop, held) for held in (first, second, third)] == ["active", "released", "released"]
    assert (shop.on_hand(shoe), reserved(shop, shoe, sock)) == (2, [2, 0]), "a cart is held as a whole or not at all"
    named = shop.run(given_up.by_operation, "Wanda", operation_id=posting.operation_id)
    assert [(each.name, each.units, each.variant_id) for each in named] == [("cart-3", 3, shoe), ("cart-2", 1, shoe)]
    with pytest.raises(ReservationGone):
        shop.run(holds.extend, SITE, reservation_id=third.reservation_id, ttl_seconds=60)
    for each in (shoe, sock):
        assert_holds(shop, each)


def test_the_paid_order_of_a_hold_that_was_given_up_is_a_case_of_missing_stock(shop: Shop) -> None:
    sku = f"GONE-{key()[:8]}"
    shoe = shop.variant(1, sku=sku)
    held, sale = hold(shop, "cart", (shoe, 1)), Sale(lines=[(sku, 1)])
    shop.sql(
        "update stockroom.reservations set payment_id = :p where id = :id", p=sale.payment_id, id=held.reservation_id
    )
    count = begin(shop, shoe)
    typed(shop, count, shoe, 0)
    finish(shop, count)
    apply(shop, count)
    sell(shop, sale)
    assert states(shop, sale) == [("failed", "insufficient_stock", 0, 0)]
    assert cases(shop, sale) == [("insufficient_stock", "open", 1)]
    assert shop.on_hand(shoe) == 0


def set_level(shop: Shop, variant: UUID, target: int, seen: int, **more: Any) -> Any:
    line = LevelLine(variant_id=variant, target=target, seen=seen)
    return shop.run(ledger.set_level, "Wanda", lines=[line], key=key(), **more)


def test_setting_a_level_as_a_count_gives_up_holds_too_and_a_correction_does_not(shop: Shop) -> None:
    shoe = shop.variant(5)
    kept, gone = hold(shop, "kept", (shoe, 1)), hold(shop, "gone", (shoe, 2))
    with pytest.raises(InsufficientStock):
        set_level(shop, shoe, 1, 5, movement_type=MovementType.ADJUSTMENT, reason="correction", note="Looks less")
    posting = set_level(shop, shoe, 1, 5)
    assert [state(shop, held) for held in (kept, gone)] == ["active", "released"]
    assert [each.name for each in shop.run(given_up.by_operation, "Mia", operation_id=posting.operation_id)] == ["gone"]
    assert (shop.on_hand(shoe), reserved(shop, shoe)) == (1, [1])


def test_an_expired_hold_ends_as_expired_and_is_not_named(shop: Shop) -> None:
    shoe = shop.variant(5)
    old = hold(shop, "old", (shoe, 4))
    shop.sql("update stockroom.reservations set expires_at = now() where id = :id", id=old.reservation_id)
    posting = set_level(shop, shoe, 2, 5)
    assert state(shop, old) == "expired"
    assert shop.run(given_up.by_operation, "Mia", operation_id=posting.operation_id) == ()


def test_the_proof_holds_and_a_low_level_opens_its_case_after_counts(fresh_shop: Shop) -> None:
    shop = fresh_shop
    shoe, sock = shop.variant(6, reorder_point=3), shop.variant(5)
    hold(shop, "cart", (shoe, 4), (sock, 1))
    count = begin(shop, shoe, sock)
    typed(shop, count, shoe, 2)
    typed(shop, count, sock, 5)
    shop.adjust(sock, -2)
    finish(shop, count)
    apply(shop, count)
    results = {check.code: check.holds for check in shop.run(run_checks, "Mia", full=True)}
    assert {code: results[code] for code in ("R1", "R2", "R10", "R11")} == dict.fromkeys(
        ("R1", "R2", "R10", "R11"), True
    )
    opened = shop.rows("select kind, variant_id from stockroom.alerts where state = 'open'")
    assert [tuple(row) for row in opened] == [("low_stock", shoe)]
