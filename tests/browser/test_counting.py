"""Counting by hand in a real browser: with a scanner, on a phone, while the shop sells."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from playwright.sync_api import expect

from core.foundation.model import Role
from tests.browser.browsing import Desk
from tests.core.counts.counting import begin
from tests.support.builders import Shop
from tests.support.people import new_person

MOST_SECONDS = 90


@contextmanager
def selling(shop: Shop, variants: list[UUID]) -> Iterator[list[int]]:
    """Sell a unit of one variant after the other, four a second, until the block ends. Yields what was sold."""
    over, sold = threading.Event(), list[int]()

    def sell() -> None:
        while not over.wait(0.25):
            shop.sql("select public.update_variant_stock(:id, -1)", id=variants[len(sold) % len(variants)])
            sold.append(1)

    seller = threading.Thread(target=sell)
    seller.start()
    try:
        yield sold
    finally:
        over.set()
        seller.join()


def test_twenty_skus_are_counted_with_a_scanner_on_a_phone_while_the_shop_sells(desk: Desk) -> None:
    shop = desk.shop
    shoes = [shop.variant(60, sku=f"RUN-{n:02}", product="Trail runner", size=str(30 + n)) for n in range(20)]
    tab = desk.tab(phone=True)
    count = begin(shop, *shoes)
    desk.enter(
        tab, new_person(shop, Role.WAREHOUSE, password=None), f"/counts?count={count}&cnt_mode=Scan%2C+then+number"
    )
    tab.locator(".st-key-cnt_code input").focus()
    began = time.monotonic()
    with selling(shop, shoes) as sold:
        for n, _ in enumerate(shoes):
            tab.keyboard.type(f"RUN-{n:02}")
            tab.keyboard.press("Enter")
            tab.keyboard.type("57" if n % 5 == 0 else "60")
            tab.keyboard.press("Enter")
            expect(tab.locator(".st-key-cnt_last")).to_contain_text(f"RUN-{n:02}", timeout=10_000)
            tab.wait_for_function("document.activeElement === document.querySelector('.st-key-cnt_code input')")
    took = time.monotonic() - began
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert took < MOST_SECONDS, took
    assert sold
    tab.get_by_role("button", name="Finish counting").click()
    expect(tab.get_by_text("Lines counted")).to_be_visible(timeout=10_000)
    with selling(shop, shoes):
        tab.get_by_role("button", name="Apply 20").click()
        expect(tab.get_by_text("Applied by")).to_be_visible(timeout=10_000)
    lines = shop.rows("select expected, counted, posted from stockroom.count_lines where count_id = :id", id=count)
    assert len(lines) == 20
    assert all(line.posted == line.counted - line.expected for line in lines)
    moved = shop.rows("select movement_type, sum(quantity) from public.stock_movements group by 1 order by 1")
    print(f"20 SKUs counted in {took:.1f} s, {len(sold)} units sold meanwhile; {moved}")
