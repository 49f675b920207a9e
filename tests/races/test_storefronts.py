"""Five hundred buyers in parallel processes want the last fifty pairs: each is sold once, none is withheld."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from uuid import UUID

import pytest

from core.adoption import adopt as adoption
from core.foundation.model import COMMAND_LINE
from core.people import api_keys
from core.people.api_keys import Scope
from core.shop.profile import change_shop
from tests.conftest import prepare
from tests.races import buyers_sql
from tests.races.buyers_http import Storefront, Street, Visit, open_street
from tests.races.processes import in_processes
from tests.races.shelf import Refusal, Shelf
from tests.stripe.door import StripeDoor, stripe_over_http
from tests.stripe.fake import KEY, FakeStripe
from tests.stripe.shop import Stripe, open_cases
from tests.support.builders import ZONE, Shop
from tests.support.dashboards import serve
from tests.support.servers import Server
from tests.support.sneakers import sneaker_shop, supabase_database
from tests.support.working import until, waiting

BUYERS, PAIRS = 500, 50


@pytest.fixture
def supabase_shop(supabase_server: Server) -> Iterator[Shop]:
    """A shop on Supabase, whose storefront calls functions as `service_role`."""
    with supabase_database(supabase_server) as name:
        prepare(supabase_server.url(name))
        opened = Shop.open(supabase_server.url(name, "stockroom_app"), supabase_server.url(name))
        yield opened
        opened.close()


@pytest.fixture
def adopted_shop(supabase_server: Server) -> Iterator[Shop]:
    """A sneaker shop that moved in with its database."""
    with sneaker_shop(supabase_server) as old:
        adoption.adopt(old.url)
        with old.shop() as opened:
            opened.run(change_shop, COMMAND_LINE, zone=ZONE)
            yield opened


def test_five_hundred_buyers_through_the_functions_of_the_database(supabase_shop: Shop) -> None:
    race(supabase_shop)


def test_five_hundred_buyers_in_a_shop_that_moved_in(adopted_shop: Shop) -> None:
    variant = race(adopted_shop)
    sold = adopted_shop.rows("select * from stock_movements where variant_id = :id and quantity < 0", id=variant)
    assert {(row.status, row.notes, row.movement_date) for row in sold} == {
        ("completed", row.note, row.occurred_at) for row in sold
    }
    product = adopted_shop.sql("select product_id from product_variants where id = :id", id=variant)
    assert {row.product_id for row in sold} == {product}


def race(supabase_shop: Shop) -> UUID:
    """Let the buyers in until everything is sold, and return the variant."""
    shelf = Shelf(supabase_shop, PAIRS)
    where = (supabase_shop.owner_url, str(shelf.variant))
    refusals = in_processes(buyers_sql.open_storefront, *where, buyers=BUYERS)
    assert len(refusals) > BUYERS / 2
    shelf.assert_proven(refusals)
    with closing(buyers_sql.Storefront(*where)) as storefront:
        while not (late := storefront.shop(8)):  # what was abandoned goes to whoever comes after the crowd
            pass
    shelf.assert_proven([*refusals, *late])
    assert (shelf.sold, supabase_shop.on_hand(shelf.variant)) == (PAIRS, 0)
    doubled = supabase_shop.sql(
        """select count(*) from (select payment_id from stockroom.orders group by 1 having count(*) > 1) d"""
    )
    assert doubled == 0
    return shelf.variant


def test_the_camera_detects_a_refusal_of_units_that_were_free(fresh_shop: Shop) -> None:
    shelf = Shelf(fresh_shop, 1)
    (full,) = shelf.states()
    fresh_shop.adjust(shelf.variant, -1)
    _, empty = shelf.states()
    fair = Refusal(wanted=1, asked=empty.since, answered=empty.since + 1, told=0)
    early = Refusal(wanted=1, asked=full.since, answered=(full.since + empty.since) / 2)
    untrue = Refusal(wanted=2, asked=full.since, answered=full.since + 1, told=5)
    assert shelf.unexplained([fair, early, untrue]) == [early, untrue]


def test_five_hundred_buyers_through_the_checkout_over_http(embedded_shop: Shop) -> None:
    shelf = Shelf(embedded_shop, PAIRS, price=100)
    stripe = Stripe(embedded_shop)
    key = embedded_shop.run(api_keys.make, "Ada", name="Web shop", scopes=tuple(Scope), rate_per_minute=100_000)
    with stripe_over_http(FakeStripe(stripe.account)) as door, serve(embedded_shop.app_url, more=at(door)) as shop:
        door.open_webhook(shop)
        street = Street(
            shop=shop, key=key, stripe=door.url, owner_url=embedded_shop.owner_url, variant=str(shelf.variant)
        )
        visits = in_processes(open_street, street, buyers=BUYERS)
        assert door.finish() > PAIRS
        settle(stripe)  # what was cancelled is let go
        with closing(Storefront(street)) as late:
            visits += late.visit(8)
            while not visits[-1].refusal:  # what was abandoned goes to whoever comes after the crowd
                visits += late.visit(8)
        door.finish()
        settle(stripe)
    shelf.assert_proven([visit.refusal for visit in visits if visit.refusal])
    assert (shelf.sold, embedded_shop.on_hand(shelf.variant)) == (PAIRS, 0)
    assert_paid_once(embedded_shop, visits)


def settle(stripe: Stripe) -> None:
    """Apply every message, in parallel with the dashboard's own worker."""

    def is_settled() -> bool:
        stripe.work()
        return waiting(stripe.shop) == 0

    until(is_settled)


def at(door: StripeDoor) -> dict[str, str]:
    """The settings with which the dashboard finds the fake Stripe."""
    secret = door.fake.account.webhook_secret
    return {"STRIPE_API_BASE": door.url, "STRIPE_SECRET_KEY": KEY, "STRIPE_WEBHOOK_SECRET": secret}


def assert_paid_once(shop: Shop, visits: list[Visit]) -> None:
    """Every payment is one order, the one returned to its buyer, and every unit sold is on a line of an order."""
    paid = {visit.payment_id: visit.order_id for visit in visits if visit.payment_id}
    assert {row.payment_id: row.id for row in shop.rows("select payment_id, id from stockroom.orders")} == paid
    assert shop.sql("select sum(taken) from stockroom.order_lines") == PAIRS
    failed = shop.sql("select count(*) from stockroom.order_lines where state = 'failed'")
    assert len(open_cases(shop)) == failed == sum(1 for visit in visits if visit.payment_id and visit.refusal)
