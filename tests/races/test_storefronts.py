"""Five hundred buyers in parallel processes want the last fifty pairs: nobody gets what is not there, or is refused it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.builders import Shop
from tests.conftest import prepare
from tests.races.buyers_sql import Storefront, open_storefront
from tests.races.processes import in_processes
from tests.races.shelf import Refusal, Shelf
from tests.servers import Server
from tests.supabase import supabase_database

BUYERS, PAIRS = 500, 50


@pytest.fixture
def supabase_shop(server: Server) -> Iterator[Shop]:
    """A shop on Supabase, whose storefront calls functions as `service_role`."""
    with supabase_database(server) as name:
        prepare(server.url(name))
        opened = Shop.open(server.url(name, "stockroom_app"), server.url(name))
        yield opened
        opened.close()


def test_five_hundred_buyers_through_the_functions_of_the_database(supabase_shop: Shop) -> None:
    shelf = Shelf(supabase_shop, PAIRS)
    where = (supabase_shop.owner_url, str(shelf.variant))
    refusals = in_processes(open_storefront, *where, buyers=BUYERS)
    assert len(refusals) > BUYERS / 2
    shelf.assert_proven(refusals)
    with closing(Storefront(*where)) as storefront:
        while not (late := storefront.shop(8)):  # what was abandoned goes to whoever comes after the crowd
            pass
    shelf.assert_proven([*refusals, *late])
    assert (shelf.sold, supabase_shop.on_hand(shelf.variant)) == (PAIRS, 0)
    doubled = supabase_shop.sql(
        """select count(*) from (select payment_id from stockroom.orders group by 1 having count(*) > 1) d"""
    )
    assert doubled == 0


def test_the_camera_tells_a_refusal_of_what_was_free_from_one_of_what_was_not(fresh_shop: Shop) -> None:
    shelf = Shelf(fresh_shop, 1)
    (full,) = shelf.states()
    fresh_shop.adjust(shelf.variant, -1)
    _, empty = shelf.states()
    fair = Refusal(wanted=1, asked=empty.since, answered=empty.since + 1, told=0)
    early = Refusal(wanted=1, asked=full.since, answered=(full.since + empty.since) / 2)
    untrue = Refusal(wanted=2, asked=full.since, answered=full.since + 1, told=5)
    assert shelf.unexplained([fair, early, untrue]) == [early, untrue]
