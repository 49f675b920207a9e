"""A variant is edited by hand in a real browser: in the list and on its page."""

from __future__ import annotations

import io
import re
import time
import uuid
from decimal import Decimal

from PIL import Image
from playwright.sync_api import Locator, Page, expect

from core.deliveries import changes, note
from core.foundation.model import Role
from tests.browser.browsing import Desk, settle
from tests.support.builders import key
from tests.support.people import new_person

WIDTHS = (110, 190, 60, 74, 96, 96, 120)
"""The widths of the columns of the list that is edited. All but the first, which stays in view, share what is left."""
REORDER, PRICE, SHELF = 4, 5, 6
HEADER, ROW = 32, 31


def type_into(tab: Page, column: int, row: int, text: str) -> None:
    """Type into a cell of the list, as hands do: click, type, Enter."""
    settle(tab)  # the list is drawn before the page's script ends, which draws it again and closes an open cell
    grid = tab.get_by_test_id("stDataFrame").first
    expect(grid.locator("[id^=glide-cell]").first).to_be_attached(timeout=10_000)
    box = grid.bounding_box()
    assert box is not None
    share = max(box["width"] - sum(WIDTHS), 0) / (len(WIDTHS) - 1)
    left = WIDTHS[0] + sum(width + share for width in WIDTHS[1:column]) + WIDTHS[column] / 2
    open_cell(tab, grid, box["x"] + left, box["y"] + HEADER + ROW * (row + 0.5)).fill(text)
    tab.keyboard.press("Enter")
    settle(tab)


def open_cell(tab: Page, grid: Locator, x: float, y: float) -> Locator:
    """Open a cell with the Enter key, and return its field."""
    tab.mouse.click(x, y)
    expect(grid.locator("[id^=glide-cell][aria-selected=true]").first).to_be_attached(timeout=10_000)
    tab.keyboard.press("Enter")
    field = tab.locator("textarea.gdg-input")
    expect(field).to_be_visible(timeout=10_000)
    tab.wait_for_timeout(600)  # in a list, Enter would open the row by then
    expect(field).to_be_focused()
    return field


def test_a_reorder_point_is_fixed_from_the_list_in_five_seconds(desk: Desk) -> None:
    sku = f"FIX-{uuid.uuid4().hex[:6].upper()}"
    shoe = desk.shop.variant(3, sku=sku, product="Fix shoe", reorder_point=2)
    tab = desk.tab()
    desk.sign_in(tab, new_person(desk.shop), f"/stock?stk_q={sku}")
    began = time.monotonic()
    tab.get_by_role("button", name="Edit list").click()
    expect(tab.get_by_text("Type into the cells")).to_be_visible(timeout=10_000)
    type_into(tab, REORDER, 0, "7")
    tab.get_by_role("button", name=re.compile(r"Save 1\schange")).click(timeout=10_000)
    expect(tab.get_by_text(f"{sku}: reorder point 2 → 7")).to_be_visible(timeout=10_000)
    took = time.monotonic() - began
    print(f"A reorder point was fixed in {took:.1f} s")
    assert desk.shop.sql("select reorder_point from public.product_variants where id = :id", id=shoe) == 7
    assert took < 5 * 3  # three times the target, because tests share the machine


def test_an_uploaded_picture_is_shown_on_the_variant_to_those_who_are_signed_in(desk: Desk) -> None:
    sku = f"PIC-{uuid.uuid4().hex[:6].upper()}"
    shoe = desk.shop.variant(3, sku=sku, product="Picture shoe")
    tab = desk.tab()
    desk.sign_in(tab, new_person(desk.shop, Role.MANAGER), f"/stock?sku={sku}&edit=1")
    drawn = io.BytesIO()
    Image.new("RGB", (60, 40), "red").save(drawn, "PNG")
    tab.locator("input[type=file]").set_input_files(
        {"name": "a.png", "mimeType": "image/png", "buffer": drawn.getvalue()}
    )
    expect(tab.get_by_text("a.png")).to_be_visible(timeout=10_000)
    settle(tab)
    tab.get_by_role("button", name="Save", exact=True).click()
    expect(tab.get_by_role("img", name="Picture shoe")).to_be_visible(timeout=10_000)
    assert tab.get_by_role("img", name="Picture shoe").evaluate("image => image.naturalWidth") == 60
    address = desk.shop.sql("select picture from stockroom.variant_pictures where variant_id = :id", id=shoe)
    found = tab.request.get(desk.url + address)
    assert (found.status, found.headers["content-type"]) == (200, "image/jpeg")
    assert "immutable" in found.headers["cache-control"]
    tab.context.clear_cookies()
    assert tab.request.get(desk.url + address, max_redirects=0).status in (303, 401)


def test_correcting_a_line_of_a_delivery_keeps_what_others_scan_while_the_form_is_open(desk: Desk) -> None:
    sku = f"BOX-{uuid.uuid4().hex[:6].upper()}"
    desk.shop.variant(1, sku=sku)
    made = desk.shop.run(changes.announce, "Mia", lines=note.parse(f"{sku} 9"), reference=sku, key=key())
    line = f"select scanned, unit_cost from stockroom.goods_lines where delivery_id = {made.delivery_id}"

    def others_scan(units: int) -> None:
        desk.shop.run(changes.scan, "Wanda", delivery_id=made.delivery_id, code=sku, units=units, key=key())

    tab = desk.tab()
    desk.enter(tab, new_person(desk.shop, Role.MANAGER, password=None), f"/deliveries?delivery={made.delivery_id}")
    tab.get_by_text("Correct a line").click()
    cost = tab.get_by_label("Unit cost")
    expect(cost).to_be_visible(timeout=10_000)
    others_scan(5)
    expect(tab.get_by_text("Others scan this line: 5 units by now.")).to_be_visible(timeout=15_000)
    cost.fill("8.50")
    tab.get_by_role("button", name="Save the line").click()
    expect(tab.get_by_text(f"{sku} is corrected.")).to_be_visible(timeout=10_000)
    assert [tuple(row) for row in desk.shop.rows(line)] == [(5, Decimal("8.5000"))]
    settle(tab)
    counted = tab.get_by_label("Counted units")
    expect(counted).to_have_value("5", timeout=10_000)
    others_scan(2)
    expect(tab.get_by_text("Others scan this line: 7 units by now.")).to_be_visible(timeout=15_000)
    counted.fill("4")
    tab.get_by_role("button", name="Save the line").click()
    refused = tab.get_by_text("were 5 when you opened the form and are 7 now. Nothing was changed.")
    expect(refused).to_be_visible(timeout=10_000)
    assert desk.shop.rows(line)[0].scanned == 7
    settle(tab)
    tab.get_by_role("button", name="Save the line").click()
    expect(refused).not_to_be_visible(timeout=10_000)
    settle(tab)
    assert desk.shop.rows(line)[0].scanned == 4
