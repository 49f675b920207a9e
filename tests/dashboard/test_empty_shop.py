"""A shop with nothing in it: each page says in a sentence what it will show, and begins it or names who can."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.database import pool
from dashboard.frame import live
from tests.conftest import open_fresh
from tests.dashboard.tabs import Tabs, field, labels, press, tabs, words_of
from tests.support.builders import Shop
from tests.support.selling import Sale, sell
from tests.support.servers import Server

__all__ = ["tabs"]

ADDS = "A manager or an admin of your shop can add products."
CONNECTS = "An admin of your shop can connect Stripe."
PAGES = [
    # page and view, what it will show, the button that begins it, who begins it, what the others read
    ("overview", {}, "Overview shows what is in stock", "Add the first product", "Mia Ada", ADDS),
    ("stock", {}, "Stock lists every size of every product", "Add the first product", "Mia Ada", ADDS),
    ("movements", {}, "counts, sales and adjustments appear here", "Receive or count on the Stock page",
     "Wanda Mia Ada",
     "The warehouse, a manager or an admin of your shop can receive, count and adjust."),
    ("orders", {}, "Paid orders arrive from Stripe automatically", "Connect Stripe", "Ada", CONNECTS),
    ("orders", {"ord_view": "Refunds to decide"}, "Here people decide", "All orders", "Wanda Sam Mia Ada", ""),
    ("alerts", {}, "The lines of every paid order", "What to do about each kind", "Wanda Sam Mia Ada", ""),
    ("alerts", {"alr_list": "Levels"}, "Variants at or below", "What to do about each kind", "Wanda Sam Mia Ada", ""),
    ("reconciliation", {}, "Checks compare levels, history, payments", "Verify now", "Mia Ada",
     "A manager or an admin can run them now."),
    ("reconciliation", {"rec_view": "Payment to shelf"}, "Paid orders appear here by day", "Connect Stripe", "Ada",
     CONNECTS),
    ("catalog", {"imp_section": "Orders"}, "are imported here once it is", "Connect Stripe", "Ada", CONNECTS),
    ("settings", {"set_section": "Recent changes"}, "Changes of accounts and settings are listed here",
     "Add a person", "Ada", "Ask an admin of your shop for another role."),
    ("settings", {"set_section": "Codes"}, "Say there what it is, and it is listed here", "Open cases", "Sam Mia Ada",
     "Ask an admin of your shop for another role."),
]  # fmt: skip


@pytest.fixture(scope="module")
def nothing(embedded: Server) -> Iterator[Shop]:
    """A shop with nothing in it. Pages only read it."""
    yield from open_fresh(embedded)


@pytest.mark.parametrize(("page", "query", "sentence", "button", "who", "otherwise"), PAGES)
def test_each_page_says_what_it_will_show_and_who_begins_it(
    nothing: Shop, monkeypatch: pytest.MonkeyPatch, page: str, query: dict[str, str], sentence: str, button: str,
    who: str, otherwise: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(pool, "engine", lambda *_: nothing.engine)
    monkeypatch.setattr(live, "_answer", (0.0, 0))
    first, others = who.split()[0], [name for name in ("Mia", "Sam", "Wanda") if name not in who.split()]
    for name in (first, *others[:1]):
        tab = Tabs(shop=nothing, monkeypatch=monkeypatch).open(name, page, **query)
        begins, said = name == first, words_of(tab)
        if begins or page not in ("settings", "catalog"):
            assert sentence in said, (name, said)
        assert (button in labels(tab)) == begins, (name, labels(tab))
        assert begins or otherwise in said or "Your role cannot" in said, (name, said)


def test_the_buttons_open_what_they_name(tabs: Tabs) -> None:
    assert "New product" in words_of(press(tabs.open("Mia"), "Add the first product"))
    assert "Upload a file with one row for each SKU" in words_of(press(tabs.open("Mia", "stock"), "Import a catalogue"))
    assert "Create a restricted key, set it as" in words_of(press(tabs.open("Ada", "orders"), "Connect Stripe"))
    assert "Stock lists every size" in words_of(
        press(tabs.open("Wanda", "movements"), "Receive or count on the Stock page")
    )
    assert "Add a person" in words_of(press(tabs.open("Ada", "settings", set_section="Recent changes"), "Add a person"))
    refunds = press(tabs.open("Sam", "orders", ord_view="Refunds to decide"), "All orders")
    assert "There are no orders yet" in words_of(refunds)
    assert field(refunds, "button_group", "View").value


def test_an_order_that_comes_before_the_first_product_is_on_the_empty_overview(tabs: Tabs, embedded_shop: Shop) -> None:
    sell(embedded_shop, Sale(lines=[("RUN-42", 1)], more={"name": "Ana Ruiz", "amount": 2400}))
    said = words_of(tabs.open("Mia"))
    assert "There are no products yet" in said
    assert "1 failed update" in said
