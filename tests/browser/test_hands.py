"""What hands do: keys, a scanner that types anywhere, and the menu of a phone."""

from __future__ import annotations

import time
import uuid

from playwright.sync_api import expect

from core.deliveries import changes, note
from tests.browser.browsing import Desk, settle
from tests.support.builders import key
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


def test_twelve_lines_are_received_within_a_minute_on_a_phone(desk: Desk) -> None:
    skus = [f"{uuid.uuid4().hex[:4].upper()}-{n}" for n in range(12)]
    shoes = [desk.shop.variant(1, sku=sku) for sku in skus]
    tab = desk.tab(phone=True)
    desk.sign_in(tab, new_person(desk.shop), "/deliveries")
    began = time.monotonic()
    tab.get_by_role("button", name="Receive now").click()
    tab.get_by_role("textbox", name="Reference").fill(f"LS-{skus[0]}")
    tab.keyboard.press("Enter")
    field = tab.get_by_role("textbox", name="Scan or type a code")
    expect(field).to_be_focused(timeout=20_000)
    for number, sku in enumerate(skus):
        tab.keyboard.type(sku)
        if number % 2:  # every other line has its quantity typed
            tab.keyboard.press("Tab")
            tab.keyboard.type("6")
        tab.keyboard.press("Enter")
        expect(tab.get_by_text(f"{sku} +{6 if number % 2 else 1}")).to_be_visible(timeout=20_000)
        field.focus()
    tab.get_by_role("button", name="Post 42 units of 12 variants").click()
    expect(tab.get_by_text("12 variants changed, +42 units in total")).to_be_visible(timeout=20_000)
    took = time.monotonic() - began
    assert [desk.shop.on_hand(shoe) for shoe in shoes] == [2, 7] * 6
    assert {desk.shop.history(shoe)[-1].reference_id for shoe in shoes} == {f"LS-{skus[0]}"}
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert took < 60, took


def test_a_double_click_begins_one_delivery_and_opens_it(desk: Desk) -> None:
    tab, recorded = desk.tab(phone=True), "select count(*) from stockroom.goods_deliveries"
    before = desk.shop.sql(recorded)
    desk.enter(tab, new_person(desk.shop, password=None), "/deliveries?new_delivery=now")
    for nth in range(3):
        tab.goto(f"{desk.url}/deliveries?new_delivery=now")
        settle(tab)
        tab.get_by_role("textbox", name="Reference").fill(f"LS-{nth}")
        tab.get_by_role("button", name="Begin", exact=True).dblclick()
        expect(tab.get_by_role("heading", name=f"LS-{nth}")).to_be_visible(timeout=10_000)
        settle(tab)
        tab.wait_for_timeout(1_000)  # what the second click does comes later
        assert "delivery=" in tab.url.replace("new_delivery=", "")
        expect(tab.get_by_role("heading", name=f"LS-{nth}")).to_be_visible()
    assert desk.shop.sql(recorded) == before + 3


def test_a_scan_on_the_list_of_deliveries_finds_the_variant_and_not_a_reference(desk: Desk) -> None:
    sku = f"ELM-{uuid.uuid4().hex[:6].upper()}"
    desk.shop.variant(3, sku=sku)
    desk.shop.run(changes.announce, "Mia", lines=note.parse(f"{sku} 2"), reference=f"LS-{sku}", key=key())
    tab = desk.tab()
    desk.enter(tab, new_person(desk.shop, password=None), "/deliveries")
    expect(tab.get_by_placeholder("Reference or supplier")).to_be_visible()
    tab.keyboard.type(sku, delay=3)
    tab.keyboard.press("Enter")
    expect(tab.locator(".st-key-find input")).to_have_value(sku)
    assert tab.get_by_placeholder("Reference or supplier").input_value() == ""
