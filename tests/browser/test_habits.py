"""Habits of a person at a browser: Back, Enter on a row, the Tab key, and a form that outlives its session."""

from __future__ import annotations

import uuid

from playwright.sync_api import Locator, Page, expect

from core.foundation.model import Role
from tests.browser.browsing import Desk, settle
from tests.support.builders import Shop
from tests.support.people import PASSWORD, new_person

ENDED = "Your session has ended"
ROWS = "canvas[data-testid=data-grid-canvas]:visible"


def an_elm(shop: Shop) -> str:
    """A new variant with three units; returns its SKU."""
    sku = f"ELM-{uuid.uuid4().hex[:6].upper()}"
    shop.variant(3, sku=sku, product="Elm shoe")
    return sku


def field(tab: Page, form: str, name: str) -> Locator:
    """An input of a form, whatever the key of its draft."""
    return tab.locator(f"[class*='st-key-{form}_{name}_'] input")


def test_a_row_opens_by_keyboard_back_is_one_step_and_no_request_answers_404(desk: Desk) -> None:
    sku = an_elm(desk.shop)
    tab = desk.tab()
    refused: list[str] = []
    tab.on("response", lambda answer: refused.append(answer.url) if answer.status >= 400 else None)
    desk.enter(tab, new_person(desk.shop, Role.WAREHOUSE, password=None), f"/stock?stk_q={sku}&stk_status=In+stock")
    tab.locator(ROWS).first.focus()
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Enter")
    expect(tab.locator(".st-key-stk_actions")).to_have_count(1, timeout=10_000)
    settle(tab)
    assert tab.url == f"{desk.url}/stock?stk_q={sku}&sku={sku}"
    tab.go_back()
    expect(tab).to_have_url(f"{desk.url}/stock?stk_q={sku}&stk_status=In+stock")
    expect(tab.get_by_text("1 variant.")).to_be_visible(timeout=10_000)
    expect(tab.locator(".st-key-stk_actions")).to_have_count(0)
    tab.get_by_test_id("stSidebarNavLink").filter(has_text="Movements").focus()
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("heading", name="Movements", exact=True)).to_be_visible()
    settle(tab)
    for width in (1280, 1920):  # a table grows with the window
        tab.set_viewport_size({"width": width, "height": 900})
        settle(tab)
        tab.locator(ROWS).first.focus()
        tab.keyboard.press("ArrowDown")
        tab.keyboard.press("Enter")  # this table has its button at the end of the row
        expect(tab.get_by_role("dialog", name="Movement")).to_be_visible(timeout=10_000)
        tab.go_back()
        expect(tab.get_by_role("dialog", name="Movement")).to_have_count(0)
    assert refused == []


def test_a_shelf_is_adjusted_within_six_presses_of_tab(desk: Desk) -> None:
    sku = an_elm(desk.shop)
    tab = desk.tab()
    desk.enter(tab, new_person(desk.shop, password=None), f"/stock?sku={sku}")
    expect(tab.get_by_role("tabpanel").get_by_label("Reason")).to_be_visible()  # the browser loads this field late
    keys = tab.keyboard
    keys.press("Tab")
    expect(tab.get_by_role("link", name="Skip to the main action")).to_be_focused()
    keys.press("Enter")
    units = tab.get_by_role("tabpanel").get_by_label("Units")
    expect(units).to_be_focused()
    keys.type("2")
    expect(units).to_have_value("2")
    for label in ("Reason", "Note"):
        keys.press("Tab")
        expect(tab.get_by_role("tabpanel").get_by_label(label)).to_be_focused()
    keys.press("Tab")
    expect(tab.get_by_role("button", name="Adjust", exact=True)).to_be_focused()
    keys.press("Enter")
    expect(tab.get_by_text(f"{sku}: 3 → 5")).to_be_visible(timeout=10_000)


def end(desk: Desk, tab: Page, address: str) -> None:
    """End all sessions. The tab says so, stays where it is and offers to sign in again."""
    desk.shop.sql("update stockroom.sessions set revoked_at = now() where revoked_at is null")
    expect(tab.get_by_text(ENDED)).to_be_visible(timeout=20_000)
    expect(tab).to_have_url(address)
    tab.get_by_role("button", name="Sign in again").click()


def enter(tab: Page, email: str, address: str) -> None:
    """Sign in again, which leads back to the address."""
    tab.get_by_label("Email").fill(email)
    tab.get_by_label("Password").fill(PASSWORD)
    tab.keyboard.press("Enter")
    settle(tab)
    expect(tab).to_have_url(address)


def test_a_form_outlives_its_session_and_is_given_back_to_its_author_alone(desk: Desk) -> None:
    sku = an_elm(desk.shop)
    address = f"{desk.url}/stock?sku={sku}&stk_range=30+days"
    author, other = new_person(desk.shop), new_person(desk.shop)
    tab = desk.tab()
    desk.sign_in(tab, author, f"/stock?sku={sku}&stk_range=30+days")

    def fill() -> None:
        tab.get_by_role("tab", name="Receive").click()
        field(tab, f"receive_{sku}", "units").fill("7")
        field(tab, f"receive_{sku}", "note").fill("half a box")
        field(tab, f"receive_{sku}", "reason").click()
        tab.get_by_role("option", name="+ Initial stock purchase").click()
        tab.wait_for_function("sessionStorage.getItem('stockroom-draft')?.includes('Initial')")

    fill()
    end(desk, tab, address)
    enter(tab, author, address)
    expect(field(tab, f"receive_{sku}", "reason")).to_have_value("+ Initial stock purchase", timeout=10_000)
    expect(field(tab, f"receive_{sku}", "note")).to_have_value("half a box")
    tab.get_by_role("button", name="Receive", exact=True).click()
    expect(tab.get_by_text(f"{sku}: 3 → 10")).to_be_visible(timeout=10_000)
    tab.wait_for_function("!sessionStorage.getItem('stockroom-draft')")

    settle(tab)
    fill()
    end(desk, tab, address)
    enter(tab, other, address)
    expect(tab.get_by_text("Elm shoe").first).to_be_visible()
    tab.wait_for_function("!sessionStorage.getItem('stockroom-draft')")
    expect(field(tab, f"receive_{sku}", "note")).to_have_value("")
    assert desk.left == []


def test_a_form_of_the_settings_outlives_its_session_until_it_is_saved(desk: Desk) -> None:
    address = f"{desk.url}/settings?set_section=API+keys"
    admin = new_person(desk.shop, Role.ADMIN)
    tab = desk.tab()
    desk.sign_in(tab, admin, "/settings?set_section=API+keys")
    name, rate = tab.locator(".st-key-set_key_name input"), tab.locator(".st-key-set_key_rate input")
    scopes = tab.locator(".st-key-set_key_scopes")
    chosen = scopes.get_by_test_id("stMultiSelectTagsContainer")
    name.fill("Pop-up shop")
    rate.fill("77")
    scopes.locator("input").click()
    tab.wait_for_function("sessionStorage.getItem('stockroom-draft')?.includes('set_key_scopes')")
    tab.get_by_role("option", name="Read available stock").click()
    scopes.locator("input").press("Escape")
    tab.wait_for_function("sessionStorage.getItem('stockroom-draft')?.includes('Read available stock')")

    end(desk, tab, address)
    enter(tab, admin, address)
    expect(chosen).to_contain_text("Read available stock", timeout=10_000)
    expect(name).to_have_value("Pop-up shop")
    expect(rate).to_have_value("77")
    tab.get_by_role("button", name="Create key").click()
    expect(tab.get_by_text("API key for Pop-up shop.")).to_be_visible(timeout=10_000)
    expect(name).to_have_value("")
    tab.wait_for_function("!sessionStorage.getItem('stockroom-draft')?.includes('Pop-up shop')")
