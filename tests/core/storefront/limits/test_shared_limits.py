"""Two processes of one shop: a key's limit counts over both, and a revoked key is refused by both."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice

import pytest

from core.database.engine import create_engine
from core.people import api_keys
from core.people.api_keys import Scope
from core.storefront.allowances import TooMany
from core.storefront.doors import Doorkeeper, NoKey
from tests.support.builders import Shop


def new_key(shop: Shop, rate: int) -> str:
    key: str = shop.run(api_keys.make, "Ada", name="Hasty", scopes=[Scope.VALIDATE], rate_per_minute=rate)
    return key


def admitted(keeper: Doorkeeper, key: str) -> bool:
    try:
        keeper.admit(key)
    except TooMany:
        return False
    return True


def let_pass(shop: Shop, seconds: int) -> None:
    """Let so many seconds pass for every key."""
    statement = "update stockroom.api_allowances set at = at - make_interval(secs => :seconds) returning 1"
    shop.sql(statement, seconds=seconds)


@pytest.fixture
def clock() -> list[float]:
    return [0.0]


@pytest.fixture
def keepers(shop: Shop, clock: list[float]) -> list[Doorkeeper]:
    """The doors of two processes."""
    return [Doorkeeper(lambda: shop.engine, clock=lambda: clock[0]) for _ in range(2)]


def test_a_keys_limit_counts_over_all_processes(shop: Shop, keepers: list[Doorkeeper], clock: list[float]) -> None:
    key = new_key(shop, 3)
    assert [admitted(keeper, key) for keeper in islice(cycle(keepers), 5)] == [True] * 3 + [False] * 2
    clock[0] += 20
    let_pass(shop, 20)
    assert [admitted(keeper, key) for keeper in keepers] == [True, False]


def test_many_threads_of_two_processes_get_together_what_the_key_allows(shop: Shop, keepers: list[Doorkeeper]) -> None:
    key = new_key(shop, 200)
    with ThreadPoolExecutor(8) as threads:
        got = list(threads.map(lambda keeper: admitted(keeper, key), islice(cycle(keepers), 400)))
    # Each of the eight threads may get a block of ten when no request is left to use the rest of it.
    # The bucket fills up by three requests a second.
    assert 200 - 8 * 9 <= sum(got) <= 230


def test_an_everyday_request_does_not_write(shop: Shop, keepers: list[Doorkeeper]) -> None:
    key = new_key(shop, 600)
    keepers[0].admit(key)
    before = shop.sql("select xmin::text from stockroom.api_allowances order by at desc limit 1")
    assert all(keepers[0].admit_known(key) for _ in range(29))
    assert shop.sql("select xmin::text from stockroom.api_allowances order by at desc limit 1") == before
    assert keepers[0].admit_known(key) is None, "a block is three seconds' worth"


def test_a_revoked_key_is_refused_by_every_process_two_seconds_later(
    shop: Shop, keepers: list[Doorkeeper], clock: list[float]
) -> None:
    key = new_key(shop, 600)
    callers = [keeper.admit(key) for keeper in keepers]
    shop.run(api_keys.revoke, "Ada", key_id=callers[0].key_id)
    clock[0] += 2
    for keeper in keepers:
        with pytest.raises(NoKey):
            keeper.admit(key)


def test_a_process_counts_alone_while_the_database_is_away(shop: Shop, clock: list[float]) -> None:
    away = create_engine("postgresql://stockroom_app@/stockroom?host=/nowhere", pool_size=1)
    engine = [shop.engine]
    keeper = Doorkeeper(lambda: engine[0], clock=lambda: clock[0])
    key = new_key(shop, 3)
    keeper.admit(key)
    engine[0] = away
    assert [admitted(keeper, key) for _ in range(4)] == [True] * 3 + [False]
    clock[0] += 20
    assert admitted(keeper, key)
