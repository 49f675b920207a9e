"""A variant is edited by hand in a real browser: in the list and on its page."""

from __future__ import annotations

import time
import uuid

from playwright.sync_api import Page, expect

from tests.browser.browsing import Desk, settle
from tests.support.people import new_person

REORDER, PRICE = 4, 5
"""The places of the columns in the list that is edited."""


def type_into(tab: Page, column: int, row: int, text: str) -> None:
    """Type into a cell of the list, as hands do: click, type, Enter."""
    grid = tab.get_by_test_id("stDataFrame").first
    cell = grid.locator(f"#glide-cell-{column}-{row}")
    box, spot = grid.bounding_box(), cell.get_attribute("aria-colindex", timeout=10_000)
    assert box is not None
    assert spot is not None
    widths = (110, 190, 60, 74, 96, 96, 120)
    scale = box["width"] / sum(widths) if box["width"] > sum(widths) else 1
    left = sum(widths[:column]) + widths[column] / 2
    tab.mouse.click(box["x"] + left * scale, box["y"] + 36 * row + 54)
    tab.keyboard.type(text)
    tab.keyboard.press("Enter")
    settle(tab)


def test_a_reorder_point_is_fixed_from_the_list_in_five_seconds(desk: Desk) -> None:
    sku = f"FIX-{uuid.uuid4().hex[:6].upper()}"
    shoe = desk.shop.variant(3, sku=sku, product="Fix shoe", reorder_point=2)
    tab = desk.tab()
    desk.sign_in(tab, new_person(desk.shop), f"/stock?stk_q={sku}")
    began = time.monotonic()
    tab.get_by_role("button", name="Edit list").click()
    expect(tab.get_by_text("Type into the cells")).to_be_visible(timeout=10_000)
    type_into(tab, REORDER, 0, "7")
    tab.get_by_role("button", name="Save 1 change").click(timeout=10_000)
    expect(tab.get_by_text(f"{sku}: reorder point 2 → 7")).to_be_visible(timeout=10_000)
    took = time.monotonic() - began
    print(f"A reorder point was fixed in {took:.1f} s")
    assert desk.shop.sql("select reorder_point from public.product_variants where id = :id", id=shoe) == 7
    assert took < 5 * 3  # three times the target, because tests share the machine
