"""Everybody can use it: axe-core looks at every page in light, in dark and on a phone.

The pages are those of the folder, so a new one is looked at without a change here. Each is opened by an admin of a shop
that has one of everything.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import axe_playwright_python  # type: ignore[import-untyped]
import pytest
from playwright.sync_api import Page, ViewportSize, expect

from core.counts import sessions
from core.counts.sessions import Scope
from core.deliveries import changes, note
from core.foundation.model import Role
from tests.browser.browsing import Desk, open_desk, settle
from tests.conftest import open_sample
from tests.support.builders import key
from tests.support.people import new_person
from tests.support.servers import Server

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
PAGES = sorted(path.stem for path in (Path(__file__).resolve().parents[2] / "pages").rglob("*.py"))
SECTIONS = "Shop", "Stripe", "Notifications", "Jobs"
# Streamlit puts captions between the items of the menu's list. Everything else is ours.
THEIRS = {"list": "stSidebarNavItems", "listitem": "<li class="}
HELD = ["heading-order", "page-has-heading-one"]
"""Rules of less weight that hold as well."""
DESKTOP, PHONE = ViewportSize(width=1280, height=720), ViewportSize(width=390, height=844)
WEIGHTY = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
HAS_FOCUS = "Boolean(document.activeElement.closest('[data-testid=stMain], [role=dialog]'))"
# The page's script begins a moment after its address changes. Its beginning is not seen when it ends at once.
GO = """address => new Promise((begun) => {
    const app = document.querySelector("[data-testid=stApp]");
    new MutationObserver(begun).observe(app, {attributeFilter: ["data-test-script-state"]});
    setTimeout(begun, 1000);
    history.pushState({}, "", address);
    dispatchEvent(new PopStateEvent("popstate"));
})"""
# Not in canvas: what Streamlit's tables tell screen readers is Streamlit's own, and costs more than the rest of a page.
# Text that still fades in has too little contrast for a moment. A fade begins one frame after its element is there.
# Behind an open dialog nothing is read, so the page's own heading does not count there.
LOOK = """async ([tags, held, only]) => {
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
    const fading = document.getAnimations().filter((each) => each.effect.getComputedTiming().endTime !== Infinity);
    await Promise.allSettled(fading.map((each) => each.finished));
    const runOnly = only.length ? {type: "rule", values: only} : {type: "tag", values: tags};
    const page = !document.querySelector("[role=dialog]");
    const kept = held.filter((name) => page || name !== "page-has-heading-one");
    const rules = only.length ? {} : Object.fromEntries(kept.map((name) => [name, {enabled: true}]));
    const found = await axe.run({exclude: ["canvas"]}, {runOnly, rules, resultTypes: ["violations"]});
    return found.violations.filter((each) => ["serious", "critical"].includes(each.impact) || held.includes(each.id))
        .map((each) => [each.id, each.nodes.map((node) => node.html)]);
}"""


@pytest.fixture(scope="module")
def desk(embedded: Server) -> Iterator[Desk]:
    """A dashboard of the sample shop: it has cases, refunds, runs and people. A count and a delivery begin here."""
    for shop in open_sample(embedded):
        shop.run(sessions.start, "Wanda", name="Monday", scope=Scope.EVERYTHING, key=key())
        sku = shop.sql("select min(sku) from public.product_variants")
        shop.run(changes.announce, "Wanda", lines=note.parse(f"{sku} 3\nNOBODY-KNOWS 2"), reference="LS-1", key=key())
        with open_desk(shop) as desk:
            yield desk


@pytest.fixture(scope="module")
def states(desk: Desk) -> list[str]:
    """The addresses of every page and of its main states."""

    def of(sql: str) -> str:
        found = desk.shop.sql(sql)
        assert found is not None, f"the shop has none: {sql}"
        return str(found)

    sku = of("select sku from public.product_variants where stock_quantity > 0 order by sku limit 1")
    shown = {
        "stock": [f"sku={sku}", "stk_view=Sizes", "new=1"],
        "orders": [f"order={of('select min(id) from stockroom.orders')}", "ord_view=Refunds"],
        "alerts": [f"alert={of('select min(id) from stockroom.alerts')}"],
        "counts": [f"count={of('select min(id) from stockroom.counts')}"],
        "deliveries": [f"delivery={of('select min(id) from stockroom.goods_deliveries')}"],
        "movements": [f"movement={of('select max(movement_id) from stockroom_api.movements')}"],
        "settings": [f"set_section={name}" for name in SECTIONS],
        "catalog": ["imp_section=Orders"],
    }
    pages = [name for name in PAGES if name != "scan"]
    return [f"/{name}{f'?{query}' if query else ''}" for name in pages for query in ("", *shown.get(name, []))]


def faults(tab: Page, *only: str) -> list[Any]:
    """What axe finds on the page of a tab under these rules or all, but for what is Streamlit's own."""
    found: list[list[Any]] = tab.evaluate(LOOK, [WEIGHTY, HELD, list(only)])
    ours = [(rule, [html for html in nodes if THEIRS.get(rule, "\0") not in html]) for rule, nodes in found]
    return [(rule, [html[:300] for html in nodes[:3]]) for rule, nodes in ours if nodes]


def looks(tab: Page) -> list[Any]:
    """What axe finds in light, in dark, where only colours differ, and on a phone."""
    found = faults(tab)
    tab.emulate_media(color_scheme="dark")
    found += faults(tab, "color-contrast")
    tab.set_viewport_size(PHONE)
    tab.emulate_media(color_scheme="light")
    found += faults(tab, "button-name", "link-name", "label", "scrollable-region-focusable")
    tab.set_viewport_size(DESKTOP)
    return found


def test_axe_finds_nothing_serious_on_any_page_in_light_in_dark_and_on_a_phone(desk: Desk, states: list[str]) -> None:
    tab = desk.tab()
    tab.emulate_media(color_scheme="light", reduced_motion="reduce")
    tab.add_init_script(AXE)
    tab.goto(f"{desk.url}/sign-in")
    seen = {"/sign-in": looks(tab)}
    desk.enter(tab, new_person(desk.shop, Role.ADMIN, password=None))
    title = tab.get_by_role("heading", level=1)
    titles = [title.inner_text()]
    for address in states:
        tab.evaluate(GO, address)
        if "?" not in address:  # another page, whose title is another one
            expect(title).not_to_have_text(titles[-1], timeout=30_000)
        settle(tab)
        titles.append(title.inner_text())
        seen[address] = faults(tab) if "?" in address else looks(tab)
        tab.evaluate("document.querySelector('.stockroom-skip').click()")
        assert tab.evaluate(HAS_FOCUS), f"the main action of {address} is not reached"
    tab.goto(f"{desk.url}/scan")  # a page of our own, which the address alone does not open
    seen["/scan"] = looks(tab)
    assert len(set(titles)) == len(PAGES) - 1, titles
    assert {address: found for address, found in seen.items() if found} == {}


def test_the_focus_that_follows_the_main_action_stays_on_the_page_where_it_was_asked_for(desk: Desk) -> None:
    tab = desk.tab()
    desk.enter(tab, new_person(desk.shop, Role.ADMIN, password=None), "/movements")
    tab.locator(".stockroom-skip").dispatch_event("click")
    assert tab.evaluate(HAS_FOCUS)
    tab.evaluate(GO, "/deliveries")
    action = tab.get_by_role("button", name="Receive now")
    action.wait_for(timeout=10_000)
    tab.wait_for_timeout(1_200)  # longer than the focus follows an action that is drawn late
    assert not action.evaluate("each => each === document.activeElement")
