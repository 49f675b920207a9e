"""Holds for a checkout: all of a cart or nothing, from available units, and released when they expire."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from core.foundation.errors import (
    InsufficientStock,
    InvalidInput,
    KeyReused,
    ReservationGone,
    StockError,
    UnknownVariant,
)
from core.foundation.model import Actor
from core.ledger import holds
from core.ledger.holds import Reservation, Wanted
from tests.stripe.shop import Stripe
from tests.support.builders import Shop, key
from tests.support.selling import Sale, sell, states
from tests.support.working import until

SHOP = Actor(name="Storefront")
WAITS_FOR_A_ROW = """
    select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')"""


def hold(shop: Shop, *wanted: tuple[UUID, int], **more: object) -> Reservation:
    items = [Wanted(variant_id=variant, quantity=quantity) for variant, quantity in wanted]
    found: Reservation = shop.run(holds.hold, SHOP, **{"items": items, "key": key(), **more})
    return found


def available(shop: Shop, variant: UUID) -> tuple[int, int]:
    """Units reserved and available."""
    rows = shop.rows(
        "select reserved_quantity, computed_available_stock from public.product_variants where id = :id", id=variant
    )
    return tuple(rows[0])


def let_time_pass(shop: Shop, held: Reservation) -> None:
    shop.sql(
        "update stockroom.reservations set expires_at = now() - interval '1 second' where id = :id",
        id=held.reservation_id,
    )


def test_held_units_are_not_available_to_others(shop: Shop) -> None:
    shoe = shop.variant(3)
    held = hold(shop, (shoe, 2))
    assert (held.state, held.held_by) == ("active", "Storefront")
    assert available(shop, shoe) == (2, 1)
    with pytest.raises(InsufficientStock) as refused:
        hold(shop, (shoe, 2))
    assert refused.value.short[0]["available"] == 1
    assert shop.on_hand(shoe) == 3, "a hold moves nothing"


def test_a_cart_is_held_whole_or_not_at_all(shop: Shop) -> None:
    plenty, short = shop.variant(5), shop.variant(1)
    with pytest.raises(InsufficientStock) as refused:
        hold(shop, (plenty, 2), (short, 2))
    assert [found["variant_id"] for found in refused.value.short] == [str(short)]
    assert available(shop, plenty) == (0, 5)


def test_the_same_variant_on_two_lines_counts_together(shop: Shop) -> None:
    shoe = shop.variant(3)
    with pytest.raises(InsufficientStock):
        hold(shop, (shoe, 2), (shoe, 2))
    held = hold(shop, (shoe, 1), (shoe, 2))
    assert [line.quantity for line in held.lines] == [3]


def test_the_same_key_is_the_same_hold_and_other_content_is_refused(shop: Shop) -> None:
    shoe, again = shop.variant(5), key()
    first = hold(shop, (shoe, 2), key=again)
    assert hold(shop, (shoe, 2), key=again) == first
    assert available(shop, shoe) == (2, 3)
    with pytest.raises(KeyReused):
        hold(shop, (shoe, 3), key=again)


def test_a_released_hold_gives_its_units_back_once(shop: Shop) -> None:
    shoe = shop.variant(5)
    held = hold(shop, (shoe, 2))
    for _ in range(2):
        done = shop.run(holds.release, SHOP, reservation_id=held.reservation_id)
        assert done.state == "released"
        assert available(shop, shoe) == (0, 5)
    with pytest.raises(ReservationGone):
        shop.run(holds.release, SHOP, reservation_id=uuid4())


def test_an_expired_hold_is_released_when_another_buyer_wants_the_units(shop: Shop) -> None:
    shoe, sock = shop.variant(2), shop.variant(2)
    old = hold(shop, (shoe, 2), (sock, 1))
    let_time_pass(shop, old)
    hold(shop, (shoe, 2))
    assert available(shop, shoe) == (2, 0)
    assert available(shop, sock) == (0, 2), "the whole expired hold is released"
    with pytest.raises(ReservationGone):
        shop.run(holds.extend, SHOP, reservation_id=old.reservation_id, ttl_seconds=60)


@pytest.mark.parametrize("other", [False, True], ids=["of this variant", "of another variant too"])
def test_a_hold_that_expires_while_a_buyer_waits_for_the_variant_is_released_for_that_buyer(
    shop: Shop, other: bool
) -> None:
    shoe, sock = shop.variant(1), shop.variant(1)
    old = hold(shop, (shoe, 1), *([(sock, 1)] if other else []))
    with ThreadPoolExecutor(1) as pool:
        with shop.owner.begin() as busy:
            busy.execute(text("select from public.product_variants where id = :id for update"), {"id": shoe})
            buyer = pool.submit(hold, shop, (shoe, 1))
            until(lambda: shop.sql(WAITS_FOR_A_ROW))
            let_time_pass(shop, old)
        assert buyer.result(30).state == "active"
    assert available(shop, sock) == (0, 1)


def test_an_expired_hold_is_released_by_a_job(fresh_shop: Shop) -> None:
    shoe = fresh_shop.variant(2)
    let_time_pass(fresh_shop, hold(fresh_shop, (shoe, 2)))
    assert fresh_shop.run(holds.expire, SHOP) == 1
    assert fresh_shop.run(holds.expire, SHOP) == 0
    assert available(fresh_shop, shoe) == (0, 2)


def test_an_active_hold_can_be_extended(shop: Shop) -> None:
    held = hold(shop, (shop.variant(2), 1), ttl_seconds=60)
    longer = shop.run(holds.extend, SHOP, reservation_id=held.reservation_id, ttl_seconds=600)
    assert longer.expires_at > held.expires_at


@pytest.mark.parametrize("quantity", [0, -1, 1.5, 10**7])
def test_an_impossible_quantity_holds_nothing(shop: Shop, quantity: float) -> None:
    shoe = shop.variant(2)
    with pytest.raises(InvalidInput, match="quantity"):
        hold(shop, (shoe, quantity))  # type: ignore[arg-type]
    assert available(shop, shoe) == (0, 2)


@pytest.mark.parametrize("ttl", [0, 9, 86_401])
def test_a_hold_lasts_from_ten_seconds_to_a_day(shop: Shop, ttl: int) -> None:
    with pytest.raises(InvalidInput, match="Ttl_seconds"):
        hold(shop, (shop.variant(2), 1), ttl_seconds=ttl)


def test_a_variant_that_is_unknown_or_not_sold_any_more_is_not_held(shop: Shop) -> None:
    with pytest.raises((InvalidInput, UnknownVariant)):
        hold(shop, (uuid4(), 1))
    retired = shop.variant(5, is_active=False)
    with pytest.raises(InsufficientStock):
        hold(shop, (retired, 1))


def test_of_forty_checkouts_at_once_for_the_last_ten_pairs_ten_get_one(shop: Shop) -> None:
    shoe = shop.variant(10)

    def want(_: int) -> str:
        try:
            return hold(shop, (shoe, 1)).state
        except StockError as error:
            return type(error).__name__

    with ThreadPoolExecutor(12) as crowd:
        outcomes = sorted(crowd.map(want, range(40)))
    assert outcomes == ["InsufficientStock"] * 30 + ["active"] * 10
    assert available(shop, shoe) == (10, 0)


def test_carts_of_many_variants_held_released_and_expired_at_once_never_wait_in_a_circle(shop: Shop) -> None:
    shoes = [shop.variant(1_000) for _ in range(6)]

    def shop_around(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(8):
            cart = [(shoe, chance.randint(1, 3)) for shoe in chance.sample(shoes, 4)]
            held = hold(shop, *cart)
            if chance.random() < 0.5:
                let_time_pass(shop, held)
            else:
                shop.run(holds.release, SHOP, reservation_id=held.reservation_id)

    with ThreadPoolExecutor(8) as crowd:
        list(crowd.map(shop_around, range(8)))
    shop.run(holds.expire, SHOP, limit=1_000)
    assert [available(shop, shoe) for shoe in shoes] == [(0, 1_000)] * 6


# ---------------------------------------------------------------- paid and cancelled


def paid_with(shop: Shop, held: Reservation | None, shoe: UUID, units: int, **more: object) -> Sale:
    sku = shop.sql("select sku from public.product_variants where id = :id", id=shoe)
    known = {"reservation_id": str(held.reservation_id)} if held else {}
    return Sale(lines=[(sku, units)], more=known, **more)  # type: ignore[arg-type]


def test_a_paid_order_takes_the_units_that_were_held_for_it(shop: Shop) -> None:
    shoe = shop.variant(2)
    held = hold(shop, (shoe, 2))
    other, own = paid_with(shop, None, shoe, 1), paid_with(shop, held, shoe, 2)
    sell(shop, other)
    assert states(shop, other)[0][0] == "failed", "the last pairs are held for another buyer"
    sell(shop, own)
    assert states(shop, own) == [("taken", None, 2, 0)]
    assert available(shop, shoe) == (0, 0)
    assert shop.sql("select state from stockroom.reservations where id = :id", id=held.reservation_id) == "consumed"


def test_within_a_batch_a_hold_comes_before_an_earlier_payment(shop: Shop) -> None:
    shoe = shop.variant(1)
    held = hold(shop, (shoe, 1))
    now = datetime.now(UTC)
    early = paid_with(shop, None, shoe, 1, paid_at=now - timedelta(minutes=1))
    holding = paid_with(shop, held, shoe, 1, paid_at=now)
    sell(shop, early, holding)
    assert (states(shop, early)[0][0], states(shop, holding)[0][0]) == ("failed", "taken")


def test_an_expired_hold_still_serves_its_own_order_until_its_units_are_taken(shop: Shop) -> None:
    shoe = shop.variant(1)
    held = hold(shop, (shoe, 1))
    let_time_pass(shop, held)
    own = paid_with(shop, held, shoe, 1)
    sell(shop, own)
    assert states(shop, own) == [("taken", None, 1, 0)]


def test_a_hold_larger_than_its_order_gives_the_rest_back(shop: Shop) -> None:
    shoe, sock = shop.variant(5), shop.variant(5)
    held = hold(shop, (shoe, 3), (sock, 2))
    sell(shop, paid_with(shop, held, shoe, 1))
    assert (available(shop, shoe), available(shop, sock)) == ((0, 4), (0, 5))


def test_a_cancelled_payment_gives_back_what_was_held_for_it(fresh_shop: Shop) -> None:
    stripe = Stripe(fresh_shop)
    shoe = fresh_shop.variant(3)
    held = hold(fresh_shop, (shoe, 2))
    payment = stripe.account.open_payment(2000, metadata={"reservation": str(held.reservation_id)})
    stripe.account.cancel(payment["id"])
    stripe.webhook()
    stripe.work()
    assert available(fresh_shop, shoe) == (0, 3)
    assert fresh_shop.sql("select state from stockroom.reservations") == "released"
