"""Sessions in a real browser: they start and end on every page and in every tab."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from core.people import administration as people
from tests.browser.browsing import Desk, settle
from tests.support.people import PASSWORD, id_of, new_person

ENDED = "Your session has ended"


@pytest.mark.parametrize("phone", [False, True])
def test_a_deep_link_leads_through_the_form_to_the_page_that_was_asked_for(desk: Desk, phone: bool) -> None:
    tab = desk.tab(phone=phone)
    tab.goto(f"{desk.url}/stock?sku=OAK-1")
    expect(tab).to_have_title("Sign in · Stockroom")
    assert "OAK-1" not in tab.content().replace("/stock?sku=OAK-1", "")
    tab.get_by_label("Email").fill(new_person(desk.shop))
    tab.get_by_label("Password").fill("not this one")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("alert")).to_contain_text("is incorrect")
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
