"""Which transactions wait for which, how long, and what is retried: a deadlock is, a busy variant is not."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, text

from core.database import engine as database
from core.foundation.errors import InsufficientStock, Unavailable
from core.foundation.model import COMMAND_LINE, Actor, Line
from core.ledger import changes as ledger
from core.ledger import holds
from core.ledger.holds import Wanted
from tests.races.crowd import at_once, holding
from tests.support.builders import Shop, key
from tests.support.proof import assert_holds

LOCK = "select 1 from public.product_variants where id = :id for update"


def test_a_locked_variant_is_waited_for_and_then_adjusted(shop: Shop) -> None:
    variant = shop.variant(10)
    with holding(shop.owner, LOCK, id=variant) as holder:
        letting_go = threading.Timer(0.4, holder.rollback)
        letting_go.start()
        started = time.monotonic()
        shop.adjust(variant, -1)
        assert time.monotonic() - started > 0.3
        letting_go.join()
    assert shop.on_hand(variant) == 9


def test_a_variant_that_stays_locked_is_refused_after_three_seconds_with_a_sentence(shop: Shop) -> None:
    variant, order, tries = shop.variant(10), key(), []

    def adjust(connection: Connection, actor: Actor) -> Any:
        tries.append(1)
        line = Line(variant_id=variant, quantity=-1)
        return ledger.adjust(connection, actor, lines=[line], reason="sample", key=order)

    with holding(shop.owner, LOCK, id=variant):
        started = time.monotonic()
        with pytest.raises(Unavailable) as busy:
            shop.run(adjust)
        waited = time.monotonic() - started
    assert busy.value.message.startswith("Somebody else is changing the same stock. Nothing was changed.")
    assert len(tries) == 1
    assert 2.5 < waited < 15
    assert shop.run(adjust).replayed is False
    assert shop.on_hand(variant) == 9


def test_other_variants_do_not_wait(shop: Shop) -> None:
    held, free = shop.variant(10), shop.variant(10)
    with holding(shop.owner, LOCK, id=held):
        started = time.monotonic()
        shop.adjust(free, -1)
        assert time.monotonic() - started < 2.5


def test_readers_do_not_wait_for_writers(shop: Shop) -> None:
    variant = shop.variant(10)
    with holding(shop.owner, "select public.update_variant_stock(:id, -1)", id=variant):
        started = time.monotonic()
        with shop.engine.connect() as reader:
            level = text("select on_hand from stockroom_api.levels where variant_id = :id")
            assert reader.execute(level, {"id": variant}).scalar_one() == 10
        assert time.monotonic() - started < 2.5


class Circle:
    """Two transactions that lock two variants in opposite order: the deadlock that our own functions never make.

    The loser waits for the winner before it tries again: until the winner wakes up, the lock that it gave back is free,
    and on a busy machine it could take that a second time and lose again.
    """

    def __init__(self, first: UUID, second: UUID) -> None:
        self.order = [first, second]
        self.tries = {"one": 0, "two": 0}
        self.met = threading.Barrier(2)
        self.won = threading.Event()

    def walk(self, connection: Connection, _actor: Actor, *, name: str) -> int:
        """Lock both, in this walker's order; the first time wait in the middle for the other."""
        self.tries[name] += 1
        first, second = self.order if name == "one" else self.order[::-1]
        if self.tries[name] > 1:
            self.won.wait(timeout=10)
        connection.execute(text(LOCK), {"id": first})
        if self.tries[name] == 1:
            self.met.wait(timeout=10)
        connection.execute(text(LOCK), {"id": second})
        self.won.set()
        return self.tries[name]


def test_the_loser_of_a_deadlock_retries_unnoticed(shop: Shop) -> None:
    circle = Circle(shop.variant(1), shop.variant(1))
    walkers = [lambda n=name: database.run(shop.owner, circle.walk, COMMAND_LINE, name=n) for name in ("one", "two")]
    assert sorted(at_once(*walkers)) == [1, 2]
    assert sorted(circle.tries.values()) == [1, 2]


def test_what_a_deadlock_threw_away_is_done_once_when_tried_again(shop: Shop) -> None:
    circle, variant = Circle(shop.variant(1), shop.variant(1)), shop.variant(0)

    def post_and_walk(connection: Connection, actor: Actor, *, name: str, order: str) -> None:
        ledger.receive(connection, actor, lines=[Line(variant_id=shelf[name], quantity=3)], key=order)
        circle.walk(connection, actor, name=name)

    shelf = {"one": variant, "two": shop.variant(0)}
    walkers = [
        lambda n=name: database.run(shop.owner, post_and_walk, COMMAND_LINE, name=n, order=key())
        for name in ("one", "two")
    ]
    at_once(*walkers)
    assert sum(circle.tries.values()) == 3
    assert [shop.on_hand(v) for v in shelf.values()] == [3, 3]
    for each in shelf.values():
        assert_holds(shop, each)


def test_a_repeated_deadlock_is_reported_after_five_tries(shop: Shop) -> None:
    tries = []

    def unlucky(connection: Connection, _actor: Actor) -> None:
        tries.append(1)
        connection.execute(text("do $$ begin raise exception 'deadlock detected' using errcode = '40P01'; end $$"))

    with pytest.raises(Exception, match="deadlock detected"):
        database.run(shop.owner, unlucky, COMMAND_LINE)
    assert len(tries) == 5


@pytest.mark.parametrize("state", ["40001", "40P01"])
def test_what_may_pass_the_next_time_is_tried_again(shop: Shop, state: str) -> None:
    tries = []

    def shaky(connection: Connection, _actor: Actor) -> str:
        tries.append(1)
        if len(tries) < 3:
            connection.execute(text(f"do $$ begin raise exception 'not now' using errcode = '{state}'; end $$"))
        return "done"

    assert database.run(shop.owner, shaky, COMMAND_LINE) == "done"
    assert len(tries) == 3


def test_a_refusal_is_not_tried_again(shop: Shop) -> None:
    variant, tries = shop.variant(1), []

    def take(connection: Connection, actor: Actor) -> Any:
        tries.append(1)
        line = Line(variant_id=variant, quantity=-2)
        return ledger.adjust(connection, actor, lines=[line], reason="sample", key=key())

    with pytest.raises(InsufficientStock):
        shop.run(take)
    assert len(tries) == 1


@pytest.mark.parametrize("own", [False, True])
def test_an_order_locks_nothing_before_the_lower_variants_of_a_hold_that_it_ends(shop: Shop, own: bool) -> None:
    lower, higher = sorted(shop.variant(10) for _ in range(2))
    order, other = uuid4(), key()
    items = [Wanted(variant_id=each, quantity=1) for each in (lower, higher)]
    shop.run(holds.hold, COMMAND_LINE, items=items, reference=str(order) if own else other, key=key())
    if not own:
        shop.sql(
            "update stockroom.reservations set expires_at = clock_timestamp() where reference = :other", other=other
        )
    sale = "select public.update_variant_stock(:id, -1)"
    take = "select public.process_order_stock_changes(:order, cast(:items as jsonb))"
    line = json.dumps([{"variant_id": str(higher), "quantity": 1}])
    with holding(shop.owner, sale, id=lower) as seller, ThreadPoolExecutor(1) as threads:
        taken = threads.submit(shop.sql, take, order=order, items=line)
        time.sleep(0.4)
        seller.execute(text(sale), {"id": higher})
        seller.commit()
        assert taken.result(timeout=20)["success"] is True
    assert (shop.on_hand(lower), shop.on_hand(higher)) == (9, 8)
    for variant in (lower, higher):
        assert_holds(shop, variant)
