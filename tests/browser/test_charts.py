"""Choosing bars of a chart with the mouse: the table and the address follow, and Back returns."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import FloatRect, Page, expect

from tests.browser.browsing import Desk, settle
from tests.support.builders import ZONE, PastLine
from tests.support.people import new_person

BARS = "[data-testid=stPlotlyChart] .barlayer .point path"


def bars(tab: Page) -> list[FloatRect]:
    """Where the bars of the chart are on the screen, from left to right."""
    expect(tab.locator(BARS).first).to_be_attached(timeout=15_000)
    tab.locator(BARS).first.scroll_into_view_if_needed()
    found = [box for box in (bar.bounding_box() for bar in tab.locator(BARS).all()) if box and box["height"] > 2]
    return sorted(found, key=lambda box: box["x"])


def test_a_bar_or_a_range_is_chosen_the_list_and_the_address_follow_and_back_returns(desk: Desk) -> None:
    sku, noon = f"ELM-{uuid.uuid4().hex[:6].upper()}", datetime.now(UTC).replace(hour=1) - timedelta(days=20)
    shoe = desk.shop.variant(sku=sku, product="Elm shoe")
    desk.shop.post_past(
        *(PastLine(variant_id=shoe, quantity=units, occurred_at=noon + timedelta(days=days)) for days, units in
          ((0, 5), (4, 2), (8, 3)))
    )  # fmt: skip
    tab = desk.tab()
    desk.enter(tab, new_person(desk.shop, password=None), f"/movements?mov_sku={sku}")
    expect(tab.get_by_text("3 movements")).to_be_visible(timeout=15_000)
    second = bars(tab)[1]
    tab.mouse.click(second["x"] + second["width"] / 2, second["y"] + second["height"] / 2)
    expect(tab.get_by_text("1 movement of")).to_be_visible(timeout=15_000)
    expect(tab.get_by_text("Chosen:")).to_be_visible()
    day = (noon + timedelta(days=4)).astimezone(ZoneInfo(ZONE)).date()
    assert f"mov_pick={day}" in tab.url
    tab.go_back()
    expect(tab.get_by_text("3 movements of")).to_be_visible(timeout=15_000)
    assert "mov_pick" not in tab.url
    tab.goto(f"{desk.url}/movements?mov_sku={sku}&mov_choose=A+range")
    settle(tab)
    first, second, _ = bars(tab)
    across = second["y"] + second["height"] / 2
    tab.mouse.move(first["x"] - 3, across)
    tab.mouse.down()
    tab.mouse.move(second["x"] + second["width"] + 3, across + 5, steps=8)
    tab.mouse.up()
    expect(tab.get_by_text("2 movements of")).to_be_visible(timeout=15_000)
    assert f"mov_pick={day - timedelta(days=4)}_{day}" in tab.url
