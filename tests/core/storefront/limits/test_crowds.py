"""One slow thing slows nothing else: buyers of a locked variant wait their turn, and all others find free places."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from core.foundation.errors import Busy, Unavailable
from core.foundation.places import Places
from core.storefront.crowds import Crowds
from tests.core.storefront.test_api import Client, is_problem
from tests.support.asking import on_the_loop
from tests.support.builders import Shop
from tests.support.proof import assert_holds

BUYERS = 60


@pytest.fixture(scope="module")
def client(shop: Shop) -> Client:
    return Client(shop)


@pytest.fixture
def locked(shop: Shop) -> Iterator[UUID]:
    """A variant whose row somebody has locked."""
    variant = shop.variant(50)
    with shop.owner.connect() as somebody, somebody.begin():
        somebody.execute(text("select from public.product_variants where id = :id for update"), {"id": variant})
        yield variant


def waiting(shop: Shop) -> int:
    """Return how many statements of this database wait for a lock."""
    statement = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    with shop.owner.connect() as connection:
        return int(connection.execute(text(statement)).scalar_one())


def test_sixty_buyers_of_a_locked_variant_hold_two_places_and_are_asked_to_come_back(
    shop: Shop, client: Client, locked: UUID
) -> None:
    other = shop.variant(500)
    with ThreadPoolExecutor(BUYERS) as crowd:
        asked = [crowd.submit(client.hold, {"variantId": str(locked), "quantity": 1}) for _ in range(BUYERS)]
        most, held = 0, list[httpx.Response]()
        while not all(each.done() for each in asked):
            most = max(most, waiting(shop))
            held.append(client.hold({"variantId": str(other), "quantity": 1}))
        answers = [each.result() for each in asked]
    assert most == 2
    assert {answer.status_code for answer in held} == {201}
    for answer in answers:
        told = is_problem(answer, 503)
        assert (told["title"], answer.headers["retry-after"]) == ("Unavailable", "5")
        assert told["detail"] == Busy().message
    assert_holds(shop, other)


def test_a_buyer_who_names_the_locked_variant_by_its_sku_or_its_hold_waits_in_the_same_crowd() -> None:
    async def crowd() -> list[str]:
        crowds, variant, said = Crowds(patience=0.05), uuid4(), list[str]()
        crowds.know("TEE-M", [variant])
        crowds.know("the hold", [variant])
        async with crowds.passing([variant]), crowds.passing(["TEE-M"]):
            for name in (variant, "TEE-M", "the hold"):
                with pytest.raises(Busy):
                    async with crowds.passing([name]):
                        said.append("passed")
            async with crowds.passing([uuid4()]):
                said.append("another variant")
        async with crowds.passing(["the hold"]):
            said.append("later")
        return said

    assert on_the_loop(crowd()) == ["another variant", "later"]


def test_the_places_of_a_cart_go_to_the_next_buyer_however_the_first_one_ends() -> None:
    async def crowd() -> int:
        crowds, served = Crowds(most=1), 0

        async def buy(names: list[str], ends: bool) -> None:
            nonlocal served
            async with crowds.passing(names):
                await asyncio.sleep(0)
                served += 1
                if ends:
                    raise KeyError("the request failed")

        carts = [["A", "B"], ["B", "A"], ["A"], ["B", "C"], ["C", "A"]] * 10
        buyers = [asyncio.create_task(buy(names, number % 3 == 0)) for number, names in enumerate(carts)]
        buyers[4].cancel()
        await asyncio.gather(*buyers, return_exceptions=True)
        assert not crowds._crowds
        return served

    assert on_the_loop(crowd()) == 49


def test_one_locked_row_refuses_all_who_wait_for_it_at_once() -> None:
    async def crowd() -> list[str]:
        crowds, said = Crowds(most=1, patience=60), list[str]()

        async def buy(locked: bool) -> None:
            try:
                async with crowds.passing(["A"]):
                    await asyncio.sleep(0)
                    if locked:
                        raise Busy
            except Busy:
                said.append("busy")

        await asyncio.gather(buy(True), buy(False), buy(False))
        return said

    assert on_the_loop(crowd()) == ["busy"] * 3


def test_work_of_one_kind_is_refused_when_its_threads_stay_taken_and_runs_when_they_are_free() -> None:
    async def work() -> list[object]:
        places, go_on = Places(1, 0.05), asyncio.Event()
        loop = asyncio.get_running_loop()
        slow = asyncio.create_task(places.run(lambda: asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result()))
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await places.run(str, "refused")
        go_on.set()
        return [await slow, await places.run(str, "done")]

    assert on_the_loop(work()) == [True, "done"]
