"""Counting while others sell, hold and apply at the same moment: real threads, each with its own connection."""

from __future__ import annotations

from core.counts import applying
from core.foundation.errors import InsufficientStock, InvalidInput
from core.foundation.model import COMMAND_LINE, Posting
from core.ledger import holds
from core.ledger.holds import Wanted
from core.proof.checks import run_checks
from tests.core.counts.counting import begin, finish, scanned, seen, typed
from tests.races.crowd import at_once, split
from tests.support.builders import Shop, key
from tests.support.proof import assert_holds


def test_of_two_people_who_apply_a_count_at_once_one_does_and_sales_meanwhile_survive(fresh_shop: Shop) -> None:
    shop = fresh_shop
    shoes = [shop.variant(20) for _ in range(4)]
    count = begin(shop, *shoes)
    for shoe in shoes:
        typed(shop, count, shoe, 17)
    finish(shop, count)
    people = [shop.person(name) for name in ("Wanda", "Mia", "Ada")]
    done = at_once(
        *[lambda p=person: shop.run(applying.apply, p, count_id=count, key=key()) for person in people],
        *[lambda s=shoe: shop.sql("select public.update_variant_stock(:id, -2)", id=s) for shoe in shoes * 2],
    )
    applied, refused = split(done[:3])
    assert len(applied) == 1
    assert isinstance(applied[0], Posting)
    assert [type(error) for error in refused] == [InvalidInput, InvalidInput]
    assert [shop.on_hand(shoe) for shoe in shoes] == [20 - 3 - 4] * 4
    for shoe in shoes:
        assert_holds(shop, shoe)


def test_holds_placed_while_a_count_lowers_the_level_fit_it_or_are_given_up(fresh_shop: Shop) -> None:
    shop = fresh_shop
    shoe, sock = sorted(shop.variant(9) for _ in range(2))
    count = begin(shop, shoe, sock)
    typed(shop, count, shoe, 2)
    typed(shop, count, sock, 3)
    finish(shop, count)

    def hold(n: int) -> object:
        items = [Wanted(variant_id=each, quantity=1) for each in (shoe, sock)[:: 1 if n % 2 else -1]]
        return shop.run(holds.hold, COMMAND_LINE, items=items, key=key())

    shop.person("Wanda")
    apply = lambda: shop.run(applying.apply, "Wanda", count_id=count, key=key())  # noqa: E731
    done = at_once(*[lambda n=n: hold(n) for n in range(4)], apply, *[lambda n=n: hold(n) for n in range(4)])
    assert isinstance(done[4], Posting)
    _, refused = split(done[:4] + done[5:])
    assert {type(error) for error in refused} <= {InsufficientStock}
    assert [shop.on_hand(each) for each in (shoe, sock)] == [2, 3]
    active = shop.sql("select count(*) from stockroom.reservations where state = 'active'")
    reserved = shop.rows("select reserved_quantity from public.product_variants order by id")
    assert [row[0] for row in reserved] == [active, active]
    assert active == 2, "as many as the shelf has"
    failing = [check.code for check in shop.run(run_checks, "Mia", full=True) if not check.holds]
    assert {"R1", "R2", "R10", "R11"}.isdisjoint(failing)


def test_scans_of_several_people_at_once_are_all_counted(shop: Shop) -> None:
    shoe = shop.variant(20)
    count = begin(shop, shoe)
    people = [shop.person(name) for name in ("Wanda", "Mia", "Ada")]
    at_once(*[lambda p=person: scanned(shop, count, shoe, 1, p) for person in people * 5])
    finish(shop, count)
    line = seen(shop, count)[shoe]
    assert (line.counted, sorted(tally.units for tally in line.people)) == (15, [5, 5, 5])
