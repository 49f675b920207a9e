"""The sandbox's account in the database behaves as the one in memory, and its processes lose nothing of each other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from core.database import engine as database
from core.foundation.errors import InvalidInput, Unavailable
from core.foundation.settings import load_settings
from core.inbox import applying, polling
from core.sandbox import connection, play
from core.sandbox.account import StripeAccount
from core.sandbox.answers import Desk
from core.sandbox.books import Denied
from core.sandbox.requests import Asked
from core.sandbox.store import Memory
from tests.conftest import open_fresh
from tests.stripe.shop import sold
from tests.support.builders import Shop
from tests.support.servers import Server

NOW = 1_700_000_000
NO_KEY, KEY = load_settings({}), load_settings({"STRIPE_SECRET_KEY": "rk_test_51TheKeyOfTheShop0123456789"})
PATHS = (
    "events", "events?limit=3", "events?type=charge.*", "payment_intents?limit=2", "charges", "refunds", "disputes",
    "checkout/sessions", "payment_intents?created[gte]=1700000010", "charges?created[lt]=1700000010",
    "payment_intents?expand[0]=data.latest_charge", "products?limit=1", "payment_links", "payment_links?active=true",
    "checkout/sessions?status=open",
)  # fmt: skip


@pytest.fixture(scope="module")
def sample(server: Server) -> Iterator[Shop]:
    """A shop that is marked as the sample, with one variant."""
    for shop in open_fresh(server):
        shop.variant(1_000, sku="TEE-M")
        shop.sql("update stockroom.shop set is_sample = true")
        yield shop


def a_day(account: StripeAccount) -> None:
    """Let everything happen that an account can do, also what Stripe refuses."""
    first = account.pay(5000, metadata={"cart": '[{"sku": "TEE-M", "quantity": 2}]'})
    account.advance(10)
    second = account.authorise(account.open_payment(3000)["id"])
    account.capture(second["id"], 2000)
    account.cancel(account.open_payment()["id"])
    session = account.checkout([(f"SKU-{n}", 100, n) for n in range(1, 13)])
    account.complete(session["id"], delayed=True)
    account.settle(session["id"])
    account.refund(payment_intent=first["id"], amount=1500)
    account.fail_refund(account.refund(charge=first["latest_charge"])["id"])
    account.close_dispute(account.dispute(first["latest_charge"])["id"], won=True)
    with pytest.raises(Denied):
        account.refund(charge=first["latest_charge"], amount=9999)
    account.expire(account.checkout()["id"])
    link, other = account.link([("TEE-M", 2500, 1), ("CAP", 900, 2)], adjustable=(0, 9)), account.link()
    account.switch(other["id"], active=False, metadata={"why": "summer"})
    account.visit(link["id"])
    with pytest.raises(Denied):
        account.visit(other["id"])
    account.charge(700)


def told(account: StripeAccount) -> list[Any]:
    """Return what the account answers to many questions, each page of each list, both ways."""
    desk, found = Desk(account, connection.KEY), []

    def ask(path: str) -> Any:
        head = {"Authorization": f"Bearer {connection.KEY}"}
        text, status, _ = desk.answer(Asked.read("get", f"/v1/{path}", head, None))
        found.append((path, status, text))
        return json.loads(text)

    for path in PATHS:
        page = ask(path)
        while page["data"] and page["has_more"]:
            sign = "&" if "?" in path else "?"
            page = ask(f"{path}{sign}starting_after={page['data'][-1]['id']}")
        if page["data"]:
            ask(f"{path}{'&' if '?' in path else '?'}ending_before={page['data'][-1]['id']}")
    for session in ask("checkout/sessions")["data"]:
        ask(f"checkout/sessions/{session['id']}/line_items?limit=5&expand[0]=data.price.product")
    return found


def test_the_account_in_the_database_answers_as_the_one_in_memory(fresh_shop: Shop) -> None:
    fresh_shop.sql("update stockroom.shop set is_sample = true")
    in_memory, stored = StripeAccount(store=Memory(), now=NOW), play.open_account(fresh_shop.engine, now=NOW)
    a_day(in_memory)
    a_day(stored)
    assert told(stored) == told(in_memory)
    a_day(in_memory)
    with stored.store.change():  # a whole day in one transaction
        a_day(stored)
    assert told(stored) == told(in_memory)


def at_once(shop: Shop, *works: Callable[[StripeAccount], Any]) -> list[Any]:
    """Let each work go on in a thread with connections of its own, as in processes of their own."""

    def go(work: Callable[[StripeAccount], Any]) -> Any:
        engine = database.create_engine(shop.app_url, pool_size=1)
        try:
            return work(play.open_account(engine))
        except Denied as denied:
            return denied
        finally:
            engine.dispose()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(go, works))


def test_processes_that_write_at_once_lose_no_object_and_give_no_id_twice(sample: Shop) -> None:
    before = sample.sql("select count(*) from stockroom.sandbox_objects")
    made = at_once(sample, *[lambda account: [account.pay()["id"] for _ in range(10)]] * 6)
    assert len({name for names in made for name in names}) == 60
    assert sample.sql("select count(*) from stockroom.sandbox_objects") == before + 60 * 5  # payment, charge, 3 events
    assert sample.sql("select count(*) - count(distinct number) from stockroom.sandbox_objects") == 0


def test_of_two_refunds_at_once_that_exceed_a_charge_one_is_refused(sample: Shop) -> None:
    charge = play.open_account(sample.engine).pay(1000)["latest_charge"]
    results = at_once(sample, *[lambda account: account.refund(charge=charge, amount=600)] * 2)
    assert sorted(type(each).__name__ for each in results) == ["Denied", "dict"]
    assert play.open_account(sample.engine).get("charge", charge)["amount_refunded"] == 600


def test_a_payment_asked_for_twice_at_once_with_one_key_is_made_once(sample: Shop) -> None:
    gateway = connection.find(NO_KEY, sample.engine)
    assert gateway is not None

    def begin(_: int) -> str:
        made = gateway.begin_payment(key="checkout-1", amount=900, currency="eur", metadata={"cart": "TEE-M:1"})
        return str(made["id"])

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(begin, range(4)))) == 1


def test_an_event_is_handed_to_the_webhook_once_and_a_lost_one_never(sample: Shop) -> None:
    account = play.open_account(sample.engine)
    list(account.deliveries())
    account.pay()
    play.open_account(sample.engine, lose_events=True).pay()
    taken = at_once(sample, *[lambda account: list(account.deliveries())] * 4)
    assert sorted(map(len, taken)) == [0, 0, 0, 3]


def test_the_sandbox_stands_in_for_stripe_while_the_shop_is_the_sample_and_has_no_key(sample: Shop) -> None:
    find, find_with_key = (connection.finder(each, lambda: sample.engine) for each in (NO_KEY, KEY))
    gateway, of_the_key = find(), find_with_key()
    assert gateway is not None
    assert find_with_key() is of_the_key is not None
    assert [connection.is_sandbox(each, sample.engine) for each in (NO_KEY, KEY)] == [True, False]
    assert connection.webhook_secrets(KEY, sample.engine) == ()
    (secret,) = connection.webhook_secrets(NO_KEY, sample.engine)
    assert secret.startswith("whsec_sandbox_")
    sample.sql("update stockroom.shop set is_sample = false")
    try:
        assert find() is None
        assert connection.webhook_secrets(NO_KEY, sample.engine) == ()
        with pytest.raises(Unavailable):
            gateway.newest_event()
        for forbidden in (lambda: play.open_account(sample.engine).pay(), lambda: play.deliver(sample.engine)):
            with pytest.raises(InvalidInput, match="not the sample shop"):
                forbidden()
    finally:
        sample.sql("update stockroom.shop set is_sample = true")
    assert find() is not None


def test_a_payment_in_the_sandbox_becomes_an_order_through_poll_and_worker(sample: Shop) -> None:
    gateway = connection.find(NO_KEY, sample.engine)
    assert gateway is not None
    polling.poll(sample.engine, gateway)
    sample.sql("update stockroom.stripe_link set live_since = now() - interval '1 hour'")
    play.open_account(sample.engine).pay(2000, "eur", {"cart": '[{"sku": "TEE-M", "quantity": 2}]'})
    assert polling.poll(sample.engine, gateway) > 0
    applying.apply_due(sample.engine, gateway)
    assert sold(sample) == 2
