"""Support at its desk: from Stripe's mail to the shelf by keyboard, in seconds."""

from __future__ import annotations

import time
import uuid

from playwright.sync_api import Page, expect

from core.foundation.model import Role
from tests.browser.browsing import Desk, settle
from tests.support.people import new_person
from tests.support.selling import Sale, order_id, sell, tell_refund

MOST_SECONDS = 60
"""On a quiet machine it takes four seconds, of the fifteen that support has; tests run beside others."""
FIND = "Find an order, a buyer, a variant"


def paste(tab: Page, text: str) -> None:
    """Paste a text into the search field of the page and press Enter, by keyboard alone."""
    field = tab.get_by_label(FIND)
    expect(field).to_be_visible(timeout=30_000)
    tab.wait_for_function("window.stockroomHands")
    tab.keyboard.press("/")
    expect(field).to_be_focused()
    tab.keyboard.insert_text(text)
    tab.keyboard.press("Enter")


def test_a_refund_goes_from_stripes_mail_to_the_shelf_by_keyboard_in_seconds(desk: Desk) -> None:
    sku = f"TW-{uuid.uuid4().hex[:6].upper()}"
    shoe = desk.shop.variant(5, sku=sku, product="Tidewater")
    sale = Sale(lines=[(sku, 2)], more={"number": f"WEB-{uuid.uuid4().int % 10**9}", "email": "lotte@buyer.example"})
    sell(desk.shop, sale)
    tell_refund(desk.shop, sale, amount=1000)
    tab = desk.tab()
    desk.sign_in(tab, new_person(desk.shop, role=Role.SUPPORT), "/movements")
    expect(tab.get_by_label(FIND)).to_be_visible(timeout=60_000)  # a browser that has never been here loads its scripts
    began = time.monotonic()
    paste(tab, f"https://dashboard.stripe.com/acct_1032D8/payments/{sale.payment_id}")
    expect(tab.get_by_text("Say what became of the goods of the refund of $10.00.")).to_be_visible(timeout=20_000)
    settle(tab)
    tab.keyboard.press("d")
    field = tab.get_by_label("Back on the shelf")
    expect(field).to_be_focused()
    expect(field).to_have_value("1")
    tab.keyboard.press("Enter")
    expect(tab.get_by_text(f"{sku}: 3 → 4")).to_be_visible(timeout=20_000)
    took = time.monotonic() - began
    print(f"from the mail to the shelf: {took:.1f} s")
    assert desk.shop.on_hand(shoe) == 4
    expect(tab).to_have_url(f"{desk.url}/orders?order={order_id(desk.shop, sale)}")
    expect(tab.get_by_text("There is nothing to do.")).to_be_visible()
    assert took < MOST_SECONDS, took


def test_a_search_lists_several_results_shows_markup_as_text_and_opens_one(desk: Desk) -> None:
    mark = uuid.uuid4().hex[:8]
    sku = f"{mark.upper()}-1"
    desk.shop.variant(5, sku=sku, product=f"<img src=x onerror=alert(1)> **{mark}**")
    for number in (1, 2):
        sell(
            desk.shop,
            Sale(lines=[(sku, 1)], more={"number": f"<b>{mark}</b>-{number}", "email": f"{number}@{mark}.example"}),
        )
    tab = desk.tab()
    desk.sign_in(tab, new_person(desk.shop), "/stock")
    tab.wait_for_timeout(500)
    paste(tab, f"{mark}.ex")
    expect(tab.get_by_text(f"2 results for {mark}.ex.")).to_be_visible(timeout=20_000)
    settle(tab)
    paste(tab, f"<img src=x onerror=alert(1)> {mark}")
    expect(tab.get_by_text("Nothing found").or_(tab.get_by_text("results for"))).to_be_visible(timeout=20_000)
    assert tab.locator("[data-testid=stMain] img[src=x]").count() == 0
    settle(tab)
    paste(tab, f"2@{mark}.example")
    expect(tab.get_by_role("heading", name=f"Order <b>{mark}</b>-2")).to_be_visible(timeout=20_000)
