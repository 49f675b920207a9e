"""A dashboard in a real browser: tabs that fail the test when a request would leave this machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Browser, BrowserContext, Page, Request, ViewportSize, sync_playwright

from core.people import administration as people
from tests.browser import chromium
from tests.support.builders import Shop
from tests.support.dashboards import serve
from tests.support.people import PASSWORD, id_of

IDLE = "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-threaded-animation",
    "--disable-smooth-scrolling",
    "--num-raster-threads=1",
    "--renderer-process-limit=1",
    "--process-per-site",  # the next tab has the scripts of the page already compiled
    # What was compiled is kept at once, not when it is loaded a third time. The pointers are Playwright's own settings.
    "--blink-settings=primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4,"
    "v8CacheOptions=3",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]


@dataclass
class Desk:
    """A running dashboard, its shop, and a browser."""

    url: str
    shop: Shop
    browser: Browser
    left: list[str] = field(default_factory=list)
    """Requests that would have left this machine."""
    _open: list[tuple[bool, BrowserContext]] = field(default_factory=list)
    _closed: dict[bool, list[BrowserContext]] = field(default_factory=lambda: {False: [], True: []})

    def tab(self, *, phone: bool = False) -> Page:
        """A tab of a browser without a session. Browsers are used again, because they keep the scripts of the page."""
        context = self._closed[phone].pop() if self._closed[phone] else self._new_context(phone)
        self._open.append((phone, context))
        return context.new_page()

    def _new_context(self, phone: bool) -> BrowserContext:
        viewport: ViewportSize | None = {"width": 390, "height": 844} if phone else None
        context = self.browser.new_context(viewport=viewport, reduced_motion="reduce")
        # Not a route: that would switch the cache off.
        context.on("request", self._note)
        context.new_page().goto(f"{self.url}/healthz")  # it stays open, and with it the process that the tabs share
        return context

    def _note(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.left.append(request.url)

    def close_tabs(self) -> None:
        """Close every tab but the first of each browser, and forget who was signed in."""
        for phone, context in self._open:
            for page in context.pages[1:]:
                page.close()
            context.clear_cookies()
            self._closed[phone].append(context)
        self._open.clear()

    def enter(self, tab: Page, email: str, path: str = "/") -> None:
        """Sign in with a one-time link and open a page."""
        self.admit(tab, email)
        tab.goto(f"{self.url}{path}")
        settle(tab)

    def admit(self, tab: Page, email: str, url: str = "") -> None:
        """Sign in with a one-time link, as its page does when its button is pressed, but draw no page."""
        link = self.shop.run(people.make_link, user_id=id_of(self.shop, email))
        url = url or self.url
        page = {"Origin": url}
        answer = tab.request.post(f"{url}/welcome", form={"token": link}, headers=page, max_redirects=0)
        assert answer.status == 303, answer.text()

    def sign_in(self, tab: Page, email: str, path: str = "/") -> None:
        """Open a page and sign in through the form, by keyboard alone."""
        tab.goto(f"{self.url}{path}")
        tab.get_by_label("Email").fill(email)
        tab.get_by_label("Password").fill(PASSWORD)
        tab.keyboard.press("Enter")
        settle(tab)


def settle(tab: Page) -> None:
    """Wait until the page's script has run."""
    tab.wait_for_selector(IDLE, timeout=30_000)


@contextmanager
def open_desk(shop: Shop, *, port: int | None = None, more: Mapping[str, str] | None = None) -> Iterator[Desk]:
    """Serve a shop's dashboard and open a browser beside it. With a port, under the name `localhost`."""
    with serve(shop.app_url, port=port, more=more) as address, open_browser() as browser:
        url = address.replace("127.0.0.1", "localhost") if port else address
        yield Desk(url=url, shop=shop, browser=browser)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Open a browser that reaches nothing but this machine."""
    path = chromium.find()
    assert path is not None, chromium.ADVICE
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()
