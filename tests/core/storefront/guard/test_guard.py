"""The Stripe guard: what is out is closed at Stripe, what is back is opened again, and never against a person."""

from __future__ import annotations

import pytest

from core.foundation.errors import Forbidden, InvalidInput, Unavailable
from core.ledger import holds
from core.ledger.holds import Wanted
from core.storefront.guard import setting, working
from core.storefront.guard.setting import Mode
from tests.core.storefront.guard.guarding import Guarded
from tests.support.builders import Shop, key


def test_a_link_is_off_while_its_variant_is_out_and_on_again_when_it_is_back(fresh_shop: Shop) -> None:
    guarded = Guarded(fresh_shop)
    shoe, _ = fresh_shop.variant(1, sku="SHOE"), fresh_shop.variant(5, sku="BOOT")
    link, other = guarded.account.link([("SHOE", 2500, 1)]), guarded.account.link([("BOOT", 2500, 1)])
    assert guarded.work() == [], "it is off by default"
    assert guarded.fake.asked == []
    guarded.set(Mode.ON)
    assert guarded.work() == []
    fresh_shop.adjust(shoe, -1)
    assert guarded.work() == ["Deactivated 1 Payment Link, activated 0, and expired 0 Checkout Sessions."]
    assert (guarded.is_active(link), guarded.is_active(other)) == (False, True)
    guarded.fake.asked.clear()
    assert guarded.work() == []
    assert guarded.fake.asked == [], "nothing changed, so Stripe is not asked"
    fresh_shop.adjust(shoe, 3)
    assert guarded.work() == ["Deactivated 0 Payment Links, activated 1, and expired 0 Checkout Sessions."]
    assert guarded.is_active(link)
    assert guarded.account.kept["payment_link"][link["id"]]["metadata"] == {}
    back, out = guarded.notes()
    assert [(each.sku, each.least, each.available) for each in (*out.found, *back.found)] == [
        ("SHOE", 1, 0), ("SHOE", 1, 3),
    ]  # fmt: skip
    assert out.asked == f"POST /v1/payment_links/{link['id']} active=false"
    assert (out.answer, out.mode, out.set_by, out.answered_at is not None) == ("200", "on", "Ada", True)
    keys = [asked.headers["Idempotency-Key"] for asked in guarded.fake.asked if asked.method == "post"]
    assert len(set(keys)) == 1, "each write has a key of its own"


def test_a_dry_run_says_what_it_would_do_and_asks_nothing(fresh_shop: Shop) -> None:
    guarded = Guarded(fresh_shop)
    shoe = fresh_shop.variant(1, sku="SHOE")
    link = guarded.account.link([("SHOE", 2500, 1)])
    guarded.set(Mode.DRY)
    fresh_shop.adjust(shoe, -1)
    said = ["Dry run: would deactivate 1 Payment Link, activate 0, and expire 0 Checkout Sessions."]
    assert guarded.work(has_key=False) == said, "the everyday key is enough"
    fresh_shop.sql("update stockroom.guard set looked_at = null")
    assert guarded.work() == [], "it is noted once"
    fresh_shop.adjust(shoe, 1)
    guarded.work()
    fresh_shop.adjust(shoe, -1)
    guarded.work()
    assert guarded.record() == [(act, link["id"], "dry") for act in ("deactivate", "activate", "deactivate")]
    assert guarded.writes() == []
    guarded.set(Mode.ON)
    guarded.work()
    assert not guarded.is_active(link)


def test_a_link_that_a_person_deactivated_is_never_activated(fresh_shop: Shop) -> None:
    guarded = Guarded(fresh_shop)
    shoe = fresh_shop.variant(1, sku="SHOE")
    link = guarded.account.link([("SHOE", 2500, 1)])
    guarded.set(Mode.ON)
    guarded.work()
    guarded.account.switch(link["id"], active=False)
    for change in (-1, 1):
        fresh_shop.adjust(shoe, change)
        guarded.work()
    assert (guarded.is_active(link), guarded.record()) == (False, [])


def test_a_link_that_a_person_activated_is_left_alone_until_it_is_back(fresh_shop: Shop) -> None:
    guarded = Guarded(fresh_shop)
    shoe = fresh_shop.variant(1, sku="SHOE")
    link = guarded.account.link([("SHOE", 2500, 1)])
    guarded.set(Mode.ON)
    fresh_shop.adjust(shoe, -1)
    guarded.work()
    guarded.account.switch(link["id"], active=True)
    for _ in range(2):
        fresh_shop.sql("update stockroom.guard set looked_at = null")
        guarded.work()
    assert guarded.is_active(link)
    fresh_shop.adjust(shoe, 1)
    guarded.work()
    fresh_shop.adjust(shoe, -1)
    guarded.work()
    assert not guarded.is_active(link), "it was back, and is out again"
    assert [act for act, _, _ in guarded.record()] == ["deactivate", "leave", "deactivate"]


def test_a_link_of_several_products_is_off_while_one_of_them_is_out(fresh_shop: Shop) -> None:
    guarded = Guarded(fresh_shop)
    shoe, sock = fresh_shop.variant(2, sku="SHOE"), fresh_shop.variant(9, sku="SOCK")
    both = guarded.account.link([("SHOE", 2500, 1), ("SOCK", 500, 2), ("GIFT-WRAP", 100, 1)])
    pair = guarded.account.link([("SHOE", 2500, 2)])
    any_number = guarded.account.link([("SHOE", 2500, 2)], adjustable=(0, 9))
    guarded.set(Mode.ON)
    fresh_shop.adjust(shoe, -1)
    guarded.work()
    assert [guarded.is_active(each) for each in (both, pair, any_number)] == [True, False, True]
    fresh_shop.adjust(sock, -8)
    guarded.work()
    assert [guarded.is_active(each) for each in (both, pair, any_number)] == [False, False, True]
    fresh_shop.adjust(shoe, -1)
    fresh_shop.adjust(sock, 8)
    guarded.work()
    assert [guarded.is_active(each) for each in (both, pair, any_number)] == [False, False, False]
    fresh_shop.adjust(shoe, 1)
    guarded.work()
    assert [guarded.is_active(each) for each in (both, pair, any_number)] == [True, False, True]


def test_open_sessions_that_cannot_be_served_are_expired_but_not_those_with_a_hold(fresh_shop: Shop) -> None:
    guarded = Guarded(fresh_shop)
    shoe = fresh_shop.variant(3, sku="SHOE")
    link = guarded.account.link([("SHOE", 2500, 1)])
    guarded.set(Mode.ON)
    guarded.work()
    hold = fresh_shop.run(holds.hold, items=[Wanted(quantity=2, sku="SHOE")], key=key(), reference="cart-7")
    by_name = guarded.account.checkout([("SHOE", 2500, 1)], metadata={"reservation": str(hold.reservation_id)})
    by_reference = guarded.account.checkout([("SHOE", 2500, 2)], reference="cart-7")
    too_many = guarded.account.checkout([("SHOE", 2500, 3)], reference="cart-7")
    plain, by_link = guarded.account.checkout([("SHOE", 2500, 1)]), guarded.account.visit(link["id"])
    done = guarded.account.checkout([("SHOE", 2500, 1)])
    guarded.account.complete(done["id"])
    fresh_shop.adjust(shoe, -1)
    guarded.work()
    assert [guarded.status(each) for each in (plain, by_link, too_many, done)] == ["expired"] * 3 + ["complete"]
    assert [guarded.status(each) for each in (by_name, by_reference)] == ["open", "open"]
    fresh_shop.run(holds.release, reservation_id=hold.reservation_id)
    fresh_shop.adjust(shoe, -2)
    guarded.work()
    assert [guarded.status(each) for each in (by_name, by_reference)] == ["expired", "expired"]


def test_only_an_admin_sets_the_guard_and_only_with_a_key(fresh_shop: Shop) -> None:
    with pytest.raises(Forbidden):
        fresh_shop.run(setting.set_to, "Mia", mode=Mode.ON, has_key=True)
    with pytest.raises(InvalidInput, match="STOCKROOM_STRIPE_GUARD_KEY"):
        fresh_shop.run(setting.set_to, "Ada", mode=Mode.ON)
    with pytest.raises(InvalidInput, match="from 1 to 1,000"):
        fresh_shop.run(setting.set_to, "Ada", mode=Mode.DRY, most_per_hour=0)
    with pytest.raises(Forbidden):
        fresh_shop.run(setting.record, "Mia")
    assert fresh_shop.run(setting.setting, "Ada").mode is Mode.OFF


def test_a_guard_without_a_key_says_so_and_one_that_may_not_write_stops_there(fresh_shop: Shop) -> None:
    guarded = Guarded(fresh_shop)
    shoe = fresh_shop.variant(1, sku="SHOE")
    link = guarded.account.link([("SHOE", 2500, 1)])
    guarded.set(Mode.ON)
    assert guarded.work(has_key=False) == []
    assert fresh_shop.run(setting.setting, "Ada").trouble == working.NO_KEY
    assert guarded.work() == []
    assert fresh_shop.run(setting.setting, "Ada").trouble is None
    fresh_shop.adjust(shoe, -1)
    guarded.fake.trouble(500, times=5)
    with pytest.raises(Unavailable):
        guarded.work()
    assert "outage" in fresh_shop.run(setting.setting, "Ada").trouble
    guarded.fake.trouble(429, times=2)
    guarded.work()
    assert not guarded.is_active(link)
    assert fresh_shop.run(setting.setting, "Ada").trouble is None
