"""Bulk edit: a large file is read and posted with a bar and Cancel, and holds that a count gives up are named."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.foundation.model import COMMAND_LINE
from core.ledger import changes as ledger
from core.ledger import holds
from core.ledger.holds import Wanted
from dashboard.sheets import work
from tests.dashboard.tabs import Tabs, field, labels, press, run, tabs, until, words_of
from tests.support.builders import Shop, key

__all__ = ["tabs"]

POST = "Post 2\N{NO-BREAK SPACE}rows"


def uploaded(tabs: Tabs, text: str) -> AppTest:
    tab = tabs.open("Wanda", "stock", bulk="1")
    tab.file_uploader(key="bulk_file").set_value(("shelf.csv", text.encode(), "text/csv"))
    return run(tab)


def test_cancel_of_a_large_file_undoes_what_was_posted_and_it_can_be_posted_after_that(
    tabs: Tabs, embedded_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "LARGE", 1)
    shop, posted, set_level = embedded_shop, threading.Event(), ledger.set_level
    shoe, sock = shop.variant(5, sku="SHOE"), shop.variant(4, sku="SOCK")

    def slow(connection: Any, actor: Any, **values: Any) -> Any:
        found = set_level(connection, actor, **values)
        posted.set()
        connection.exec_driver_sql("select pg_sleep(60)")
        return found

    tab = until(uploaded(tabs, "sku,set_to\nSHOE,1\nSOCK,3\n"), "2 variants will change")
    with monkeypatch.context() as patch:
        patch.setattr(ledger, "set_level", slow)
        field(tab, "text_input", "Note").set_value("Before the sale")
        press(tab, POST)
        assert posted.wait(30)
        assert "Cancel" in labels(run(tab))
        press(tab, "Cancel")
        until(tab, "Cancelled. Nothing was changed.")
    assert (shop.on_hand(shoe), shop.on_hand(sock)) == (5, 4)
    assert field(tab, "text_input", "Note").value == "Before the sale"
    shop.adjust(sock, 1)
    press(tab, POST)
    until(tab, "SOCK was at 4 when you opened the form and is at 5 now")
    until(tab, "2 variants will change")
    press(tab, POST)
    until(tab, "2 variants changed, \N{MINUS SIGN}6 units in total")
    assert (shop.on_hand(shoe), shop.on_hand(sock)) == (1, 3)
    assert POST not in labels(tab)


def test_a_bulk_count_below_what_is_held_names_the_holds_that_were_given_up(tabs: Tabs, embedded_shop: Shop) -> None:
    shoe, sock = embedded_shop.variant(5, sku="HELD"), embedded_shop.variant(4, sku="SOCK")
    wanted = [Wanted(variant_id=shoe, quantity=3)]
    embedded_shop.run(holds.hold, COMMAND_LINE, items=wanted, key=key(), reference="cart-9")
    tab = uploaded(tabs, "sku,set_to\nHELD,1\nSOCK,4\n")
    assert "Checkouts hold more units than the new level of HELD (3 held)." in words_of(tab)
    press(tab, POST)
    said = words_of(tab)
    assert "2 variants changed, \N{MINUS SIGN}4 units in total. 1 hold given up: cart-9 (HELD, 3 units)" in said
    assert (embedded_shop.on_hand(shoe), embedded_shop.on_hand(sock)) == (1, 4)
