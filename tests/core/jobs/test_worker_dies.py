"""The worker dies at each statement, in each way: its messages are given back, and nothing happens twice."""

from __future__ import annotations

import pytest

from core.foundation.errors import StockError
from core.inbox import applying, polling
from core.inbox import messages as inbox
from tests.stripe.shop import Stripe, open_cases, orders_of, sold
from tests.support.builders import Shop
from tests.support.crashing import Fate, Killed, doomed_engine

pytestmark = pytest.mark.slow

WAYS = [(after, is_killed) for after in (False, True) for is_killed in (False, True)]


def die_at_each_statement(stripe: Stripe, after: bool, is_killed: bool, polls: bool) -> int:
    """Pay, and let a new worker die at its n-th statement, for every n; return how many statements there are."""
    for n in range(100):
        stripe.pay("TEE-M")
        if not polls:
            stripe.webhook()
        fate = Fate(n, after=after, is_killed=is_killed)
        engine = doomed_engine(stripe.shop.app_url, fate)
        try:
            polling.poll(engine, stripe.gateway) if polls else applying.apply_due(engine, stripe.gateway)
        except (Killed, StockError):
            assert fate.struck
        finally:
            engine.dispose()
        if not fate.struck:
            return n
        stripe.shop.sql("update stockroom.stripe_events set due_at = now() where state = 'new'")
        stripe.poll()
        stripe.work()
        assert orders_of(stripe.shop) == sold(stripe.shop) == n + 1
    raise AssertionError("it never came to an end")


@pytest.mark.parametrize(("after", "is_killed"), WAYS)
def test_a_worker_killed_at_any_statement_loses_nothing_and_sells_nothing_twice(
    embedded_shop: Shop, after: bool, is_killed: bool
) -> None:
    embedded_shop.variant(100, sku="TEE-M")
    stripe = Stripe(embedded_shop)
    statements = die_at_each_statement(stripe, after, is_killed, polls=False)
    assert statements >= 8, "claim, link, known orders, apply, finish, and their commits"
    assert open_cases(embedded_shop) == []
    assert embedded_shop.run(inbox.state).waiting == 0


@pytest.mark.parametrize(("after", "is_killed"), WAYS)
def test_a_poll_killed_at_any_statement_reads_again_what_it_had_not_stored(
    embedded_shop: Shop, after: bool, is_killed: bool
) -> None:
    embedded_shop.variant(100, sku="TEE-M")
    assert die_at_each_statement(Stripe(embedded_shop), after, is_killed, polls=True) >= 4
