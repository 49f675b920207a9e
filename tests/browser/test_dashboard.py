"""What only a browser shows: the main path (sign in, change a level, undo it), and how sessions end."""

from __future__ import annotations

import uuid
from uuid import UUID

import pytest
from playwright.sync_api import Locator, Page, expect

from core.people import administration as people
from tests.browser.browsing import Desk, settle
from tests.support.people import PASSWORD, id_of, new_person

ENDED = "Your session has ended"


@pytest.fixture
def elm(desk: Desk) -> tuple[str, UUID]:
    """The SKU and id of a new shoe with three units on hand."""
    sku = f"ELM-{uuid.uuid4().hex[:6].upper()}"
    return sku, desk.shop.variant(3, sku=sku, product="Elm shoe")


def units_field(tab: Page) -> Locator:
    """The input of the form. The table below it has a column of the same label."""
    return tab.locator("input:visible").and_(tab.get_by_label("Units")).first


def adjust(tab: Page, units: str) -> None:
    units_field(tab).fill(units)
    tab.keyboard.press("Enter")


@pytest.mark.parametrize("phone", [False, True])
def test_a_person_signs_in_adjusts_sees_the_movement_and_undoes_it(
    desk: Desk, elm: tuple[str, UUID], phone: bool
) -> None:
    sku, variant_id = elm
    tab = desk.tab(phone=phone)
    desk.sign_in(tab, new_person(desk.shop), f"/stock?sku={sku}")
    adjust(tab, "2")
    expect(tab.get_by_text(f"{sku}: 3 → 5 (+2 units)")).to_be_visible(timeout=10_000)
    assert desk.shop.on_hand(variant_id) == 5
    tab.get_by_role("button", name="Undo").first.click()
    expect(tab.get_by_text(f"Undone. {sku}: 5 → 3 (\N{MINUS SIGN}2 units)")).to_be_visible(timeout=10_000)
    assert [(row.quantity, row.performed_by) for row in desk.shop.history(variant_id)[1:]] == [
        (2, "New Person"),
        (-2, "New Person"),
    ]
    tab.goto(f"{desk.url}/movements?mov_sku={sku}")
    settle(tab)
    expect(tab.get_by_text("3 movements")).to_be_visible()
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_pressing_twice_in_haste_posts_once(desk: Desk, elm: tuple[str, UUID]) -> None:
    sku, variant_id = elm
    tab = desk.tab()
    desk.sign_in(tab, new_person(desk.shop), f"/stock?sku={sku}")
    units_field(tab).fill("4")
    button = tab.get_by_role("button", name="Adjust", exact=True)
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    assert box is not None
    for _ in range(2):  # the same spot of the screen, as a finger does, whatever is there by then
        tab.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(tab.get_by_text(f"{sku}: 3 → 7 (+4 units)")).to_be_visible(timeout=10_000)
    settle(tab)
    tab.wait_for_timeout(1_500)
    assert [row.quantity for row in desk.shop.history(variant_id)] == [3, 4]


def test_a_change_by_one_person_is_seen_by_another_without_a_reload(desk: Desk, elm: tuple[str, UUID]) -> None:
    sku, _ = elm
    here, there = desk.tab(), desk.tab()
    for tab in (here, there):
        desk.enter(tab, new_person(desk.shop, password=None), f"/stock?sku={sku}")
    adjust(here, "6")
    expect(here.get_by_text(f"{sku}: 3 → 9")).to_be_visible(timeout=10_000)
    expect(there.get_by_test_id("stMetric").first).to_contain_text("9", timeout=30_000)


# ---------------------------------------------------------------- sessions


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
    desk.enter(tab, new_person(desk.shop, password=None), "/stock?sku=OAK-1")
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
