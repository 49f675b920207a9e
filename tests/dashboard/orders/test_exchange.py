"""Exchanges on the page of an order, and the list of buyers who wait for goods."""

from __future__ import annotations

from uuid import UUID

from core.foundation.model import Line
from core.ledger.changes import receive
from dashboard.frame import forms
from tests.dashboard.orders.test_orders import open_order, selling
from tests.dashboard.tabs import Tabs, field, press, run, tabs, words_of
from tests.support.builders import Shop, key
from tests.support.selling import Sale, sell

__all__ = ["selling", "tabs"]


def boot(shop: Shop) -> UUID:
    return UUID(str(shop.sql("select id from product_variants where sku = 'B-1'")))


def test_support_exchanges_a_size_and_takes_it_back_with_one_undo(tabs: Tabs, selling: dict[str, Sale]) -> None:
    shop = tabs.shop
    other = shop.variant(on_hand=2, sku="A-2", product="Runner", size="43")
    shop.sql("""update product_variants set product_id = (select product_id from product_variants where sku = 'A-1')
                 where sku = 'A-2'""")  # fmt: skip
    tab = open_order(tabs, "Sam", selling["whole"])
    tab.session_state["ord_exchange"] = True
    assert "A-2" in field(run(tab), "selectbox", "What goes out").value.sku
    press(tab, "Exchange")
    assert "Exchanged. A-1: 7 → 8, A-2: 2 → 1" in words_of(tab)
    assert "1 unit sent in an exchange" in words_of(tab)
    next(button for button in tab.button if button.label == "Undo").click()
    run(tab)
    assert shop.on_hand(other) == 2


def test_goods_that_arrived_are_sent_with_one_click_and_once(tabs: Tabs, selling: dict[str, Sale]) -> None:
    waits = tabs.open("Mia", "orders", ord_view="Waiting for goods")
    assert "Not here yet" in words_of(waits)
    tabs.shop.run(receive, "Wanda", lines=[Line(variant_id=boot(tabs.shop), quantity=2)], key=key())
    earlier = tabs.open("Mia", "orders", ord_view="Waiting for goods")
    now = tabs.open("Mia", "orders", ord_view="Waiting for goods")
    tabs.monkeypatch.setattr("dashboard.door.session.presented_token", lambda: tabs.token("Mia"))
    press(now, "Send now")
    assert "Off the shelf, ready to send. B-1: 3 → 0" in words_of(now)
    press(earlier, "Send now")
    assert "Nothing was sent" in words_of(earlier)
    assert tabs.shop.on_hand(boot(tabs.shop)) == 0
    press(now, "Undo")
    assert tabs.shop.on_hand(boot(tabs.shop)) == 3


def test_a_second_click_does_not_send_the_order_that_moved_under_the_pointer(tabs: Tabs) -> None:
    shop = tabs.shop
    shoe = shop.variant(on_hand=0, sku="TRAIL-42")
    sales = [Sale(lines=[("TRAIL-42", 1)]) for _ in range(3)]
    sell(shop, *sales)
    shop.sql("update stockroom.order_lines set state = 'resolved', cause = null, oversold = 1, awaited_at = now()")
    shop.run(receive, "Wanda", lines=[Line(variant_id=shoe, quantity=3)], key=key())
    tab = tabs.open("Mia", "orders", ord_view="Waiting for goods")
    sends = [button for button in tab.button if button.label == "Send now"]
    assert len(sends) == 3
    sends[0].click()
    run(tab)
    next(button for button in tab.button if button.label == "Send now").click()
    assert "ready to send. TRAIL-42: 3" in words_of(run(tab)), "the message about the first, with its undo"
    assert shop.on_hand(shoe) == 2
    tabs.monkeypatch.setattr(forms, "DOUBLE_CLICK", 0)
    next(button for button in tab.button if button.label == "Send now").click()
    run(tab)
    assert shop.on_hand(shoe) == 1
