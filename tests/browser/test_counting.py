"""Counting by hand in a real browser: with a scanner, on a phone, while the shop sells."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from playwright.sync_api import Page, expect

from core.foundation.model import Role
from tests.browser.browsing import Desk
from tests.core.counts.counting import begin
from tests.support.builders import Shop
from tests.support.people import new_person

MOST_SECONDS = 90
# Runs a script of the page once more, as it runs late on a slow phone.
RUN_AGAIN = """() => {
    const late = [...document.querySelectorAll("script")].filter((each) => each.text.includes("stockroomCounting"));
    for (const each of late) {
        const again = document.createElement("script");
        again.text = each.text;
        document.body.append(again);
    }
    return late.length;
}"""


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


def open_count(desk: Desk, tab: Page, count: int) -> None:
    """Open a count in which numbers are typed, and go to its field for codes."""
    person = new_person(desk.shop, Role.WAREHOUSE, password=None)
    desk.enter(tab, person, f"/counts?count={count}&cnt_mode=Scan%2C+then+number")
    tab.locator(".st-key-cnt_code input").focus()


def test_twenty_skus_are_counted_with_a_scanner_on_a_phone_while_the_shop_sells(desk: Desk) -> None:
    shop = desk.shop
    shoes = [shop.variant(60, sku=f"RUN-{n:02}", product="Trail runner", size=str(30 + n)) for n in range(20)]
    tab = desk.tab(phone=True)
    count = begin(shop, *shoes)
    open_count(desk, tab, count)
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


def test_a_person_who_is_faster_than_the_page_goes_on_in_the_field_of_the_number(desk: Desk) -> None:
    shoe, tab = desk.shop.variant(60, sku="FAST-1", product="Sprint shoe"), desk.tab()
    open_count(desk, tab, begin(desk.shop, shoe, name="Tuesday"))
    tab.keyboard.type("FAST-1")
    tab.keyboard.press("Enter")
    tab.keyboard.type("5")
    assert tab.evaluate(RUN_AGAIN) == 1
    tab.keyboard.type("7")
    tab.keyboard.press("Enter")
    expect(tab.locator(".st-key-cnt_last")).to_contain_text("57", timeout=10_000)


def test_the_next_number_is_typed_before_the_server_has_answered_and_both_are_counted(desk: Desk) -> None:
    shop, tab = desk.shop, desk.tab()
    socks = [shop.variant(60, sku=f"SOCK-{n}") for n in range(2)]
    count = begin(shop, *socks, name="Wednesday")
    open_count(desk, tab, count)
    with shop.owner.begin() as slow:
        slow.exec_driver_sql("lock table stockroom.count_entries")
        for n, _ in enumerate(socks):
            for words in (f"SOCK-{n}", f"{50 + n}"):
                tab.keyboard.type(words)
                tab.keyboard.press("Enter")
            tab.wait_for_function("document.activeElement === document.querySelector('.st-key-cnt_code input')")
    expect(tab.locator(".st-key-cnt_last")).to_contain_text("SOCK-1", timeout=10_000)
    found = "select e.units from stockroom.count_entries e where e.count_id = :id order by 1"
    assert [row.units for row in shop.rows(found, id=count)] == [50, 51]
