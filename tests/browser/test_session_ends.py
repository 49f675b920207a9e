"""A real browser in which a session begins and ends: on every page, in every tab, without a byte more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from core import people
from tests import chromium
from tests.builders import Shop
from tests.conftest import open_fresh
from tests.dashboards import serve
from tests.people import PASSWORD, id_of, new_person
from tests.servers import Server

IDLE = "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ENDED = "Your session has ended"


@dataclass
class Desk:
    """A running dashboard, its shop, and a browser."""

    url: str
    shop: Shop
    browser: Browser

    def tab(self, *, phone: bool = False) -> Page:
        """A tab of a browser nobody has signed in with; it fails the test if a request would leave this machine."""
        context = self.browser.new_context(viewport={"width": 390, "height": 844} if phone else None)
        context.route(lambda url: not url.startswith((self.url, "data:", "blob:")), self._refuse)
        return context.new_page()

    def _refuse(self, route: Any) -> None:
        route.abort()
        pytest.fail(f"a request left the machine: {route.request.url}")

    def enter(self, tab: Page, email: str) -> None:
        """Come in by a one-time link."""
        link = self.shop.run(people.make_link, user_id=id_of(self.shop, email))
        tab.goto(f"{self.url}/welcome?token={link}")
        tab.get_by_role("button", name="Open the dashboard").click()
        settle(tab)


def settle(tab: Page) -> None:
    tab.wait_for_selector(IDLE, timeout=30_000)


@pytest.fixture(scope="module")
def desk(embedded: Server) -> Iterator[Desk]:
    for shop in open_fresh(embedded):
        shop.variant(3, sku="OAK-1", product="Oak shoe")
        with serve(shop.app_url) as url, sync_playwright() as playwright:
            path = chromium.find()
            assert path is not None, chromium.ADVICE
            browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
            yield Desk(url=url, shop=shop, browser=browser)
            browser.close()


@pytest.mark.parametrize("phone", [False, True])
def test_a_deep_link_leads_through_the_form_to_the_page_that_was_asked_for(desk: Desk, phone: bool) -> None:
    tab = desk.tab(phone=phone)
    tab.goto(f"{desk.url}/stock?sku=OAK-1")
    expect(tab).to_have_title("Sign in · Stockroom")
    assert "OAK-1" not in tab.content().replace("/stock?sku=OAK-1", "")
    tab.get_by_label("Email").fill(new_person(desk.shop))
    tab.get_by_label("Password").fill("not this one")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("alert")).to_contain_text("do not belong together")
    tab.get_by_label("Password").fill(PASSWORD)
    tab.keyboard.press("Enter")
    settle(tab)
    assert tab.url == f"{desk.url}/stock?sku=OAK-1"
    expect(tab.get_by_text("Oak shoe").first).to_be_visible()
    assert "stockroom_session" not in tab.evaluate("document.cookie"), "no script reads the session"
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_an_open_page_notices_by_itself_that_its_session_was_revoked(desk: Desk) -> None:
    tab = desk.tab()
    desk.enter(tab, new_person(desk.shop, password=None))
    tab.goto(f"{desk.url}/stock?sku=OAK-1")
    settle(tab)
    expect(tab.get_by_text("Oak shoe").first).to_be_visible()
    desk.shop.sql("update stockroom.sessions set revoked_at = now()")
    expect(tab.get_by_text(ENDED)).to_be_visible(timeout=20_000)
    expect(tab.get_by_text("Oak shoe")).to_have_count(0)
    tab.get_by_role("button", name="Sign in again").click()
    expect(tab).to_have_title("Sign in · Stockroom")
    tab.get_by_label("Email").fill(new_person(desk.shop))
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in").click()
    settle(tab)
    assert tab.url == f"{desk.url}/stock?sku=OAK-1"


def test_signing_out_in_one_tab_ends_the_others(desk: Desk) -> None:
    first = desk.tab()
    desk.enter(first, new_person(desk.shop, password=None))
    second = first.context.new_page()
    second.goto(f"{desk.url}/movements")
    settle(second)
    first.get_by_role("button", name="Sign out").click()
    expect(first).to_have_title("Sign in · Stockroom")
    expect(second.get_by_text(ENDED)).to_be_visible(timeout=20_000)
    expect(second.get_by_text("Oak shoe")).to_have_count(0)
    second.reload()
    expect(second).to_have_title("Sign in · Stockroom")


def test_a_one_time_link_works_once(desk: Desk) -> None:
    email = new_person(desk.shop, password=None)
    link = desk.shop.run(people.make_link, user_id=id_of(desk.shop, email))
    tab = desk.tab()
    tab.goto(f"{desk.url}/welcome?token={link}")
    tab.get_by_role("button", name="Open the dashboard").click()
    settle(tab)
    expect(tab.get_by_role("button", name="Set a password")).to_be_visible()
    other = desk.tab()
    other.goto(f"{desk.url}/welcome?token={link}")
    expect(other.get_by_role("heading", name="This link no longer works")).to_be_visible()
