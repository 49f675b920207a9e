"""The Stripe guard in the sample shop: its job works on the sandbox, with a key of its own and no key of Stripe."""

from __future__ import annotations

import threading

import pytest

from core.foundation.errors import InvalidInput, StripeRefused
from core.foundation.settings import load_settings
from core.jobs import chores
from core.sandbox import connection, play
from core.storefront.guard import setting
from core.storefront.guard.setting import Mode
from tests.support.builders import Shop


@pytest.fixture
def sample(embedded_shop: Shop) -> Shop:
    embedded_shop.sql("update stockroom.shop set is_sample = true")
    return embedded_shop


def work(shop: Shop) -> list[str]:
    said: list[str] = []
    gateway = connection.find(load_settings(), shop.engine)
    chores.guard_stripe(shop.engine, gateway, said.append, threading.Event())
    return said


def test_the_job_closes_and_opens_links_and_sessions_at_the_sandbox(sample: Shop) -> None:
    shoe = sample.variant(2, sku="SHOE")
    account = play.open_account(sample.engine)
    link = account.link([("SHOE", 2500, 1)], adjustable=(1, 5))
    session = account.visit(link["id"])
    assert sample.run(setting.has_key, "Ada", settings=load_settings())
    sample.run(setting.set_to, "Ada", mode=Mode.ON, has_key=True)
    assert work(sample) == []
    sample.adjust(shoe, -2)
    assert work(sample) == ["Deactivated 1 Payment Link, activated 0, and expired 1 Checkout Session."]
    assert account.get("payment_link", link["id"])["active"] is False
    assert account.get("checkout.session", session["id"])["status"] == "expired"
    sample.adjust(shoe, 1)
    assert work(sample) == ["Deactivated 0 Payment Links, activated 1, and expired 0 Checkout Sessions."]
    assert account.get("payment_link", link["id"])["active"] is True


def test_the_everyday_key_stays_read_only_and_a_real_shop_needs_a_key_for_the_guard(sample: Shop) -> None:
    sample.variant(2, sku="SHOE")
    link = play.open_account(sample.engine).link([("SHOE", 2500, 1)])
    everyday = connection.find(load_settings(), sample.engine)
    assert everyday is not None
    assert [found["id"] for found in everyday.links()] == [link["id"]]
    with pytest.raises(StripeRefused, match="STRIPE_SECRET_KEY may not write Payment Links"):
        everyday.switch_link(link["id"], key="k", active=False, metadata={})
    sample.sql("update stockroom.shop set is_sample = false")
    assert connection.guard(load_settings(), sample.engine) is None
    with pytest.raises(InvalidInput):
        sample.run(
            setting.set_to, "Ada", mode=Mode.ON, has_key=sample.run(setting.has_key, "Ada", settings=load_settings())
        )
    own = load_settings({"STOCKROOM_STRIPE_GUARD_KEY": "rk_test_51TheGuards"})
    assert connection.guard(own, sample.engine) is not None
    assert sample.run(setting.has_key, "Ada", settings=own)
