"""In the sample shop, what is done at Stripe in a real shop is done in the sandbox: a refund, the bank's decision."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core.foundation.errors import Forbidden, InvalidInput
from core.foundation.settings import load_settings
from core.inbox import applying, polling
from core.sandbox import connection, deciding, play
from tests.dashboard.tabs import Tabs, labels, press, run, tabs, words_of
from tests.support.builders import Shop

__all__ = ["tabs"]

CASEY = {"email": "casey@shop.example", "name": "Casey Buyer", "shipping": None}


@pytest.fixture
def paid(embedded_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> str:
    """A sample shop in which Casey paid twice for a tee and disputes the first payment; returns that payment."""
    monkeypatch.delenv("STRIPE_SECRET_KEY", raising=False)
    embedded_shop.variant(9, sku="TEE-M", price=10)
    embedded_shop.sql("update stockroom.shop set is_sample = true")
    catch_up(embedded_shop)
    embedded_shop.sql("update stockroom.stripe_link set live_since = now() - interval '1 hour'")
    account = play.open_account(embedded_shop.engine)
    first, _ = (account.pay(1000, "usd", {"cart": "TEE-M:1"}, CASEY) for _ in range(2))
    account.dispute(first["latest_charge"])
    catch_up(embedded_shop)
    return str(first["id"])


def catch_up(shop: Shop) -> None:
    gateway = connection.find(load_settings({}), shop.engine)
    assert gateway
    polling.poll(shop.engine, gateway)
    applying.apply_due(shop.engine, gateway)


def case(shop: Shop, kind: str) -> str:
    return str(shop.sql("select id from stockroom.alerts where kind = :kind", kind=kind))


def refund_the_second(tab: AppTest) -> AppTest:
    _, second = (button for button in tab.button if button.label == "Refund in the sandbox")
    second.click()
    return run(tab)


def test_a_double_payment_is_refunded_and_a_dispute_decided_on_the_page(tabs: Tabs, paid: str) -> None:
    shop = tabs.shop
    early, double = (tabs.open("Sam", "alerts", alert=case(shop, "double_payment")) for _ in range(2))
    assert double.get("link_button") == []
    assert "The refund is on its way." in words_of(refund_the_second(double))
    assert "was not changed in the sandbox" in words_of(refund_the_second(early))
    bank = tabs.open("Sam", "alerts", alert=case(shop, "dispute"))
    assert "The bank decided for the shop." in words_of(press(bank, "Decide for the shop"))
    catch_up(shop)
    states = shop.rows("select kind, state from stockroom.alerts where kind in ('double_payment', 'dispute')")
    assert {(row.kind, row.state) for row in states} == {("double_payment", "resolved"), ("dispute", "resolved")}


def test_the_warehouse_and_a_real_shop_decide_nothing_in_the_sandbox(tabs: Tabs, paid: str) -> None:
    shop = tabs.shop
    assert "Refund in the sandbox" not in labels(tabs.open("Wanda", "alerts", alert=case(shop, "double_payment")))
    with pytest.raises(Forbidden):
        deciding.refund(shop.engine, shop.person("Wanda"), payment_id=paid)
    shop.sql("update stockroom.shop set is_sample = false")
    with pytest.raises(InvalidInput, match="not the sample shop"):
        deciding.close_dispute(shop.engine, shop.person("Sam"), payment_id=paid, won=True)
    assert len(tabs.open("Sam", "alerts", alert=case(shop, "double_payment")).get("link_button")) == 2
