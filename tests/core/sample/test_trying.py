"""The things to try in the sample shop do the real thing, and say what has come of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from core.foundation.errors import Forbidden, InvalidInput
from core.foundation.settings import load_settings
from core.inbox import applying, polling
from core.jobs import killed, worker
from core.sample import trying
from core.sample.trying import Trial, Tried
from core.sandbox import connection
from core.stripe.gateway import Gateway
from tests.stripe.shop import open_cases, orders_of, sold
from tests.support.builders import Shop, key
from tests.support.working import queue, until, waiting, working

NO_KEY = load_settings({})


@pytest.fixture
def sample(fresh_shop: Shop) -> Shop:
    """A sample shop with one variant of which two units are left, live and without a door for webhooks."""
    return as_sample(fresh_shop)


def as_sample(shop: Shop) -> Shop:
    shop.variant(2, sku="TEE-M", product="Canvas tee", price=20)
    shop.sql("update stockroom.shop set is_sample = true, currency = 'EUR'")
    polling.poll(shop.engine, gateway(shop))
    shop.sql("update stockroom.stripe_link set live_since = now() - interval '1 hour'")
    return shop


def gateway(shop: Shop) -> Gateway:
    found = connection.find(NO_KEY, shop.engine)
    assert found is not None
    return found


def attempt(shop: Shop, what: Trial, who: str = "Sam", **more: Any) -> int | None:
    values = {"what": what, "key": key()} | more
    return trying.start(shop.engine, shop.person(who), NO_KEY, **values)


def outcome(shop: Shop, what: Trial, who: str = "Wanda") -> Tried:
    found: Tried = shop.run(trying.last, who)[what]
    return found


def catch_up(shop: Shop) -> None:
    polling.poll(shop.engine, gateway(shop))
    applying.apply_due(shop.engine, gateway(shop))


def test_the_poll_finds_the_payment_whose_webhook_was_lost(sample: Shop) -> None:
    attempt(sample, Trial.LOST_WEBHOOK)
    before = outcome(sample, Trial.LOST_WEBHOOK)
    assert (before.who, before.is_over, before.received_at) == ("Sam", False, None)
    catch_up(sample)
    after = outcome(sample, Trial.LOST_WEBHOOK)
    assert (after.is_over, after.source) == (True, "poll")
    assert after.received_at
    assert after.received_at > after.begun_at
    assert orders_of(sample) == sold(sample) == 1


def test_more_than_is_on_hand_and_a_cart_that_nobody_can_read_open_their_cases(sample: Shop) -> None:
    attempt(sample, Trial.OVERSELL)
    attempt(sample, Trial.UNREAD_CART, "Mia")
    catch_up(sample)
    assert {case.partition(":")[0] for case in open_cases(sample)} == {"insufficient_stock", "unreadable_cart"}
    for what, kind in ((Trial.OVERSELL, "insufficient_stock"), (Trial.UNREAD_CART, "unreadable_cart")):
        found = outcome(sample, what)
        assert found.is_over
        assert sample.sql("select kind from stockroom.alerts where id = :id", id=found.alert_id) == kind


def test_of_two_buyers_for_the_last_units_one_gets_them_and_the_other_is_refused(sample: Shop) -> None:
    attempt(sample, Trial.LAST_ONE)
    catch_up(sample)
    found = outcome(sample, Trial.LAST_ONE)
    assert {found.facts["winner"], found.facts["loser"]} == {"Anna", "Ben"}
    assert found.is_over
    assert found.facts["said"] == "Not enough stock."
    assert (orders_of(sample), sold(sample), open_cases(sample)) == (1, 2, [])


def test_two_people_at_once_and_a_click_that_arrives_twice(sample: Shop) -> None:
    again = key()
    clicks = [("Sam", key()), ("Mia", key()), ("Ada", again), ("Ada", again)]
    with ThreadPoolExecutor(4) as threads:
        ids = list(threads.map(lambda each: attempt(sample, Trial.LOST_WEBHOOK, each[0], key=each[1]), clicks))
    assert len({each for each in ids if each}) == 3
    assert ids.count(None) == 1
    assert sample.sql("select count(*) from stockroom.sandbox_objects where kind = 'payment_intent'") == 3


def test_nobody_tries_in_a_real_shop_or_with_a_key_or_without_the_role(sample: Shop) -> None:
    with pytest.raises(Forbidden):
        attempt(sample, Trial.OVERSELL, "Wanda")
    with pytest.raises(Forbidden):
        attempt(sample, Trial.KILLED_WORKER, "Mia")
    with_key = load_settings({"STRIPE_SECRET_KEY": "rk_test_51TheKeyOfTheShop0123456789"})
    with pytest.raises(InvalidInput, match="closed while a key"):
        trying.start(sample.engine, sample.person("Ada"), with_key, what=Trial.OVERSELL, key=key())
    sample.sql("update stockroom.shop set is_sample = false")
    with pytest.raises(InvalidInput, match="not the sample shop"):
        attempt(sample, Trial.OVERSELL, "Ada")
    assert sample.sql("select count(*) from stockroom.sandbox_tries") == 0


@pytest.mark.slow
def test_a_worker_that_is_killed_in_the_middle_of_its_job_leaves_it_to_the_next(
    sample: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "BEAT_SECONDS", 0.2)
    monkeypatch.setattr(worker, "SILENCE_SECONDS", 3.0)
    monkeypatch.setattr(worker, "RESCUE_SECONDS", 0.5)
    try_id = attempt(sample, Trial.KILLED_WORKER, "Ada")
    assert try_id
    with pytest.raises(InvalidInput, match="being killed already"):
        attempt(sample, Trial.KILLED_WORKER, "Ada")
    with working(sample.engine, connection.finder(NO_KEY, lambda: sample.engine)):
        killed.start(sample.engine, try_id)
        until(lambda: "killed_at" in outcome(sample, Trial.KILLED_WORKER).facts)
        assert waiting(sample) > 0 == orders_of(sample)
        assert ("apply_inbox", "doing") in queue(sample)
        until(lambda: outcome(sample, Trial.KILLED_WORKER).again_at)
        sample.sql("update stockroom.stripe_events set due_at = now()")  # its claim expires after two minutes
        worker.wake(sample.engine)
        until(lambda: outcome(sample, Trial.KILLED_WORKER).is_over)
    assert orders_of(sample) == sold(sample) == 1
    assert sample.sql("select count(*) from stockroom.job_runs where outcome = 'lost'") == 1
