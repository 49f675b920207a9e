"""Two dashboards of one shop behind Caddy: one sign-in, sticky tabs, and a restart that nobody notices."""

from __future__ import annotations

import asyncio
import hmac
import io
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from PIL import Image
from playwright.sync_api import FilePayload, expect
from websockets.exceptions import ConnectionClosed

from core.database import embedded
from core.foundation.model import Role
from core.people import api_keys
from core.people.api_keys import Scope
from dashboard.door.gate import COOKIE
from tests.bench.browsing import Browser, View, Visit, open_browser
from tests.browser.browsing import Desk, settle
from tests.browser.browsing import open_browser as open_chromium
from tests.stripe.account import StripeAccount
from tests.support.builders import Shop
from tests.support.dashboards import free_ports
from tests.support.people import PASSWORD, new_person
from tests.support.servers import new_folder
from tests.support.shared.proxied import Dashboard, Proxied, caddy

PLACE, SECRET = "stockroom_process", "whsec_TheSecret"

pytestmark = pytest.mark.slow


@dataclass
class House:
    """A shop in one data folder, two dashboards on it, and the proxy."""

    shop: Shop
    dashboards: list[Dashboard]
    proxy: Proxied

    def client(self, **options: object) -> httpx.Client:
        return httpx.Client(base_url=self.proxy.url, verify=self.proxy.tls, timeout=30, **options)  # type: ignore[arg-type]

    @contextmanager
    def signed_in(self) -> Iterator[httpx.Client]:
        """A browser in which somebody has signed in."""
        with self.client(headers={"accept": "text/html"}) as client:
            form = {"email": new_person(self.shop), "password": PASSWORD}
            assert client.post("/sign-in", data=form, headers={"origin": self.proxy.url}).status_code == 303
            yield client

    def wait_for(self, dashboard: Dashboard) -> None:
        """Wait until the proxy sends visitors to this process, too."""
        for _ in range(600):
            with self.client() as client:
                client.get("/healthz")
                if client.cookies[PLACE] in place_of(dashboard):
                    return
            time.sleep(0.1)
        raise AssertionError("the proxy does not use this process")


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """Two dashboards that start at once on one empty data folder, as two `make run` with two ports do."""
    folder = new_folder()
    settings = {"STOCKROOM_DATA": str(folder / "data"), "STOCKROOM_SAMPLE": "0", "DATABASE_URL": ""}
    settings["STRIPE_WEBHOOK_SECRET"] = SECRET
    dashboards = [Dashboard(port, settings) for port in free_ports(2)]
    try:
        for each in dashboards:
            each.start()
        for each in dashboards:
            each.wait()
        with embedded.start(folder / "data") as server, caddy([each.port for each in dashboards]) as proxy:
            shop = Shop.open(server.app_url, server.owner_url)
            try:
                yield House(shop, dashboards, proxy)
            finally:
                shop.close()
                for each in dashboards:
                    each.stop()
    finally:
        for each in dashboards:
            each.stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_person_signs_in_once_and_every_process_knows_the_session(house: House) -> None:
    seen = set()
    with house.signed_in() as browser:
        assert [each.secure for each in browser.cookies.jar if each.name == COOKIE] == [True], (
            "https at the proxy counts"
        )
        for _ in range(20):
            browser.cookies.delete(PLACE)
            assert browser.get("/stock").status_code == 200
            seen.add(browser.cookies[PLACE])
    assert seen == {place_of(each).partition("=")[2] for each in house.dashboards}


def test_a_browser_stays_at_its_process(house: House) -> None:
    with house.signed_in() as browser:
        place = browser.cookies[PLACE]
        for _ in range(10):
            browser.get("/stock")
            assert browser.cookies[PLACE] == place


def test_a_visitors_own_forwarded_headers_do_not_count(house: House) -> None:
    email = new_person(house.shop)
    with house.client() as client:
        sent = {"origin": house.proxy.url, "x-forwarded-for": "203.0.113.9"}
        client.post("/sign-in", data={"email": email, "password": "wrong"}, headers=sent)
    query = "select distinct address from stockroom.sign_in_attempts where email = :email"
    assert {row.address for row in house.shop.rows(query, email=email)} <= {"127.0.0.1", "::1"}


def test_a_message_of_stripe_that_reaches_both_processes_is_stored_once(house: House) -> None:
    account = StripeAccount(SECRET)
    account.pay(9000)
    body, signature = next(account.deliveries())
    places, answers = set[str](), list[int]()
    with house.client() as stripe:
        while len(places) < 2 and len(answers) < 60:  # the proxy chooses by chance
            stripe.cookies.clear()
            signed = {"stripe-signature": signature}
            answers.append(stripe.post("/webhook/stripe", content=body, headers=signed).status_code)
            places.add(stripe.cookies[PLACE])
    assert (set(answers), len(places)) == ({200}, 2)
    assert house.shop.sql("select count(*) from stockroom.stripe_events where body = :body", body=body.decode()) == 1


def test_a_picture_is_uploaded_to_the_process_of_the_tab(house: House) -> None:
    shoe = house.shop.variant(3, sku="PIC-1", product="Picture shoe")
    drawn = io.BytesIO()
    Image.new("RGB", (60, 40), "red").save(drawn, "PNG")
    with open_chromium() as browser:
        desk, tab = (
            Desk(url=house.proxy.url, shop=house.shop, browser=browser),
            browser.new_page(ignore_https_errors=True),
        )
        desk.sign_in(tab, new_person(house.shop, Role.MANAGER), "/sign-in?next=/stock%3Fsku%3DPIC-1%26edit%3D1")
        picture = FilePayload(name="a.png", mimeType="image/png", buffer=drawn.getvalue())
        tab.locator("input[type=file]").set_input_files(picture)
        expect(tab.get_by_text("a.png")).to_be_visible(timeout=10_000)
        settle(tab)
        tab.get_by_role("button", name="Save", exact=True).click()
        expect(tab.get_by_role("img", name="Picture shoe")).to_be_visible(timeout=10_000)
    assert house.shop.sql("select count(*) from stockroom.variant_pictures where variant_id = :id", id=shoe) == 1


@dataclass
class Storefront:
    """A program that asks the API again and again, in threads, until it is stopped."""

    house: House
    answers: list[int | str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stopping = threading.Event()
        key = self.house.shop.run(api_keys.make, "Ada", name="Shop", scopes=[Scope.VALIDATE], rate_per_minute=100_000)
        self._headers = {"Authorization": f"Bearer {key}"}
        self._cart = {"items": [{"variantId": str(self.house.shop.variant(1)), "quantity": 1}]}
        self._threads = [threading.Thread(target=self._go_on) for _ in range(2)]

    def _go_on(self) -> None:
        with self.house.client(headers=self._headers) as client:
            while not self._stopping.is_set():
                try:
                    answer = client.post("/api/stock/validate", json=self._cart)
                    self.answers.append(answer.status_code if answer.json().get("valid") else answer.text)
                except httpx.HTTPError as error:
                    self.answers.append(repr(error))
                time.sleep(0.02)

    def __enter__(self) -> Storefront:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()


def place_of(dashboard: Dashboard) -> str:
    """The cookie by which the proxy knows the browsers of this process."""
    address = dashboard.url.removeprefix("http://")
    return f"{PLACE}={hmac.new(b'', address.encode(), 'sha256').hexdigest()}"


async def stay(tab: Browser, view: View) -> None:
    """Open the page again and again, until the connection ends: a process answers while it leaves."""
    while True:
        await tab.open(view)
        await asyncio.sleep(0.3)


async def restart(house: House, dashboard: Dashboard, token: str) -> None:
    """Restart a process at which a tab is open: the tab goes on at the other one."""
    view, visit, place = ("stock", "stk_q=Fern"), Visit(), place_of(dashboard)
    async with open_browser(house.proxy.url, token, visit, house.proxy.tls, place) as tab:
        await tab.open(view)
        dashboard.terminate()
        with pytest.raises((ConnectionClosed, ConnectionError)):
            await stay(tab, view)
    async with open_browser(house.proxy.url, token, visit, house.proxy.tls, place) as tab:
        await tab.open(view)
    assert visit.faults == []
    assert await asyncio.to_thread(dashboard.join) == 0
    dashboard.start()
    await asyncio.to_thread(dashboard.wait)
    await asyncio.to_thread(house.wait_for, dashboard)


def test_processes_restart_one_after_the_other_without_a_lost_session_or_request(house: House) -> None:
    with house.signed_in() as browser, Storefront(house) as storefront:
        for each in house.dashboards:
            asyncio.run(restart(house, each, browser.cookies[COOKIE]))
        assert browser.get("/stock").status_code == 200
    assert len(storefront.answers) > 50
    assert set(storefront.answers) == {200}
