"""The main path in a real browser: sign in, change a level, see the movement, undo it."""

from __future__ import annotations

import uuid
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from tests.browser.browsing import Desk, settle
from tests.support.people import new_person


@pytest.fixture
def elm(desk: Desk) -> tuple[str, UUID]:
    """The SKU and id of a new shoe with three units on hand."""
    sku = f"ELM-{uuid.uuid4().hex[:6].upper()}"
    return sku, desk.shop.variant(3, sku=sku, product="Elm shoe")


def adjust(tab: Page, units: str) -> None:
    tab.get_by_label("Units").filter(visible=True).first.fill(units)
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
    tab.get_by_label("Units").filter(visible=True).first.fill("4")
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
        desk.enter(tab, new_person(desk.shop, password=None))
        tab.goto(f"{desk.url}/stock?sku={sku}")
        settle(tab)
    adjust(here, "6")
    expect(here.get_by_text(f"{sku}: 3 → 9")).to_be_visible(timeout=10_000)
    expect(there.get_by_test_id("stMetric").first).to_contain_text("9", timeout=30_000)
