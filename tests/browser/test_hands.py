"""What hands do: keys, a scanner that types anywhere, and the menu of a phone."""

from __future__ import annotations

import uuid

from playwright.sync_api import expect

from tests.browser.browsing import Desk, settle
from tests.support.people import new_person


def test_a_shelf_is_received_set_and_undone_by_keys_alone_and_a_scan_presses_none_of_them(desk: Desk) -> None:
    sku = f"ASH-{uuid.uuid4().hex[:6].upper()}"
    other = f"ARS-{uuid.uuid4().hex[:6].upper()}"
    shelf, beside = desk.shop.variant(3, sku=sku, product="Ash shoe"), desk.shop.variant(2, sku=other)
    tab = desk.tab()
    desk.sign_in(tab, new_person(desk.shop), f"/stock?sku={sku}")
    keys = tab.keyboard
    keys.press("r")
    field = tab.get_by_label("Units").and_(tab.locator("input:visible:focus"))
    expect(field).to_be_focused()
    keys.type("1,000")
    keys.press("Enter")
    expect(tab.get_by_text(f"{sku}: 3 → 1,003")).to_be_visible(timeout=10_000)
    settle(tab)
    tab.get_by_role("heading", name="History").click()
    keys.press("u")
    expect(tab.get_by_text(f"Undone. {sku}: 1,003 → 3")).to_be_visible(timeout=10_000)
    settle(tab)
    tab.get_by_role("heading", name="History").click()
    keys.press("s")
    expect(tab.get_by_label("New level")).to_be_focused()
    keys.type("2.0")
    keys.press("Enter")
    expect(tab.get_by_text("must be a whole number")).to_be_visible(timeout=10_000)
    settle(tab)
    tab.get_by_role("heading", name="History").click()
    keys.press("?")
    expect(tab.get_by_role("dialog", name="Keys")).to_be_visible()
    keys.press("Escape")
    tab.wait_for_timeout(200)
    keys.type(other, delay=3)  # as a scanner does; its letters are keys of the page too
    keys.press("Enter")
    expect(tab).to_have_url(f"{desk.url}/stock?sku={other}", timeout=10_000)
    assert (desk.shop.on_hand(shelf), desk.shop.on_hand(beside)) == (3, 2)


def test_on_a_phone_choosing_a_page_closes_the_menu(desk: Desk) -> None:
    tab = desk.tab(phone=True)
    desk.sign_in(tab, new_person(desk.shop), "/stock")
    tab.get_by_test_id("stExpandSidebarButton").click()
    menu = tab.get_by_test_id("stSidebarNavLink").filter(has_text="Movements")
    expect(menu).to_be_in_viewport()
    menu.click()
    settle(tab)
    expect(tab.get_by_role("heading", name="Movements", exact=True)).to_be_visible()
    expect(menu).not_to_be_in_viewport()
